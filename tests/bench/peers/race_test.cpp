#include <doctest/doctest.h>

#include <utility>

#include "bench/peers/race.hpp"

namespace syn::peers {
namespace {

using Log = std::vector<std::pair<char, std::size_t>>;  // who, first image

class Fake final : public Contender {
 public:
  Fake(char name, std::size_t batch, Log& log) : name_(name), batch_(batch), log_(log) {}
  std::size_t batch() const override { return batch_; }
  Expected<> classify(const data::Dataset&, std::size_t first, std::span<std::uint8_t> classes) override {
    log_.emplace_back(name_, first);
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<std::uint8_t>((first + i) % 3);
    return {};
  }

 private:
  char name_;
  std::size_t batch_;
  Log& log_;
};

data::Dataset six_images() {
  return {"six", {1, 1, 1}, 6, 3, std::vector<std::uint8_t>(6), {0, 1, 2, 0, 1, 0}};
}

}  // namespace

TEST_CASE("in every round all classify the same images, and each begins in turn") {
  Log log;
  Fake a('a', 1, log), b('b', 1, log);
  Contender* const both[] = {&a, &b};
  const auto laps = race(both, six_images(), {.rounds = 2, .calls = 2, .warm_up = 1}).value();
  CHECK(log == Log{{'a', 0},
                   {'a', 1},
                   {'a', 2},
                   {'b', 0},
                   {'b', 1},
                   {'b', 2},
                   {'b', 2},
                   {'b', 3},
                   {'b', 4},
                   {'a', 2},
                   {'a', 3},
                   {'a', 4}});
  for (const Laps& l : laps) {
    CHECK(l.us.size() == 4);  // the warm-up is not among them
    CHECK(l.round_medians.size() == 2);
  }
}

TEST_CASE("a larger batch goes round the whole batches that there are") {
  Log log;
  Fake a('a', 4, log);
  Contender* const one[] = {&a};
  REQUIRE(race(one, six_images(), {.rounds = 1, .calls = 2, .warm_up = 0}));
  CHECK(log == Log{{'a', 0}, {'a', 0}});
}

TEST_CASE("contenders that must not live at the same time are made for each turn and ended after it") {
  Log log;
  int alive = 0, made = 0, greatest = 0;
  struct Counted final : Contender {
    Counted(int& a, Log& log) : alive(a), fake('x', 1, log) { ++alive; }
    ~Counted() override { --alive; }
    std::size_t batch() const override { return 1; }
    Expected<> classify(const data::Dataset& d, std::size_t first, std::span<std::uint8_t> classes) override {
      return fake.classify(d, first, classes);
    }
    int& alive;
    Fake fake;
  };
  const MakeContender make = [&]() -> Expected<std::unique_ptr<Contender>> {
    ++made;
    auto contender = std::make_unique<Counted>(alive, log);
    greatest = std::max(greatest, alive);
    return contender;
  };
  const MakeContender two[] = {make, make};
  const auto laps = race_apart(two, six_images(), {.rounds = 3, .calls = 1, .warm_up = 0}).value();
  CHECK(laps.size() == 2);
  CHECK(made == 6);
  CHECK(greatest == 1);
  CHECK(alive == 0);
}

TEST_CASE("quartiles lie between the values beside them, and ratios are taken round by round") {
  const Quartiles q = quartiles({4, 1, 3, 2, 5});
  CHECK(q.low == 2);
  CHECK(q.median == 3);
  CHECK(q.high == 4);
  CHECK(quartiles({1, 2}).median == 1.5);
  CHECK(quartiles({}).median == 0);
  // A machine that slows down for everybody changes no ratio.
  const Laps fast{{}, {1, 10, 100}}, slow{{}, {2, 20, 200}};
  const Quartiles r = ratio(slow, fast);
  CHECK(r.low == 2);
  CHECK(r.median == 2);
  CHECK(r.high == 2);
}

TEST_CASE("right answers are counted over all images") {
  Log log;
  Fake a('a', 1, log);
  CHECK(count_correct(a, six_images()).value() == 5);
}

}  // namespace syn::peers
