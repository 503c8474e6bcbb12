#include "conversion/data/events/event_set.hpp"

#include <doctest/doctest.h>

#include "conversion/data/events/nmnist.hpp"
#include "tests/conversion/data/files.hpp"

using namespace syn;
using namespace syn::data;
using syn::test::Folder;

namespace {

void put(const Folder& folder, const std::string& name, const Events& events) {
  std::filesystem::create_directories((folder / name).parent_path());
  folder.write(name, *write_nmnist(events));
}
Events few(std::int64_t first, std::uint16_t x) {
  Events events{.sensor = {34, 34, 2}};
  events.push(first, x, 2, 1);
  events.push(first + 9, x, 2, 1);
  events.push(first + 10, 33, 33, 0);
  events.push(first + 35, x, 3, 0);
  return events;
}

}  // namespace

TEST_CASE("recordings are listed by file name, then label, so that a few of them are of every class") {
  Folder folder;
  for (const char* name : {"Train/1/00003.bin", "Train/0/00002.bin", "Train/10/00001.bin", "Train/2/00002.bin"})
    put(folder, name, few(0, 1));
  std::filesystem::create_directories(folder / "Train/7");
  folder.write("Train/README", Bytes{1});
  const auto all = list_recordings(folder / "", Split::train);
  REQUIRE(all.has_value());
  std::vector<int> labels;
  for (const auto& one : *all) labels.push_back(one.label);
  CHECK(labels == std::vector{10, 0, 2, 1});
  CHECK(list_recordings(folder / "", Split::train, 2)->size() == 2);
}

TEST_CASE("a film has a frame a window, from the recording's first event on, and what comes later is left out") {
  Folder folder;
  put(folder, "Test/3/1.bin", few(1000, 5));
  put(folder, "Test/1/2.bin", few(0, 6));
  std::size_t said = 0;
  const auto set = load_frames(folder / "", Split::test, {.window_us = 10, .steps = 3}, {},
                               [&](std::size_t done, std::size_t) { said = done; });
  REQUIRE(set.has_value());
  CHECK(said == 2);
  CHECK(set->count == 2);
  CHECK(set->classes == 4);
  CHECK(set->shape == Shape{2, 34, 34});
  CHECK(set->image_size() == 3 * 2 * 34 * 34);
  CHECK(set->labels == std::vector<std::uint8_t>{3, 1});
  const auto pixel = [&](std::size_t i, std::size_t step, std::size_t polarity, std::size_t y, std::size_t x) {
    return static_cast<int>(set->image(i)[((step * 2 + polarity) * 34 + y) * 34 + x]);
  };
  CHECK(pixel(0, 0, 1, 2, 5) == 2);
  CHECK(pixel(0, 1, 0, 33, 33) == 1);
  CHECK(pixel(1, 0, 1, 2, 6) == 2);
  int sum = 0;
  for (const auto count : set->pixels) sum += count;
  CHECK(sum == 6);  // the fourth event of each comes after 30 us
}

TEST_CASE("a folder that is no such set is refused with the place and the layout") {
  Folder folder;
  const auto error = [&](const Framing& framing = {}) {
    const auto set = load_frames(folder / "", Split::train, framing);
    REQUIRE_FALSE(set.has_value());
    return set.error();
  };
  CHECK(error().what.starts_with("the folder cannot be read"));
  std::filesystem::create_directories(folder / "Train/0");
  CHECK(error().what == "there is no recording");
  CHECK(error().todo.find("FOLDER/Train/0/NAME.bin") != std::string::npos);
  std::filesystem::create_directories(folder / "Train/faces");
  CHECK(error().what == "a label is a number from 0 to 255");
  std::filesystem::remove(folder / "Train/faces");
  put(folder, "Train/0/1.bin", few(0, 1));
  Events wide = few(0, 40);
  wide.sensor.width = 64;
  put(folder, "Train/0/2.bin", wide);
  CHECK(error().where.find("2.bin") != std::string::npos);  // off the sensor of the first
  CHECK(error({.window_us = 0, .steps = 1}).what == "1 windows of 0 us");
  CHECK(error({.window_us = 1, .steps = 1 << 20}).what.find("windows of 1 us") != std::string::npos);
}
