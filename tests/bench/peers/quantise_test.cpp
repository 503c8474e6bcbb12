// The int8 network that ONNX Runtime is handed, read back with libonnx's own classes.
#include <doctest/doctest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "bench/peers/quantise.hpp"
#include "tests/conversion/ann/nets.hpp"

namespace syn::peers {
namespace {

ann::Graph small_net(Random& random) {
  return nets::chain({1, 12, 12}, {nets::conv(random, 8, 1, {.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}}),
                                   ann::Relu{}, ann::MaxPool{{.kernel = {2, 2}, .stride = {2, 2}}}, ann::Flatten{},
                                   nets::gemm(random, 10, 8 * 36)});
}
onnx::ModelProto parsed(const Quantised& quantised) {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromArray(quantised.onnx.data(), static_cast<int>(quantised.onnx.size())));
  return model;
}
onnx::ModelProto made(const ann::Graph& graph, const data::Dataset& images, const Normalisation& normalisation = {}) {
  const auto ranges = find_ranges(graph, images, normalisation, 40).value();
  return parsed(quantise(graph, ranges, normalisation).value());
}
const onnx::TensorProto& tensor(const onnx::ModelProto& model, const std::string& name) {
  for (const auto& t : model.graph().initializer()) {
    if (t.name() == name) return t;
  }
  FAIL("no initializer " << name);
  return model.graph().initializer(0);
}
template <class T>
std::vector<T> values(const onnx::ModelProto& model, const std::string& name) {
  const std::string& raw = tensor(model, name).raw_data();
  std::vector<T> out(raw.size() / sizeof(T));
  std::memcpy(out.data(), raw.data(), raw.size());
  return out;
}
std::vector<const onnx::NodeProto*> of_type(const onnx::ModelProto& model, const std::string& type) {
  std::vector<const onnx::NodeProto*> out;
  for (const auto& node : model.graph().node()) {
    if (node.op_type() == type) out.push_back(&node);
  }
  return out;
}

}  // namespace

TEST_CASE("weights of eight bits and biases of 32 say what was trained, within half a unit of their channel") {
  SeededRandom random(1);
  const ann::Graph graph = small_net(random);
  const auto model = made(graph, nets::images(random, {1, 12, 12}, 40));
  for (const std::size_t at : {0u, 4u}) {
    const ann::Node& node = graph.nodes[at];
    const auto* conv = std::get_if<ann::Conv>(&node.op);
    const auto* gemm = std::get_if<ann::Gemm>(&node.op);
    const ann::Tensor &weight = conv ? conv->weight : gemm->weight, &bias = conv ? conv->bias : gemm->bias;
    const auto q = values<std::int8_t>(model, node.name + "/weight/q");
    const auto scale = values<float>(model, node.name + "/weight/scale");
    const auto b = values<std::int32_t>(model, node.name + "/bias/q");
    const auto unit = values<float>(model, node.name + "/bias/scale");
    REQUIRE(q.size() == weight.data.size());
    REQUIRE(b.size() == scale.size());
    const std::size_t each = q.size() / scale.size();
    for (std::size_t i = 0; i < q.size(); ++i) {
      const float s = scale[i / each];
      CHECK(std::abs(q[i] * s - weight.data[i]) <= 0.5001f * s);
    }
    for (std::size_t o = 0; o < b.size(); ++o) {
      CHECK(std::abs(static_cast<double>(b[o]) * unit[o] - bias.data[o]) <= 0.5001 * unit[o]);
      const auto channel = std::span(q).subspan(o * each, each);
      CHECK(std::ranges::max(channel, {}, [](std::int8_t w) { return std::abs(w); }) != 0);
      CHECK(std::ranges::count(channel, -128) == 0);
    }
  }
}

TEST_CASE("a Relu is left out where the quantisation behind it clamps at zero") {
  SeededRandom random(2);
  const auto model = made(small_net(random), nets::images(random, {1, 12, 12}, 40));
  CHECK(of_type(model, "Relu").empty());
  REQUIRE(of_type(model, "QuantizeLinear").size() == 1);  // of the Relu's output; pixels and scores need none
  const onnx::NodeProto& quantise = *of_type(model, "QuantizeLinear")[0];
  CHECK(values<std::uint8_t>(model, quantise.input(2)) == std::vector<std::uint8_t>{0});
  CHECK(quantise.output(0) == "v2/q");
  REQUIRE(of_type(model, "MaxPool").size() == 1);  // on uint8 itself
  CHECK(of_type(model, "MaxPool")[0]->input(0) == "v2/q");
  CHECK(model.graph().output(0).name() == "v5");
}

TEST_CASE("every node reads what was made before it") {
  SeededRandom random(3);
  const auto model = made(small_net(random), nets::images(random, {1, 12, 12}, 40));
  std::set<std::string> known{model.graph().input(0).name()};
  for (const auto& t : model.graph().initializer()) CHECK(known.insert(t.name()).second);
  for (const auto& node : model.graph().node()) {
    for (const auto& input : node.input()) CHECK_MESSAGE(known.contains(input), node.name(), " reads ", input);
    for (const auto& output : node.output()) CHECK(known.insert(output).second);
  }
  CHECK(known.contains(model.graph().output(0).name()));
}

TEST_CASE("pixels enter as they are where one scale and a whole zero point say x, else x enters as float32") {
  SeededRandom random(4);
  const ann::Graph graph = small_net(random);
  const auto images = nets::images(random, {1, 12, 12}, 40);
  const auto type = [&](const Normalisation& n) {
    return made(graph, images, n).graph().input(0).type().tensor_type().elem_type();
  };
  CHECK(type({}) == onnx::TensorProto::UINT8);
  CHECK(type({{0.4f}, {0.25f}}) == onnx::TensorProto::UINT8);     // zero point 102
  CHECK(type({{0.286f}, {0.353f}}) == onnx::TensorProto::FLOAT);  // 72.93
}

TEST_CASE("two branches that meet are read through pairs of their own, and the sum is clamped by its quantisation") {
  SeededRandom random(5);
  const ann::Geometry same{.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}};
  const ann::Graph graph{"residual",
                         "in",
                         {1, 8, 8},
                         "scores",
                         {{"first", nets::conv(random, 4, 1, same), {"in"}, "a"},
                          {"relu", ann::Relu{}, {"a"}, "b"},
                          {"second", nets::conv(random, 4, 4, same), {"b"}, "c"},
                          {"add", ann::Add{}, {"b", "c"}, "d"},
                          {"six", ann::Clip{0, 6}, {"d"}, "e"},
                          {"pool", ann::AveragePool{{.kernel = {8, 8}}}, {"e"}, "f"},
                          {"flat", ann::Flatten{}, {"f"}, "g"},
                          {"dense", nets::gemm(random, 10, 4), {"g"}, "scores"}}};
  const auto model = made(graph, nets::images(random, {1, 8, 8}, 40));
  CHECK(of_type(model, "Clip").empty());
  CHECK(of_type(model, "GlobalAveragePool").size() == 1);
  REQUIRE(of_type(model, "Add").size() == 1);
  const onnx::NodeProto& add = *of_type(model, "Add")[0];
  std::size_t pairs = 0;
  for (const onnx::NodeProto* pair : of_type(model, "DequantizeLinear")) {
    pairs += pair->output(0) == add.input(0) && pair->input(0) == "b/q";
    pairs += pair->output(0) == add.input(1) && pair->input(0) == "c/q";
  }
  CHECK(pairs == 2);
  CHECK(values<std::uint8_t>(model, "e/zero") == std::vector<std::uint8_t>{0});
  CHECK(values<float>(model, "e/scale")[0] <= 6.0f / 255);
  CHECK(values<std::uint8_t>(model, "c/zero")[0] > 0);  // signed: no Relu behind it
}

TEST_CASE("an operator without an int8 form is an error by name") {
  SeededRandom random(6);
  const ann::Graph graph =
      nets::chain({1, 4, 4}, {ann::LocalResponseNormalization{}, ann::Flatten{}, nets::gemm(random, 10, 16)});
  const auto ranges = find_ranges(graph, nets::images(random, {1, 4, 4}, 4), {}, 4).value();
  const auto refused = quantise(graph, ranges, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().where.find("LRN") != std::string::npos);
}

}  // namespace syn::peers
