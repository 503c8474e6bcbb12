#include "conversion/onnx/read.hpp"

#include <doctest/doctest.h>

#include "conversion/ann/executor.hpp"
#include "conversion/onnx/write.hpp"
#include "nets.hpp"
#include "onnx_bytes.hpp"

using namespace syn;
using namespace syn::onnx_bytes;

namespace {

ann::Graph readable(const File& file) {
  auto graph = onnx_file::read(file.bytes(), "test.onnx");
  REQUIRE_MESSAGE(graph.has_value(), (graph ? "" : graph.error().what + " | " + graph.error().where));
  return std::move(*graph);
}
// Refused, with these words, by this node or tensor.
void refused(const File& file, const std::string& what, const std::string& where) {
  const auto graph = onnx_file::read(file.bytes(), "test.onnx");
  REQUIRE_MESSAGE(!graph, what);
  CHECK_MESSAGE(graph.error().what.find(what) != std::string::npos, graph.error().what);
  CHECK_MESSAGE(graph.error().where.find(where) != std::string::npos, graph.error().where);
  CHECK(graph.error().where.starts_with("test.onnx"));
  CHECK(!graph.error().todo.empty());
}
std::vector<float> ramp(std::size_t n) {
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(i % 7) / 4 - 0.5f;
  return out;
}
File conv_file() {
  File file;
  file.initializers = {floats("w", {3, 2, 3, 3}, ramp(54)), floats("b", {3}, ramp(3))};
  file.nodes = {node("c", "Conv", {"x", "w", "b"}, "y", {ints("kernel_shape", {3, 3}), ints("pads", {1, 0, 1, 2})})};
  return file;
}

}  // namespace

TEST_CASE("what is written is read again") {
  SUBCASE("residual, quantised, shuffled") {
    SeededRandom r(2);
    ann::Graph graph = nets::chain(
        {4, 6, 6}, {ann::Affine{nets::tensor(r, {4}, 0.5, 2), {{1}, {0.25f}}}, ann::LeakyRelu{0.2f},
                    ann::Pad{{1, 0}, {0, 2}, 0.5f}, nets::conv(r, 4, 4, {{2, 3}, {1, 1}}, 4), ann::Clip{0, 6},
                    ann::ChannelPermutation{{2, 0, 3, 1}}, ann::QuantisedRelu{nets::tensor(r, {4}, 0.5, 2), 8},
                    ann::LocalResponseNormalization{}, ann::Reshape{{2, 6, 12}}, ann::Flatten{}, nets::gemm(r, 6, 144),
                    ann::QuantisedRelu{{{1}, {1.5f}}, 4}, ann::Softmax{true}});
    // The convolution's output is added to the permutation's input twice over, and joined with it.
    const std::string conv = graph.nodes[3].output;
    graph.nodes[5].inputs = {"sum"};
    graph.nodes[8].inputs = {"joined"};
    graph.nodes[8].op = ann::Reshape{{4, 6, 12}};
    std::get<ann::Gemm>(graph.nodes[10].op) = nets::gemm(r, 6, 288);
    graph.nodes.insert(graph.nodes.begin() + 8, {"join", ann::Concat{}, {graph.nodes[7].output, conv}, "joined"});
    graph.nodes.insert(graph.nodes.begin() + 5, {"add", ann::Add{}, {graph.nodes[4].output, conv, conv}, "sum"});
    const auto shapes = ann::shapes(graph);
    REQUIRE_MESSAGE(shapes.has_value(), (shapes ? "" : shapes.error().what + shapes.error().where));
    const auto bytes = onnx_file::write(graph);
    REQUIRE(bytes.has_value());
    const auto again = onnx_file::read(*bytes, "again");
    REQUIRE_MESSAGE(again.has_value(), (again ? "" : again.error().what + " | " + again.error().where));
    std::vector<float> batch(144 * 20);
    for (float& v : batch) v = nets::uniform(r, -1, 1);
    const auto first = ann::Executor::make(*again)->run(batch, 1), second = ann::Executor::make(graph)->run(batch, 1);
    std::size_t far = 0;  // a value on the edge of a level may be rounded to either side
    for (std::size_t i = 0; i < first.size(); ++i) far += std::abs(first[i] - second[i]) > 1e-4;
    CHECK(far < first.size() / 50);
    return;
  }

  SeededRandom r(1);
  const auto graph = nets::chain(
      {2, 9, 9}, {nets::conv(r, 4, 2, {{3, 3}, {2, 1}, {1, 2}, {1, 0}, {0, 1}}), nets::norm(r, 4), ann::Relu{},
                  ann::AveragePool{{{2, 2}, {2, 2}, {1, 1}, {1, 1}, {0, 0}}, true, true}, ann::MaxPool{{{2, 2}}},
                  ann::Flatten{}, nets::gemm(r, 5, 24), ann::Relu{}, nets::gemm(r, 3, 5), ann::Softmax{}});
  const auto shapes = ann::shapes(graph);
  REQUIRE_MESSAGE(shapes.has_value(), (shapes ? "" : shapes.error().what));
  const auto bytes = onnx_file::write(graph);
  REQUIRE(bytes.has_value());
  const auto again = onnx_file::read(*bytes, "again");
  REQUIRE_MESSAGE(again.has_value(), (again ? "" : again.error().what + " | " + again.error().where));
  REQUIRE(again->nodes.size() == graph.nodes.size());
  std::vector<float> batch(162);
  for (float& v : batch) v = nets::uniform(r, -1, 1);
  CHECK(ann::Executor::make(*again)->run(batch, 1) == ann::Executor::make(graph)->run(batch, 1));
}

TEST_CASE(
    "exporters' habits: constants, identities, dropout, empty and zero padding, flattening by Reshape, MatMul and "
    "Add") {
  File file;
  file.initializers = {floats("w", {3, 2, 3, 3}, ramp(54)), floats("m", {48, 4}, ramp(192)),
                       floats("b", {4}, {1, 2, 3, 4}), int64s("nothing", {0, 0, 0, 0, 0, 0, 0, 0}),
                       int64s("one", {0, 0, 1, 1, 0, 0, 1, 1})};
  const auto constant =
      node("k", "Constant", {}, "shape", {Pb().string(1, "value").add(5, int64s("", {-1, 48})).integer(20, 4)});
  // Stored backwards, so that reading must sort.
  file.nodes = {node("add", "Add", {"b", "mm"}, "y"),
                node("mm", "MatMul", {"flat", "m"}, "mm"),
                node("flat", "Reshape", {"d", "shape"}, "flat"),
                node("d", "Dropout", {"r"}, "d"),
                node("r", "Relu", {"c"}, "r"),
                node("c", "Conv", {"p1", "w"}, "c", {ints("kernel_shape", {3, 3})}),
                node("p1", "Pad", {"p0", "one"}, "p1"),
                node("p0", "Pad", {"i", "nothing"}, "p0"),
                node("i", "Identity", {"x"}, "i"),
                constant,
                node("dead", "Relu", {"x"}, "nobody")};
  const auto graph = readable(file);
  REQUIRE(graph.nodes.size() == 4);
  const auto& conv = std::get<ann::Conv>(graph.nodes[0].op);
  CHECK(conv.geometry == ann::Geometry{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
  CHECK(graph.nodes[0].inputs[0] == "x");
  CHECK(std::holds_alternative<ann::Flatten>(graph.nodes[2].op));
  const auto& gemm = std::get<ann::Gemm>(graph.nodes[3].op);
  CHECK(gemm.bias.data == std::vector<float>{1, 2, 3, 4});
  CHECK(gemm.weight.shape == std::vector<std::int64_t>{4, 48});
  CHECK(gemm.weight.data[48] == ramp(192)[1]);
}

TEST_CASE("Gemm's alpha, beta and layouts, doubles, typed fields, auto_pad and GlobalAveragePool") {
  File file = conv_file();
  Pb typed;  // float_data, unpacked
  typed.integer(1, 3).integer(2, 1).string(8, "b").number(4, 1).number(4, 2).number(4, 3);
  file.initializers = {tensor<double>("w", {3, 2, 2, 2}, 11, std::vector<double>(24, 0.25)), typed,
                       floats("m", {3, 2}, {1, 2, 3, 4, 5, 6}), floats("o", {1}, {8})};
  file.nodes = {node("c", "Conv", {"x", "w", "b"}, "c", {text("auto_pad", "SAME_UPPER")}),
                node("g", "GlobalAveragePool", {"c"}, "g"), node("f", "Flatten", {"g"}, "f"),
                node("e", "Gemm", {"f", "m", "o"}, "y", {number("alpha", 2), number("beta", 0.5)})};
  const auto graph = readable(file);
  const auto& conv = std::get<ann::Conv>(graph.nodes[0].op);
  CHECK(conv.geometry == ann::Geometry{{2, 2}, {1, 1}, {1, 1}, {0, 0}, {1, 1}});
  CHECK(conv.weight.data == std::vector<float>(24, 0.25f));
  CHECK(conv.bias.data == std::vector<float>{1, 2, 3});
  CHECK(std::get<ann::AveragePool>(graph.nodes[1].op).geometry.kernel[0] == 4);
  const auto& gemm = std::get<ann::Gemm>(graph.nodes[3].op);
  CHECK(gemm.weight.data == std::vector<float>{2, 6, 10, 4, 8, 12});
  CHECK(gemm.bias.data == std::vector<float>{4, 4});
}

TEST_CASE("an unsupported operator is named, with the supported set") {
  File file;
  file.nodes = {node("odd", "Tanh", {"x"}, "y")};
  refused(file, "Tanh is not supported", "node 'odd'");
  CHECK(onnx_file::read(file.bytes(), "f").error().todo.find("AveragePool") != std::string::npos);
  file.nodes = {node("product", "Mul", {"x", "x"}, "y")};
  refused(file, "two activations", "node 'product'");
  file.opset = 18;
  refused(file, "operator set 18", "opset_import");
}

TEST_CASE("a tensor that lies about its size is refused before memory is taken") {
  const auto with_weights = [](Pb tensor) {
    File file = conv_file();
    file.initializers[0] = std::move(tensor);
    return file;
  };
  refused(with_weights(floats("w", {3, 2, 3, 29826161}, ramp(54))), "declares 536870898 values but holds 54",
          "tensor 'w'");
  refused(with_weights(floats("w", {1ll << 32, 1ll << 32, 3, 3}, ramp(54))), "too large", "tensor 'w'");
  refused(with_weights(floats("w", {3, -2, 3, -3}, ramp(54))), "negative", "tensor 'w'");
  refused(with_weights(floats("w", {3, 0, 3, 3}, {})), "empty", "tensor 'w'");
  refused(with_weights(floats("w", {3, 2, 3, 3}, ramp(53))), "holds 53", "tensor 'w'");
  refused(with_weights(tensor<std::int64_t>("w", {3, 2, 3, 3}, 7, std::vector<std::int64_t>(54))),
          "neither float nor double", "tensor 'w'");
  refused(with_weights(floats("w", {3, 2, 3, 3}, std::vector<float>(54, INFINITY))), "not a number", "tensor 'w'");
  Pb external = floats("w", {3, 2, 3, 3}, {});
  external.add(13, Pb().string(1, "location").string(2, "/etc/passwd")).integer(14, 1);
  refused(with_weights(external), "another file", "tensor 'w'");
}

TEST_CASE("broken graphs are refused by node name") {
  File file = conv_file();
  file.nodes[0] = node("c", "Conv", {"nowhere", "w", "b"}, "y");
  refused(file, "'nowhere' is made by no node", "node 'c'");
  file = conv_file();
  file.nodes = {node("a", "Relu", {"q"}, "p"), node("b", "Relu", {"p"}, "q"), node("c", "Relu", {"q"}, "y")};
  refused(file, "cycle", "node 'a'");
  file.nodes = {node("a", "Relu", {"x"}, "y"), node("b", "Relu", {"x"}, "y")};
  refused(file, "two makers", "node 'b'");
  file.nodes = {node("a", "Relu", {"x"}, "x")};
  refused(file, "two makers", "node 'a'");
  file = conv_file();
  file.initializers.push_back(file.initializers[0]);
  refused(file, "two values have this name", "tensor 'w'");
  file = conv_file();
  file.initializers[0] = floats("w", {3, 3, 3, 2}, ramp(54));
  refused(file, "contradicts", "node 'c'");
  file.initializers[0] = floats("w", {2, 3, 3, 3}, ramp(54));
  refused(file, "do not fit an input of 2x4x4", "node 'c'");
  file = conv_file();
  file.nodes[0] = node("c", "Conv", {"x", "w", "b"}, "y", {ints("pads", {1ll << 40, 0, 0, 0})});
  refused(file, "out of range", "node 'c'");
  file = conv_file();
  file.nodes[0] = node("c", "Conv", {"x", "w", "b"}, "y", {integer("surprise", 1)});
  refused(file, "'surprise'", "node 'c'");
  file = conv_file();
  file.outputs = {Pb().string(1, "z")};
  refused(file, "'z' is made by no node", "graph");
  file = conv_file();
  file.inputs = {value("x", {-1, 2, -1, 4})};
  refused(file, "axis 2 is open", "input 'x'");
  file.inputs = {value("x", {-1, 1 << 14, 1 << 14, 1 << 14})};
  refused(file, "too large", "input 'x'");
  file = conv_file();
  file.nodes = {node("s", "Softmax", {"f"}, "p"), node("f", "Flatten", {"x"}, "f"), node("r", "Relu", {"p"}, "y")};
  refused(file, "last node", "node 's'");
  file.initializers.push_back(int64s("pads", {0, 1, 1, 1, 0, 0, 1, 1}));
  file.nodes = {node("p", "Pad", {"x", "pads"}, "p"), node("r", "Relu", {"p"}, "y")};
  refused(file, "the channels", "node 'p'");
}

TEST_CASE("cut and flipped files are refused or read, and never crash") {
  SeededRandom random(9);
  const Bytes whole = conv_file().bytes();
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK(!onnx_file::read(ByteView(whole).first(length), "cut"));
  for (int round = 0; round < 4000; ++round) {
    Bytes flipped = whole;
    for (std::uint64_t flips = 1 + random.below(3); flips > 0; --flips)
      flipped[random.below(flipped.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
    const auto graph = onnx_file::read(flipped, "flipped");
    if (graph) {
      CHECK(ann::shapes(*graph).has_value());
    } else {
      CHECK(!graph.error().what.empty());
    }
  }
  // Deep nesting: groups of unknown fields, and graphs within graphs.
  std::string nested;
  for (int i = 0; i < 200; ++i) nested = Pb().add(5, Pb().string(1, "a").add(6, Pb().add(1, Pb{nested}))).bytes;
  const Bytes deep = [&] {
    const std::string bytes = Pb().add(7, Pb().add(1, Pb{nested})).bytes;
    return Bytes(bytes.begin(), bytes.end());
  }();
  CHECK(!onnx_file::read(deep, "deep"));
}
