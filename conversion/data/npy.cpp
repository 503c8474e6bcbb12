#include "conversion/data/npy.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::data {
namespace {

static_assert(std::endian::native == std::endian::little, "the numbers are copied as they lie");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kGreatestHeader = 4096;  // NumPy's own for these types is 128
constexpr std::size_t kGreatestRank = 8;
constexpr std::uintmax_t kGreatestFile = std::uintmax_t{4} << 30;
constexpr const char* kSave = "save it with numpy.save(file, numpy.ascontiguousarray(x, dtype='float32'))";

// The header is a Python dictionary with three keys, in any order. This reads exactly that and nothing else of Python.
class Header {
 public:
  explicit Header(std::string_view rest) : rest_(rest) {}

  std::optional<std::string> type;
  std::optional<bool> fortran;
  std::optional<std::vector<std::size_t>> shape;

  bool parse() {
    if (!take('{')) return false;
    while (!take('}')) {
      const auto key = quoted();
      if (!key || !take(':')) return false;
      if (*key == "descr" && !type) {
        if (!(type = quoted())) return false;
      } else if (*key == "fortran_order" && !fortran) {
        if (!(fortran = truth())) return false;
      } else if (*key == "shape" && !shape) {
        if (!(shape = tuple())) return false;
      } else {
        return false;
      }
      take(',');
    }
    blanks();
    return rest_.empty() && type && fortran && shape;
  }

 private:
  void blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  bool take(char c) {
    blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view word) {
    blanks();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::optional<std::string> quoted() {
    blanks();
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) return {};
    const std::size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) return {};
    std::string out(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return out;
  }
  std::optional<bool> truth() {
    if (take_word("True")) return true;
    if (take_word("False")) return false;
    return {};
  }
  std::optional<std::vector<std::size_t>> tuple() {
    if (!take('(')) return {};
    std::vector<std::size_t> out;
    while (!take(')')) {
      blanks();
      std::size_t dim = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      if (error != std::errc{} || out.size() == kGreatestRank) return {};
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      out.push_back(dim);
      if (!take(',') && (rest_.empty() || rest_.front() != ')')) return {};
    }
    return out;
  }

  std::string_view rest_;
};

template <class T>
void convert(ByteView from, std::vector<float>& to) {
  to.resize(from.size() / sizeof(T));
  for (std::size_t i = 0; i < to.size(); ++i) {
    T value;
    std::memcpy(&value, from.data() + i * sizeof(T), sizeof(T));
    to[i] = static_cast<float>(value);
  }
}

struct Type {
  std::string_view name;
  std::size_t size;
  void (*convert)(ByteView, std::vector<float>&);
};
constexpr std::array<Type, 6> kTypes{{{"<f4", 4, convert<float>},
                                      {"<f8", 8, convert<double>},
                                      {"|u1", 1, convert<std::uint8_t>},
                                      {"<u1", 1, convert<std::uint8_t>},
                                      {"<i4", 4, convert<std::int32_t>},
                                      {"<i8", 8, convert<std::int64_t>}}};

// Everything before the numbers, at least `least` bytes.
Bytes header_of(std::span<const std::size_t> shape, std::string_view type, std::size_t least) {
  std::string dims;
  for (const std::size_t dim : shape) dims += text::cat(dim, ", ");
  if (!dims.empty()) dims.resize(dims.size() - (shape.size() == 1 ? 1 : 2));  // a tuple of one keeps its comma
  std::string header = text::cat("{'descr': '", type, "', 'fortran_order': False, 'shape': (", dims, "), }");
  // NumPy wants the data on a 64-byte boundary and the header to end in a newline.
  const std::size_t fixed = kMagic.size() + 4;
  header.append(63 - (fixed + header.size()) % 64, ' ');
  if (fixed + header.size() + 1 < least) header.append(least - 1 - fixed - header.size(), ' ');
  header += '\n';
  Bytes out(fixed + header.size());
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  out[6] = 1;
  out[8] = static_cast<std::uint8_t>(header.size() & 255);
  out[9] = static_cast<std::uint8_t>(header.size() >> 8);
  std::memcpy(out.data() + fixed, header.data(), header.size());
  return out;
}

template <class T>
Bytes write(std::span<const std::size_t> shape, std::span<const T> values, std::string_view type) {
  std::size_t size = 1;
  for (const std::size_t dim : shape) size *= dim;
  SYN_ASSERT(size == values.size(), size, values.size());
  Bytes out = header_of(shape, type, 0);
  const std::size_t start = out.size();
  out.resize(start + values.size_bytes());
  if (!values.empty()) std::memcpy(out.data() + start, values.data(), values.size_bytes());
  return out;
}

}  // namespace

Expected<Array> read_npy(ByteView bytes, const std::string& where) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!all.starts_with(kMagic)) return fail("not a .npy file", where, kSave);
  if (bytes.size() < 12) return fail("the file ends inside the .npy header", where, kSave);
  const int version = bytes[6];
  if (version != 1 && version != 2)
    return fail(text::cat("version ", version, " of .npy is not supported"), where, kSave);
  const std::size_t start = version == 1 ? 10 : 12;
  const std::size_t length = version == 1 ? bytes[8] | std::size_t{bytes[9]} << 8
                                          : bytes[8] | std::size_t{bytes[9]} << 8 | std::size_t{bytes[10]} << 16 |
                                                std::size_t{bytes[11]} << 24;
  if (length > kGreatestHeader)
    return fail(text::cat("a .npy header of ", length, " bytes is not one of plain numbers"), where, kSave);
  if (length > bytes.size() - start) return fail("the file ends inside the .npy header", where, kSave);

  Header header(all.substr(start, length));
  if (!header.parse()) return fail("the .npy header is damaged", where, kSave);
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(), [&](const Type& t) { return t.name == *header.type; });
  if (type == kTypes.end()) {
    return fail(
        text::cat("numbers of type '", *header.type, "' are not supported (float32, float64, uint8, int32, int64 are)"),
        where, kSave);
  }
  const std::size_t body = bytes.size() - start - length;
  std::size_t size = type->size;
  bool too_much = false, empty = false;
  for (const std::size_t dim : *header.shape) empty = empty || dim == 0;
  for (const std::size_t dim : *header.shape) {
    if (empty || too_much) break;
    too_much = dim > body / size;
    size *= too_much ? 1 : dim;
  }
  if (empty) size = 0;
  if (too_much || size != body) {
    return fail(text::cat("the header declares ", too_much ? "more than " : "", size,
                          " bytes of numbers, the file holds ", body),
                where, kSave);
  }
  if (*header.fortran && header.shape->size() > 1) return fail("the array is in Fortran order", where, kSave);
  Array out{.shape = std::move(*header.shape), .values = {}, .type = std::move(*header.type)};
  type->convert(bytes.subspan(start + length), out.values);
  return out;
}

Expected<Array> read_npy(const std::filesystem::path& file) {
  const std::string where = file.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return fail("no such file", where, "check the path");
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error || size > kGreatestFile) return fail("the file is larger than 4 GiB", where, "split it");
  Bytes bytes(size);
  std::ifstream in(file, std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    return fail("the file cannot be read", where, "check its permissions");
  }
  return read_npy(bytes, where);
}

Bytes npy_header(std::span<const std::size_t> shape, std::string_view type) {
  return header_of(shape, type, 256);  // five axes of 20 digits and the rest of the dictionary take 174
}

Bytes write_npy(std::span<const std::size_t> shape, std::span<const float> values) {
  return write<float>(shape, values, "<f4");
}
Bytes write_npy(std::span<const std::size_t> shape, std::span<const std::int32_t> values) {
  return write<std::int32_t>(shape, values, "<i4");
}

}  // namespace syn::data
