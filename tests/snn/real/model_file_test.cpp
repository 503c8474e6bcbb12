#include "snn/real/model_file.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>

#include "core/sha256.hpp"
#include "random_graphs.hpp"
#include "snn/model_file.hpp"
#include "snn/real/engine.hpp"

namespace syn::snn::real {
namespace {

Model small_model() {
  Model model{.name = "small", .dt = 1e-3};
  model.populations = {{"in", {2}, Input{}},
                       {"hidden", {3}, Lif{.membrane = {.tau = {0.01, 0.02, 0.03}}, .firing = {.refractory = 2}}},
                       {"out", {1}, Li{}}};
  model.projections = {{0, 1, 0, Dense{{1, 2, 3, 4, 5, 6}, {}}},
                       {1, 2, 1, Sparse{{0, 2}, {0, 2}, {0.5f, -0.5f}, {0.25f}}}};
  model.inputs = {{"x", 0}};
  model.outputs = {{"y", 2}};
  model.notes = {{"made by", "a test"}};
  return model;
}

Bytes written(const Model& model) {
  auto bytes = write_model(model);
  REQUIRE_MESSAGE(bytes.has_value(), bytes.error().what);
  return *bytes;
}
std::string refusal(ByteView bytes) {
  const auto model = read_model(bytes, "a test");
  return model ? "" : model.error().what;
}
void seal(Bytes& bytes) {
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data() + 48, 8);
  const auto digest = Sha256::of(ByteView(bytes).subspan(64, header));
  std::memcpy(bytes.data() + 8, digest.data(), digest.size());
}

}  // namespace

TEST_CASE("a float model reads back as it was written, and is written the same twice") {
  SeededRandom random(81);
  for (int round = 0; round < 100; ++round) {
    testing::Graphs graphs(random);
    Model model = graphs.make();
    model.notes = {{"seed", std::to_string(round)}, {std::string("\xff\xfe", 2), ""}};
    const Bytes bytes = written(model);
    const auto read = read_model(bytes, "a test");
    REQUIRE_MESSAGE(read.has_value(), read.error().what);
    CHECK(*read == model);
    CHECK(written(*read) == bytes);
    CHECK(snn::hash_of(bytes, "a test").has_value());
    CHECK(snn::profile_of(bytes, "a test") == snn::Profile::real);
  }
}

TEST_CASE("a float model is refused by name where an integer one is wanted, and the other way round") {
  const Bytes real = written(small_model());
  const auto wrong = snn::read_model(real, "a test");
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().what.find("'real'") != std::string::npos);
  // What programs of before the float profile see first: field 1 of the header, the feature `real`.
  const Bytes feature{0x0a, 4, 'r', 'e', 'a', 'l'};
  CHECK(std::equal(feature.begin(), feature.end(), real.begin() + 64));
  const Bytes integer = snn::write_model({.name = "empty"});
  CHECK(snn::profile_of(integer, "a test") == snn::Profile::integer);
  CHECK(refusal(integer).find("'real'") != std::string::npos);
}

TEST_CASE("a float model file cut short or with a flipped bit is refused") {
  Bytes bytes = written(small_model());
  REQUIRE(refusal(bytes).empty());
  for (std::size_t length = 0; length < bytes.size(); ++length) CHECK(refusal(ByteView(bytes).first(length)) != "");
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= 0x10;
    CAPTURE(at);
    CHECK(refusal(bytes) != "");
    bytes[at] ^= 0x10;
  }
}

TEST_CASE("a float header edited and sealed again never crashes and is only taken if it is a model") {
  const Bytes bytes = written(small_model());
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data() + 48, 8);
  SeededRandom random(82);
  int taken = 0;
  for (int round = 0; round < 4000; ++round) {
    Bytes edited = bytes;
    for (std::uint64_t edits = 1 + random.below(3); edits > 0; --edits)
      edited[64 + random.below(header)] = static_cast<std::uint8_t>(random.below(256));
    seal(edited);
    const auto model = read_model(edited, "a test");
    taken += model.has_value();
    if (model) CHECK(check(*model).has_value());
  }
  CHECK(taken > 0);
}

TEST_CASE("what a float file cannot hold is refused by name") {
  Model model = small_model();
  std::get<Lif>(model.populations[1].neurons).membrane.tau[1] = -1;
  const auto wrong = write_model(model);
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().what.find("tau_mem") != std::string::npos);
  model = small_model();
  model.notes = {{"long", std::string(2 << 20, 'x')}};
  CHECK_FALSE(write_model(model).has_value());

  // A kind of a later program.
  Bytes bytes = written(small_model());
  const Bytes kind{3, 'l', 'i', 'f'};
  const auto at = std::search(bytes.begin(), bytes.end(), kind.begin(), kind.end());
  REQUIRE(at != bytes.end());
  at[3] = 'g';
  seal(bytes);
  CHECK(refusal(bytes) == "population 'hidden' is of a kind unknown to this program, 'lig'");

  const auto folder = std::filesystem::temp_directory_path() /
                      ("synfire-real-file-" + std::to_string(reinterpret_cast<std::uintptr_t>(&bytes)));
  std::filesystem::create_directories(folder);
  REQUIRE(save_model(small_model(), folder / "m.syn").has_value());
  const auto loaded = load_model(folder / "m.syn");
  REQUIRE(loaded.has_value());
  CHECK(*loaded == small_model());
  CHECK_FALSE(load_model(folder / "absent.syn").has_value());
  CHECK_FALSE(save_model(small_model(), folder / "nowhere" / "m.syn").has_value());
  std::filesystem::remove_all(folder);
}

}  // namespace syn::snn::real
