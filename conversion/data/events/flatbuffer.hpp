// Just enough of FlatBuffers to read the four tables of AEDAT 4: a size-prefixed buffer with a file identifier, tables,
// scalars, strings, vectors of structs. Every offset is checked against the buffer before it is followed; what does not
// fit reads as absent. Deliberately not here: nested tables, unions, writing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "conversion/data/events/source.hpp"

namespace syn::data {

class FlatTable {
 public:
  // The root table of the buffer behind a 32-bit size, if it carries this identifier (four letters).
  static std::optional<FlatTable> root(ByteView sized, std::string_view identifier) {
    if (sized.size() < 4) return {};
    const auto size = little<std::uint32_t>(sized.data());
    if (size > sized.size() - 4 || size < 8) return {};
    const ByteView buffer = sized.subspan(4, size);
    if (std::string_view(reinterpret_cast<const char*>(buffer.data()) + 4, 4) != identifier) return {};
    return at(buffer, little<std::uint32_t>(buffer.data()));
  }

  template <class T>
  std::optional<T> scalar(unsigned field) const {
    const auto place = place_of(field, sizeof(T));
    if (!place) return {};
    return little<T>(buffer_.data() + *place);
  }

  // The elements of a vector of structs (or of a string: size 1) as they lie.
  std::optional<ByteView> vector(unsigned field, std::size_t element) const {
    const auto place = place_of(field, 4);
    if (!place) return {};
    const std::uint64_t start = *place + std::uint64_t{little<std::uint32_t>(buffer_.data() + *place)};
    if (start + 4 > buffer_.size()) return {};
    const std::uint64_t count = little<std::uint32_t>(buffer_.data() + start);
    if (count > (buffer_.size() - start - 4) / element) return {};
    return buffer_.subspan(start + 4, count * element);
  }

  // Whether the field is there at all: an absent vector is an empty one, a broken one is not.
  bool has(unsigned field) const { return place_of(field, 1).has_value(); }

 private:
  FlatTable(ByteView buffer, std::size_t table, std::size_t vtable, std::size_t vtable_size)
      : buffer_(buffer), table_(table), vtable_(vtable), vtable_size_(vtable_size) {}

  static std::optional<FlatTable> at(ByteView buffer, std::uint64_t table) {
    if (table + 4 > buffer.size()) return {};
    const std::int64_t vtable = static_cast<std::int64_t>(table) - little<std::int32_t>(buffer.data() + table);
    if (vtable < 0 || vtable + 4 > static_cast<std::int64_t>(buffer.size())) return {};
    const auto size = little<std::uint16_t>(buffer.data() + vtable);
    if (size < 4 || static_cast<std::uint64_t>(vtable) + size > buffer.size()) return {};
    return FlatTable(buffer, table, static_cast<std::size_t>(vtable), size);
  }

  std::optional<std::size_t> place_of(unsigned field, std::size_t size) const {
    const std::size_t slot = 4 + 2 * std::size_t{field};
    if (slot + 2 > vtable_size_) return {};
    const std::size_t offset = little<std::uint16_t>(buffer_.data() + vtable_ + slot);
    if (offset == 0 || table_ + offset + size > buffer_.size()) return {};
    return table_ + offset;
  }

  ByteView buffer_;
  std::size_t table_, vtable_, vtable_size_;
};

}  // namespace syn::data
