#include "conversion/trainer/training.hpp"

#include <doctest/doctest.h>

#include "conversion/trainer/export.hpp"
#include "tests/conversion/trainer/toy.hpp"

using namespace syn;
using namespace syn::train;
using namespace syn::test;

namespace {

Training begin(const Settings& settings, const data::Dataset& set, std::shared_ptr<Network> teacher = nullptr) {
  auto training = Training::start(settings, set, std::move(teacher), "teacher");
  REQUIRE(training.has_value());
  return std::move(*training);
}

// Runs to the end and returns everything a checkpoint can hold.
Checkpoint finished(Training training) {
  const auto done = training.run({});
  REQUIRE(done.has_value());
  CHECK(*done);
  return training.checkpoint();
}

bool equal(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return torch::equal(x, y); });
}

void check_same(const Checkpoint& a, const Checkpoint& b) {
  CHECK(equal(a.weights, b.weights));
  CHECK(equal(a.average, b.average));
  CHECK(equal(a.best, b.best));
  CHECK(equal(a.momentum, b.momentum));
  CHECK(a.best_accuracy == b.best_accuracy);
  CHECK(a.best_epoch == b.best_epoch);
  CHECK(a.epoch == b.epoch);
}

}  // namespace

TEST_CASE("a tiny network learns: the loss falls and the held-out images are named rightly") {
  const auto set = quadrants(720, 1);
  Training training = begin(toy_settings(), set);
  std::vector<double> losses;
  const auto done = training.run({.after_batch = [&](const Progress& p) {
    CHECK(p.batches == 20);
    CHECK(p.epoch_done == (p.batch == 20));
    if (p.epoch_done) losses.push_back(p.loss);
    return true;
  }});
  REQUIRE(done.has_value());
  REQUIRE(losses.size() == 4);
  CHECK(losses.back() < losses.front() / 4);
  CHECK(training.best_accuracy() > 0.95);
  const auto fresh = quadrants(400, 2);
  std::vector<std::uint32_t> all(fresh.count);
  std::iota(all.begin(), all.end(), 0u);
  CHECK(correct(*training.best(), fresh, all, {}) > 380);
}

TEST_CASE("a run stopped after any batch and continued from its checkpoint ends with the uninterrupted run's weights") {
  const auto set = quadrants(720, 1);
  Settings settings = toy_settings();
  settings.epochs = 3;
  settings.augmentation = {.shift = 1, .flip = true, .erase = 0.5};
  const Checkpoint whole = finished(begin(settings, set));
  for (const int stop : {1, 19, 20, 33, 60}) {
    CAPTURE(stop);
    Bytes kept;
    {
      Training first = begin(settings, set);
      int batches = 0;
      const auto done = first.run({.after_batch = [&](const Progress&) { return ++batches < stop; }});
      REQUIRE(done.has_value());
      CHECK(*done == (stop == 60));
      kept = encode(first.checkpoint());
    }
    const auto checkpoint = decode(kept, "memory");
    REQUIRE(checkpoint.has_value());
    Training second = begin(settings, set);
    REQUIRE(second.resume(*checkpoint, "memory").has_value());
    check_same(finished(std::move(second)), whole);
  }
}

TEST_CASE("dropout continues exactly too") {
  const auto set = quadrants(200, 1);
  // The teacher needs a larger image: every pixel becomes three by three.
  data::Dataset large{
      .name = "large", .shape = {1, 24, 24}, .count = set.count, .classes = 4, .pixels = {}, .labels = set.labels};
  for (std::size_t i = 0; i < set.count; ++i) {
    for (std::size_t at = 0; at < 24 * 24; ++at) large.pixels.push_back(set.image(i)[at / 72 * 8 + at % 24 / 3]);
  }
  Settings settings = toy_settings();
  settings.architecture = "teacher";
  settings.epochs = 1;
  settings.validation = 40;
  const Checkpoint whole = finished(begin(settings, large));
  Training first = begin(settings, large);
  int batches = 0;
  REQUIRE(first.run({.after_batch = [&](const Progress&) { return ++batches < 2; }}).has_value());
  Training second = begin(settings, large);
  REQUIRE(second.resume(first.checkpoint(), "memory").has_value());
  check_same(finished(std::move(second)), whole);
}

TEST_CASE("another seed is another run, and the same seed the same") {
  const auto set = quadrants(400, 1);
  Settings settings = toy_settings();
  settings.epochs = 1;
  const Checkpoint a = finished(begin(settings, set)), again = finished(begin(settings, set));
  check_same(a, again);
  settings.seed = 4;
  CHECK_FALSE(equal(a.weights, finished(begin(settings, set)).weights));
}

TEST_CASE("distilling with alpha 0 is training, bit for bit; with alpha 1 the student follows its teacher's mistakes") {
  const auto set = quadrants(720, 1);
  Settings settings = toy_settings();
  const auto plain = finished(begin(settings, set));

  // A teacher that was told every label wrong.
  auto wrong = set;
  for (auto& label : wrong.labels) label = static_cast<std::uint8_t>((label + 1) % 4);
  Training lessons = begin(settings, wrong);
  REQUIRE(lessons.run({}).has_value());
  const auto teacher = lessons.best();

  settings.distillation = Distillation{.temperature = 3, .alpha = 0};
  check_same(finished(begin(settings, set, teacher)), plain);

  settings.distillation->alpha = 1;
  Training student = begin(settings, set, teacher);
  REQUIRE(student.run({}).has_value());
  CHECK(student.best_accuracy() < 0.05);  // of the true labels
  std::vector<std::uint32_t> all(wrong.count);
  std::iota(all.begin(), all.end(), 0u);
  CHECK(correct(*student.best(), wrong, all, {}) > 680);
}

TEST_CASE("bfloat16 learns as well, and what it leaves is float32") {
  const auto set = quadrants(720, 1);
  Settings settings = toy_settings();
  settings.bfloat16 = true;
  Training training = begin(settings, set);
  REQUIRE(training.run({}).has_value());
  CHECK(training.best_accuracy() > 0.95);
  for (const auto& tensor : training.best()->parameters()) CHECK(tensor.dtype() == torch::kFloat32);
}

TEST_CASE("a checkpoint of other settings, data or teacher is refused and says both") {
  const auto set = quadrants(400, 1);
  Settings settings = toy_settings();
  const Checkpoint checkpoint = begin(settings, set).checkpoint();
  settings.rate = 0.05;
  const auto resumed = begin(settings, set).resume(checkpoint, "x.ckpt");
  REQUIRE_FALSE(resumed.has_value());
  CHECK(resumed.error().what.find("lr 0.1,") != std::string::npos);
  CHECK(resumed.error().todo.find("lr 0.05,") != std::string::npos);
  const auto other = quadrants(401, 1);
  CHECK_FALSE(begin(toy_settings(), other).resume(checkpoint, "x.ckpt").has_value());
}

TEST_CASE("settings that do not fit the data are refused") {
  const auto set = quadrants(80, 1);
  const auto none_left = Training::start(toy_settings(), set, nullptr, "");
  REQUIRE_FALSE(none_left.has_value());
  CHECK(none_left.error().where == "--validation");
  Settings settings = toy_settings();
  settings.architecture = "student";
  const auto too_small = Training::start(settings, quadrants(400, 1), nullptr, "");
  REQUIRE_FALSE(too_small.has_value());
  CHECK(too_small.error().what.find("does not fit") != std::string::npos);
}

TEST_CASE("a loss that is no longer a number ends the run with an error") {
  const auto set = quadrants(400, 1);
  Settings settings = toy_settings();
  settings.rate = 1e30;
  const auto done = begin(settings, set).run({});
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().todo == "use a smaller --lr");
}
