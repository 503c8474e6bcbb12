// What joins and splits in a network (Add, Concat, groups), what stands before padding, and activations with a ceiling:
// each against the float network with many levels, or exactly.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "conversion/ann/executor.hpp"
#include "conversion/choose_code.hpp"
#include "nets.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"
#include "snn/model_file.hpp"

using namespace syn;
using namespace syn::nets;

namespace {

const ann::Geometry kSame{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
const ann::Geometry kHalf{{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}};
const ann::Geometry kTwo{{2, 2}, {2, 2}};

// Nodes by name: each makes the value of its own name.
struct Net {
  ann::Graph graph;
  explicit Net(std::vector<std::int64_t> input) : graph{"net", "in", std::move(input), {}, {}} {}
  Net& add(const std::string& name, ann::Operator op, std::vector<std::string> inputs) {
    graph.nodes.push_back({name, std::move(op), std::move(inputs), name});
    graph.output = name;
    return *this;
  }
};

Converted converted(const ann::Graph& graph, const data::Dataset& data, const ConvertOptions& options) {
  auto result = convert(graph, data, options);
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what + " | " + result.error().where));
  return std::move(*result);
}

struct Answer {
  std::vector<std::int32_t> potentials;
  std::vector<Count> counts;  // of the population called `watch`
};
Answer run(snn::Model model, ByteView pixels, const std::string& watch = {}) {
  if (!watch.empty()) model.outputs.push_back(watch);
  const auto engine = snn::Engine::make(model).value();
  snn::Window window;
  window.rows = model.rows();
  window.in.resize(1);
  window.in[0].resize(model.populations[0].shape.neurons());
  snn::quantise_pixels(model.populations[0].shape, pixels, window.in[0]);
  snn::State state;
  engine.run(state, window);
  return {window.potentials, window.out.empty() ? std::vector<Count>{} : window.out[0]};
}

// Root mean square of the logits' error over that of the logits.
double error_of(const Converted& result, const ann::Graph& graph, const data::Dataset& data,
                const ConvertOptions& options) {
  const auto executor = ann::Executor::make(graph).value();
  const double scale = std::get<snn::Readout>(result.model.populations.back().kind).scale;
  double error = 0, signal = 0;
  for (std::size_t n = 0; n < data.count; ++n) {
    std::vector<float> x;
    for (const std::uint8_t pixel : data.image(n)) {
      const double mean = options.mean.empty() ? 0 : options.mean[0], std = options.std.empty() ? 1 : options.std[0];
      x.push_back(static_cast<float>((pixel / 255. - mean) / std));
    }
    const auto logits = executor.run(x, 1);
    const auto potentials = run(result.model, data.image(n)).potentials;
    REQUIRE(potentials.size() == logits.size());
    for (std::size_t k = 0; k < logits.size(); ++k) {
      const double said = potentials[k] * scale / (options.code == snn::Code::step ? options.steps : 1);
      error += (said - logits[k]) * (said - logits[k]);
      signal += logits[k] * logits[k];
    }
  }
  return std::sqrt(error / signal);
}

// With 255 levels the spiking network says what the float network says, and is the same for any number of threads.
Converted agrees(const ann::Graph& graph, double tolerance = 0.04, ConvertOptions options = ConvertOptions()) {
  SeededRandom r(91);
  const auto& in = graph.input_shape;
  const auto data = images(
      r, {static_cast<std::size_t>(in[0]), static_cast<std::size_t>(in[1]), static_cast<std::size_t>(in[2])}, 80);
  options.code = snn::Code::phase;
  options.steps = 8;
  options.threads = 1;
  auto result = converted(graph, data, options);
  CHECK(error_of(result, graph, data, options) < tolerance);
  options.threads = 3;
  CHECK(snn::write_model(converted(graph, data, options).model) == snn::write_model(result.model));
  options.code = snn::Code::step;
  options.steps = 200;
  CHECK(error_of(converted(graph, data, options), graph, data, options) < 3 * tolerance);
  return result;
}

template <class Connection>
std::size_t count_of(const snn::Model& model) {
  return static_cast<std::size_t>(std::ranges::count_if(
      model.projections, [](const snn::Projection& p) { return std::holds_alternative<Connection>(p.connection); }));
}

}  // namespace

TEST_CASE("a residual Add is one population with a projection for each branch") {
  SeededRandom r(61);
  Net net({2, 8, 8});
  net.add("stem", conv(r, 4, 2, kSame), {"in"}).add("stem_relu", ann::Relu{}, {"stem"});
  SUBCASE("identity") {
    net.add("a", conv(r, 4, 4, kSame), {"stem_relu"}).add("join", ann::Add{}, {"a", "stem_relu"});
    net.add("norm", norm(r, 4), {"join"}).add("relu", ann::Relu{}, {"norm"});
    net.add("flat", ann::Flatten{}, {"relu"}).add("out", gemm(r, 3, 256), {"flat"});
    const auto result = agrees(net.graph);
    CHECK(result.model.populations.size() == 4);
    CHECK(count_of<snn::OneToOne>(result.model) == 1);
    CHECK(result.layers[1].kind == "add");
  }
  SUBCASE("a projection of half the size, and a nested Add with a pooled branch") {
    net.add("a", conv(r, 6, 4, kHalf), {"stem_relu"})
        .add("b", conv(r, 6, 4, {{1, 1}, {2, 2}}, 1, false), {"stem_relu"});
    net.add("b_norm", norm(r, 6), {"b"}).add("join", ann::Add{}, {"a", "b_norm"}).add("mid", ann::Relu{}, {"join"});
    net.add("pool", ann::AveragePool{kSame}, {"mid"}).add("c", conv(r, 6, 6, kSame), {"mid"});
    net.add("inner", ann::Add{}, {"c", "pool"}).add("outer", ann::Add{}, {"inner", "mid"});
    net.add("relu", ann::Relu{}, {"outer"});
    net.add("gap", ann::AveragePool{{{4, 4}}}, {"relu"}).add("flat", ann::Flatten{}, {"gap"});
    net.add("out", gemm(r, 3, 6), {"flat"});
    const auto result = agrees(net.graph);
    CHECK(count_of<snn::OneToOne>(result.model) == 2);
  }
  SUBCASE("identities alone take a unit that gives their multipliers 17 bits") {
    net.add("a", conv(r, 4, 4, kSame), {"stem_relu"}).add("a_relu", ann::Relu{}, {"a"});
    net.add("join", ann::Add{}, {"a_relu", "stem_relu"}).add("relu", ann::Clip{0, 1.5f}, {"join"});
    net.add("flat", ann::Flatten{}, {"relu"}).add("out", gemm(r, 3, 256), {"flat"});
    const auto result = agrees(net.graph);
    std::vector<std::int64_t> greatest(4);
    for (const auto& projection : result.model.projections) {
      const auto* identity = std::get_if<snn::OneToOne>(&projection.connection);
      if (!identity) continue;
      for (std::size_t c = 0; c < 4; ++c) greatest[c] = std::max<std::int64_t>(greatest[c], identity->multiplier[c]);
    }
    CHECK(greatest == std::vector<std::int64_t>(4, 65536));
  }
}

TEST_CASE("a Concat has no neurons: whoever reads it has a projection for each part") {
  SeededRandom r(62);
  Net net({2, 8, 8});
  net.add("a", conv(r, 3, 2, kSame), {"in"}).add("a_relu", ann::Relu{}, {"a"});
  net.add("b", conv(r, 5, 2, kSame), {"in"});
  net.add("join", ann::Concat{}, {"a_relu", "b"}).add("relu", ann::Relu{}, {"join"});
  SUBCASE("a convolution") {
    net.add("c", conv(r, 4, 8, kSame), {"relu"}).add("c_relu", ann::Relu{}, {"c"});
    net.add("flat", ann::Flatten{}, {"c_relu"}).add("out", gemm(r, 3, 256), {"flat"});
  }
  SUBCASE("a Gemm, of a Concat of flattened values too") {
    net.add("flat", ann::Flatten{}, {"relu"}).add("small", ann::AveragePool{{{8, 8}}}, {"a_relu"});
    net.add("small_flat", ann::Flatten{}, {"small"}).add("both", ann::Concat{}, {"flat", "small_flat"});
    net.add("out", gemm(r, 3, 515), {"both"});
  }
  SUBCASE("pooling, a depthwise convolution and a BatchNormalization") {
    net.add("pool", ann::MaxPool{kTwo}, {"relu"}).add("d", conv(r, 8, 8, kSame, 8), {"pool"});
    net.add("d_relu", ann::Relu{}, {"d"}).add("sum", ann::Add{}, {"pool", "d_relu"});
    net.add("norm", norm(r, 8), {"sum"}).add("n_relu", ann::Relu{}, {"norm"});
    net.add("flat", ann::Flatten{}, {"n_relu"}).add("out", gemm(r, 3, 128), {"flat"});
  }
  agrees(net.graph);
}

TEST_CASE("depthwise convolutions keep their kind, other groups become full ones, ReLU6 bounds the ceiling") {
  SeededRandom r(63);
  Net net({2, 8, 8});
  net.add("stem", conv(r, 4, 2, kSame), {"in"}).add("stem_relu", ann::Clip{0, 0.5f}, {"stem"});
  net.add("d", conv(r, 4, 4, kHalf, 4), {"stem_relu"}).add("d_relu", ann::Clip{0, 6}, {"d"});
  net.add("wide", conv(r, 8, 4, kSame, 4), {"d_relu"}).add("wide_relu", ann::Relu{}, {"wide"});
  net.add("two", conv(r, 6, 8, kSame, 2), {"wide_relu"}).add("shuffle_me", ann::Relu{}, {"two"});
  net.add("shuffle", ann::ChannelPermutation{{5, 3, 1, 0, 2, 4}}, {"shuffle_me"});
  net.add("last", conv(r, 3, 6, {}), {"shuffle"}).add("gap", ann::AveragePool{{{4, 4}}}, {"last"});
  net.add("flat", ann::Flatten{}, {"gap"});
  const auto result = agrees(net.graph);
  CHECK(count_of<snn::Depthwise>(result.model) == 1);
  CHECK(result.remarks.size() == 1);  // of `wide`; the groups of `two` went with the shuffle
  for (const ChannelReport& channel : result.layers[0].channels) CHECK(channel.ceiling <= 0.5 * 1.01);
}

TEST_CASE("a BatchNormalization before a padded convolution is a bias for each border position, exactly") {
  SeededRandom r(64);
  // One tap of a whole weight each: what is missing at the border can be said in whole units.
  ann::Conv conv1{{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 1, {{1, 1, 3, 3}, {}}, {}};
  for (int i = 0; i < 9; ++i) conv1.weight.data.push_back(static_cast<float>(i == 4 ? 127 : 10 * i) * 255 / 1024);
  const ann::BatchNormalization bn{{{1}, {1}}, {{1}, {4}}, {{1}, {0}}, {{1}, {1}}, 0};  // x + 4
  Net net({1, 4, 4});
  net.add("norm", bn, {"in"}).add("conv", conv1, {"norm"}).add("relu", ann::Relu{}, {"conv"});
  net.add("flat", ann::Flatten{}, {"relu"}).add("out", gemm(r, 3, 16), {"flat"});
  const auto data = images(r, {1, 4, 4}, 40);
  const auto result = converted(net.graph, data, {.steps = 200, .bias_correction = false});
  const auto& neurons = std::get<snn::IntegrateAndFire>(result.model.populations[1].kind);
  REQUIRE(neurons.bias.size() == 16);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 4; ++x) {
      std::int64_t inside = 0;
      for (int tap = 0; tap < 9; ++tap) {
        const int iy = y + tap / 3 - 1, ix = x + tap % 3 - 1;
        if (iy >= 0 && iy < 4 && ix >= 0 && ix < 4) inside += tap == 4 ? 127 : 10 * tap;
      }
      CHECK(neurons.bias[static_cast<std::size_t>(y * 4 + x)] == inside * 255 * 4);  // a unit is 1 / 1024
    }
  }
  agrees(net.graph);
  agrees(net.graph, 0.04, {.mean = {0.25f}, .std = {0.5f}});
}

TEST_CASE("a clip-floor-shift network as volley with T = L is its float network, count for count") {
  SeededRandom r(65);
  const auto scalar = [](float factor, float shift) { return ann::Affine{{{1}, {factor}}, {{1}, {shift}}}; };
  // Weights k / 1024 * 255 with a greatest |k| of 127, theta and biases in whole units: nothing is rounded.
  ann::Conv first{kSame, 1, {{3, 1, 3, 3}, {}}, {{3}, {0.25f, 0, -0.5f}}};
  for (int i = 0; i < 27; ++i)
    first.weight.data.push_back(static_cast<float>(i % 9 == 4 ? 127 : static_cast<int>(r.below(255)) - 127) * 255 /
                                65536);
  for (const int spelling : {0, 1, 2, 3}) {
    CAPTURE(spelling);
    const float theta = 0.5f, levels = 4;
    Net net({1, 6, 6});
    net.add("conv", first, {"in"});
    if (spelling == 0) {
      net.add("q1", scalar(1 / theta, 0), {"conv"}).add("q2", scalar(levels, 0), {"q1"});
      net.add("q3", scalar(1, 0.5f), {"q2"}).add("q4", ann::Floor{}, {"q3"}).add("q5", scalar(1 / levels, 0), {"q4"});
      net.add("q6", ann::Clip{0, 1}, {"q5"}).add("q", scalar(theta, 0), {"q6"});
    } else if (spelling == 1) {
      net.add("q1", scalar(levels / theta, 0.5f), {"conv"}).add("q2", ann::Floor{}, {"q1"});
      net.add("q3", ann::Clip{0, levels}, {"q2"}).add("q", scalar(theta / levels, 0), {"q3"});
    } else if (spelling == 2) {
      net.add("q1", scalar(1 / theta, 0), {"conv"}).add("q2", ann::Clip{0, 1}, {"q1"});
      net.add("q3", scalar(levels, 0.5f), {"q2"}).add("q4", ann::Floor{}, {"q3"});
      net.add("q", ann::Affine{{{3}, {theta / levels, theta / levels, theta / levels}}, {{1}, {0}}}, {"q4"});
    } else {
      net.add("q1", scalar(levels / theta, 0.5f), {"conv"}).add("q2", ann::Floor{}, {"q1"});
      net.add("q3", scalar(theta / levels, 0), {"q2"}).add("q", ann::Clip{0, theta}, {"q3"});
    }
    net.add("flat", ann::Flatten{}, {"q"}).add("out", gemm(r, 3, 108), {"flat"});
    const auto data = images(r, {1, 6, 6}, 30);
    const auto result = converted(net.graph, data, {.steps = 4});
    CHECK(result.remarks.empty());
    const auto executor = ann::Executor::make(net.graph).value();
    for (std::size_t n = 0; n < data.count; ++n) {
      std::vector<float> x;
      for (const auto p : data.image(n)) x.push_back(static_cast<float>(p / 255.));
      const auto wanted = executor.values(x).at("q");  // channel-last
      const auto counts = run(result.model, data.image(n), "conv").counts;
      REQUIRE(counts.size() == wanted.size());
      std::size_t different = 0;
      for (std::size_t i = 0; i < counts.size(); ++i) different += counts[i] * theta / levels != wanted[i];
      CHECK(different == 0);
    }
    CHECK(converted(net.graph, data, {.steps = 6}).remarks.size() == 1);
  }
}

TEST_CASE("what cannot be converted is refused by the name of its node, with what to do") {
  SeededRandom r(66);
  const auto data = images(r, {2, 6, 6}, 10);
  const auto refused = [&](const std::function<void(Net&)>& fill, const char* where) {
    Net net({2, 6, 6});
    net.add("conv", conv(r, 4, 2, kSame), {"in"});
    fill(net);
    const std::int64_t features = net.graph.output == "pool_of_both" ? 72 : 144;
    net.add("flat", ann::Flatten{}, {net.graph.output}).add("out", gemm(r, 3, features), {"flat"});
    const auto result = convert(net.graph, data, {});
    REQUIRE(!result);
    CHECK_MESSAGE(result.error().where.find(where) != std::string::npos, result.error().where);
    CHECK(!result.error().todo.empty());
  };
  refused([](Net& n) { n.add("leaky", ann::LeakyRelu{}, {"conv"}); }, "'leaky'");
  refused([](Net& n) { n.add("clip", ann::Clip{-1, 1}, {"conv"}); }, "'clip'");
  refused([](Net& n) { n.add("floor", ann::Floor{}, {"conv"}); }, "'floor'");
  refused([](Net& n) { n.add("lrn", ann::LocalResponseNormalization{}, {"conv"}); }, "'lrn'");
  refused(
      [](Net& n) {
        n.add("relu", ann::Relu{}, {"conv"})
            .add("both", ann::Concat{}, {"relu", "conv"})
            .add("pool_of_both", ann::MaxPool{kTwo}, {"both"});
      },
      "'conv'");
  refused([&](Net& n) { n.add("next", conv(r, 4, 4, kSame), {"conv"}).add("relu", ann::Relu{}, {"next"}); }, "'conv'");
  refused(
      [&](Net& n) {
        n.add("relu", ann::Relu{}, {"conv"}).add("a", conv(r, 4, 4, kSame), {"relu"});
        n.add("join", ann::Add{}, {"a", "relu"}).add("b", conv(r, 4, 4, kSame), {"join"}).add("r", ann::Relu{}, {"b"});
      },
      "'join'");
  refused(
      [](Net& n) {
        n.add("mix", ann::ChannelPermutation{{1, 0, 3, 2}}, {"conv"}).add("pool", ann::AveragePool{kSame}, {"mix"});
      },
      "'conv'");
  CHECK(!convert(chain({2, 6, 6}, {ann::Flatten{}, gemm(r, 3, 72)}), data, {.code = snn::Code::phase, .steps = 9}));
}

TEST_CASE("the chosen code is the cheapest that is good enough on images that calibrated nothing") {
  SeededRandom r(67);
  const auto graph = chain({1, 6, 6}, {conv(r, 6, 1, kSame), ann::Relu{}, ann::Flatten{}, gemm(r, 10, 216)});
  const auto data = images(r, {1, 6, 6}, 300);
  ChooseOptions options{.convert = {.threads = 2, .calibration_images = 100}, .points = 3};
  options.candidates = {{snn::Code::phase, 2}, {snn::Code::volley, 5}, {snn::Code::phase, 6}};
  const auto chosen = choose_code(graph, data, options);
  REQUIRE(chosen);
  CHECK(chosen->held_out_images == 200);
  REQUIRE(chosen->trials.size() == 3);
  const auto& best = *std::ranges::find_if(chosen->trials, &CodeTrial::chosen);
  CHECK(chosen->converted.model.steps == best.candidate.steps);
  for (const CodeTrial& trial : chosen->trials) {
    CHECK(trial.good_enough == (100 * (chosen->ann_accuracy - trial.accuracy) <= 3));
    if (trial.good_enough) CHECK(best.operations <= trial.operations);
  }
  options.convert.threads = 1;
  const auto again = choose_code(graph, data, options);
  REQUIRE(again);
  CHECK(snn::write_model(again->converted.model) == snn::write_model(chosen->converted.model));
  options.points = -1e9;  // nothing is: the most accurate, and a remark
  const auto none = choose_code(graph, data, options);
  REQUIRE(none);
  CHECK(none->converted.remarks.size() == chosen->converted.remarks.size() + 1);
  options.convert.calibration_images = 300;
  CHECK(!choose_code(graph, data, options));
}
