#include "conversion/data/events/windows.hpp"

#include <doctest/doctest.h>

#include <map>

#include "conversion/data/events/open.hpp"
#include "conversion/data/events/summary.hpp"
#include "conversion/data/events/write.hpp"
#include "conversion/data/npy.hpp"
#include "tests/conversion/data/events/recordings.hpp"
#include "tests/conversion/data/files.hpp"

using namespace syn;
using namespace syn::test;
using data::Events;
using data::EventWindow;
using data::Sensor;
using data::WindowOptions;

namespace {

const Sensor kSensor{20, 10, 2};

std::vector<EventWindow> cut(const Events& events, const WindowOptions& options) {
  const Bytes bytes = csv(events);
  auto reader = data::open_events(bytes, "x");
  REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
  auto windows = data::WindowReader::make(**reader, options);
  REQUIRE(windows.has_value());
  std::vector<EventWindow> out;
  EventWindow window;
  for (;;) {
    const auto more = windows->next(window);
    REQUIRE(more.has_value());
    if (!*more) return out;
    out.push_back(window);
  }
}
std::size_t total(const EventWindow& window) {
  std::size_t sum = 0;
  for (const Count count : window.counts) sum += count;
  return sum;
}

}  // namespace

TEST_CASE("windows of a duration tile time: every event lies in the one window that spans it, gaps are empty windows") {
  Events events = random_events(3, 5000, kSensor, 777);
  events.push(events.t.back() + 100'000, 1, 1, 0);
  const auto windows = cut(events, {.duration_us = 1000});
  std::map<std::int64_t, std::vector<Count>> expected;
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto& counts = expected[(events.t[i] - events.t[0]) / 1000];
    counts.resize(kSensor.cells());
    ++counts[(events.polarity[i] * 10u + events.y[i]) * 20u + events.x[i]];
  }
  REQUIRE(windows.size() == static_cast<std::size_t>((events.t.back() - events.t[0]) / 1000) + 1);
  for (std::size_t w = 0; w < windows.size(); ++w) {
    REQUIRE(windows[w].start_us == events.t[0] + static_cast<std::int64_t>(w) * 1000);
    REQUIRE(windows[w].end_us == windows[w].start_us + 1000);
    const auto at = expected.find(static_cast<std::int64_t>(w));
    REQUIRE(windows[w].counts == (at == expected.end() ? std::vector<Count>(kSensor.cells()) : at->second));
    REQUIRE(windows[w].events == total(windows[w]));
  }
}

TEST_CASE("windows of a count hold so many events, the last one what is left") {
  const Events events = random_events(4, 70'001, kSensor);
  const auto windows = cut(events, {.events = 1000});
  REQUIRE(windows.size() == 71);
  for (std::size_t w = 0; w < windows.size(); ++w) {
    REQUIRE(windows[w].events == (w < 70 ? 1000 : 1));
    REQUIRE(windows[w].start_us == events.t[w * 1000]);
    REQUIRE(total(windows[w]) == windows[w].events);
  }
}

TEST_CASE("exactly so many windows: cut, or padded with empty ones; a start of one's own leaves earlier events out") {
  const Events events = random_events(5, 1000, kSensor, 1000);
  CHECK(cut(events, {.duration_us = 500, .exactly = 3}).size() == 3);
  const auto padded = cut(events, {.duration_us = 1'000'000, .exactly = 4});
  REQUIRE(padded.size() == 4);
  CHECK(padded[0].events == 1000);
  CHECK(padded[3].start_us == events.t[0] + 3'000'000);
  CHECK(total(padded[3]) == 0);
  CHECK(cut(events, {.events = 400, .exactly = 5}).size() == 5);
  const auto later = cut(events, {.duration_us = 100'000, .start_us = events.t[500]});
  std::size_t left = 0;
  for (const std::int64_t t : events.t) left += t >= events.t[500];
  CHECK(later[0].events == left);
  CHECK(cut(Events{.sensor = kSensor}, {.duration_us = 1000, .exactly = 2}).size() == 2);
}

TEST_CASE("a count that would not fit stays at the greatest, and says how many events are missing") {
  Events events;
  events.sensor = {2, 1, 2};
  for (int i = 0; i < kGreatestCount + 10; ++i) events.push(i / 100, 1, 0, 1);
  const auto windows = cut(events, {.duration_us = 1'000'000});
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].counts == std::vector<Count>{0, 0, 0, kGreatestCount});
  CHECK(windows[0].saturated == 10);
}

TEST_CASE("options that make no sense are refused") {
  const Bytes bytes = csv(random_events(1, 10, kSensor));
  auto reader = data::open_events(bytes, "x");
  CHECK_FALSE(data::WindowReader::make(**reader, {}).has_value());
  CHECK_FALSE(data::WindowReader::make(**reader, {.duration_us = 1, .events = 1}).has_value());
  auto huge = data::open_events(bytes, "x", {.sensor = Sensor{60'000, 60'000, 2}});
  REQUIRE(huge.has_value());
  CHECK_FALSE(data::WindowReader::make(**huge, {.duration_us = 1}).has_value());
}

TEST_CASE("what is written as text or as N-MNIST is read back to the same events") {
  Folder folder;
  for (const Sensor sensor : {Sensor{34, 34, 2}, Sensor{50, 40, 1}, Sensor{700, 1, 1}}) {
    const Events events = random_events(6, 70'000, sensor);
    const Bytes bytes = csv(events);
    const auto again = [&] {
      auto reader = data::open_events(bytes, "x", {.sensor = sensor});
      if (sensor.polarities == 1) {  // our twin of CSV always writes a polarity
        reader = data::open_events(folder / "first.csv");
      }
      REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
      return std::move(*reader);
    };
    if (sensor.polarities == 1) {
      std::string text = text::cat("# sensor ", sensor.width, "x", sensor.height, "\nt,x,y\n");
      for (std::size_t i = 0; i < events.size(); ++i)
        text += text::cat(events.t[i], ",", events.x[i], ",", events.y[i], "\n");
      folder.write("first.csv", bytes_of(text));
    }
    REQUIRE(data::write_csv(*again(), folder / "out.csv").has_value());
    auto back = data::open_events(folder / "out.csv");
    REQUIRE_MESSAGE(back.has_value(), back.error().what);
    CHECK((*back)->recording().sensor_stated);
    CHECK(*data::read_all(**back) == events);
    if (sensor.polarities == 2) {
      REQUIRE(data::write_bin(*again(), folder / "out.bin").has_value());
      CHECK(*data::read_all(**data::open_events(folder / "out.bin")) == events);
    }
  }
}

TEST_CASE("arrays of events and of frames are what NumPy reads") {
  Folder folder;
  const Events events = random_events(6, 70'000, kSensor);
  const Bytes bytes = csv(events);
  REQUIRE(data::write_event_array(**data::open_events(bytes, "x"), folder / "events.npy").has_value());
  const auto rows = data::read_npy(folder / "events.npy");
  REQUIRE_MESSAGE(rows.has_value(), rows.error().what);
  CHECK(rows->type == "<i8");
  CHECK(rows->shape == std::vector<std::size_t>{events.size(), 4});
  CHECK(rows->values[4 * 123 + 1] == static_cast<float>(events.x[123]));

  const auto windows = cut(events, {.duration_us = 5000});
  for (const bool sample : {false, true}) {
    const auto made =
        data::write_frames(**data::open_events(bytes, "x"), {.duration_us = 5000}, sample, folder / "frames.npy");
    REQUIRE(made.has_value());
    CHECK(made->windows == windows.size());
    const auto frames = data::read_npy(folder / "frames.npy");
    REQUIRE_MESSAGE(frames.has_value(), frames.error().what);
    std::vector<std::size_t> shape{windows.size(), 2, 10, 20};
    if (sample) shape.insert(shape.begin(), 1);
    CHECK(frames->shape == shape);
    bool same = true;
    for (std::size_t w = 0; w < windows.size(); ++w) {
      for (std::size_t i = 0; i < kSensor.cells(); ++i) {
        same = same && frames->values[w * kSensor.cells() + i] == static_cast<float>(windows[w].counts[i]);
      }
    }
    CHECK(same);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "frames.npy.part"));
  CHECK_FALSE(data::write_csv(**data::open_events(bytes, "x"), folder / "no/such/folder.csv").has_value());
}

TEST_CASE("a summary counts what flows by") {
  const Events events = random_events(8, 70'000, kSensor, 50);
  const Bytes bytes = csv(events);
  data::EventSummary summary;
  auto reader = data::summarised(std::move(*data::open_events(bytes, "x")), summary);
  CHECK(*data::read_all(*reader) == events);
  CHECK(summary.events == events.size());
  CHECK(summary.first_us == events.t.front());
  CHECK(summary.last_us == events.t.back());
  CHECK(summary.on == static_cast<std::uint64_t>(std::count(events.polarity.begin(), events.polarity.end(), 1)));
  CHECK(summary.active_pixels == 200);
  CHECK(reader->done() == 1.0);
}
