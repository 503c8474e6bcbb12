// Header messages, by the HDF5 File Format Specification 3.0, section IV.A.2.
#include "conversion/hdf5/object.hpp"

#include "core/text.hpp"

namespace syn::hdf5 {
namespace {

constexpr std::size_t kGreatestRank = 8;
constexpr const char* kCut = "a header message is cut short";

std::string dataspace(Object& object, Cursor in) {
  const int version = in.u8();
  const std::size_t rank = in.u8();
  in.skip(1);  // flags: maximum sizes may follow the sizes
  if (version == 1) {
    in.skip(5);
  } else if (version == 2) {
    if (in.u8() == 2) return "it has no value (a null dataspace)";
  } else {
    return text::cat("version ", version, " of a dataspace");
  }
  if (rank > kGreatestRank) return text::cat("an array of ", rank, " axes");
  std::vector<std::uint64_t> shape;
  for (std::size_t i = 0; i < rank; ++i) shape.push_back(in.u64());
  if (!in.ok()) return kCut;
  object.shape = std::move(shape);
  return {};
}

struct Ieee {
  std::uint32_t size;
  std::uint8_t sign, exponent_at, exponent_bits, mantissa_bits;
  std::uint32_t bias;
};
constexpr std::array<Ieee, 3> kIeee{{{2, 15, 10, 5, 10, 15}, {4, 31, 23, 8, 23, 127}, {8, 63, 52, 11, 52, 1023}}};

std::string datatype(Datatype& type, Cursor in) {
  const std::uint8_t head = in.u8();
  const int kind = head & 15;
  const std::uint32_t bits = in.u8() | std::uint32_t{in.u8()} << 8 | std::uint32_t{in.u8()} << 16;
  type.size = in.u32();
  if (!in.ok() || type.size == 0) return kCut;
  switch (kind) {
    case 0: {
      const int offset = in.u16(), precision = in.u16();
      if (!in.ok()) return kCut;
      if (offset != 0 || type.size > 8 || (type.size & (type.size - 1)) != 0 || precision != int(8 * type.size))
        return "integers of an unusual width";
      type.kind = Datatype::Kind::integer;
      type.big_endian = bits & 1;
      type.is_signed = bits & 8;
      return {};
    }
    case 1: {
      const int offset = in.u16(), precision = in.u16();
      const std::uint8_t exponent_at = in.u8(), exponent_bits = in.u8(), mantissa_at = in.u8(), mantissa_bits = in.u8();
      const std::uint32_t bias = in.u32();
      if (!in.ok()) return kCut;
      for (const Ieee& ieee : kIeee) {
        if (type.size == ieee.size && offset == 0 && precision == int(8 * ieee.size) &&
            exponent_at == ieee.exponent_at && exponent_bits == ieee.exponent_bits && mantissa_at == 0 &&
            mantissa_bits == ieee.mantissa_bits && bias == ieee.bias && (bits >> 8 & 255) == ieee.sign &&
            (bits >> 4 & 3) == 2 && !(bits & 64)) {
          type.kind = Datatype::Kind::real;
          type.big_endian = bits & 1;
          return {};
        }
      }
      return "floating-point numbers that are not IEEE float16, float32 or float64";
    }
    case 3:
      type.kind = Datatype::Kind::fixed_text;
      type.space_padded = (bits & 15) == 2;
      return {};
    case 8: {  // an enumeration is read as its integers (h5py's bool)
      const std::uint32_t size = type.size;
      const int version = head >> 4;
      if (version < 1 || version > 3) return text::cat("version ", version, " of a datatype");
      Datatype base;
      if ((in.rest().empty() || (in.rest()[0] & 15) != 0)) return "an enumeration of something other than integers";
      if (auto why = datatype(base, in); !why.empty()) return why;
      if (base.size != size) return "an enumeration of an unusual width";
      type = base;
      return {};
    }
    case 9:
      if ((bits & 15) == 0) {
        if (type.size != 16) return "sequences of varying length with addresses of other than 8 bytes";
        if (in.rest().empty() || (in.rest()[0] & 15) > 1) return "sequences of something other than numbers";
        Datatype base;
        if (auto why = datatype(base, in); !why.empty()) return why;
        type.kind = Datatype::Kind::sequence;
        type.is_signed = base.is_signed;
        type.big_endian = base.big_endian;
        type.element = base.kind;
        type.element_size = base.size;
        return {};
      }
      if ((bits & 15) != 1) return "an unknown kind of varying length";
      if (type.size != 16) return "text of varying length with addresses of other than 8 bytes";
      type.kind = Datatype::Kind::variable_text;
      return {};
    default:
      break;
  }
  constexpr const char* kNames[] = {
      "", "", "times", "", "bit fields", "opaque bytes", "compound values", "references", "", "", "arrays as elements"};
  return kind < 11 ? kNames[kind] : "an unknown datatype";
}

std::string layout(Object& object, Cursor in) {
  const int version = in.u8();
  if (version != 3 && version != 4) return text::cat("storage of version ", version);
  const int kind = in.u8();
  Layout out;
  if (kind == 0) {
    out.kind = Layout::Kind::compact;
    out.data = in.take(in.u16());
    out.size = out.data.size();
  } else if (kind == 1) {
    out.kind = Layout::Kind::contiguous;
    out.address = in.u64();
    out.size = in.u64();
  } else if (kind == 2 && version == 3) {
    out.kind = Layout::Kind::chunked;
    const std::size_t axes = in.u8();
    out.address = in.u64();
    if (axes < 2 || axes > kGreatestRank + 1) return text::cat("chunks of ", axes, " axes");
    for (std::size_t i = 0; i + 1 < axes; ++i) {
      out.chunk.push_back(in.u32());
      if (out.chunk.back() == 0) return "chunks without elements";
    }
    out.size = in.u32();  // of one element
  } else {
    return kind == 2 ? "chunks as libver='latest' stores them" : kind == 3 ? "virtual storage" : "unknown storage";
  }
  if (!in.ok()) return kCut;
  object.layout = std::move(out);
  return {};
}

std::string filters(Object& object, Cursor in) {
  const int version = in.u8();
  const int count = in.u8();
  if (version != 1 && version != 2) return text::cat("version ", version, " of filters");
  if (count > 8) return text::cat(count, " filters");
  if (version == 1) in.skip(6);
  for (int i = 0; i < count; ++i) {
    Filter filter;
    filter.id = in.u16();
    const std::size_t name = version == 1 || filter.id >= 256 ? in.u16() : 0;
    in.skip(2);  // flags
    const std::size_t parameters = in.u16();
    in.skip(version == 1 ? (name + 7) / 8 * 8 : name);
    if (parameters > 64) return text::cat("a filter with ", parameters, " parameters");
    for (std::size_t k = 0; k < parameters; ++k) filter.parameters.push_back(in.u32());
    if (version == 1 && parameters % 2 == 1) in.skip(4);
    if (!in.ok()) return kCut;
    if (filter.id != kDeflate && filter.id != kShuffle) {
      const char* known = filter.id == 3       ? " (fletcher32)"
                          : filter.id == 4     ? " (szip)"
                          : filter.id == 5     ? " (nbit)"
                          : filter.id == 6     ? " (scale-offset)"
                          : filter.id == 32000 ? " (lzf)"
                                               : "";
      return text::cat("filter ", filter.id, known);
    }
    object.filters.push_back(std::move(filter));
  }
  return {};
}

std::string link(Object& object, Cursor in) {
  if (in.u8() != 1) return "an unknown kind of link";
  const int flags = in.u8();
  const int kind = flags & 8 ? in.u8() : 0;
  if (flags & 4) in.skip(8);
  if (flags & 16) in.skip(1);
  const ByteView name = in.take(in.number(std::size_t{1} << (flags & 3)));
  if (!in.ok()) return kCut;
  if (kind != 0) return kind == 64 ? "a link to another file" : "a soft link";
  const std::uint64_t address = in.u64();
  if (!in.ok()) return kCut;
  object.links.emplace_back(std::string(name.begin(), name.end()), address);
  object.compact_group = true;
  return {};
}

std::string link_info(Object& object, Cursor in) {
  if (in.u8() != 0) return "an unknown kind of group";
  if (in.u8() & 1) in.skip(8);
  const std::uint64_t heap = in.u64();
  if (!in.ok()) return kCut;
  if (heap != kNowhere) return "a large group as libver='latest' stores it";
  object.compact_group = true;
  return {};
}

}  // namespace

std::string take_message(Object& object, std::uint16_t type, std::uint8_t flags, ByteView body) {
  const Cursor in(body);
  const bool shared = flags & 2;
  if (shared && (type == 1 || type == 3 || type == 8 || type == 11)) return "a shared header message (a named type)";
  switch (type) {
    case 0x01:
      return dataspace(object, in);
    case 0x02:
      return link_info(object, in);
    case 0x03: {
      Datatype out;
      std::string why = datatype(out, in);
      if (why.empty()) object.type = out;
      return why;
    }
    case 0x06:
      return link(object, in);
    case 0x07:
      return "data in another file";
    case 0x08:
      return layout(object, in);
    case 0x0b:
      return filters(object, in);
    case 0x11: {
      Cursor at = in;
      SymbolTable table;
      table.tree = at.u64();
      table.heap = at.u64();
      if (!at.ok()) return kCut;
      object.table = table;
      return {};
    }
    default:
      return flags & 128 ? text::cat("header message ", type) : std::string{};
  }
}

}  // namespace syn::hdf5
