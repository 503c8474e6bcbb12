// Sets of recordings in HDF5: as libhdf5 writes them, and as our own writer does.
#include <doctest/doctest.h>
#include <hdf5.h>

#include <limits>

#include "conversion/data/events/open.hpp"
#include "conversion/hdf5/tree.hpp"
#include "core/assert.hpp"
#include "tests/conversion/data/events/recordings.hpp"
#include "tests/conversion/data/files.hpp"

using namespace syn;
using namespace syn::test;
using data::Events;
using data::OpenOptions;
using data::Sensor;

namespace {

constexpr std::size_t kSamples = 5;

Events channels(std::size_t sample) {
  Events events = random_events(sample, 300 + 100 * sample, {700, 1, 1}, 1000, 900);
  for (auto& t : events.t) t = t / 1000 * 1000;  // float32 keeps a millisecond exactly enough
  events.sensor = {700, 1, 1};
  if (sample == 3) {
    events.x[0] = 699;  // the sensor is the set's, not the sample's
  }
  return events;
}

void good(std::int64_t code) {
  SYN_ASSERT(code >= 0, code);
}

// SHD's layout as PyTables writes it: chunked sequences, the units as uint16.
Bytes shd_by_libhdf5() {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  good(H5Pset_fapl_core(access, 1 << 16, false));
  const hid_t file = H5Fcreate("shd", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  const hid_t group = H5Gcreate2(file, "spikes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t count = kSamples, chunk = 2;
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
  good(H5Pset_chunk(create, 1, &chunk));
  std::vector<std::vector<float>> times;
  std::vector<std::vector<std::uint16_t>> units;
  std::vector<hvl_t> time_pieces, unit_pieces;
  for (std::size_t s = 0; s < kSamples; ++s) {
    const Events events = channels(s);
    times.emplace_back();
    for (const std::int64_t t : events.t) times.back().push_back(static_cast<float>(static_cast<double>(t) / 1e6));
    units.push_back(events.x);
  }
  for (std::size_t s = 0; s < kSamples; ++s) {
    time_pieces.push_back({times[s].size(), times[s].data()});
    unit_pieces.push_back({units[s].size(), units[s].data()});
  }
  const auto write = [&](const char* name, hid_t element, const std::vector<hvl_t>& pieces) {
    const hid_t type = H5Tvlen_create(element);
    const hid_t set = H5Dcreate2(group, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    good(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pieces.data()));
    good(H5Dclose(set));
    good(H5Tclose(type));
  };
  write("times", H5T_IEEE_F32LE, time_pieces);
  write("units", H5T_STD_U16LE, unit_pieces);
  const std::uint8_t labels[kSamples] = {4, 8, 15, 16, 19};
  const hid_t set = H5Dcreate2(file, "labels", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  good(H5Dwrite(set, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels));
  good(H5Dclose(set));
  good(H5Pclose(create));
  good(H5Sclose(space));
  good(H5Gclose(group));
  good(H5Fflush(file, H5F_SCOPE_GLOBAL));
  Bytes out(static_cast<std::size_t>(H5Fget_file_image(file, nullptr, 0)));
  good(H5Fget_file_image(file, out.data(), out.size()));
  good(H5Fclose(file));
  good(H5Pclose(access));
  return out;
}

Expected<Events> read(const Bytes& bytes, const OpenOptions& options = {}) {
  auto reader = data::open_events(bytes, "x.h5", options);
  if (!reader) return fail(reader.error());
  return data::read_all(**reader);
}
std::string what(const hdf5::Group& tree, const OpenOptions& options = {}) {
  const auto events = read(hdf5::write(tree), options);
  return events ? "read" : events.error().what;
}

hdf5::Group nirdata() {
  const double inf = std::numeric_limits<double>::infinity();
  hdf5::Group spikes{
      {"idx", {hdf5::Numbers{{2, 4}, hdf5::Element::int64, {3, 1, 2, -1, 9, 0, -1, -1}}}},
      {"time", {hdf5::Numbers{{2, 4}, hdf5::Element::float64, {0.001, 0.002, 0.0035, inf, 0, 0.01, inf, inf}}}}};
  hdf5::Group voltage{{"data", {hdf5::Numbers{{1, 1, 1}, hdf5::Element::float32, {0.5}}}}};
  hdf5::Group node{{"observables", {hdf5::Group{{"spikes", {spikes}}, {"v", {voltage}}}}}};
  hdf5::Group inner{{"nodes", {hdf5::Group{{"deep", {node}}}}}};
  return {{"nodes", {hdf5::Group{{"lif", {node}}, {"sub", {inner}}}}}};
}

}  // namespace

TEST_CASE("an SHD set is read sample by sample, with its label, on the sensor of the whole set") {
  const Bytes bytes = shd_by_libhdf5();
  Folder folder;
  const auto file = folder.write("set", bytes);
  for (std::size_t sample = 0; sample < kSamples; ++sample) {
    CAPTURE(sample);
    auto reader = data::open_events(file, {.sample = sample});
    REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
    CHECK((*reader)->recording().sensor == Sensor{700, 1, 1});
    const auto& notes = (*reader)->recording().notes;
    const std::pair<std::string, std::string> label{"label",
                                                    std::vector<std::string>{"4", "8", "15", "16", "19"}[sample]};
    CHECK(std::find(notes.begin(), notes.end(), label) != notes.end());
    const auto events = data::read_all(**reader);
    REQUIRE_MESSAGE(events.has_value(), events.error().what);
    CHECK(*events == channels(sample));
  }
  CHECK(read(bytes, {.sample = kSamples}).error().what.find("sample 5 of 5") != std::string::npos);
}

TEST_CASE("sequences are read as libhdf5 wrote them, and written so that we read them again, float16 too") {
  const Bytes bytes = shd_by_libhdf5();
  const auto tree = hdf5::read(bytes, "x");
  REQUIRE_MESSAGE(tree.has_value(), tree.error().what);
  const Bytes again = hdf5::write(*tree);
  CHECK(*hdf5::read(again, "x") == *tree);
  CHECK(*read(again, {.sample = 2}) == channels(2));

  const Bytes halves{0x00, 0x3c, 0x00, 0x38, 0x00, 0xc0};  // 1, 0.5, -2
  hdf5::Sequences sequences{
      .shape = {2}, .element = hdf5::Element::float32, .size = 2, .values = {ByteView(halves), {}}};
  const Bytes small = hdf5::write({{"s", {sequences}}});
  const auto back = hdf5::read(small, "x");
  REQUIRE_MESSAGE(back.has_value(), back.error().what);
  const auto& read_back = std::get<hdf5::Sequences>(back->at("s").value);
  REQUIRE(read_back.length(0) == 3);
  CHECK(read_back.length(1) == 0);
  CHECK(read_back.number(0, 1) == 0.5);
  CHECK(read_back.number(0, 2) == -2);
}

TEST_CASE("NIRData gives the events of one observable, without its fillers") {
  const Bytes bytes = hdf5::write(nirdata());
  const auto first = read(bytes);
  REQUIRE_MESSAGE(first.has_value(), first.error().what);
  CHECK(first->t == std::vector<std::int64_t>{1000, 2000, 3500});
  CHECK(first->x == std::vector<std::uint16_t>{3, 1, 2});
  CHECK(first->sensor == Sensor{10, 1, 1});
  CHECK(read(bytes, {.sample = 1, .node = "sub/deep/spikes"})->x == std::vector<std::uint16_t>{9, 0});
  CHECK(what(nirdata(), {.node = "lif/v"}).find("there is no 'lif/v'") != std::string::npos);
  CHECK(what(nirdata(), {.sample = 2}).find("sample 2 of 2") != std::string::npos);
}

TEST_CASE("an HDF5 file that holds no events, or broken ones, is one clear message") {
  CHECK(what({}).find("without spikes/times") != std::string::npos);
  CHECK(what({{"nodes", {hdf5::Group{}}}}).find("no observable") != std::string::npos);
  CHECK(what({{"spikes", {hdf5::Group{}}}}).find("not as many sequences") != std::string::npos);
  auto uneven = nirdata();
  auto& node = std::get<hdf5::Group>(std::get<hdf5::Group>(uneven.at("nodes").value).at("lif").value);
  auto& spikes = std::get<hdf5::Group>(std::get<hdf5::Group>(node.at("observables").value).at("spikes").value);
  std::get<hdf5::Numbers>(spikes.at("idx").value).values[1] = -7;
  CHECK(what(uneven).find("channel -7") != std::string::npos);
  std::get<hdf5::Numbers>(spikes.at("idx").value).shape = {4, 2};
  CHECK(what(uneven).find("not of one shape") != std::string::npos);
}

TEST_CASE("no cut and no flipped byte of an HDF5 set crashes or leaves the sensor") {
  const Bytes whole = shd_by_libhdf5();
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto events = read(cut, {.outside = data::OutsideSensor::drop});
    if (!events) CHECK_FALSE(events.error().todo.empty());
  }
  for (std::size_t at = 0; at < whole.size(); at += 13) {
    Bytes damaged = whole;
    damaged[at] ^= 0x41;
    const auto events = read(damaged);
    if (!events) continue;
    for (const std::uint16_t x : events->x) CHECK(x < events->sensor.width);
  }
}
