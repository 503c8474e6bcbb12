// The blocks that known architectures are made of, from file to output, against arithmetic that shares nothing with
// ours.
#include <doctest/doctest.h>

#include "conversion/ann/executor.hpp"
#include "conversion/onnx/read.hpp"
#include "onnx_plain.hpp"

using namespace syn;
using Map = PlainNet::Map;

namespace {

// Returns the graph as it was read.
ann::Graph same(PlainNet& net, const Map& expected) {
  auto graph = onnx_file::read(net.finished(expected).bytes(), "block");
  REQUIRE_MESSAGE(graph.has_value(), (graph ? "" : graph.error().what + " | " + graph.error().where));
  const auto executor = ann::Executor::make(*graph);
  REQUIRE_MESSAGE(executor.has_value(), (executor ? "" : executor.error().what));
  std::vector<float> batch;  // twice the image: images do not see each other
  for (int copy = 0; copy < 2; ++copy) batch.insert(batch.end(), net.input().v.begin(), net.input().v.end());
  const auto got = executor->run(batch, 2);
  REQUIRE(got.size() == 2 * expected.v.size());
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double want = expected.v[i % expected.v.size()];
    worst = std::max(worst, std::abs(double{got[i]} - want) / (1 + std::abs(want)));
  }
  CHECK(worst < 1e-5);
  return std::move(*graph);
}
template <class Op>
std::size_t count(const ann::Graph& graph) {
  return static_cast<std::size_t>(
      std::ranges::count_if(graph.nodes, [](const ann::Node& n) { return std::holds_alternative<Op>(n.op); }));
}

}  // namespace

TEST_CASE("residual blocks, with and without a projection") {
  PlainNet net(1, 3, 12, 10);
  const Map stem = net.relu(net.batch_norm(net.conv(net.input(), 16, {.pads = {1, 1, 1, 1}}, false)));
  const Map body = net.batch_norm(net.conv(stem, 16, {.pads = {1, 1, 1, 1}}));
  const Map first = net.relu(net.add(body, stem));
  const Map narrow = net.relu(net.batch_norm(net.conv(first, 24, {.stride = 2, .pads = {1, 1, 1, 1}})));
  const Map wide = net.batch_norm(net.conv(narrow, 24, {.pads = {1, 1, 1, 1}}));
  const Map project = net.batch_norm(net.conv(first, 24, {.kernel = 1, .stride = 2}));
  const Map last = net.relu(net.add(wide, project));
  const auto graph = same(net, net.gemm(net.view_flat(net.global_average(last)), 10));
  CHECK(count<ann::Add>(graph) == 2);
  CHECK(count<ann::Flatten>(graph) == 1);
}

TEST_CASE("a dense block: everything before is joined, then normalised, rectified and convolved") {
  PlainNet net(2, 2, 9, 9);
  Map joined = net.conv(net.input(), 8, {.pads = {1, 1, 1, 1}}, false);
  for (int layer = 0; layer < 3; ++layer) {
    const Map thin = net.conv(net.relu(net.scale_shift(net.batch_norm(joined))), 12, {.kernel = 1}, false);
    const Map fresh = net.conv(net.relu(net.batch_norm(thin)), 4, {.pads = {1, 1, 1, 1}}, false);
    joined = net.concat({joined, fresh});
  }
  const Map transition = net.average_pool(net.conv(net.relu(net.batch_norm(joined)), 10, {.kernel = 1}, false),
                                          {.kernel = 2, .stride = 2});
  const auto graph = same(net, net.gemm(net.view_flat(transition), 10));
  CHECK(count<ann::Concat>(graph) == 3);
}

TEST_CASE("a fire module with a classifier of convolutions") {
  PlainNet net(3, 3, 15, 15);
  const Map stem = net.max_pool(net.relu(net.conv(net.input(), 12, {.stride = 2})), {.stride = 2, .ceil = true});
  const Map squeezed = net.relu(net.conv(stem, 4, {.kernel = 1}));
  const Map fire = net.concat(
      {net.relu(net.conv(squeezed, 8, {.kernel = 1})), net.relu(net.conv(squeezed, 8, {.pads = {1, 1, 1, 1}}))});
  const Map scores = net.global_average(net.relu(net.conv(fire, 10, {.kernel = 1})));
  const auto graph = same(net, net.softmax(scores));
  CHECK(std::holds_alternative<ann::Softmax>(graph.nodes.back().op));
}

TEST_CASE("a shuffle unit: grouped, shuffled, depthwise, joined with its pooled input") {
  PlainNet net(4, 12, 8, 8);
  const Map grouped = net.relu(net.batch_norm(net.conv(net.input(), 24, {.kernel = 1, .groups = 3}, false)));
  const Map depthwise =
      net.batch_norm(net.conv(net.shuffle(grouped, 3), 24, {.stride = 2, .pads = {1, 1, 1, 1}, .groups = 24}, false));
  const Map left = net.batch_norm(net.conv(depthwise, 12, {.kernel = 1, .groups = 3}, false));
  const Map right = net.average_pool(net.input(), {.stride = 2, .pads = {1, 1, 1, 1}});
  const Map unit = net.relu(net.concat({right, left}));
  const auto graph = same(net, net.gemm(net.view_flat(net.shuffle(unit, 4)), 7));
  CHECK(count<ann::ChannelPermutation>(graph) == 2);
  CHECK(count<ann::Reshape>(graph) == 0);
}

TEST_CASE("inverted residuals with depthwise convolutions and six as the ceiling") {
  PlainNet net(5, 3, 11, 9);
  const Map stem =
      net.clip(net.batch_norm(net.conv(net.input(), 17, {.stride = 2, .pads = {1, 1, 1, 1}}, false)), 0, 6);
  const Map wide = net.clip(net.conv(stem, 51, {.kernel = 1}), 0, 6);
  const Map deep = net.clip(net.conv(wide, 51, {.pads = {1, 1, 1, 1}, .groups = 51}), 0, 6);
  const Map sum = net.add(net.batch_norm(net.conv(deep, 17, {.kernel = 1})), stem);
  const Map doubled = net.clip(net.conv(sum, 34, {.dilation = 2, .pads = {2, 1, 2, 3}, .groups = 17}), -0.5f, 6);
  same(net, net.gemm(net.view_flat(doubled), 5));
}

TEST_CASE("an inception block with pooling that hangs over the border") {
  PlainNet net(6, 4, 14, 13);
  const Map stem =
      net.max_pool(net.relu(net.conv(net.input(), 10, {.pads = {1, 1, 1, 1}})), {.stride = 2, .ceil = true});
  const Map one = net.relu(net.conv(stem, 6, {.kernel = 1}));
  const Map three = net.relu(net.conv(net.relu(net.conv(stem, 5, {.kernel = 1})), 7, {.pads = {1, 1, 1, 1}}));
  const Map five = net.relu(net.conv(stem, 3, {.kernel = 5, .pads = {2, 2, 2, 2}}));
  const Map pooled = net.relu(net.conv(net.max_pool(stem, {.pads = {1, 1, 1, 1}}), 4, {.kernel = 1}));
  const Map block = net.concat({one, three, five, pooled});
  const Map smaller = net.average_pool(block, {.stride = 2, .pads = {1, 1, 1, 1}, .ceil = true});
  const Map counted = net.average_pool(smaller, {.kernel = 2, .pads = {1, 0, 1, 1}, .count_pads = true});
  same(net, net.softmax(net.gemm(net.view_flat(counted), 6)));
}

TEST_CASE("local response normalisation between grouped convolutions, over odd and even neighbourhoods") {
  PlainNet net(7, 3, 13, 13);
  const Map first = net.lrn(net.relu(net.conv(net.input(), 8, {.kernel = 5, .stride = 2})), 5, 0.5f, 0.75f, 1);
  const Map second = net.lrn(net.relu(net.conv(first, 12, {.pads = {1, 1, 1, 1}, .groups = 2})), 4, 0.25f, 0.6f, 2);
  same(net, net.gemm(net.view_flat(net.max_pool(second, {.stride = 2})), 9));
}
