#include "conversion/data/events/saccades.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "conversion/data/events/made_set.hpp"
#include "conversion/data/events/nmnist.hpp"
#include "conversion/data/events/open.hpp"
#include "core/sha256.hpp"
#include "tests/conversion/data/files.hpp"

using namespace syn;
using namespace syn::test;
using data::Events;

namespace {

// A bright bar, upright or lying, in the middle of 28 x 28.
Bytes bar(bool upright) {
  Bytes out(28 * 28);
  for (std::size_t along = 5; along < 23; ++along) {
    for (std::size_t across = 12; across < 16; ++across) out[upright ? along * 28 + across : across * 28 + along] = 255;
  }
  return out;
}
// As it was when the program began: another test points it elsewhere.
const std::string kDataFolder = std::getenv("SYNFIRE_DATA") ? std::getenv("SYNFIRE_DATA") : "";

Events make(const Bytes& image, std::uint64_t index = 0, const data::SaccadeOptions& options = {}) {
  return data::make_saccades(image, 28, 28, 0, index, options);
}

}  // namespace

TEST_CASE("a sample is decided by seed, stream and index alone, to the byte and on every machine") {
  const Events events = make(bar(true), 7);
  CHECK(events == make(bar(true), 7));
  CHECK(events != make(bar(true), 8));
  CHECK(events != make(bar(true), 7, {.seed = 2}));
  CHECK(events != data::make_saccades(bar(true), 28, 28, 1, 7, {}));
  const auto bytes = data::write_nmnist(events);
  REQUIRE(bytes.has_value());
  CHECK(to_hex(Sha256::of(*bytes)) == "c4d6e0a4109d556b8560a2d93782e86b906b54b35967b8fca76d7f660d7d8a47");
}

TEST_CASE(
    "the events are ones a sensor could send: in order, on it, within three saccades, as much brighter as darker") {
  const Events events = make(bar(true));
  CHECK(std::is_sorted(events.t.begin(), events.t.end()));
  CHECK(events.t.front() >= 0);
  CHECK(events.t.back() < 300'000);
  CHECK(events.sensor == data::Sensor{34, 34, 2});
  std::size_t on = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    REQUIRE(events.x[i] < 34);
    REQUIRE(events.y[i] < 34);
    on += events.polarity[i];
  }
  CHECK(events.size() > 1000);
  CHECK(on * 100 > events.size() * 45);
  CHECK(on * 100 < events.size() * 55);
}

TEST_CASE("nothing to see gives noise only, and no noise gives nothing") {
  const Bytes black(28 * 28);
  std::size_t noise = 0;
  for (std::uint64_t i = 0; i < 50; ++i) noise += make(black, i).size();
  const double expected = 50 * 0.25 * 0.3 * 34 * 34;  // Hz x seconds x pixels
  CHECK(static_cast<double>(noise) > 0.9 * expected);
  CHECK(static_cast<double>(noise) < 1.1 * expected);
  CHECK(make(black, 0, {.noise_hz = 0}).empty());
  CHECK(make(Bytes(28 * 28, 255), 0, {.sensor = {20, 20, 2}, .noise_hz = 0}).empty());  // white all over: no edge
}

TEST_CASE("a lower threshold, a darker black and a wider reach give more events") {
  const std::size_t base = make(bar(true)).size();
  CHECK(make(bar(true), 0, {.threshold = 0.15}).size() > base);
  CHECK(make(bar(true), 0, {.dark = 0.05}).size() > base);
  CHECK(make(bar(true), 0, {.reach = 2}).size() < base);
}

TEST_CASE("what lies along the motion is seen less than what lies across it") {
  // The third saccade runs up and to the right, the second sideways: an upright bar has its edges across that.
  const auto second = [](const Events& events) {
    std::size_t n = 0;
    for (const std::int64_t t : events.t) n += t >= 100'000 && t < 200'000;
    return n;
  };
  CHECK(second(make(bar(true))) > 2 * second(make(bar(false))));
}

TEST_CASE("a made set lies on disk as N-MNIST does, and its statistics are those of what was written") {
  Folder folder;
  data::Dataset images{.name = "bars", .shape = {1, 28, 28}, .count = 2, .classes = 10, .labels = {3, 7}};
  for (const bool upright : {true, false}) {
    const Bytes image = bar(upright);
    images.pixels.insert(images.pixels.end(), image.begin(), image.end());
  }
  data::EventStatistics first, second;
  for (const data::Split split : {data::Split::train, data::Split::test}) {
    REQUIRE(data::make_folders(folder / "set", split, 10).has_value());
    for (std::size_t i = 0; i < 2; ++i) {
      REQUIRE(data::write_sample(images, i, split, folder / "set", {}, i == 0 ? first : second).has_value());
    }
  }
  std::uint64_t events = 0;
  for (const char* name : {"Train/3/00001.bin", "Train/7/00002.bin", "Test/3/00001.bin", "Test/7/00002.bin"}) {
    auto reader = data::open_events(folder / "set" / name);
    REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
    CHECK((*reader)->recording().format == "N-MNIST");
    events += data::read_all(**reader)->size();
  }
  first.add(second);
  CHECK(first.samples == 4);
  CHECK(first.events == events);
  CHECK(first.mean_x() == doctest::Approx(16.5).epsilon(0.05));
  CHECK_FALSE(data::make_folders(folder.write("file", Bytes{1}), data::Split::test, 1).has_value());
}

TEST_CASE("seen through saccades, MNIST has about as many events as N-MNIST: 4,000 a sample") {
  if (!kDataFolder.empty()) ::setenv("SYNFIRE_DATA", kDataFolder.c_str(), 1);
  const auto images = data::load("mnist", data::Split::train, 300);
  if (!images) {
    MESSAGE("skipped: ", images.error().what, "; ", images.error().todo);
    return;
  }
  data::EventStatistics statistics;
  for (std::size_t i = 0; i < images->count; ++i) {
    statistics.add(data::make_saccades(images->image(i), 28, 28, 0, i, {}));
  }
  const double mean = static_cast<double>(statistics.events) / 300;
  CHECK(mean > 3800);
  CHECK(mean < 4500);
}
