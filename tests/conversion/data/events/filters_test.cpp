// Each filter against a plain twin that holds the whole recording, and against the same events cut into other pieces.
#include "conversion/data/events/filters.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "tests/conversion/data/events/recordings.hpp"

using namespace syn;
using namespace syn::test;
using data::Events;
using data::Sensor;

namespace {

// Hands on `events` in pieces of `each`.
class Pieces final : public data::EventReader {
 public:
  Pieces(Events events, std::size_t each) : events_(std::move(events)), each_(each) {
    recording_.sensor = events_.sensor;
  }
  const data::Recording& recording() const override { return recording_; }
  Expected<bool> next(Events& chunk) override {
    chunk.clear();
    chunk.sensor = events_.sensor;
    for (; chunk.size() < each_ && at_ < events_.size(); ++at_) {
      chunk.push(events_.t[at_], events_.x[at_], events_.y[at_], events_.polarity[at_]);
    }
    return !chunk.empty();
  }

 private:
  Events events_;
  std::size_t each_, at_ = 0;
  data::Recording recording_;
};

Events run(const Events& events, const data::EventFilter& filter, std::size_t each = 1000) {
  auto reader = data::filtered(std::make_unique<Pieces>(events, each), filter);
  REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
  auto out = data::read_all(**reader);
  REQUIRE(out.has_value());
  CHECK(out->sensor == (*reader)->recording().sensor);
  return *out;
}
std::string refusal(const Sensor& sensor, const data::EventFilter& filter) {
  const auto reader = data::filtered(std::make_unique<Pieces>(Events{.sensor = sensor}, 1), filter);
  REQUIRE_FALSE(reader.has_value());
  CHECK_FALSE(reader.error().todo.empty());
  return reader.error().what;
}
// The events for which `keep` holds, asked in order.
Events chosen(const Events& events, Sensor sensor, const std::function<bool(std::size_t)>& keep) {
  Events out;
  out.sensor = sensor;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (keep(i)) out.push(events.t[i], events.x[i], events.y[i], events.polarity[i]);
  }
  return out;
}

const Sensor kSensor{33, 21, 2};
const Events kEvents = random_events(3, 20'000, kSensor, 1000);

}  // namespace

TEST_CASE("no filter depends on how the events are cut into pieces") {
  std::vector<bool> hot(kSensor.pixels());
  hot[5] = hot[100] = true;
  const data::EventFilter filters[] = {
      data::TimeSpan{1000, 50'000}, data::Crop{3, 4, 20, 10}, data::PolarityChoice::merge,
      data::PolarityChoice::on,     data::Downsample{4},      data::Downsample{3, data::Downsample::By::majority},
      data::Refractory{3000},       data::Denoise{100},       data::DropPixels{hot}};
  for (const auto& filter : filters) {
    CAPTURE(filter.index());
    const Events whole = run(kEvents, filter, kEvents.size());
    CHECK(whole.size() > 100);
    CHECK(whole.size() <= kEvents.size());
    for (const std::size_t each : {1, 7, 4096}) CHECK(run(kEvents, filter, each) == whole);
  }
}

TEST_CASE("a span counts from the first event, and a crop moves its corner to the origin") {
  CHECK(run(kEvents, data::TimeSpan{5000, 20'000}) == chosen(kEvents, kSensor, [&](std::size_t i) {
          const std::int64_t since = kEvents.t[i] - kEvents.t[0];
          return since >= 5000 && since < 25'000;
        }));
  CHECK(run(kEvents, data::TimeSpan{}) == kEvents);
  Events cropped = chosen(kEvents, {20, 10, 2}, [&](std::size_t i) {
    return kEvents.x[i] >= 3 && kEvents.x[i] < 23 && kEvents.y[i] >= 4 && kEvents.y[i] < 14;
  });
  for (auto& x : cropped.x) x = static_cast<std::uint16_t>(x - 3);
  for (auto& y : cropped.y) y = static_cast<std::uint16_t>(y - 4);
  CHECK(run(kEvents, data::Crop{3, 4, 20, 10}) == cropped);
  CHECK(refusal(kSensor, data::Crop{30, 0, 4, 4}).find("does not lie within") != std::string::npos);
  CHECK(refusal(kSensor, data::Crop{0, 0, 0, 4}).find("does not lie within") != std::string::npos);
  CHECK(refusal(kSensor, data::Crop{1, 1, 0xffffffff, 4}).find("does not lie within") != std::string::npos);
}

TEST_CASE("polarities are kept, merged or chosen") {
  CHECK(run(kEvents, data::PolarityChoice::both) == kEvents);
  const Sensor one{33, 21, 1};
  Events merged = kEvents;
  merged.sensor = one;
  merged.polarity.assign(merged.size(), 0);
  CHECK(run(kEvents, data::PolarityChoice::merge) == merged);
  for (const int sign : {0, 1}) {
    Events only = chosen(kEvents, one, [&](std::size_t i) { return kEvents.polarity[i] == sign; });
    only.polarity.assign(only.size(), 0);
    CHECK(run(kEvents, sign == 1 ? data::PolarityChoice::on : data::PolarityChoice::off) == only);
  }
  CHECK(refusal(one, data::PolarityChoice::on).find("does not tell") != std::string::npos);
}

TEST_CASE("down-sampling by sum keeps every event, by majority one when most of a block fired") {
  const Events sum = run(kEvents, data::Downsample{4});
  CHECK(sum.sensor == Sensor{9, 6, 2});
  REQUIRE(sum.size() == kEvents.size());
  for (std::size_t i = 0; i < sum.size(); ++i) REQUIRE(sum.x[i] == kEvents.x[i] / 4);
  CHECK(run(kEvents, data::Downsample{1, data::Downsample::By::majority}) == kEvents);

  for (const std::uint32_t f : {2u, 3u, 8u}) {
    CAPTURE(f);
    std::map<std::array<std::uint32_t, 3>, std::set<std::pair<std::uint32_t, std::uint32_t>>> fired;
    Events expected;
    expected.sensor = {(33 - 1) / f + 1, (21 - 1) / f + 1, 2};
    for (std::size_t i = 0; i < kEvents.size(); ++i) {
      const std::uint32_t bx = kEvents.x[i] / f, by = kEvents.y[i] / f;
      std::size_t pixels = 0;
      for (std::uint32_t y = by * f; y < std::min(21u, by * f + f); ++y) {
        for (std::uint32_t x = bx * f; x < std::min(33u, bx * f + f); ++x) ++pixels;
      }
      auto& block = fired[{bx, by, kEvents.polarity[i]}];
      block.insert({kEvents.x[i], kEvents.y[i]});
      if (2 * block.size() <= pixels) continue;
      block.clear();
      expected.push(kEvents.t[i], static_cast<std::uint16_t>(bx), static_cast<std::uint16_t>(by), kEvents.polarity[i]);
    }
    CHECK(expected.size() > 50);
    CHECK(run(kEvents, data::Downsample{f, data::Downsample::By::majority}) == expected);
  }
  CHECK(refusal(kSensor, data::Downsample{0}).find("factor of 0") != std::string::npos);
  CHECK(refusal(kSensor, data::Downsample{9, data::Downsample::By::majority}).find("8 x 8") != std::string::npos);
}

TEST_CASE("a refractory pixel is deaf after an event that is kept, not after one that is dropped") {
  const std::int64_t us = 4000;
  std::map<std::pair<int, int>, std::int64_t> last;
  const Events expected = chosen(kEvents, kSensor, [&](std::size_t i) {
    const auto at = last.find({kEvents.x[i], kEvents.y[i]});
    if (at != last.end() && kEvents.t[i] - at->second < us) return false;
    last[{kEvents.x[i], kEvents.y[i]}] = kEvents.t[i];
    return true;
  });
  CHECK(expected.size() < kEvents.size() - 1000);
  CHECK(run(kEvents, data::Refractory{us}) == expected);
}

TEST_CASE("denoising keeps what a neighbour supports, at the edges too") {
  const std::int64_t us = 150;
  const Events expected = chosen(kEvents, kSensor, [&](std::size_t i) {
    for (std::size_t k = i; k-- > 0 && kEvents.t[i] - kEvents.t[k] <= us;) {
      const int dx = std::abs(kEvents.x[i] - kEvents.x[k]), dy = std::abs(kEvents.y[i] - kEvents.y[k]);
      if (std::max(dx, dy) == 1) return true;
    }
    return false;
  });
  CHECK(expected.size() > 500);
  CHECK(expected.size() < kEvents.size() - 500);
  CHECK(run(kEvents, data::Denoise{us}) == expected);
}

TEST_CASE("the pixel that never stops is the hot one") {
  Events events;
  events.sensor = kSensor;
  for (std::size_t i = 0; i < kEvents.size(); ++i) {
    events.push(kEvents.t[i], kEvents.x[i], kEvents.y[i], kEvents.polarity[i]);
    if (i % 20 == 0) events.push(kEvents.t[i], 7, 9, 1);
  }
  Pieces reader(events, 512);
  const auto hot = data::find_hot_pixels(reader, 5);
  REQUIRE(hot.has_value());
  CHECK(std::count(hot->begin(), hot->end(), true) == 1);
  CHECK((*hot)[9 * 33 + 7]);
  const Events quiet = run(events, data::DropPixels{*hot});
  CHECK(quiet == chosen(events, kSensor, [&](std::size_t i) { return events.x[i] != 7 || events.y[i] != 9; }));
}
