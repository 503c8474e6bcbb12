#include "conversion/data/events/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::data {

namespace {
constexpr std::size_t kStep = std::size_t{1} << 20;
}

Expected<ByteSource> ByteSource::file(const std::filesystem::path& path) {
  ByteSource out(path.string());
  out.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (out.descriptor_ < 0) {
    if (errno == ENOENT) return fail("no such file", out.name_, "check the path");
    return fail(text::cat("the file cannot be opened: ", std::strerror(errno)), out.name_, "check its permissions");
  }
  struct stat info {};
  if (::fstat(out.descriptor_, &info) == 0) {
    if (S_ISDIR(info.st_mode)) return fail("this is a folder, not a recording", out.name_, "name one file in it");
    if (S_ISREG(info.st_mode)) out.size_ = static_cast<std::uint64_t>(info.st_size);
  }
  return out;
}

ByteSource ByteSource::memory(ByteView bytes, std::string name) {
  ByteSource out(std::move(name));
  out.memory_ = bytes;
  out.size_ = bytes.size();
  return out;
}

ByteSource::ByteSource(ByteSource&& other) noexcept {
  *this = std::move(other);
}
ByteSource& ByteSource::operator=(ByteSource&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(memory_, other.memory_);
  std::swap(buffer_, other.buffer_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(offset_, other.offset_);
  std::swap(size_, other.size_);
  return *this;
}
ByteSource::~ByteSource() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string ByteSource::where() const {
  return text::cat(name_, ", byte ", offset_);
}

Expected<ByteView> ByteSource::peek(std::size_t n) {
  if (descriptor_ < 0) return memory_.subspan(offset_, std::min(n, memory_.size() - offset_));
  while (end_ - begin_ < n) {
    if (begin_ > 0 && (begin_ == end_ || buffer_.size() - end_ < kStep)) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < kStep) buffer_.resize(end_ + kStep);
    const ssize_t got = ::read(descriptor_, buffer_.data() + end_, kStep);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(text::cat("reading failed: ", std::strerror(errno)), where(), "check the disk");
    if (got == 0) break;
    end_ += static_cast<std::size_t>(got);
  }
  return ByteView(buffer_).subspan(begin_, std::min(n, end_ - begin_));
}

void ByteSource::skip(std::size_t n) {
  if (descriptor_ < 0) {
    SYN_ASSERT(n <= memory_.size() - offset_, n);
  } else {
    SYN_ASSERT(n <= end_ - begin_, n, end_ - begin_);
    begin_ += n;
  }
  offset_ += n;
}

Expected<bool> ByteSource::drop(std::uint64_t n) {
  while (n > 0) {
    const auto got = peek(static_cast<std::size_t>(std::min<std::uint64_t>(n, kStep)));
    if (!got) return fail(got.error());
    if (got->empty()) return false;
    const std::size_t part = got->size();
    skip(part);
    n -= part;
  }
  return true;
}

Expected<std::optional<std::string>> ByteSource::line(std::size_t longest) {
  const auto view = peek(longest + 1);
  if (!view) return fail(view.error());
  const auto end = std::find(view->begin(), view->end(), '\n');
  const bool last = end == view->end();
  if (view->empty() || (last && view->size() > longest)) return std::optional<std::string>{};
  std::string text(view->begin(), end);
  skip(text.size() + (last ? 0 : 1));
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return std::optional(std::move(text));
}

Expected<> ByteSource::rewind() {
  if (!can_rewind()) return fail("a pipe cannot be read twice", name_, "save it to a file first, or name the sensor");
  if (descriptor_ >= 0 && ::lseek(descriptor_, 0, SEEK_SET) < 0) {
    return fail(text::cat("rewinding failed: ", std::strerror(errno)), name_, "check the disk");
  }
  begin_ = end_ = 0;
  offset_ = 0;
  return {};
}

}  // namespace syn::data
