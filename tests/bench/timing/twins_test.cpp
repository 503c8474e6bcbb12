#include "bench/timing/twins.hpp"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

namespace syn::bench {
namespace {

struct Shared {
  std::atomic<std::uint64_t> calls;
  std::atomic<int> meeting;
};

// Memory that children and parent see alike.
class Board {
 public:
  Board() : at_(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(at_ != MAP_FAILED);
  }
  ~Board() { ::munmap(at_, sizeof(Shared)); }
  Shared& operator*() { return *static_cast<Shared*>(at_); }
  Shared* operator->() { return static_cast<Shared*>(at_); }

 private:
  void* at_;
};

}  // namespace

TEST_CASE("each twin makes the calls it is asked for, alone or beside the other") {
  Board board;
  auto twins = Twins::start(2, [&](std::size_t calls) { board->calls += calls; });
  REQUIRE(twins.has_value());
  CHECK(twins->seconds(0, 1, 5).value() > 0);
  CHECK(board->calls == 5);
  CHECK(twins->seconds(0, 2, 7).has_value());
  CHECK(board->calls == 19);
  CHECK(twins->seconds(1, 1, 1).has_value());
  CHECK(board->calls == 20);
}

TEST_CASE("twins run at the same time: each waits for the other to begin") {
  Board board;
  auto twins = Twins::start(2, [&](std::size_t) {
    ++board->meeting;
    while (board->meeting < 2) ::usleep(100);
  });
  REQUIRE(twins.has_value());
  CHECK(twins->seconds(0, 2, 1).has_value());
}

TEST_CASE("a twin that ends is an error, not a wait") {
  auto twins = Twins::start(2, [](std::size_t calls) {
    if (calls == 3) ::_exit(1);
  });
  REQUIRE(twins.has_value());
  CHECK(twins->seconds(0, 2, 1).has_value());
  CHECK_FALSE(twins->seconds(0, 2, 3).has_value());
  CHECK_FALSE(twins->seconds(0, 1, 1).has_value());
}

TEST_CASE("twins that are started while others live end without waiting for them") {
  auto elder = Twins::start(1, [](std::size_t) {});
  auto younger = Twins::start(1, [](std::size_t) {});
  REQUIRE(elder.has_value());
  { const Twins ended = std::move(*elder); }  // waits for its child
  CHECK(younger->seconds(0, 1, 1).has_value());
}

}  // namespace syn::bench
