#include "conversion/fold.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "conversion/ann/executor.hpp"
#include "nets.hpp"

using namespace syn;
using namespace syn::nets;

namespace {

std::size_t count_of_kind(const ann::Graph& graph, const char* name) {
  return static_cast<std::size_t>(
      std::ranges::count_if(graph.nodes, [&](const ann::Node& n) { return std::string(ann::name_of(n.op)) == name; }));
}

ann::Graph same_function(const ann::Graph& graph) {
  auto folded = fold(graph);
  REQUIRE_MESSAGE(folded.has_value(), (folded ? "" : folded.error().what + " " + folded.error().where));
  SeededRandom random(5);
  const auto before = ann::Executor::make(graph).value(), after = ann::Executor::make(*folded).value();
  std::vector<float> batch(3 * before.size(graph.input));
  for (float& v : batch) v = uniform(random, -1, 1);
  const auto a = before.run(batch, 1), b = after.run(batch, 1);
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    worst = std::max<double>(worst, std::abs(a[i] - b[i]) / (1 + std::abs(a[i])));
  CHECK(worst < 1e-5);
  return std::move(*folded);
}

}  // namespace

TEST_CASE("folding changes nothing but the nodes") {
  SeededRandom r(3);
  SUBCASE("behind a convolution without a bias, and behind a Gemm") {
    const auto folded = same_function(
        chain({2, 6, 6}, {conv(r, 5, 2, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 1, false), norm(r, 5), ann::Relu{},
                          ann::Flatten{}, gemm(r, 7, 180), norm(r, 7), ann::Relu{}, gemm(r, 3, 7)}));
    CHECK(folded.nodes.size() == 6);
    CHECK(count_of_kind(folded, "BatchNormalization") == 0);
  }
  SUBCASE("before a convolution without padding, with groups, and before Flatten and Gemm") {
    const auto folded = same_function(chain(
        {4, 6, 5}, {norm(r, 4), conv(r, 6, 4, {{3, 3}}, 2), ann::Relu{}, norm(r, 6), ann::Flatten{}, gemm(r, 3, 72)}));
    CHECK(folded.nodes.size() == 4);
  }
  SUBCASE("pooling and flattening move behind the Relu, empty pooling and a second Relu go") {
    const auto folded = same_function(chain({2, 6, 6}, {conv(r, 4, 2, {{3, 3}}), ann::MaxPool{{{2, 2}, {2, 2}}},
                                                        norm(r, 4), ann::Flatten{}, gemm(r, 3, 16)}));
    CHECK(count_of_kind(folded, "BatchNormalization") == 0);
    const auto moved =
        same_function(chain({2, 6, 6}, {conv(r, 4, 2, {{3, 3}}), ann::MaxPool{{{2, 2}, {2, 2}}}, ann::AveragePool{},
                                        ann::Flatten{}, ann::Relu{}, ann::Relu{}, gemm(r, 3, 16)}));
    REQUIRE(moved.nodes.size() == 5);
    CHECK(std::holds_alternative<ann::Relu>(moved.nodes[1].op));
    CHECK(std::holds_alternative<ann::MaxPool>(moved.nodes[2].op));
  }
}

TEST_CASE("a BatchNormalization that cannot be folded stays, and the function with it") {
  SeededRandom r(4);
  for (auto graph : {chain({2, 6, 6}, {norm(r, 2), conv(r, 4, 2, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}})}),
                     chain({2, 6, 6}, {norm(r, 2), ann::Relu{}})}) {
    CHECK(count_of_kind(same_function(graph), "BatchNormalization") == 1);
  }
}
