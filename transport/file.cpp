#include "transport/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace syn {

File::~File() {
  if (number_ >= 0) ::close(number_);
}

bool File::write_all(ByteView bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::write(number_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

bool File::sync() const {
  return ::fsync(number_) == 0;
}

std::optional<Bytes> File::read_all(std::size_t most) const {
  struct stat facts {};
  if (::fstat(number_, &facts) != 0) return std::nullopt;
  if (facts.st_size < 0 || static_cast<std::uint64_t>(facts.st_size) > most) {
    errno = EFBIG;
    return std::nullopt;
  }
  Bytes out(static_cast<std::size_t>(facts.st_size));
  std::size_t at = 0;
  while (at < out.size()) {
    const ssize_t n = ::pread(number_, out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;  // it shrank meanwhile
    at += static_cast<std::size_t>(n);
  }
  out.resize(at);
  return out;
}

}  // namespace syn
