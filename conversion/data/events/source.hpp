// Bytes from a file, a pipe or memory, looked at before they are taken. Memory is taken for what has arrived, never for
// what a header promises.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::data {

class ByteSource {
 public:
  static Expected<ByteSource> file(const std::filesystem::path& path);
  static ByteSource memory(ByteView bytes, std::string name);  // the bytes must outlive it
  ByteSource(ByteSource&&) noexcept;
  ByteSource& operator=(ByteSource&&) noexcept;
  ~ByteSource();

  const std::string& name() const { return name_; }
  std::uint64_t offset() const { return offset_; }             // of the first byte not taken yet
  std::optional<std::uint64_t> size() const { return size_; }  // absent: a pipe
  std::string where() const;                                   // "name, byte 123", for errors

  // The next `n` bytes, fewer only at the end; valid until the next call.
  Expected<ByteView> peek(std::size_t n);
  void skip(std::size_t n);              // at most as many as the last peek gave
  Expected<bool> drop(std::uint64_t n);  // any number; false: the end came first
  // One line without its end, taken; absent at the end, and when there is no end of line within `longest` bytes.
  Expected<std::optional<std::string>> line(std::size_t longest);

  bool can_rewind() const { return size_.has_value(); }
  Expected<> rewind();  // a pipe cannot: an error

 private:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}

  std::string name_;
  int descriptor_ = -1;  // -1: memory
  ByteView memory_;
  std::vector<std::uint8_t> buffer_;  // [begin_, end_) is what has arrived and is not taken
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t offset_ = 0;
  std::optional<std::uint64_t> size_;
};

// Little- and big-endian numbers at a place that is known to be long enough.
template <class T>
T little(const std::uint8_t* at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) value = static_cast<T>(value << 8 | at[i]);
  return value;
}
inline std::uint32_t big32(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

}  // namespace syn::data
