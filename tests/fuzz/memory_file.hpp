// Bytes as a file that has a path but no disk, for readers that want to open what they read.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "core/types.hpp"

namespace syn::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(ByteView bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    SYN_ASSERT(fd_ >= 0);
    for (std::size_t done = 0; done < bytes.size();) {
      const auto wrote = ::write(fd_, bytes.data() + done, bytes.size() - done);
      SYN_ASSERT(wrote > 0);
      done += static_cast<std::size_t>(wrote);
    }
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return text::cat("/proc/self/fd/", fd_); }

 private:
  int fd_;
};

}  // namespace syn::fuzz
