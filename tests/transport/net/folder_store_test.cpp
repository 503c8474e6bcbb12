#include "transport/folder_store.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/transport/net/temporary_folder.hpp"

using namespace syn;
namespace fs = std::filesystem;

namespace {

struct Disk {
  TemporaryFolder folder;
  Loop loop;
  std::unique_ptr<FolderStore> open() { return FolderStore::open(loop, folder.path()).value(); }
  bool append(Store& store, Bytes record) {
    std::optional<bool> ok;
    store.append("log", std::move(record), [&](Expected<> result) { ok = result.has_value(); });
    loop.run_until([&] { return ok.has_value(); }, std::chrono::seconds(20));
    return ok.value();
  }
  fs::path log() const { return folder.path() / "records" / "log"; }
  std::string content() const {
    std::ifstream in(log(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& bytes) const { std::ofstream(log(), std::ios::binary | std::ios::trunc) << bytes; }
};

}  // namespace

TEST_CASE("a log cut at any byte holds every record before the cut, and can be appended to") {
  Disk disk;
  const std::vector<Bytes> records{{1, 2, 3}, {}, Bytes(40, 7), {9}};
  std::vector<std::size_t> ends;
  {
    auto store = disk.open();
    for (const Bytes& record : records) {
      REQUIRE(disk.append(*store, record));
      ends.push_back(disk.content().size());
    }
  }
  const std::string whole = disk.content();
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    CAPTURE(cut);
    disk.put(whole.substr(0, cut));
    auto store = disk.open();
    const auto survivors = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin());
    std::vector<Bytes> expected(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(survivors));
    REQUIRE(store->records("log").value() == expected);
    REQUIRE(disk.append(*store, {42}));
    expected.push_back({42});
    REQUIRE(store->records("log").value() == expected);
    REQUIRE(disk.open()->records("log").value() == expected);
  }
}

TEST_CASE("a last record whose bytes never got to the disk is ignored") {
  Disk disk;
  auto store = disk.open();
  REQUIRE(disk.append(*store, {1}));
  const std::string before = disk.content();
  REQUIRE(disk.append(*store, Bytes(100, 5)));
  const std::string after = disk.content();
  // The file has grown, but its new part, or a piece of it, is zero.
  disk.put(before + std::string(after.size() - before.size(), '\0'));
  CHECK(disk.open()->records("log").value() == std::vector<Bytes>{{1}});
  disk.put(after.substr(0, after.size() - 30) + std::string(30, '\0'));
  CHECK(disk.open()->records("log").value() == std::vector<Bytes>{{1}});
}

TEST_CASE("damage before the last record is an error, and nothing is appended behind it") {
  Disk disk;
  auto store = disk.open();
  REQUIRE(disk.append(*store, {1, 2, 3}));
  REQUIRE(disk.append(*store, {4, 5, 6}));
  std::string bytes = disk.content();
  bytes[13] ^= 1;
  disk.put(bytes);
  store = disk.open();
  const auto records = store->records("log");
  REQUIRE_FALSE(records.has_value());
  CHECK(records.error().what == "a stored record is damaged");
  CHECK_FALSE(disk.append(*store, {7}));
  CHECK(disk.content() == bytes);
}

TEST_CASE("a half-written value left by a power cut changes nothing") {
  Disk disk;
  auto store = disk.open();
  bool done = false;
  store->replace("term", {1, 2}, [&](Expected<> result) { done = result.has_value(); });
  REQUIRE(disk.loop.run_until([&] { return done; }, std::chrono::seconds(20)));
  std::ofstream(disk.folder.path() / "values" / "~term") << "half";
  CHECK(disk.open()->load("term").value() == Bytes{1, 2});
  store->replace("term", {3}, [&](Expected<> result) { done = !result.has_value(); });
  REQUIRE(disk.loop.run_until([&] { return !done; }, std::chrono::seconds(20)));
  CHECK(disk.open()->load("term").value() == Bytes{3});
}

TEST_CASE("a folder that cannot be used is refused by name") {
  const TemporaryFolder folder;
  Loop loop;
  std::ofstream(folder.path() / "file") << "x";
  const auto opened = FolderStore::open(loop, folder.path() / "file");
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().where.find("file") != std::string::npos);
}

TEST_CASE("a disk that is full says so through done, and the records before stay") {
  // The last record that fits is as long as a log may be.
  Disk disk;
  auto store = disk.open();
  REQUIRE(disk.append(*store, {1}));
  CHECK_FALSE(disk.append(*store, Bytes(FolderStore::kMost)));
  CHECK(disk.append(*store, {2}));
  CHECK(store->records("log").value() == std::vector<Bytes>{{1}, {2}});
}
