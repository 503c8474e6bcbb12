#include "bench/peers/contender.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bench/peers/comparison.hpp"
#include "core/random.hpp"

namespace syn::peers {
namespace {

// Two layers of random weights over pictures of 8 x 8: whatever it answers, it must answer alike.
snn::Model network() {
  SeededRandom random(3);
  const auto weights = [&](std::size_t n) {
    std::vector<std::int8_t> w(n);
    for (auto& x : w) x = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
    return w;
  };
  snn::Model model{.name = "small", .code = snn::Code::volley, .steps = 8};
  model.populations = {{.name = "image",
                        .shape = {8, 8, 1},
                        .code = snn::Code::volley,
                        .kind = snn::Source{.scale = {255}, .zero = {0}, .padding = {}},
                        .greatest = 255},
                       {.name = "hidden",
                        .shape = {1, 1, 64},
                        .code = snn::Code::volley,
                        .kind = snn::IntegrateAndFire{.threshold = std::vector<std::int32_t>(64, 20000),
                                                      .bias = std::vector<std::int32_t>(64)},
                        .greatest = 8},
                       {.name = "readout",
                        .shape = {1, 1, 10},
                        .code = snn::Code::volley,
                        .kind = snn::Readout{.bias = std::vector<std::int32_t>(10), .scale = 1}}};
  model.projections = {{0, 1, snn::Dense{weights(64 * 64)}}, {1, 2, snn::Dense{weights(64 * 10)}}};
  model.outputs = {"readout"};
  return model;
}

data::Dataset pictures(std::size_t count) {
  SeededRandom random(4);
  data::Dataset set{"random", {8, 8, 1}, count, 10, std::vector<std::uint8_t>(count * 64), {}};
  for (auto& pixel : set.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
  set.labels.assign(count, 0);
  return set;
}

std::vector<std::uint8_t> classes_of(const Spikes& how, const Normalisation& normalisation, const data::Dataset& set) {
  auto contender = make_synfire(network(), how, normalisation).value();
  std::vector<std::uint8_t> all(set.count);
  for (std::size_t first = 0; first < set.count; first += how.batch)
    CHECK(contender->classify(set, first, std::span(all).subspan(first, how.batch)).has_value());
  return all;
}

}  // namespace

TEST_CASE("whatever the batch and the threads, an image has one class") {
  const data::Dataset set = pictures(30);
  for (const Normalisation& normalisation : {Normalisation{}, Normalisation{.mean = {0.3f}, .std = {0.5f}}}) {
    const auto one = classes_of({}, normalisation, set);
    CHECK(std::ranges::count_if(one, [&](std::uint8_t c) { return c != one[0]; }) > 0);  // not one class for all
    for (const Spikes& how :
         {Spikes{.threads = 2}, Spikes{.batch = 5}, Spikes{.threads = 2, .batch = 5}, Spikes{.threads = 3, .batch = 2}})
      CHECK(classes_of(how, normalisation, set) == one);
  }
}

TEST_CASE("rows are held against the peer's better one with as many threads") {
  const auto row = [](std::string engine, std::uint32_t threads, double us, double per_second) {
    return Row{.engine = std::move(engine), .threads = threads, .latency = {{us}, {us}}, .per_second = per_second};
  };
  Comparison c;
  c.rows = {row("onnxruntime float32", 1, 40, 300), row("onnxruntime int8", 1, 30, 200), row("synfire", 1, 1, 900),
            row("onnxruntime float32", 2, 20, 400), row("onnxruntime int8", 2, 25, 500), row("synfire", 2, 1, 900)};
  CHECK(c.reference() == 1);
  CHECK(c.batch_reference() == 0);
  CHECK(c.reference(2) == 3);
  CHECK(c.batch_reference(2) == 4);
  CHECK(c.reference(3) == -1);
  c.rows[4].per_second.reset();
  CHECK(c.batch_reference(2) == 3);
}

}  // namespace syn::peers
