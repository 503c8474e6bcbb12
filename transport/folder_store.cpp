#include "transport/folder_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/assert.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "transport/file.hpp"

namespace syn {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHead = 12;

void check_name(std::string_view name) {
  constexpr std::string_view kLegal = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
  SYN_ASSERT(!name.empty() && name.size() <= 64 && name.find_first_not_of(kLegal) == std::string_view::npos &&
                 name != "." && name != "..",
             name);
}

std::unexpected<Error> trouble(std::string_view doing, const fs::path& path) {
  return fail(text::cat(doing, " failed: ", std::strerror(errno)), path.string(),
              "check that the disk has room and works, and that the folder belongs to this user");
}

bool sync_folder(const fs::path& path) {
  const File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder && folder.sync();
}

std::array<std::uint8_t, 8> checksum(std::uint32_t length, ByteView content) {
  Sha256 hash;
  hash.add_u32(length);
  hash.add(content);
  const auto digest = hash.finish();
  std::array<std::uint8_t, 8> out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

// Hands every whole record to `each` and returns where the last one ends; nullopt where something that was durable
// cannot be read any more.
template <class Each>
std::optional<std::size_t> walk(ByteView file, Each each) {
  std::size_t at = 0;
  while (file.size() - at >= kHead) {
    std::uint32_t length;
    std::memcpy(&length, file.data() + at, 4);
    const std::size_t room = file.size() - at - kHead;
    if (length <= room) {
      const ByteView content = file.subspan(at + kHead, length);
      if (std::ranges::equal(checksum(length, content), file.subspan(at + 4, 8))) {
        each(content);
        at += kHead + length;
        continue;
      }
    }
    // Every append is synced before the next begins, so only the last record can be torn: one that would reach the end
    // of the file or beyond. A length of zero is a head that never got to the disk.
    if (length >= room || length == 0) return at;
    return std::nullopt;
  }
  return at;
}

std::unexpected<Error> damaged(const fs::path& path) {
  return fail("a stored record is damaged", path.string(),
              "the disk is failing: replace it; to go on without what was remembered, remove the file");
}

}  // namespace

Expected<std::unique_ptr<FolderStore>> FolderStore::open(Loop& loop, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder.parent_path().empty() ? "." : folder.parent_path(), error);
  for (const fs::path& path : {folder, folder / "values", folder / "records"}) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return trouble("making the state folder", path);
  }
  if (!sync_folder(folder)) return trouble("syncing the state folder", folder);
  if (::access((folder / "values").c_str(), W_OK | X_OK) != 0) return trouble("opening the state folder", folder);
  return std::unique_ptr<FolderStore>(new FolderStore(loop, folder));
}

Expected<std::optional<Bytes>> FolderStore::load(std::string_view name) {
  check_name(name);
  const fs::path path = folder_ / "values" / name;
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::optional<Bytes>();
  if (!file) return trouble("reading", path);
  auto bytes = file.read_all(kMost);
  if (!bytes) return trouble("reading", path);
  return bytes;
}

Expected<std::vector<Bytes>> FolderStore::records(std::string_view name) {
  check_name(name);
  const fs::path path = folder_ / "records" / name;
  std::vector<Bytes> out;
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return out;
  if (!file) return trouble("reading", path);
  const auto bytes = file.read_all(kMost);
  if (!bytes) return trouble("reading", path);
  const auto end = walk(*bytes, [&](ByteView content) { out.emplace_back(content.begin(), content.end()); });
  if (!end) return damaged(path);
  return out;
}

Expected<> FolderStore::replace_now(std::string_view name, ByteView bytes) {
  const fs::path path = folder_ / "values" / name;
  const fs::path temporary = folder_ / "values" / text::cat("~", name);
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file || !file.write_all(bytes) || !file.sync()) return trouble("writing", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return trouble("renaming", temporary);
  if (!sync_folder(folder_ / "values")) return trouble("syncing", folder_ / "values");
  return {};
}

Expected<> FolderStore::append_now(std::string_view name, ByteView record) {
  const fs::path path = folder_ / "records" / name;
  const File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return trouble("opening", path);
  auto known = ends_.find(name);
  if (known == ends_.end()) {  // the first append since the start: what a power cut has torn is behind `end`
    const auto bytes = file.read_all(kMost);
    if (!bytes) return trouble("reading", path);
    const auto end = walk(*bytes, [](ByteView) {});
    if (!end) return damaged(path);
    if (*end < bytes->size() && (::ftruncate(file.number(), static_cast<off_t>(*end)) != 0 || !file.sync())) {
      return trouble("cutting off a torn record of", path);
    }
    if (!sync_folder(folder_ / "records")) return trouble("syncing", folder_ / "records");
    known = ends_.emplace(name, *end).first;
  }
  if (record.size() > kMost || known->second + kHead + record.size() > kMost) {
    errno = EFBIG;
    return trouble("appending to", path);
  }
  Bytes framed(kHead);
  const auto length = static_cast<std::uint32_t>(record.size());
  const auto sum = checksum(length, record);
  std::memcpy(framed.data(), &length, 4);
  std::copy(sum.begin(), sum.end(), framed.begin() + 4);
  framed.insert(framed.end(), record.begin(), record.end());
  if (::lseek(file.number(), static_cast<off_t>(known->second), SEEK_SET) < 0 || !file.write_all(framed) ||
      !file.sync()) {
    auto error = trouble("appending to", path);
    ends_.erase(known);  // look again, and cut off what may have got there, before the next append
    return error;
  }
  known->second += framed.size();
  return {};
}

void FolderStore::replace(std::string_view name, Bytes bytes, Done done) {
  check_name(name);
  finish(bytes.size() <= kMost
             ? replace_now(name, bytes)
             : fail("a value is too long to be stored", std::string(name), "this is a bug; report it"),
         std::move(done));
}

void FolderStore::append(std::string_view name, Bytes record, Done done) {
  check_name(name);
  finish(append_now(name, record), std::move(done));
}

void FolderStore::finish(Expected<> result, Done done) {
  loop_.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
}

}  // namespace syn
