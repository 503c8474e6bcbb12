#include "snn/model_file.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/sha256.hpp"
#include "random_models.hpp"
#include "snn/engine.hpp"

namespace syn::snn {
namespace {

using namespace testing;

Model small_model() {
  SeededRandom random(5);
  ModelBuilder b(random, {.code = Code::volley, .steps = 4, .branches = false});
  const auto in = b.input({3, 3, 1});
  const auto [conv, shape] = b.conv(in, 2);
  const auto hidden = b.neurons(shape, 1000);
  b.join(in, hidden, conv);
  const auto out = b.readout(2);
  b.join(hidden, out, Dense{random_weights(random, std::size_t{shape.neurons()} * 2)});
  Model model = b.take();
  model.notes = {{"made by", "a test"}};
  return model;
}

std::string refusal(ByteView bytes) {
  const auto model = read_model(bytes, "a test");
  return model ? "" : model.error().what;
}

// Makes the preamble true again after the header was edited, as somebody hostile would.
void seal(Bytes& bytes) {
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data() + 48, 8);
  const auto digest = Sha256::of(ByteView(bytes).subspan(64, header));
  std::memcpy(bytes.data() + 8, digest.data(), digest.size());
}

}  // namespace

TEST_CASE("a model reads back as it was written, and is written the same twice") {
  SeededRandom random(6);
  for (int round = 0; round < 40; ++round) {
    const bool more = round % 3 == 0;
    Model model =
        random_model(random, {.code = static_cast<Code>(round % 3), .steps = 5, .leaky = more, .late = more});
    model.notes = {{"seed", std::to_string(round)}, {std::string("\xff\xfe", 2), ""}};
    const Bytes bytes = write_model(model);
    const auto read = read_model(bytes, "a test");
    REQUIRE_MESSAGE(read.has_value(), read.error().what);
    CHECK(*read == model);
    CHECK(write_model(*read) == bytes);
  }
}

TEST_CASE("a model file cut short at any length is refused") {
  const Bytes bytes = write_model(small_model());
  REQUIRE(refusal(bytes).empty());
  for (std::size_t length = 0; length < bytes.size(); ++length) CHECK(refusal(ByteView(bytes).first(length)) != "");
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK(refusal(longer) != "");
}

TEST_CASE("a flipped bit in any byte of a model file is refused") {
  Bytes bytes = write_model(small_model());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      bytes[at] ^= static_cast<std::uint8_t>(1 << bit);
      CAPTURE(at);
      CHECK(refusal(bytes) != "");
      bytes[at] ^= static_cast<std::uint8_t>(1 << bit);
    }
  }
  CHECK(refusal(bytes).empty());
}

TEST_CASE("a header edited and sealed again never crashes and is only taken if it is a model") {
  const Bytes bytes = write_model(small_model());
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data() + 48, 8);
  SeededRandom random(7);
  for (int round = 0; round < 4000; ++round) {
    Bytes edited = bytes;
    for (std::uint64_t edits = 1 + random.below(3); edits > 0; --edits)
      edited[64 + random.below(header)] = static_cast<std::uint8_t>(random.below(256));
    seal(edited);
    if (const auto model = read_model(edited, "a test")) (void)Engine::make(*model);
  }
}

TEST_CASE("a tensor that claims 2 GB in a file of 1 kB is refused before memory is taken") {
  Bytes bytes = write_model(small_model());
  Model model = small_model();
  model.populations[1].shape = {1 << 13, 1 << 13, 2};
  const Bytes wrong_shape = write_model(model);
  CHECK(refusal(wrong_shape).find("too many neurons") != std::string::npos);
  model.populations[1].shape = {1 << 12, 1 << 12,
                                2};  // 2^25 neurons into 2 classes: 64 MB of weights that are not there
  CHECK(refusal(write_model(model)).find("weights") != std::string::npos);
  model.populations[2].shape.channels = 1 << 16;
  CHECK(refusal(write_model(model)) != "");

  std::uint64_t huge = std::uint64_t{2} << 30;  // the preamble's own lengths
  for (const std::size_t at : {48, 56}) {
    Bytes edited = bytes;
    std::memcpy(edited.data() + at, &huge, 8);
    CHECK(refusal(edited) != "");
  }
}

TEST_CASE("an unknown version and numbers that are not finite are refused by name") {
  Bytes bytes = write_model(small_model());
  bytes[40] = 2;
  CHECK(refusal(bytes).find("version 2") != std::string::npos);
  Model model = small_model();
  model.populations[1].amplitude[0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(refusal(write_model(model)).find("not finite") != std::string::npos);
  model = small_model();
  model.populations[0].mean_count = std::numeric_limits<double>::infinity();
  CHECK(refusal(write_model(model)).find("not finite") != std::string::npos);
}

TEST_CASE("files say what earlier programs said of max pooling, and a shift beyond all channels is refused") {
  SeededRandom random(9);
  const auto written = [&](Connection connection, Kind kind) {
    ModelBuilder b(random, {.branches = false});
    const auto in = b.input({4, 4, 2}), next = b.pooled({4, 4, 2}, 255), out = b.readout(2);
    b.join(in, next, std::move(connection));
    b.join(next, out, Dense{std::vector<std::int8_t>(64, 1)});
    Model model = b.take();
    model.populations[1].kind = std::move(kind);
    return write_model(model);
  };
  // Dilation 1 is not stored: Window fields 5 and 6 (tags 0x28, 0x30) are absent, as in files of before it could be
  // set.
  const Bytes plain{0x9a, 0x01, 8, 0x08, 1, 0x10, 1, 0x18, 1, 0x20, 1};
  const Bytes with_pool = written(MaxPool{}, Pooled{});
  CHECK(std::search(with_pool.begin(), with_pool.end(), plain.begin(), plain.end()) != with_pool.end());
  const auto read = read_model(with_pool, "a test");
  REQUIRE(read.has_value());
  CHECK(std::get<MaxPool>(read->projections[0].connection) == MaxPool{});
  const IntegrateAndFire fire{.threshold = {1, 1}, .bias = {0, 0}};
  CHECK(refusal(written(OneToOne{.shift = -65536, .multiplier = {1, 1}}, fire)).empty());
  CHECK(refusal(written(OneToOne{.shift = -65537, .multiplier = {1, 1}}, fire)) == "a shift of -65537 channels");
}

TEST_CASE("a feature that this program does not know is refused by its name") {
  Bytes bytes = write_model(small_model());
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data() + 48, 8);
  // Field 1 of the header (required_features), appended: tag 0x0a, length 9. It takes the place of the notes' bytes, so
  // that no offset moves: "made by" / "a test" is 2 + 2 + 7 + 2 + 6 = 19 bytes, tag 0x42.
  const Bytes note{0x42, 17, 0x0a, 7, 'm', 'a', 'd', 'e', ' ', 'b', 'y', 0x12, 6, 'a', ' ', 't', 'e', 's', 't'};
  const auto at = std::search(bytes.begin(), bytes.end(), note.begin(), note.end());
  REQUIRE(at != bytes.end());
  const Bytes feature{0x0a, 17, 'g', 'r', 'a', 'd', 'e', 'd', ' ', 's', 'y', 'n', 'a', 'p', 's', 'e', 's', '2', '!'};
  std::copy(feature.begin(), feature.end(), at);
  seal(bytes);
  CHECK(refusal(bytes).find("'graded synapses2!'") != std::string::npos);
}

TEST_CASE("the model's hash is the SHA-256 of its header, and a saved model loads") {
  const Model model = small_model();
  const Bytes bytes = write_model(model);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data() + 48, 8);
  const auto hash = hash_of(bytes, "a test");
  REQUIRE(hash.has_value());
  CHECK(hash->bytes == Sha256::of(ByteView(bytes).subspan(64, header)));

  const auto folder = std::filesystem::temp_directory_path() /
                      ("synfire-model-file-" +
                       std::to_string(hash64(std::uint64_t{header}) ^ reinterpret_cast<std::uintptr_t>(&model)));
  std::filesystem::create_directories(folder);
  const auto path = folder / "m.syn";
  REQUIRE(save_model(model, path).has_value());
  const auto loaded = load_model(path);
  REQUIRE(loaded.has_value());
  CHECK(*loaded == model);
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);  // no temporary is left
  CHECK_FALSE(save_model(model, folder / "nowhere" / "m.syn").has_value());
  CHECK_FALSE(load_model(folder / "absent.syn").has_value());
  std::filesystem::remove_all(folder);
}

}  // namespace syn::snn
