// A POSIX file descriptor with one owner, and the few whole-file operations of this room. errno says what went wrong.
#pragma once

#include <optional>

#include "core/types.hpp"

namespace syn {

class File {
 public:
  explicit File(int number) : number_(number) {}
  ~File();
  File(File&& o) noexcept : number_(o.number_) { o.number_ = -1; }
  File& operator=(File&&) = delete;

  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  bool write_all(ByteView bytes) const;
  bool sync() const;
  // From the beginning; nullopt if there are more than `most` bytes (EFBIG) or on an error.
  std::optional<Bytes> read_all(std::size_t most) const;

 private:
  int number_;
};

}  // namespace syn
