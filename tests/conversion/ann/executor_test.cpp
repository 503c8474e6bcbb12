#include "conversion/ann/executor.hpp"

#include <doctest/doctest.h>

#include "nets.hpp"

using namespace syn;
using namespace syn::nets;

namespace {

void same_as_plain(const ann::Graph& graph, std::uint64_t seed) {
  const auto executor = ann::Executor::make(graph);
  REQUIRE_MESSAGE(executor.has_value(), (executor ? "" : executor.error().what + " " + executor.error().where));
  SeededRandom random(seed);
  const std::size_t one = executor->size(graph.input), out = executor->size(graph.output),
                    images = 14;  // more than a block
  std::vector<float> batch(images * one);
  for (float& v : batch) v = uniform(random, -1, 1);
  const auto logits = executor->run(batch, 1);
  CHECK(executor->run(batch, 2) == logits);
  CHECK(executor->run(batch, 3) == logits);
  double worst = 0;
  for (std::size_t n = 0; n < images; ++n) {
    const auto expected = plain(graph, {batch.begin() + static_cast<std::ptrdiff_t>(n * one),
                                        batch.begin() + static_cast<std::ptrdiff_t>((n + 1) * one)});
    const auto& y = expected.at(graph.output);
    for (std::size_t i = 0; i < out; ++i)
      worst = std::max(worst, std::abs(logits[n * out + i] - y[i]) / (1 + std::abs(y[i])));
  }
  CHECK(worst < 1e-5);
}

}  // namespace

TEST_CASE("the float executor computes what the operators say") {
  SeededRandom r(1);
  SUBCASE("a convolution with unequal paddings, dilation and an odd number of outputs") {
    same_as_plain(chain({3, 9, 11}, {conv(r, 17, 3, {{3, 2}, {1, 1}, {2, 3}, {1, 0}, {2, 3}})}), 2);
  }
  SUBCASE("a strided convolution") {
    same_as_plain(chain({4, 12, 9}, {conv(r, 33, 4, {{3, 3}, {2, 3}, {1, 1}, {1, 1}, {1, 1}})}), 3);
  }
  SUBCASE("groups and depthwise") {
    same_as_plain(chain({6, 7, 7}, {conv(r, 12, 6, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 3),
                                    conv(r, 12, 12, {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}}, 12, false)}),
                  4);
  }
  SUBCASE("pooling at the border, both divisors, ceil mode") {
    same_as_plain(chain({5, 7, 8}, {ann::AveragePool{{{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, false, false}}), 5);
    same_as_plain(chain({5, 7, 8}, {ann::AveragePool{{{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, true, true}}), 6);
    same_as_plain(chain({5, 7, 8}, {ann::MaxPool{{{3, 2}, {2, 2}, {2, 1}, {2, 0}, {1, 1}}, false}}), 7);
    same_as_plain(chain({2, 8, 8}, {ann::AveragePool{{{3, 3}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, true, false}}), 8);
  }
  SUBCASE("a whole network") {
    same_as_plain(chain({2, 10, 10}, {conv(r, 8, 2, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}), norm(r, 8), ann::Relu{},
                                      ann::MaxPool{{{2, 2}, {2, 2}}}, conv(r, 20, 8, {{3, 3}, {1, 1}}), ann::Relu{},
                                      ann::Flatten{}, gemm(r, 10, 180)}),
                  9);
  }
}

TEST_CASE("every value of a batch can be looked at by name, channel-last") {
  SeededRandom r(10);
  const auto graph =
      chain({2, 4, 3}, {conv(r, 3, 2, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}), ann::Relu{}, ann::Flatten{}});
  const auto executor = ann::Executor::make(graph).value();
  std::vector<float> batch(2 * 24);
  for (float& v : batch) v = uniform(r, -1, 1);
  const auto values = executor.values(batch);
  const auto expected = plain(graph, {batch.begin() + 24, batch.end()});
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t p = 0; p < 12; ++p) {
      CHECK(values.at("v2")[36 + p * 3 + c] == doctest::Approx(expected.at("v2")[c * 12 + p]).epsilon(1e-5));
      CHECK(values.at("v3")[36 + c * 12 + p] == values.at("v2")[36 + p * 3 + c]);
    }
  }
}

TEST_CASE("a graph whose shapes do not fit is refused by node name") {
  SeededRandom r(11);
  const auto refused = [](ann::Graph graph, const char* node) {
    const auto executor = ann::Executor::make(std::move(graph));
    REQUIRE(!executor);
    CHECK(executor.error().where.find(node) != std::string::npos);
  };
  refused(chain({3, 8, 8}, {conv(r, 4, 2, {{3, 3}})}), "Conv_0");
  refused(chain({3, 8, 8}, {ann::Flatten{}, gemm(r, 10, 191)}), "Gemm_1");
  refused(chain({3, 2, 2}, {conv(r, 4, 3, {{3, 3}})}), "Conv_0");
  refused(chain({3, 8, 8}, {norm(r, 4)}), "BatchNormalization_0");
  refused(chain({3, 8, 8}, {ann::MaxPool{{{2, 2}, {0, 1}}}}), "MaxPool_0");
  refused(chain({1 << 20, 1 << 20, 1 << 20}, {ann::Relu{}}), "v0");
  auto cyclic = chain({3}, {ann::Relu{}, ann::Relu{}});
  cyclic.nodes[0].inputs = {"v2"};
  refused(std::move(cyclic), "Relu_0");
}

TEST_CASE("operators of several inputs, constants and channels refuse what does not fit, by node name") {
  SeededRandom r(12);
  const auto refused = [](ann::Graph graph, const char* node) {
    const auto executor = ann::Executor::make(std::move(graph));
    REQUIRE(!executor);
    CHECK(executor.error().where.find(node) != std::string::npos);
  };
  const auto joined = [&](ann::Operator join, ann::Operator between) {
    auto graph = chain({4, 6, 6}, {std::move(between), std::move(join)});
    graph.nodes[1].inputs.push_back("v0");
    return graph;
  };
  refused(joined(ann::Add{}, conv(r, 5, 4, {{1, 1}})), "Add_1");
  refused(joined(ann::Add{}, ann::Flatten{}), "Add_1");
  refused(joined(ann::Concat{}, ann::MaxPool{{{2, 2}}}), "Concat_1");
  refused(joined(ann::Relu{}, ann::Relu{}), "Relu_1");
  refused(chain({4, 6, 6}, {ann::Affine{tensor(r, {3}, 0, 1), {{1}, {0}}}}), "Affine_0");
  refused(chain({4, 6, 6}, {ann::QuantisedRelu{{{1}, {-1}}, 8}}), "QuantisedRelu_0");
  refused(chain({4, 6, 6}, {ann::QuantisedRelu{{{1}, {1}}, 0}}), "QuantisedRelu_0");
  refused(chain({4, 6, 6}, {ann::Clip{1, 0}}), "Clip_0");
  refused(chain({4, 6, 6}, {ann::ChannelPermutation{{0, 1, 2}}}), "ChannelPermutation_0");
  refused(chain({4, 6, 6}, {ann::ChannelPermutation{{0, 1, 2, 2}}}), "ChannelPermutation_0");
  refused(chain({4, 6, 6}, {ann::ChannelPermutation{{0, 1, 2, 4}}}), "ChannelPermutation_0");
  refused(chain({4, 6, 6}, {ann::Reshape{{5, 6, 6}}}), "Reshape_0");
  refused(chain({4, 6, 6}, {ann::Reshape{{-4, -6, 6}}}), "Reshape_0");
  refused(chain({4, 6, 6}, {ann::Reshape{{24, 6}}}), "Reshape_0");
  refused(chain({4, 6, 6}, {ann::Pad{{0, 0}, {-1, 0}, 0}}), "Pad_0");
  refused(chain({4, 6, 6}, {ann::Pad{{1 << 20, 1 << 20}, {0, 0}, 0}}), "Pad_0");
  refused(chain({4, 6, 6}, {ann::LocalResponseNormalization{.size = 0}}), "LRN_0");
  refused(chain({4, 6, 6}, {ann::MaxPool{{{2, 2}, {1, 1}, {7, 1}, {6, 0}, {1, 0}}}}), "MaxPool_0");
}

TEST_CASE("memory is used again as soon as a value has no reader left, and no reader notices") {
  SeededRandom r(13);
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    ann::Graph graph{"random", "in", {3, 5, 4}, {}, {}};
    std::vector<std::pair<std::string, std::int64_t>> values{{"in", 3}};  // with their channels
    for (int i = 0; i < 14; ++i) {
      const auto [from, channels] = values[values.size() - 1 - r.below(std::min<std::uint64_t>(4, values.size()))];
      const std::string name = "n" + std::to_string(i);
      ann::Node node{name, ann::Relu{}, {from}, name};
      std::int64_t made = channels;
      switch (r.below(6)) {
        case 0:
          node.op = ann::Affine{tensor(r, {channels}, -2, 2), {{1}, {0.5f}}};
          break;
        case 1:
          node.op = conv(r, made = 3, channels, {{1, 1}});
          break;
        case 2:
        case 3: {
          node.op = ann::Add{};
          for (const auto& [other, width] : values) {
            if (width == channels && r.below(2) == 0) node.inputs.push_back(other);
          }
          break;
        }
        case 4: {
          if (channels > 20) break;
          node.op = ann::Concat{};
          node.inputs.push_back(values[r.below(values.size())].first);
          for (const auto& [other, width] : values) made += other == node.inputs[1] ? width : 0;
          break;
        }
        default:
          node.op = ann::LeakyRelu{0.5f};
      }
      graph.nodes.push_back(std::move(node));
      values.emplace_back(name, made);
    }
    graph.output = values[values.size() - 1 - r.below(3)].first;
    const auto executor = ann::Executor::make(graph);
    REQUIRE_MESSAGE(executor.has_value(), (executor ? "" : executor.error().what + executor.error().where));
    std::vector<float> batch(3 * 60);
    for (float& v : batch) v = uniform(r, -1, 1);
    const auto got = executor->run(batch, 1);
    const auto all = executor->values(batch).at(graph.output);  // channel-last, each value in memory of its own
    const std::size_t channels = all.size() / 60;
    REQUIRE(got.size() == all.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const std::size_t image = i / (channels * 20), channel = i / 20 % channels, position = i % 20;
      REQUIRE(got[i] == all[(image * 20 + position) * channels + channel]);
    }
  }
}
