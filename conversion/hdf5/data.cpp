#include "conversion/hdf5/data.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "conversion/hdf5/chunks.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"

namespace syn::hdf5 {
namespace {

double half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? std::nan("") : sign * HUGE_VAL;
  return sign * (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
}

double number(const Datatype& type, const std::uint8_t* at) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < type.size; ++i) bits = bits << 8 | at[type.big_endian ? i : type.size - 1 - i];
  if (type.kind == Datatype::Kind::real) {
    if (type.size == 8) return std::bit_cast<double>(bits);
    if (type.size == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    return half(static_cast<std::uint16_t>(bits));
  }
  if (!type.is_signed) return static_cast<double>(bits);
  const int shift = 64 - 8 * static_cast<int>(type.size);
  return static_cast<double>(static_cast<std::int64_t>(bits << shift) >> shift);
}

Element element_of(Datatype::Kind kind, std::uint32_t size) {
  if (kind == Datatype::Kind::integer) return Element::int64;
  return size == 8 ? Element::float64 : Element::float32;
}

Numbers numbers(const Datatype& type, ByteView bytes) {
  Numbers out;
  out.element = element_of(type.kind, type.size);
  out.values.resize(bytes.size() / type.size);
  for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] = number(type, bytes.data() + i * type.size);
  return out;
}

std::optional<Sequences> sequences(File& file, const Datatype& type, ByteView bytes) {
  Sequences out{.element = element_of(type.element, type.element_size),
                .size = static_cast<std::uint8_t>(type.element_size),
                .is_signed = type.is_signed,
                .big_endian = type.big_endian};
  if (!file.take_memory(bytes.size() / type.size * sizeof(ByteView))) return {};
  for (std::size_t i = 0; i < bytes.size(); i += type.size) {
    Cursor in(bytes.subspan(i, type.size));
    const std::uint64_t length = in.u32(), collection = in.u64();
    const std::uint32_t index = in.u32();
    out.values.emplace_back();
    if (length == 0) continue;
    const auto found = file.heap_piece(collection, index);
    if (!found) return {};
    if (length > found->size() / type.element_size) return file.refuse("a sequence is cut short");
    out.values.back() = found->first(static_cast<std::size_t>(length * type.element_size));
  }
  return out;
}

std::optional<Texts> texts(File& file, const Datatype& type, ByteView bytes) {
  Texts out;
  for (std::size_t i = 0; i < bytes.size(); i += type.size) {
    ByteView piece = bytes.subspan(i, type.size);
    if (type.kind == Datatype::Kind::variable_text) {
      Cursor in(piece);
      const std::uint64_t length = in.u32(), collection = in.u64();
      const std::uint32_t index = in.u32();
      piece = {};
      if (length > 0) {
        const auto found = file.heap_piece(collection, index);
        if (!found) return {};
        if (length > found->size()) return file.refuse("a text is cut short");
        piece = found->first(static_cast<std::size_t>(length));
      }
    }
    if (!file.take_memory(sizeof(std::string) + piece.size())) return {};
    std::string text(piece.begin(), piece.end());
    if (const auto end = text.find('\0'); end != std::string::npos) text.resize(end);
    if (type.space_padded) text.erase(text.find_last_not_of(' ') + 1);
    if (!is_utf8(text)) return file.refuse("a text is not UTF-8");
    out.values.push_back(std::move(text));
  }
  return out;
}

}  // namespace

double Sequences::number(std::size_t i, std::size_t k) const {
  const Datatype type{.kind = element == Element::int64 ? Datatype::Kind::integer : Datatype::Kind::real,
                      .size = size,
                      .is_signed = is_signed,
                      .big_endian = big_endian};
  return hdf5::number(type, values[i].data() + k * size);
}

bool Sequences::operator==(const Sequences& other) const {
  if (shape != other.shape || element != other.element || values.size() != other.values.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (length(i) != other.length(i)) return false;
    for (std::size_t k = 0; k < length(i); ++k) {
      if (number(i, k) != other.number(i, k)) return false;
    }
  }
  return true;
}

std::optional<Item> read_array(File& file, const Object& object) {
  if (object.type && !object.shape && !object.layout) return file.unsupported("a named type");
  if (!object.shape || !object.type || !object.layout) return file.refuse("it is neither a group nor an array");
  const Datatype& type = *object.type;
  const Layout& layout = *object.layout;
  std::uint64_t bytes = type.size;
  bool empty = false;
  for (const std::uint64_t dim : *object.shape) empty = empty || dim == 0;
  for (const std::uint64_t dim : *object.shape) {
    if (empty) break;
    if (dim > (std::uint64_t{1} << 40) / bytes) return file.refuse("an array declares more than a terabyte");
    bytes *= dim;
  }
  if (empty) bytes = 0;
  if (object.shape->empty() && layout.kind == Layout::Kind::chunked)
    return file.refuse("chunks do not fit their array");
  if (!object.filters.empty() && layout.kind != Layout::Kind::chunked) return file.refuse("filters without chunks");

  ByteView raw;
  Bytes gathered;
  if (bytes == 0) {
  } else if (layout.kind == Layout::Kind::chunked) {
    auto chunks = read_chunks(file, object, bytes);
    if (!chunks) return {};
    gathered = std::move(*chunks);
    raw = gathered;
  } else if (layout.kind == Layout::Kind::compact) {
    raw = layout.data;
  } else {
    if (layout.address == kNowhere) return file.unsupported("an array that was never written");
    const auto found = file.at(layout.address, bytes, "an array");
    if (!found) return {};
    raw = *found;
  }
  if (raw.size() < bytes) return file.refuse(text::cat("an array declares ", bytes, " bytes and has ", raw.size()));
  raw = raw.first(static_cast<std::size_t>(bytes));

  std::vector<std::size_t> shape(object.shape->begin(), object.shape->end());
  if (type.kind == Datatype::Kind::integer || type.kind == Datatype::Kind::real) {
    if (!file.take_memory(bytes / type.size * sizeof(double))) return {};
    Numbers out = numbers(type, raw);
    out.shape = std::move(shape);
    return Item{std::move(out)};
  }
  if (type.kind == Datatype::Kind::sequence) {
    auto found = sequences(file, type, raw);
    if (!found) return {};
    found->shape = std::move(shape);
    return Item{std::move(*found)};
  }
  auto out = texts(file, type, raw);
  if (!out) return {};
  out->shape = std::move(shape);
  return Item{std::move(*out)};
}

}  // namespace syn::hdf5
