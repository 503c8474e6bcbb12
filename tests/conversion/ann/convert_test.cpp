#include "conversion/convert.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "conversion/ann/executor.hpp"
#include "conversion/integer_rules.hpp"
#include "nets.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"
#include "snn/model_file.hpp"

using namespace syn;
using namespace syn::nets;

namespace {

Converted converted(const ann::Graph& graph, const data::Dataset& data, const ConvertOptions& options) {
  auto result = convert(graph, data, options);
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what + " | " + result.error().where));
  return std::move(*result);
}

// The engine's potentials of one image, and the counts of the population called `watch`.
struct Answer {
  std::vector<std::int32_t> potentials;
  std::vector<Count> counts;
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

ann::Graph small_cnn(Random& r, bool max_pool) {
  const ann::Geometry two{{2, 2}, {2, 2}}, same{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  return chain({2, 8, 8},
               {conv(r, 6, 2, same, 1, false), norm(r, 6), ann::Relu{},
                max_pool ? ann::Operator(ann::MaxPool{two}) : ann::AveragePool{two}, conv(r, 8, 6, same), ann::Relu{},
                ann::AveragePool{same}, ann::Flatten{}, gemm(r, 12, 128), ann::Relu{}, gemm(r, 5, 12), ann::Softmax{}});
}

}  // namespace

TEST_CASE("a network of whole numbers converts into exactly its quantised self") {
  // Weights k * s with a greatest |k| of 127 per channel, ceilings that make thresholds whole: nothing is rounded but
  // the counts, and the test does those itself from the k alone.
  SeededRandom r(21);
  constexpr std::int64_t kLevels = 8, kIn = 3, kMid = 4, kSide = 4, kOut = 3;
  const auto whole = [&](std::size_t outputs, std::size_t inputs) {
    std::vector<std::int64_t> k(outputs * inputs);
    for (auto& v : k) v = static_cast<std::int64_t>(r.below(255)) - 127;
    for (std::size_t o = 0; o < outputs; ++o) k[o * inputs + r.below(inputs)] = 127;
    return k;
  };
  const auto k1 = whole(kMid, kIn), k2 = whole(kOut, kMid * kSide * kSide);
  const std::vector<std::int64_t> bias{-900, 4000, 777, 0}, theta{1237, 901, 1500, 2048};
  ann::Conv first{{}, 1, {{kMid, kIn, 1, 1}, {}}, {{kMid}, {}}};
  ann::QuantisedRelu activation{{{kMid}, {}}, kLevels};
  std::vector<float> amplitude;
  for (std::size_t o = 0; o < kMid; ++o) {
    const double unit = std::ldexp(1., -static_cast<int>(12 + o));  // of the sums; a weight is 255 * unit * k
    for (std::size_t i = 0; i < kIn; ++i)
      first.weight.data.push_back(static_cast<float>(255 * unit * static_cast<double>(k1[o * kIn + i])));
    first.bias.data.push_back(static_cast<float>(unit * static_cast<double>(bias[o])));
    activation.ceiling.data.push_back(static_cast<float>(unit * static_cast<double>(theta[o] * kLevels)));
    amplitude.push_back(static_cast<float>(unit * static_cast<double>(theta[o])));
  }
  ann::Gemm second{{{kOut, kMid * kSide * kSide}, {}}, {}};
  for (std::size_t i = 0; i < k2.size(); ++i) {  // channel-first
    const std::size_t channel = i % (kMid * kSide * kSide) / (kSide * kSide);
    second.weight.data.push_back(static_cast<float>(static_cast<double>(k2[i]) / amplitude[channel] / 1024));
  }
  const auto graph = chain({kIn, kSide, kSide}, {first, activation, ann::Flatten{}, second});
  const auto data = images(r, {kIn, kSide, kSide}, 30);
  const auto result = converted(graph, data, {.steps = kLevels});
  const auto& neurons = std::get<snn::IntegrateAndFire>(result.model.populations[1].kind);
  for (std::size_t o = 0; o < kMid; ++o) {
    CHECK(neurons.threshold[o] == theta[o]);
    CHECK(neurons.bias[o] == bias[o]);
  }
  for (std::size_t n = 0; n < data.count; ++n) {
    std::vector<std::int32_t> potentials(kOut);
    std::vector<Count> counts;
    for (std::size_t p = 0; p < kSide * kSide; ++p) {
      for (std::size_t o = 0; o < kMid; ++o) {
        std::int64_t sum = bias[o];
        for (std::size_t i = 0; i < kIn; ++i) sum += k1[o * kIn + i] * data.image(n)[i * kSide * kSide + p];
        const std::int64_t count = std::clamp<std::int64_t>(
            (sum + theta[o] / 2 + 100 * theta[o] * kLevels) / theta[o] - 100 * kLevels, 0, kLevels);
        counts.push_back(static_cast<Count>(count));
        for (std::size_t c = 0; c < kOut; ++c)
          potentials[c] += static_cast<std::int32_t>(k2[(c * kMid + o) * kSide * kSide + p] * count);
      }
    }
    const Answer answer = run(result.model, data.image(n), "Conv_0");
    CHECK(answer.counts == counts);
    CHECK(answer.potentials == potentials);
  }
}

TEST_CASE("the integers follow from the graph by the rules alone") {
  SeededRandom r(22);
  const auto graph = chain({2, 6, 6}, {conv(r, 5, 2, {{3, 3}}), ann::Relu{}, ann::AveragePool{{{2, 2}, {2, 2}}},
                                       ann::Flatten{}, gemm(r, 4, 20)});
  const auto data = images(r, {2, 6, 6}, 40);
  const auto result =
      converted(graph, data, {.steps = 6, .bias_correction = false, .rounding = WeightRounding::nearest});
  const snn::Model& model = result.model;
  REQUIRE(model.populations.size() == 4);
  CHECK(model.populations[0].amplitude == std::vector<double>(2, 1 / 255.));
  const auto& conv1 = std::get<ann::Conv>(graph.nodes[0].op);
  const auto& projection = std::get<snn::Conv>(model.projections[0].connection);
  const auto& neurons = std::get<snn::IntegrateAndFire>(model.populations[1].kind);
  std::vector<double> amplitude;
  for (std::size_t o = 0; o < 5; ++o) {
    double greatest = 0;
    for (std::size_t i = 0; i < 18; ++i)
      greatest = std::max(greatest, std::abs(conv1.weight.data[o * 18 + i] * (1 / 255.)));
    const double unit = greatest / 127;
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t tap = 0; tap < 9; ++tap) {
        CHECK(projection.weights[(tap * 2 + i) * 5 + o] ==
              std::floor(conv1.weight.data[o * 18 + i * 9 + tap] * (1 / 255.) / unit + 0.5));
      }
    }
    CHECK(neurons.bias[o] == std::floor(conv1.bias.data[o] / unit + 0.5));
    CHECK(model.populations[1].amplitude[o] == neurons.threshold[o] * unit);
    CHECK(model.populations[2].amplitude[o] == neurons.threshold[o] * unit / 4);
    amplitude.push_back(neurons.threshold[o] * unit / 4);
  }
  CHECK(model.populations[2].greatest == 24);
  const auto& last = std::get<ann::Gemm>(graph.nodes[4].op);
  const auto& dense = std::get<snn::Dense>(model.projections[2].connection);
  double greatest = 0;
  for (std::size_t i = 0; i < 80; ++i)
    greatest = std::max(greatest, std::abs(last.weight.data[i] * amplitude[i % 20 / 4]));
  const double unit = greatest / 127;
  CHECK(std::get<snn::Readout>(model.populations[3].kind).scale == unit);
  for (std::size_t p = 0; p < 4; ++p) {
    for (std::size_t c = 0; c < 5; ++c) {
      for (std::size_t o = 0; o < 4; ++o)
        CHECK(dense.weights[(p * 5 + c) * 4 + o] ==
              std::floor(last.weight.data[o * 20 + c * 4 + p] * amplitude[c] / unit + 0.5));
    }
  }
}

TEST_CASE("with many levels the spiking network says what the float network says") {
  for (const auto code : {snn::Code::volley, snn::Code::step}) {
    for (const bool max_pool : {false, true}) {
      for (const bool normalised : {false, true}) {
        CAPTURE(max_pool);
        CAPTURE(normalised);
        SeededRandom r(23);
        auto graph = small_cnn(r, max_pool);
        const auto data = images(r, {2, 8, 8}, 120);
        ConvertOptions options{.code = code, .steps = 200, .threads = 2};
        if (normalised) {
          options.mean = {0.25f, 0.4f};
          options.std = {0.3f, 0.5f};
        }
        const auto result = converted(graph, data, options);
        CHECK(result.remarks.size() == 1);
        graph.nodes.pop_back();
        graph.output = graph.nodes.back().output;
        const auto executor = ann::Executor::make(graph).value();
        const auto& readout = std::get<snn::Readout>(result.model.populations.back().kind);
        double error = 0, signal = 0;
        for (std::size_t n = 0; n < data.count; ++n) {
          std::vector<float> x;
          for (std::size_t i = 0; i < 128; ++i) {
            const double m = normalised ? options.mean[i / 64] : 0, s = normalised ? options.std[i / 64] : 1;
            x.push_back(static_cast<float>((data.image(n)[i] / 255. - m) / s));
          }
          const auto logits = executor.run(x, 1);
          const auto potentials = run(result.model, data.image(n)).potentials;
          for (std::size_t k = 0; k < 5; ++k) {
            const double said = potentials[k] * readout.scale / (code == snn::Code::step ? 200 : 1);
            error += (said - logits[k]) * (said - logits[k]);
            signal += logits[k] * logits[k];
          }
        }
        CHECK(std::sqrt(error / signal) < (code == snn::Code::volley ? 0.03 : 0.08));
      }
    }
  }
}

TEST_CASE("the same images give the same file with any number of threads") {
  SeededRandom r(24);
  const auto graph = small_cnn(r, false);
  const auto data = images(r, {2, 8, 8}, 90);
  for (const auto code : {snn::Code::volley, snn::Code::step}) {
    ConvertOptions options{.code = code, .steps = 7, .seed = 5, .threads = 1, .calibration_images = 70};
    const auto one = snn::write_model(converted(graph, data, options).model);
    options.threads = 2;
    CHECK(snn::write_model(converted(graph, data, options).model) == one);
    options.threads = 5;
    CHECK(snn::write_model(converted(graph, data, options).model) == one);
    options.seed = 6;
    CHECK(snn::write_model(converted(graph, data, options).model) != one);
  }
}

TEST_CASE("calibration beats the greatest sum, and bias correction brings the means together") {
  SeededRandom r(25);
  const auto graph = small_cnn(r, false);
  const auto data = images(r, {2, 8, 8}, 200);
  const auto best = converted(graph, data, {.steps = 4});
  const auto coarse = converted(graph, data, {.steps = 4, .bias_correction = false, .ceiling = Ceiling::greatest});
  const auto square = [](const LayerReport& l) {
    return l.clipping_error * l.clipping_error + l.rounding_error * l.rounding_error;
  };
  CHECK(square(best.layers[0]) < square(coarse.layers[0]));
  CHECK(coarse.layers[0].clipping_error == doctest::Approx(0).epsilon(1e-9));
  for (const LayerReport& layer : best.layers)
    CHECK(std::abs(layer.mean_error_after) <= std::abs(layer.mean_error_before) + 1e-9);
  CHECK(best.layers[0].mean_count > 0);
  CHECK(best.layers[0].mean_events <= best.layers[0].mean_count);
}

TEST_CASE("a dead channel takes the layer's median ceiling") {
  SeededRandom r(26);
  auto graph = chain({1, 5, 5}, {conv(r, 4, 1, {{3, 3}}), ann::Relu{}, ann::Flatten{}, gemm(r, 3, 36)});
  std::get<ann::Conv>(graph.nodes[0].op).bias.data[2] = -1000;
  const auto result = converted(graph, images(r, {1, 5, 5}, 50), {});
  const auto& report = result.layers[0];
  CHECK(report.dead == 1);
  CHECK(report.channels[2].dead);
  std::vector<double> others{report.channels[0].ceiling, report.channels[1].ceiling, report.channels[3].ceiling};
  std::ranges::sort(others);
  CHECK(report.channels[2].ceiling == doctest::Approx(others[1]).epsilon(0.05));
}

TEST_CASE("what has no place in a spiking network is refused by name") {
  SeededRandom r(27);
  const auto data = images(r, {2, 6, 6}, 10);
  const auto refused = [&](const ann::Graph& graph, const char* where, ConvertOptions options = ConvertOptions()) {
    const auto result = convert(graph, data, options);
    REQUIRE(!result);
    CHECK_MESSAGE(result.error().where.find(where) != std::string::npos, result.error().where);
    CHECK(!result.error().todo.empty());
  };
  refused(chain({2, 6, 6}, {conv(r, 4, 2, {{3, 3}}), ann::Flatten{}, gemm(r, 3, 64)}), "Conv_0");
  refused(chain({2, 6, 6},
                {conv(r, 4, 2, {{3, 3}}), ann::AveragePool{{{2, 2}}}, ann::Relu{}, ann::Flatten{}, gemm(r, 3, 36)}),
          "Conv_0");
  refused(chain({2, 6, 6}, {conv(r, 4, 2, {{3, 3}}), ann::Relu{}}), "Relu_1");
  refused(chain({2, 6, 6}, {conv(r, 4, 2, {{3, 3}}), ann::LeakyRelu{}, ann::Flatten{}, gemm(r, 3, 64)}), "LeakyRelu_1");
  refused(chain({3, 6, 6}, {ann::Flatten{}, gemm(r, 3, 108)}), "v0");  // another shape than the data
  const auto good = chain({2, 6, 6}, {ann::Flatten{}, gemm(r, 3, 72)});
  CHECK(convert(good, data, {}).has_value());
  refused(good, "--std", {.std = {0}});
  refused(good, "--mean", {.mean = {1, 2, 3}});
  refused(good, "--steps", {.steps = 0});
  auto nothing = data;
  nothing.count = 0;
  CHECK(!convert(good, nothing, {}));
}

TEST_CASE("a network that takes flat vectors reads images, and pixels may be pooled first") {
  SeededRandom r(28);
  const auto data = images(r, {2, 4, 4}, 40);
  const auto flat = converted(chain({32}, {gemm(r, 6, 32), ann::Relu{}, gemm(r, 3, 6)}), data, {});
  CHECK(flat.model.populations[0].shape == snn::Shape{4, 4, 2});
  const auto graph = chain({2, 4, 4}, {ann::AveragePool{{{2, 2}, {2, 2}}}, ann::Flatten{}, gemm(r, 3, 8)});
  const auto pooled = converted(graph, data, {.mean = {0.5f}, .std = {0.25f}});
  CHECK(pooled.model.populations[1].greatest == 1020);
  std::vector<float> x;
  for (const auto p : data.image(3)) x.push_back(static_cast<float>((p / 255. - 0.5) / 0.25));
  const auto logits = ann::Executor::make(graph)->run(x, 1);
  const auto potentials = run(pooled.model, data.image(3)).potentials;
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(potentials[k] * std::get<snn::Readout>(pooled.model.populations[2].kind).scale ==
          doctest::Approx(logits[k]).epsilon(0.05));
  }
}
