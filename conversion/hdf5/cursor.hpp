// Little-endian numbers from bytes that may end anywhere. Past the end everything is zero and ok() stays false, so that
// a structure is read in one go and asked once.
#pragma once

#include <algorithm>

#include "core/types.hpp"

namespace syn::hdf5 {

inline constexpr std::uint64_t kNowhere = ~std::uint64_t{0};  // HDF5's undefined address

class Cursor {
 public:
  explicit Cursor(ByteView bytes) : bytes_(bytes) {}

  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    const ByteView from = take(size);
    for (std::size_t i = from.size(); i-- > 0;) value = value << 8 | from[i];
    return value;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }

  // Empty, and no longer ok, when there is less.
  ByteView take(std::uint64_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const ByteView out = bytes_.first(static_cast<std::size_t>(size));
    bytes_ = bytes_.subspan(static_cast<std::size_t>(size));
    return out;
  }
  void skip(std::uint64_t size) { take(size); }
  bool take_text(std::string_view text) {
    const ByteView found = take(text.size());
    return found.size() == text.size() && std::equal(text.begin(), text.end(), found.begin());
  }
  ByteView rest() const { return bytes_; }
  std::size_t left() const { return bytes_.size(); }
  bool ok() const { return ok_; }

 private:
  ByteView bytes_;
  bool ok_ = true;
};

}  // namespace syn::hdf5
