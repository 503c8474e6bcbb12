#include <doctest/doctest.h>

#include <functional>
#include <map>

#include "conversion/data/events/nmnist.hpp"
#include "conversion/data/events/open.hpp"
#include "tests/conversion/data/events/recordings.hpp"
#include "tests/conversion/data/files.hpp"

using namespace syn;
using namespace syn::test;
using data::Events;
using data::OpenOptions;
using data::Sensor;

namespace {

Expected<Events> read(const Bytes& bytes, const OpenOptions& options = {}) {
  auto reader = data::open_events(bytes, "x", options);
  if (!reader) return fail(reader.error());
  return data::read_all(**reader);
}
std::string what(const Bytes& bytes, const OpenOptions& options = {}) {
  const auto events = read(bytes, options);
  if (events) return "read";
  CHECK_FALSE(events.error().where.empty());
  CHECK_FALSE(events.error().todo.empty());
  return events.error().what;
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct Case {
  const char* name;
  Sensor sensor;
  std::function<Bytes(const Events&)> write;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"AEDAT 2", {128, 128, 2}, aedat2_dvs128},
      {"AEDAT 2", {346, 260, 2}, aedat2_davis346},
      {"AEDAT 4", {320, 240, 2}, [](const Events& e) { return aedat4(e, 0); }},
      {"AEDAT 4", {320, 240, 2}, [](const Events& e) { return aedat4(e, 1, 300); }},
      {"AEDAT 4", {640, 480, 2}, [](const Events& e) { return aedat4(e, 3, 100'000); }},
      {"AEDAT 4", {640, 480, 2}, [](const Events& e) { return aedat4(e, 4, 7, false); }},
      {"DAT 1", {304, 240, 2}, [](const Events& e) { return dat(e, 1); }},
      {"DAT 2", {1280, 720, 2}, [](const Events& e) { return dat(e, 2); }},
      {"EVT 2.0", {640, 480, 2}, evt2},
      {"EVT 3.0", {1280, 720, 2}, evt3},
      {"CSV", {34, 34, 2}, [](const Events& e) { return csv(e); }},
      {"N-MNIST", {34, 34, 2}, [](const Events& e) { return *data::write_nmnist(e); }},
  };
  return all;
}

}  // namespace

TEST_CASE("every format is told by its content and gives back what was written, sensor and all") {
  for (const Case& c : cases()) {
    CAPTURE(std::string(c.name));
    for (const std::size_t count : {1, 2, 999, 70'000}) {
      CAPTURE(count);
      const Events events = random_events(count, count, c.sensor, 17);
      const Bytes bytes = c.write(events);
      auto reader = data::open_events(bytes, "x");
      REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
      CHECK((*reader)->recording().format == c.name);
      CHECK((*reader)->recording().sensor == c.sensor);
      const auto back = data::read_all(**reader);
      REQUIRE_MESSAGE(back.has_value(), back.error().what);
      CHECK(*back == events);
      CHECK_FALSE((*reader)->repairs().any());
    }
  }
}

TEST_CASE("a file and the same bytes in memory give the same events, in pieces of bounded size") {
  Folder folder;
  for (const Case& c : cases()) {
    CAPTURE(std::string(c.name));
    const Events events = random_events(5, 200'000, c.sensor);
    auto reader = data::open_events(folder.write("any.thing", c.write(events)));
    REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
    Events chunk, all;
    all.sensor = c.sensor;
    std::size_t pieces = 0;
    for (;;) {
      const auto more = (*reader)->next(chunk);
      REQUIRE(more.has_value());
      if (!*more) break;
      ++pieces;
      REQUIRE(chunk.size() > 0);
      REQUIRE(chunk.size() <= data::kChunkEvents);
      for (std::size_t i = 0; i < chunk.size(); ++i) all.push(chunk.t[i], chunk.x[i], chunk.y[i], chunk.polarity[i]);
    }
    CHECK(all == events);
    CHECK(pieces >= 4);
    CHECK(*(*reader)->next(chunk) == false);  // the end stays the end
  }
}

TEST_CASE("counters that wrap are one long time") {
  const std::int64_t before_32 = (std::int64_t{1} << 32) - 500;
  for (const int version : {1, 2}) {
    const Events events = random_events(1, 2000, {128, 120, 2}, before_32);
    CHECK(events.t.back() > std::int64_t{1} << 32);
    CHECK(*read(dat(events, version)) == events);
  }
  const Events dvs = random_events(2, 2000, {128, 128, 2}, before_32);
  CHECK(*read(aedat2_dvs128(dvs)) == dvs);
  const Events evt2_wraps = random_events(3, 2000, {640, 480, 2}, (std::int64_t{1} << 34) - 5000);
  CHECK(*read(evt2(evt2_wraps)) == evt2_wraps);
  Events evt3_wraps = random_events(4, 2000, {640, 480, 2}, (std::int64_t{1} << 24) - 5000);
  CHECK(evt3_wraps.t.back() > std::int64_t{1} << 24);
  CHECK(*read(evt3(evt3_wraps)) == evt3_wraps);
  const Events later = random_events(5, 3000, {34, 34, 2}, 0, 20'000);
  CHECK(later.t.back() > std::int64_t{1} << 23);
  CHECK(*read(*data::write_nmnist(later)) == later);
}

TEST_CASE("neighbours in one row of EVT 3.0 travel as vectors") {
  Events events;
  events.sensor = {1280, 720, 2};
  for (std::uint16_t x = 100; x < 120; x = static_cast<std::uint16_t>(x + 1 + x % 3)) events.push(5000, x, 7, 1);
  events.push(5001, 3, 7, 0);
  const Bytes bytes = evt3(events);
  CHECK(*read(bytes) == events);
  CHECK(bytes.size() < raw_header("EVT3", 3, events.sensor).size() + 2 * events.size());
}

TEST_CASE("a sensor that the file does not state is measured, or given") {
  Events events = random_events(3, 500, {100, 50, 2});
  events.push(events.t.back(), 99, 49, 1);
  CHECK(*read(dat(events, 2, false)) == events);
  CHECK(*read(csv(events, false)) == events);
  const auto given = read(dat(events, 2, false), {.sensor = Sensor{200, 90, 2}});
  REQUIRE(given.has_value());
  CHECK(given->sensor == Sensor{200, 90, 2});
  CHECK(given->t == events.t);
  // N-MNIST's own size, unless the events show a larger sensor.
  Events few = random_events(3, 20, {5, 5, 2});
  CHECK(read(*data::write_nmnist(few))->sensor == Sensor{34, 34, 2});
}

TEST_CASE("every cut of every format is one error or a whole number of events, never another recording") {
  for (const Case& c : cases()) {
    CAPTURE(std::string(c.name));
    const Events events = random_events(9, 60, c.sensor);
    const Bytes whole = c.write(events);
    std::size_t refused = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      const auto part = read({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
      if (!part) {
        ++refused;
        CHECK_FALSE(part.error().what.empty());
        CHECK_FALSE(part.error().where.empty());
        CHECK_FALSE(part.error().todo.empty());
        continue;
      }
      REQUIRE(part->size() <= events.size());
      if (std::string_view(c.name) == "CSV") continue;  // a number that is cut is a number
      for (std::size_t i = 0; i < part->size(); ++i) {
        CHECK(part->t[i] == events.t[i]);
        CHECK(part->x[i] == events.x[i]);
        CHECK(part->polarity[i] == events.polarity[i]);
      }
    }
    CHECK(refused * 3 > whole.size());
  }
}

TEST_CASE("time that runs backwards is refused with its index, or mended within a bound") {
  Events events = random_events(7, 1000, {128, 128, 2}, 1000);
  Events late = events;
  std::swap(late.t[500], late.t[520]);
  REQUIRE(events.t[500] + 50 < events.t[520]);
  const std::int64_t step = events.t[520] - events.t[501];
  for (const auto& write : {std::function(aedat2_dvs128), std::function([](const Events& e) { return dat(e); }),
                            std::function([](const Events& e) { return csv(e); }),
                            std::function([](const Events& e) { return aedat4(e, 1); })}) {
    CHECK(has(what(write(late)),
              text::cat("time runs backwards at event 501: ", events.t[501], " us after ", events.t[520], " us")));
    const auto sorted = read(write(late), {.order = data::TimeOrder::sort, .bound_us = events.t[520] - events.t[500]});
    REQUIRE(sorted.has_value());
    CHECK(sorted->t == events.t);
    const auto clamped =
        read(write(late), {.order = data::TimeOrder::clamp, .bound_us = events.t[520] - events.t[500]});
    REQUIRE(clamped.has_value());
    CHECK(std::is_sorted(clamped->t.begin(), clamped->t.end()));
    CHECK(clamped->x == events.x);
    CHECK(has(what(write(late), {.order = data::TimeOrder::sort, .bound_us = step - 1}), "more than the allowed"));
    CHECK(has(what(write(late), {.order = data::TimeOrder::clamp, .bound_us = step - 1}), "more than the allowed"));
  }
}

TEST_CASE("sorting a stream is the stable sort of the whole, and counts what it moved") {
  SeededRandom random(11);
  Events events = random_events(8, 150'000, {128, 128, 2}, 1000);
  for (std::size_t i = 0; i < events.size(); ++i) events.t[i] -= static_cast<std::int64_t>(random.below(300));
  std::vector<std::size_t> order(events.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return events.t[a] < events.t[b]; });
  const Bytes bytes = aedat4(events, 1);
  auto reader = data::open_events(bytes, "x", {.order = data::TimeOrder::sort, .bound_us = 300});
  const auto sorted = data::read_all(**reader);
  REQUIRE_MESSAGE(sorted.has_value(), sorted.error().what);
  REQUIRE(sorted->size() == events.size());
  bool same = true;
  for (std::size_t i = 0; i < order.size(); ++i) {
    same = same && sorted->t[i] == events.t[order[i]] && sorted->x[i] == events.x[order[i]] &&
           sorted->y[i] == events.y[order[i]];
  }
  CHECK(same);
  CHECK((*reader)->repairs().reordered > 1000);
}

TEST_CASE("events outside the sensor are refused with index and place, or dropped and counted") {
  Events events = random_events(7, 100, {300, 200, 2}, 1000);
  events.x[42] = 310;
  events.y[43] = 200;
  events.sensor = {300, 200, 2};
  for (const Bytes& bytes : {dat(events), csv(events), aedat4(events, 3), evt2(events), evt3(events)}) {
    CHECK(has(what(bytes), "event 42 at x = 310"));
    auto reader = data::open_events(bytes, "x", {.outside = data::OutsideSensor::drop});
    const auto kept = data::read_all(**reader);
    REQUIRE(kept.has_value());
    CHECK(kept->size() == 98);
    CHECK((*reader)->repairs().outside == 2);
  }
}

TEST_CASE("what is not a recording of a known kind is refused by name") {
  CHECK(has(what({}), "empty"));
  CHECK(has(what(bytes_of("#!AER-DAT3.1\r\n#Format: RAW\r\n")), "version 3.1 of AEDAT"));
  CHECK(has(what(bytes_of("% evt 4.0\n% end\n1234")), "without a known encoding"));
  CHECK(has(what(bytes_of("hello, world\nthis is text\n")), "not an event recording"));
  CHECK(has(what(Bytes(1000, 0xff)), "not an event recording"));
  CHECK(has(what(csv(random_events(1, 5, {4, 4, 2})), {.format = "midi"}), "'midi' is not a format"));
  const Events events = random_events(1, 50, {128, 128, 2});
  Bytes bytes = dat(events);
  const auto replace = [](Bytes b, std::string_view from, std::string_view to) {
    std::string text(b.begin(), b.end());
    text.replace(text.find(from), from.size(), to);
    return Bytes(text.begin(), text.end());
  };
  CHECK(has(what(replace(bytes, "Version 2", "Version 7")), "version '7' of DAT"));
  CHECK(has(what(replace(bytes, "\x0c\x08", "\x0e\x08")), "events of type 14"));
  CHECK(has(what(replace(aedat2_dvs128(events), "DVS128", "ATIS304")), "ATIS304 is not known here"));
  CHECK(has(what(aedat2_dvs128(events), {.chip = "eye"}), "'eye' is not a chip"));
  CHECK(has(what(aedat4_header(7, {4, 4, 2}, -1)), "compression 7 is not known"));
  CHECK(has(what(replace(aedat4(events, 1), "EVTS", "IMUS")), "holds events"));
  CHECK(has(what(replace(aedat4(events, 0), "AER-DAT4.0", "AER-DAT4.1")), "only version 4.0"));
}

TEST_CASE("an AEDAT 2 file from before chips were named is a DVS128's if its addresses are") {
  const Events events = random_events(1, 50, {128, 128, 2});
  const Bytes named = aedat2_dvs128(events);
  Bytes bytes = bytes_of("#!AER-DAT2.0\r\n");
  bytes.insert(bytes.end(), named.end() - 400, named.end());
  CHECK(*read(bytes) == events);
  const Events davis = random_events(1, 50, {346, 260, 2});
  const Bytes davis_bytes = aedat2_davis346(davis);
  Bytes unnamed = bytes_of("#!AER-DAT2.0\r\n");
  unnamed.insert(unnamed.end(), davis_bytes.end() - 400, davis_bytes.end());
  CHECK(has(what(unnamed), "names no chip"));
  CHECK(read(unnamed, {.chip = "davis346"})->sensor == Sensor{346, 260, 2});
}

TEST_CASE("a damaged AEDAT 4 packet is one clear message, and a bomb takes no memory to speak of") {
  const Events events = random_events(1, 3000, {128, 128, 2});
  const auto with_packet = [&](int compression, const Bytes& content) {
    Bytes out = aedat4_header(compression, events.sensor, -1);
    put_packet(out, 0, content);
    return out;
  };
  Bytes zeros(100 << 20);
  CHECK(has(what(with_packet(1, lz4_frame(zeros))), "unpacks to more than 64 MiB"));
  CHECK(has(what(with_packet(3, zstd_frame(zeros))), "unpacks to more than 64 MiB"));
  CHECK(has(what(with_packet(0, Bytes(100))), "not laid out as one"));
  CHECK(has(what(with_packet(1, Bytes(100))), "LZ4 frame cannot be unpacked"));
  CHECK(has(what(with_packet(3, Bytes(100))), "Zstandard frame cannot be unpacked"));
  const Bytes flat = flat_events(events, 0, 3000);
  for (const int compression : {1, 3}) {
    Bytes cut = packed(flat, compression);
    cut.resize(cut.size() / 2);
    CHECK(has(what(with_packet(compression, cut)), "cannot be unpacked"));
  }
  for (std::size_t at = 0; at < 28; ++at) {  // every offset and size of the FlatBuffer
    for (const int value : {0x00, 0x7f, 0x80, 0xff}) {
      Bytes damaged = flat;
      damaged[at] = static_cast<std::uint8_t>(value);
      const auto result = read(with_packet(0, damaged));
      if (result) CHECK(result->size() <= 3000);
    }
  }
  Bytes huge = aedat4_header(0, events.sensor, -1);
  put_little(huge, 0, 4);
  put_little(huge, 0xfffffff0u, 4);
  CHECK(has(what(huge), "more than 64 MiB"));
  CHECK(has(what(aedat4_header(0, events.sensor, 1 << 20)), "cut short: its table of packets"));
}

TEST_CASE("tables of text are understood whatever their columns, separators and unit of time") {
  const auto one = [](std::string_view text, const OpenOptions& options = {}) {
    const auto events = read(bytes_of(text), options);
    REQUIRE_MESSAGE(events.has_value(), events.error().what);
    REQUIRE(events->size() == 2);
    CHECK(events->t[0] == 1000);
    CHECK(events->x[0] == 3);
    CHECK(events->t[1] == 2500);
    return *events;
  };
  for (const char* text :
       {"1000,3,4,1\n2500,5,6,0\n", "1000 3 4 1\n2500 5 6 0", "t;x;y;p\r\n1000;3;4;1\r\n2500;5;6;-1\r\n",
        "3,4,1,1000\n5,6,0,2500\n", "x,y,polarity,timestamp\n3,4,1,1000\n5,6,0,2500\n",
        "0.001000 3 4 1\n0.0025 5 6 0\n", "# a note\n\n  1000 , 3 , 4 , 1 \n% more\n2500\t5\t6\t0\n"}) {
    CAPTURE(text);
    const Events events = one(text);
    CHECK(events.y[0] == 4);
    CHECK(events.polarity[0] == 1);
    CHECK(events.polarity[1] == 0);
    CHECK(events.sensor == Sensor{6, 7, 2});
  }
  CHECK(one("1 3 4 1\n2.5 5 6 0\n", {.time_unit = data::TimeUnit::ms}).polarity[0] == 1);
  CHECK(one("1,4,3,1000\n0,6,5,2500\n", {.columns = "p,y,x,t"}).y[1] == 6);
  const Events channels = one("time,channel\n1000,3\n2500,699\n");
  CHECK(channels.sensor == Sensor{700, 1, 1});
  CHECK(one("1000,3,4\n2500,5,6\n").sensor == Sensor{6, 7, 1});
}

TEST_CASE("a wrong line of text is refused by its number") {
  std::string rows = "t,x,y,p\n";
  for (int i = 0; i < 100; ++i) rows += text::cat(i, ",1,2,1\n");
  CHECK(has(what(bytes_of(rows + "100,1,2\n")), "line 102 is not an event: its polarity"));
  CHECK(has(what(bytes_of(rows + "100,1,2,7\n")), "line 102 is not an event: its polarity"));
  CHECK(has(what(bytes_of(rows + "100,-1,2,1\n")), "its coordinates"));
  CHECK(has(what(bytes_of(rows + "100,1.5,2,1\n")), "its coordinates"));
  CHECK(has(what(bytes_of(rows + "nan,1,2,1\n")), "its time"));
  CHECK(has(what(bytes_of(rows + "1e300,1,2,1\n")), "its time"));
  CHECK(has(what(bytes_of(rows + std::string(5000, '1') + "\n")), "longer than any line"));
}

TEST_CASE("the recordings beside the repository have the events they are known to have") {
  namespace fs = std::filesystem;
  const fs::path folder = SYN_SOURCE_DIR "/../shared/data/events";
  if (!fs::is_directory(folder)) {
    MESSAGE("skipped: ../shared/data/events is not here");
    return;
  }
  const auto count = [&](const char* name, Sensor sensor, const char* format) {
    auto reader = data::open_events(folder / name);
    REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
    CHECK((*reader)->recording().sensor == sensor);
    CHECK((*reader)->recording().format == format);
    const auto events = data::read_all(**reader);
    REQUIRE_MESSAGE(events.has_value(), events.error().what);
    return events->size();
  };
  // The file's own table of packets counts 111,954. The 118,651 of tonic's test is the number of 8-byte records when
  // its reader of AEDAT 3 is pointed at this file: (949,253 - 17 - 28) / 8.
  CHECK(count("sample.aedat4", {320, 240, 2}, "AEDAT 4") == 111'954);
  CHECK(count("sample_nmnist.bin", {34, 34, 2}, "N-MNIST") == 4'325);
  CHECK(count("sample_aedat_header.aedat", {346, 260, 2}, "AEDAT 2") == 0);
  auto cars = data::open_events(folder / "sample_ncars.dat");
  REQUIRE(cars.has_value());
  const auto events = data::read_all(**cars);
  REQUIRE_MESSAGE(events.has_value(), events.error().what);
  CHECK(events->size() == (fs::file_size(folder / "sample_ncars.dat") - 0x5d) / 8);
  CHECK(events->t.front() == 0);
  CHECK(events->x[0] == 25);
  CHECK(events->y[0] == 8);
  CHECK(events->polarity[2] == 1);
}
