#include "conversion/trainer/checkpoint.hpp"

#include <doctest/doctest.h>

#include "core/random.hpp"
#include "tests/conversion/data/files.hpp"

using namespace syn;
using namespace syn::train;
using namespace syn::test;

namespace {

Checkpoint sample() {
  const auto layers = architecture("tiny");
  const Network network(*layers, {1, 8, 8}, 4);
  return {.description = "a run",
          .architecture = "tiny",
          .input = {1, 8, 8},
          .classes = 4,
          .epoch = 3,
          .batch = 7,
          .loss_sum = 0.1,
          .best_accuracy = 0.75,
          .best_epoch = 2,
          .weights = copy_of(network.tensors()),
          .average = copy_of(network.tensors()),
          .best = copy_of(network.tensors()),
          .momentum = {}};
}

}  // namespace

TEST_CASE("a checkpoint comes back as it was") {
  const Checkpoint before = sample();
  const auto after = decode(encode(before), "memory");
  REQUIRE(after.has_value());
  CHECK(after->description == "a run");
  CHECK(after->architecture == "tiny");
  CHECK(after->input == data::Shape{1, 8, 8});
  CHECK(after->classes == 4);
  CHECK(after->epoch == 3);
  CHECK(after->batch == 7);
  CHECK(after->loss_sum == 0.1);
  CHECK(after->best_accuracy == 0.75);
  CHECK(after->best_epoch == 2);
  CHECK(after->momentum.empty());
  REQUIRE(after->best.size() == before.best.size());
  for (std::size_t i = 0; i < before.best.size(); ++i) CHECK(torch::equal(after->best[i], before.best[i]));
}

TEST_CASE("a cut or a flipped bit anywhere is noticed before libtorch sees it") {
  const Bytes whole = encode(sample());
  for (std::size_t i = 0; i < 400; ++i) {
    const std::size_t at = i < 60 ? i : hash64(i) % whole.size();
    CHECK_FALSE(decode(ByteView(whole).first(at), "x").has_value());
    Bytes damaged = whole;
    damaged[at] ^= static_cast<std::uint8_t>(1 << i % 8);
    const auto checkpoint = decode(damaged, "x");
    REQUIRE_FALSE(checkpoint.has_value());
    CHECK(checkpoint.error().where == "x");
  }
}

TEST_CASE("a teacher's network is the checkpoint's best, and what does not fit is refused") {
  Checkpoint c = sample();
  for (auto& tensor : c.best) tensor.fill_(2);
  const auto network = network_of(c, "x");
  REQUIRE(network.has_value());
  CHECK((*network)->readout()->weight.min().item<float>() == 2);
  CHECK_FALSE((*network)->is_training());

  const auto what = [](const Checkpoint& bad) {
    const auto refused = network_of(bad, "x");
    REQUIRE_FALSE(refused.has_value());
    return refused.error().what;
  };
  Checkpoint unfinished = c;
  unfinished.best.clear();
  CHECK(what(unfinished) == "the checkpoint holds no finished epoch");
  Checkpoint wider = c;
  wider.classes = 5;
  CHECK(what(wider).starts_with("the weights are not those"));
  Checkpoint unknown = c;
  unknown.architecture = "vgg";
  CHECK(what(unknown).starts_with("there is no architecture"));
  Checkpoint small = c;
  small.input = {1, 2, 2};
  CHECK(what(small).find("does not fit") != std::string::npos);
}

TEST_CASE("a file is replaced whole, and one that cannot be written leaves the old one as it was") {
  Folder folder;
  const auto file = folder.write("x", Bytes{1, 2, 3});
  REQUIRE(write_file(file, Bytes{4, 5}).has_value());
  CHECK(*read_file(file) == Bytes{4, 5});
  CHECK_FALSE(std::filesystem::exists(folder / "x.part"));

  std::filesystem::create_directory(folder / "x.part");  // so that the new bytes cannot even be begun
  const auto refused = write_file(file, Bytes{6});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().where == file.string());
  CHECK(*read_file(file) == Bytes{4, 5});
  CHECK_FALSE(write_file(folder / "none/x", Bytes{1}).has_value());
  CHECK(read_file(folder / "none").error().what == "no such file");
}
