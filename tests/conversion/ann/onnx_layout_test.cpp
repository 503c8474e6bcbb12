// What exporters write around the operators that matter: shapes computed in the file, transposes, paddings, constants
// as every operator set has them; and that none of it can be made to take memory or time without end.
#include <doctest/doctest.h>

#include <cmath>

#include "conversion/ann/executor.hpp"
#include "conversion/onnx/read.hpp"
#include "core/random.hpp"
#include "onnx_bytes.hpp"

using namespace syn;
using namespace syn::onnx_bytes;

namespace {

ann::Graph readable(const File& file) {
  auto graph = onnx_file::read(file.bytes(), "test.onnx");
  REQUIRE_MESSAGE(graph.has_value(), (graph ? "" : graph.error().what + " | " + graph.error().where));
  return std::move(*graph);
}
void refused(const File& file, const std::string& what, const std::string& where) {
  const auto graph = onnx_file::read(file.bytes(), "test.onnx");
  REQUIRE_MESSAGE(!graph, what);
  CHECK_MESSAGE(graph.error().what.find(what) != std::string::npos, graph.error().what);
  CHECK_MESSAGE(graph.error().where.find(where) != std::string::npos, graph.error().where);
  CHECK(!graph.error().todo.empty());
}
std::vector<float> ramp(std::size_t n) {
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(i) / 4 - 3;
  return out;
}
std::vector<float> run(const File& file, const std::vector<float>& batch) {
  return ann::Executor::make(readable(file))->run(batch, 1);
}
Pb constant(const std::string& name, const Pb& tensor) {
  return node("", "Constant", {}, name, {Pb().string(1, "value").add(5, tensor).integer(20, 4)});
}

}  // namespace

TEST_CASE("a transpose of the whole image keeps the file's order of elements") {
  File file;  // [N, 2, 4, 4] to [N, 4, 4, 2], flattened: what TensorFlow's exporters do before a Gemm
  file.nodes = {node("t", "Transpose", {"x"}, "t", {ints("perm", {0, 2, 3, 1})}), node("f", "Flatten", {"t"}, "f"),
                node("r", "LeakyRelu", {"f"}, "y", {number("alpha", 1)})};
  const auto in = ramp(32), out = run(file, in);
  for (std::size_t p = 0; p < 16; ++p) {
    CHECK(out[2 * p] == in[p]);
    CHECK(out[2 * p + 1] == in[16 + p]);
  }
  // There and back costs nothing.
  file.nodes = {node("t", "Transpose", {"x"}, "t", {ints("perm", {0, 2, 3, 1})}),
                node("u", "Transpose", {"t"}, "u", {ints("perm", {0, 3, 1, 2})}), node("r", "Relu", {"u"}, "y")};
  CHECK(readable(file).nodes.size() == 1);
  file.nodes[0] = node("t", "Transpose", {"x"}, "t", {ints("perm", {1, 0, 2, 3})});
  refused(file, "mix images", "node 't'");
}

TEST_CASE("the sizes of a reshape may be computed from the input's shape, whether the batch is open or fixed") {
  for (const std::int64_t batch : {-1, 1, 2}) {
    CAPTURE(batch);
    File file;  // x.view(x.size(0), x.size(1) * x.size(2) * x.size(3) / 2, 2) with casts, slices and a division
    file.inputs = {value("x", {batch, 2, 4, 4})};
    file.initializers = {tensor<std::int64_t>("two", {1}, 7, {2}),
                         int64s("zero", {0}),
                         int64s("first", {1}),
                         int64s("last", {1 << 30}),
                         tensor<std::int64_t>("i1", {}, 7, {1}),
                         tensor<std::int64_t>("i2", {}, 7, {-2}),
                         tensor<std::int64_t>("i3", {}, 7, {3})};
    file.nodes = {node("", "Shape", {"x"}, "s"),
                  node("", "Slice", {"s", "zero", "first"}, "b"),
                  node("", "Slice", {"s", "first", "last"}, "rest"),
                  node("", "Gather", {"s", "i1"}, "c"),
                  node("", "Gather", {"s", "i2"}, "h"),
                  node("", "Gather", {"s", "i3"}, "w"),
                  node("", "Mul", {"c", "h"}, "ch"),
                  node("", "Mul", {"ch", "w"}, "chw"),
                  node("", "Div", {"chw", "two"}, "half"),
                  node("", "Cast", {"half"}, "half64", {integer("to", 7)}),
                  node("", "Concat", {"b", "half64", "two"}, "shape", {integer("axis", 0)}),
                  node("", "Reshape", {"x", "shape"}, "v"),
                  node("", "Relu", {"v"}, "y")};
    const auto graph = readable(file);
    REQUIRE(graph.nodes.size() == 2);
    CHECK(std::get<ann::Reshape>(graph.nodes[0].op).shape == std::vector<std::int64_t>{16, 1, 2});
    // The batch must stay where it is: multiplied into another axis it would mix images.
    file.nodes[8] = node("", "Mul", {"chw", "b"}, "half");
    refused(file, "keep images apart", "Reshape");
  }
}

TEST_CASE("a padding joins what can take it, and is a node of its own elsewhere") {
  File file;
  file.initializers = {int64s("pads", {0, 0, 1, 0, 0, 0, 2, 1}), floats("half", {}, {0.5f}),
                       floats("w", {1, 2, 2, 2}, ramp(8))};
  file.nodes = {node("p", "Pad", {"x", "pads"}, "p"),
                node("a", "AveragePool", {"p"}, "y", {ints("kernel_shape", {3, 3})})};
  auto graph = readable(file);
  REQUIRE(graph.nodes.size() == 1);
  const auto& pool = std::get<ann::AveragePool>(graph.nodes[0].op);
  CHECK(pool.count_include_pad);
  CHECK(pool.geometry == ann::Geometry{{3, 3}, {1, 1}, {1, 1}, {1, 0}, {2, 1}});
  const auto joined = run(file, ramp(32));
  file.nodes[1] = node("a", "AveragePool", {"p"}, "y", {ints("kernel_shape", {3, 3}), integer("ceil_mode", 1)});
  CHECK(readable(file).nodes.size() == 2);
  CHECK(run(file, ramp(32)) == joined);  // the windows fit: ceil_mode changes nothing
  file.nodes[1] = node("m", "MaxPool", {"p"}, "y", {ints("kernel_shape", {2, 2})});
  CHECK(std::holds_alternative<ann::Pad>(readable(file).nodes[0].op));
  // One padding, two readers: the convolution takes it, the other sees it.
  file.nodes = {node("p", "Pad", {"x", "pads"}, "p"), node("c", "Conv", {"p", "w"}, "c"),
                node("f", "Flatten", {"c"}, "fc"),    node("r", "Relu", {"p"}, "r"),
                node("g", "Flatten", {"r"}, "fr"),    node("j", "Concat", {"fc", "fr"}, "y", {integer("axis", 1)})};
  graph = readable(file);
  CHECK(std::get<ann::Conv>(graph.nodes[0].op).geometry.pad_end[0] == 2);
  CHECK(ann::Executor::make(graph)->size(graph.output) == 6 * 4 + 2 * 7 * 5);
  // Not zero: a node, whatever reads it.
  file.nodes = {node("p", "Pad", {"x", "pads", "half"}, "p"), node("c", "Conv", {"p", "w"}, "y")};
  CHECK(std::get<ann::Pad>(readable(file).nodes[0].op).value == 0.5f);
  file.opset = 10;  // before operator set 11 all of it were attributes
  file.nodes[0] = node("p", "Pad", {"x"}, "p",
                       {ints("pads", {0, 0, 1, 0, 0, 0, 2, 1}), number("value", 0.25f), text("mode", "constant")});
  CHECK(std::get<ann::Pad>(readable(file).nodes[0].op).value == 0.25f);
  file.nodes[0] = node("p", "Pad", {"x"}, "p", {ints("pads", {0, 0, -1, 0, 0, 0, 0, 0})});
  refused(file, "out of range", "node 'p'");
  file.nodes[0] = node("p", "Pad", {"x"}, "p", {ints("pads", {0, 0, 1, 0, 0, 0, 0, 0}), text("mode", "reflect")});
  refused(file, "by a constant", "node 'p'");
}

TEST_CASE("one-dimensional maps: convolution, pooling, normalisation") {
  File file;
  file.inputs = {value("x", {-1, 2, 7})};
  file.initializers = {floats("w", {3, 2, 3}, ramp(18)), floats("s", {3}, {1, 2, 3}), floats("z", {3}, {0, 0, 0}),
                       floats("o", {3}, {1, 1, 1})};
  file.nodes = {
      node("c", "Conv", {"x", "w"}, "c", {ints("pads", {2, 1}), ints("dilations", {2}), ints("strides", {2})}),
      node("n", "BatchNormalization", {"c", "s", "z", "z", "o"}, "n", {number("epsilon", 0)}),
      node("m", "MaxPool", {"n"}, "m", {ints("kernel_shape", {2})}), node("g", "GlobalAveragePool", {"m"}, "g"),
      node("q", "Squeeze", {"g"}, "y", {ints("axes", {2})})};
  file.opset = 11;
  const auto in = ramp(14), w = ramp(18), got = run(file, in);
  REQUIRE(got.size() == 3);
  for (std::size_t o = 0; o < 3; ++o) {
    double values[3];
    for (int p = 0; p < 3; ++p) {
      values[p] = 0;
      for (std::size_t i = 0; i < 2; ++i)
        for (int k = 0; k < 3; ++k) {
          const int at = 2 * p + 2 * k - 2;
          if (at >= 0 && at < 7)
            values[p] +=
                double{w[(o * 2 + i) * 3 + static_cast<std::size_t>(k)]} * in[i * 7 + static_cast<std::size_t>(at)];
        }
      values[p] *= static_cast<double>(o + 1);
    }
    CHECK(got[o] ==
          doctest::Approx((std::max(values[0], values[1]) + std::max(values[1], values[2])) / 2).epsilon(1e-5));
  }
  file.inputs = {value("x", {-1, 2, 7, 7, 7})};
  refused(file, "5 axes", "input 'x'");
}

TEST_CASE("auto_pad gives an output of the input's size over the stride, the odd zero behind or before") {
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER"}) {
    File file;
    file.initializers = {floats("w", {1, 2, 2, 3}, ramp(12))};
    file.nodes = {node("c", "Conv", {"x", "w"}, "y", {text("auto_pad", mode), ints("strides", {1, 2})})};
    const auto graph = readable(file);
    const auto& g = std::get<ann::Conv>(graph.nodes[0].op).geometry;
    const bool upper = mode == std::string("SAME_UPPER");
    CHECK(g.pad_begin[0] == (upper ? 0 : 1));
    CHECK(g.pad_end[0] == (upper ? 1 : 0));
    CHECK(g.pad_begin[1] + g.pad_end[1] == 1);
    CHECK(ann::Executor::make(graph)->shape("y") == ann::ValueShape{1, 4, 2});
  }
}

TEST_CASE("arithmetic with constants is one factor and one shift per channel") {
  File file;
  file.initializers = {floats("c", {2}, {2, 4}),
                       floats("k", {1, 2, 1, 1}, {1, 3}),
                       floats("s", {}, {0.5f}),
                       floats("wide", {2, 4, 4}, ramp(32)),
                       floats("many", {5, 1, 1}, ramp(5)),
                       floats("nil", {}, {0})};
  // (3 - (x / c) * s) + k, with c turned into a channel's shape by the file itself
  file.nodes = {node("u", "Unsqueeze", {"c"}, "cu", {ints("axes", {1, 2})}),
                node("d", "Div", {"x", "cu"}, "d"),
                node("m", "Mul", {"s", "d"}, "m"),
                constant("three", floats("", {}, {3})),
                node("f", "Sub", {"three", "m"}, "f"),
                node("a", "Add", {"f", "k"}, "y")};
  file.opset = 9;
  const auto in = ramp(32), out = run(file, in);
  for (std::size_t i = 0; i < 32; ++i)
    CHECK(out[i] == doctest::Approx((3 - in[i] / (i < 16 ? 2 : 4) * 0.5) + (i < 16 ? 1 : 3)).epsilon(1e-6));
  file.nodes = {node("m", "Mul", {"x", "wide"}, "y")};
  refused(file, "2x4x4 is not one value per channel", "node 'm'");
  file.nodes = {node("m", "Mul", {"x", "many"}, "y")};
  refused(file, "5x1x1 is not one value per channel", "node 'm'");
  file.nodes = {node("d", "Div", {"x", "nil"}, "y")};
  refused(file, "divides by zero", "node 'd'");
  file.nodes = {node("d", "Div", {"s", "x"}, "y")};
  refused(file, "by an activation", "node 'd'");
  file.nodes = {node("p", "MaxPool", {"x"}, "p", {ints("kernel_shape", {2, 2})}), node("a", "Add", {"x", "p"}, "y")};
  refused(file, "2x4x4 and 2x3x3", "node 'a'");
}

TEST_CASE("bounds of a Clip: attributes, inputs, open ones, and none") {
  File file;
  file.nodes = {node("c", "Clip", {"x"}, "y", {number("min", 0), number("max", 6)})};
  file.opset = 10;
  CHECK(std::get<ann::Clip>(readable(file).nodes[0].op).high == 6);
  file.nodes = {node("c", "Clip", {"x"}, "y", {number("min", 0), number("max", 3.4028235e38f)})};
  CHECK(std::holds_alternative<ann::Relu>(readable(file).nodes[0].op));
  file.opset = 13;
  file.nodes = {constant("six", floats("", {}, {6})), node("c", "Clip", {"x", "", "six"}, "y")};
  CHECK(std::get<ann::Clip>(readable(file).nodes[0].op).low == -INFINITY);
  file.nodes = {node("c", "Clip", {"x"}, "c"), node("r", "Relu", {"c"}, "y")};
  CHECK(readable(file).nodes.size() == 1);
  file.nodes = {constant("odd", floats("", {}, {NAN})), node("c", "Clip", {"x", "odd"}, "y")};
  refused(file, "not one number", "tensor 'odd'");
}

TEST_CASE("means over space are pooling; over anything else they are refused") {
  File file;
  file.nodes = {node("m", "ReduceMean", {"x"}, "y", {ints("axes", {-1, 2}), integer("keepdims", 0)})};
  const auto out = run(file, ramp(32));
  REQUIRE(out.size() == 2);
  CHECK(out[0] == doctest::Approx(7.5 / 4 - 3));
  file.nodes = {node("m", "ReduceMean", {"x"}, "y", {ints("axes", {1})})};
  refused(file, "axis 1", "node 'm'");
  file.nodes = {node("m", "ReduceMean", {"x"}, "y", {ints("axes", {2, 2})})};
  refused(file, "", "node 'm'");
  file.nodes = {node("m", "ReduceMean", {"x"}, "y")};
  refused(file, "over space", "node 'm'");
}

TEST_CASE("constants that claim to be huge are refused before they are made") {
  File file;
  file.initializers = {int64s("huge", {1'000'000, 1'000'000}), int64s("large", {1 << 14, 1 << 14}),
                       int64s("negative", {-1, 4}), int64s("many", {1 << 14, 1 << 14, 2})};
  const auto one = Pb().string(1, "value").add(5, floats("", {1}, {1})).integer(20, 4);
  const auto whole = Pb().string(1, "value").add(5, int64s("", {1})).integer(20, 4);
  file.nodes = {node("k", "ConstantOfShape", {"huge"}, "w", {one}), node("m", "MatMul", {"x", "w"}, "y")};
  refused(file, "too large", "node 'k'");
  file.nodes[0] = node("k", "ConstantOfShape", {"negative"}, "w", {one});
  refused(file, "negative", "node 'k'");
  file.nodes[0] = node("k", "ConstantOfShape", {"many"}, "w", {one});
  refused(file, "too large", "node 'k'");
  file.nodes[0] = node("k", "ConstantOfShape", {"large"}, "w", {whole});
  refused(file, "too many", "node 'k'");
  // Legal once, but not decoded again and again.
  file.nodes = {node("k", "ConstantOfShape", {"large"}, "w", {one}), node("a", "Add", {"w", "w"}, "w2"),
                node("m", "MatMul", {"x", "w2"}, "y")};
  refused(file, "2^2", "");
  // Broadcasting makes large things of small ones.
  file.initializers.push_back(floats("column", {1 << 14, 1}, std::vector<float>(1 << 14, 1.f)));
  file.initializers.push_back(floats("row", {1, 1 << 14}, std::vector<float>(1 << 14, 1.f)));
  file.nodes = {node("a", "Add", {"column", "row"}, "w"), node("m", "MatMul", {"x", "w"}, "y")};
  refused(file, "do not fit", "node 'a'");
}

TEST_CASE("networks that would run for hours or need all memory are refused by the node that is too much") {
  const auto too_much = [](const File& file, const std::string& node) {
    const auto executor = ann::Executor::make(readable(file));
    REQUIRE(!executor);
    CHECK(executor.error().where.find(node) != std::string::npos);
  };
  File file;  // 2^24 windows of 2^24 values
  file.inputs = {value("x", {-1, 1, 4096, 4096})};
  file.nodes = {
      node("m", "MaxPool", {"x"}, "y", {ints("kernel_shape", {4095, 4095}), ints("pads", {2047, 2047, 2047, 2047})})};
  too_much(file, "node 'm'");
  // Many large values alive at once.
  file.inputs = {value("x", {-1, 1, 8192, 8192})};
  file.nodes.clear();
  std::vector<std::string> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back("r" + std::to_string(i));
    file.nodes.push_back(node("", "LeakyRelu", {"x"}, all.back()));
  }
  file.nodes.push_back(node("s", "Sum", all, "y"));
  too_much(file, "");
}

TEST_CASE("files full of layout, cut and flipped, are refused or read, and never crash") {
  SeededRandom random(11);
  File file;
  file.inputs = {value("x", {-1, 4, 4, 4})};
  file.initializers = {int64s("split", {0, 2, 2, 4, 4}),
                       int64s("back", {0, 4, 4, 4}),
                       int64s("i", {3, 1, 0, 2}),
                       int64s("pads", {0, 0, 1, 0, 0, 0, 0, 1}),
                       floats("f", {4, 1, 1}, {1, 2, 3, 4}),
                       int64s("a", {1}),
                       int64s("b", {-1}),
                       int64s("e", {4})};
  file.nodes = {node("", "Reshape", {"x", "split"}, "s"),
                node("", "Transpose", {"s"}, "t", {ints("perm", {0, 2, 1, 3, 4})}),
                node("", "Reshape", {"t", "back"}, "u"),
                node("", "Gather", {"u", "i"}, "g", {integer("axis", 1)}),
                node("", "Pad", {"g", "pads"}, "p"),
                node("", "Mul", {"p", "f"}, "m"),
                node("", "Concat", {"m", "p"}, "c", {integer("axis", 1)}),
                node("", "AveragePool", {"c"}, "v", {ints("kernel_shape", {2, 2}), integer("ceil_mode", 1)}),
                node("", "Shape", {"v"}, "sh"),
                node("", "Slice", {"sh", "a", "e"}, "rest"),
                node("", "Concat", {"b", "rest"}, "target", {integer("axis", 0)}),
                node("", "Reshape", {"v", "target"}, "w"),
                node("", "ReduceMean", {"w"}, "r", {ints("axes", {2, 3}), integer("keepdims", 0)}),
                node("", "Softmax", {"r"}, "y")};
  const Bytes whole = file.bytes();
  REQUIRE(onnx_file::read(whole, "whole").has_value());
  for (int round = 0; round < 6000; ++round) {
    Bytes flipped = whole;
    for (std::uint64_t flips = 1 + random.below(3); flips > 0; --flips)
      flipped[random.below(flipped.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
    auto graph = onnx_file::read(flipped, "flipped");
    if (!graph) {
      CHECK(!graph.error().what.empty());
      continue;
    }
    const auto executor = ann::Executor::make(std::move(*graph));
    if (!executor || executor->size(executor->graph().input) > 4096) continue;
    const auto out = executor->run(std::vector<float>(executor->size(executor->graph().input), 0.5f), 1);
    CHECK(out.size() == executor->size(executor->graph().output));
  }
}
