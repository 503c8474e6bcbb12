#include "bench/peers/quantise.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <set>

#include "conversion/ann/executor.hpp"
#include "conversion/ann/shapes.hpp"
#include "core/text.hpp"

namespace syn::peers {

float Normalisation::factor(std::size_t channel) const {
  return 1 / (255 * (std.empty() ? 1.f : std[std.size() == 1 ? 0 : channel]));
}
float Normalisation::shift(std::size_t channel) const {
  return (mean.empty() ? 0.f : -mean[mean.size() == 1 ? 0 : channel]) /
         (std.empty() ? 1.f : std[std.size() == 1 ? 0 : channel]);
}

void normalise(const Normalisation& normalisation, const data::Shape& shape, ByteView pixels, std::span<float> x) {
  const std::size_t positions = shape.height * shape.width;
  for (std::size_t c = 0; c < shape.channels; ++c) {
    const float factor = normalisation.factor(c), shift = normalisation.shift(c);
    for (std::size_t i = c * positions; i < (c + 1) * positions; ++i) x[i] = pixels[i] * factor + shift;
  }
}

namespace {

constexpr std::size_t kBlock = 20;  // images at a time: all values of all of them are held

struct Params {  // value = scale * (q - zero)
  float scale = 1;
  std::uint8_t zero = 0;
};
// 0 is always said exactly: padding depends on it.
Params params_of(Range range) {
  const float low = std::min(0.f, range.low), high = std::max(0.f, range.high);
  if (high <= low) return {};
  const float scale = (high - low) / 255;
  return {scale, static_cast<std::uint8_t>(std::lround(-low / scale))};
}

// Pixels are their own quantisation where one scale and a whole zero point say x for all channels.
std::optional<Params> pixel_params(const Normalisation& normalisation, std::size_t channels) {
  const float factor = normalisation.factor(0), shift = normalisation.shift(0), zero = -shift / factor;
  for (std::size_t c = 1; c < channels; ++c) {
    if (normalisation.factor(c) != factor || normalisation.shift(c) != shift) return {};
  }
  if (zero < 0 || zero > 255 || std::abs(zero - std::round(zero)) > 1e-3f) return {};
  return Params{factor, static_cast<std::uint8_t>(std::lround(zero))};
}

class Writer {
 public:
  Writer(const ann::Graph& graph, const Ranges& ranges, std::map<std::string, ann::ValueShape> shapes)
      : graph_(graph), ranges_(ranges), shapes_(std::move(shapes)) {}

  Expected<Quantised> run(const Normalisation& normalisation) {
    model_.set_ir_version(7);
    model_.set_producer_name("synfire bench/peers");
    onnx::OperatorSetIdProto& opset = *model_.add_opset_import();
    opset.set_domain("");
    opset.set_version(13);
    proto_.set_name(graph_.name);
    const auto pixels = pixel_params(normalisation, static_cast<std::size_t>(graph_.input_shape.at(0)));
    begin(pixels);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (clamped_.contains(graph_.nodes[i].output)) continue;
      if (auto done = write(graph_.nodes[i]); !done) return fail(done.error());
    }
    describe(*proto_.add_output(), graph_.output, shapes_.at(graph_.output), onnx::TensorProto::FLOAT);
    if (!floats_.contains(graph_.output)) dequantise(graph_.output, graph_.output);
    Quantised out{Bytes(model_.ByteSizeLong()), pixels.has_value()};
    if (!model_.SerializeToArray(out.onnx.data(), static_cast<int>(out.onnx.size())))
      return fail("the int8 network is larger than Protobuf can write", graph_.name, "compare a smaller network");
    return out;
  }

 private:
  static std::string quantised(const std::string& value) { return value + "/q"; }

  void describe(onnx::ValueInfoProto& info, const std::string& name, const ann::ValueShape& shape, int type) {
    info.set_name(name);
    onnx::TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape()->add_dim()->set_dim_param("N");
    for (const std::int64_t dim : shape) tensor.mutable_shape()->add_dim()->set_dim_value(dim);
  }
  template <class T>
  std::string constant(const std::string& name, int type, std::vector<std::int64_t> shape, const std::vector<T>& data) {
    onnx::TensorProto& tensor = *proto_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::int64_t dim : shape) tensor.add_dims(dim);
    tensor.set_raw_data(data.data(), data.size() * sizeof(T));
    return name;
  }
  onnx::NodeProto& node(const char* type, const std::string& name, std::initializer_list<std::string> inputs,
                        const std::string& output) {
    onnx::NodeProto& made = *proto_.add_node();
    made.set_op_type(type);
    made.set_name(name);
    for (const std::string& input : inputs) made.add_input(input);
    made.add_output(output);
    return made;
  }
  static void set(onnx::NodeProto& node, const char* name, std::int64_t value) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
  }
  static void set(onnx::NodeProto& node, const char* name, std::initializer_list<std::int64_t> values) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute.add_ints(value);
  }
  static void set_window(onnx::NodeProto& node, const ann::Geometry& g) {
    set(node, "kernel_shape", {g.kernel[0], g.kernel[1]});
    set(node, "strides", {g.stride[0], g.stride[1]});
    set(node, "pads", {g.pad_begin[0], g.pad_begin[1], g.pad_end[0], g.pad_end[1]});
    if (g.dilation[0] != 1 || g.dilation[1] != 1) set(node, "dilations", {g.dilation[0], g.dilation[1]});
  }

  // The scale and zero point of a value, as the two inputs that its QuantizeLinear and DequantizeLinear share.
  void settle(const std::string& value, Params params) {
    params_[value] = {params, constant<float>(value + "/scale", onnx::TensorProto::FLOAT, {}, {params.scale}),
                      constant<std::uint8_t>(value + "/zero", onnx::TensorProto::UINT8, {}, {params.zero})};
  }
  void quantise(const std::string& from, const std::string& value, Params params) {
    settle(value, params);
    node("QuantizeLinear", value + "/quantise", {from, params_.at(value).scale, params_.at(value).zero},
         quantised(value));
  }
  void dequantise(const std::string& value, const std::string& to) {
    const auto& p = params_.at(value);
    node("DequantizeLinear", to + "/dequantise", {quantised(value), p.scale, p.zero}, to);
  }
  // The float form that one node reads. Each reader has a pair of its own: that is what the runtime matches.
  std::string read(const ann::Node& reader, std::size_t input) {
    const std::string& value = reader.inputs[input];
    if (floats_.contains(value)) return value;
    const std::string to = text::cat(reader.name, "/in", input);
    dequantise(value, to);
    return to;
  }

  void begin(std::optional<Params> pixels) {
    if (pixels) {
      describe(*proto_.add_input(), quantised(graph_.input), graph_.input_shape, onnx::TensorProto::UINT8);
      settle(graph_.input, *pixels);
    } else {
      describe(*proto_.add_input(), graph_.input, graph_.input_shape, onnx::TensorProto::FLOAT);
      quantise(graph_.input, graph_.input, params_of(ranges_.at(graph_.input)));
    }
  }

  std::size_t readers(const std::string& value) const {
    std::size_t count = value == graph_.output;
    for (const ann::Node& n : graph_.nodes) count += static_cast<std::size_t>(std::ranges::count(n.inputs, value));
    return count;
  }
  // What quantising clamps to anyway: the value behind a Relu or a Clip from 0 that alone reads `value`; or `value`.
  std::string clamped(const std::string& value) {
    if (readers(value) != 1) return value;
    for (const ann::Node& n : graph_.nodes) {
      if (n.inputs[0] != value) continue;
      const auto* clip = std::get_if<ann::Clip>(&n.op);
      if (!std::holds_alternative<ann::Relu>(n.op) && !(clip && clip->low == 0)) return value;
      clamped_.insert(n.output);
      return n.output;
    }
    return value;
  }
  // True if nothing but a Softmax stands between `value` and the network's output: scores stay float.
  bool is_score(const std::string& value) const {
    if (value == graph_.output) return true;
    for (const ann::Node& n : graph_.nodes) {
      if (n.inputs[0] == value) return std::holds_alternative<ann::Softmax>(n.op) && n.output == graph_.output;
    }
    return false;
  }
  // `made` computes node's output in float; what follows is its quantisation, unless it is the answer.
  void finish(onnx::NodeProto& made, const ann::Node& n) {
    if (is_score(n.output)) {
      made.add_output(n.output);
      floats_.insert(n.output);
      return;
    }
    const std::string value = clamped(n.output), raw = n.output + "/raw";
    made.add_output(raw);
    Range range = ranges_.at(value);
    if (value != n.output) range.low = 0;
    quantise(raw, value, params_of(range));
  }
  // A node on the float forms of what `n` reads, behind them in the file's order. Its output is finish's business.
  onnx::NodeProto& open(const char* type, const ann::Node& n, const std::vector<std::string>& constants = {}) {
    std::vector<std::string> inputs;
    for (std::size_t i = 0; i < n.inputs.size(); ++i) inputs.push_back(read(n, i));
    inputs.insert(inputs.end(), constants.begin(), constants.end());
    onnx::NodeProto& made = *proto_.add_node();
    made.set_op_type(type);
    made.set_name(n.name);
    for (const std::string& input : inputs) made.add_input(input);
    return made;
  }
  // On uint8 directly: the result has its input's scale and zero point.
  onnx::NodeProto& carry(const char* type, const ann::Node& n, const std::vector<std::string>& constants = {}) {
    params_[n.output] = params_.at(n.inputs[0]);
    onnx::NodeProto& made = node(type, n.name, {quantised(n.inputs[0])}, quantised(n.output));
    for (const std::string& input : constants) made.add_input(input);
    return made;
  }

  // Weights by output channel, and the bias in units of what a product of weight and input is worth.
  std::vector<std::string> weights(const ann::Node& n, const ann::Tensor& weight, const ann::Tensor& bias) {
    const auto out = static_cast<std::size_t>(weight.shape.at(0)), each = weight.data.size() / out;
    const double unit = params_.at(n.inputs[0]).params.scale;
    std::vector<float> scale(out), bias_scale(out);
    std::vector<std::int8_t> w(weight.data.size()), zero(out, 0);
    std::vector<std::int32_t> b(out, 0);
    for (std::size_t o = 0; o < out; ++o) {
      double greatest = 0;
      for (std::size_t i = 0; i < each; ++i) greatest = std::max(greatest, std::abs(double{weight.data[o * each + i]}));
      const double wanted = bias.data.empty() ? 0. : double{bias.data[o]};
      // A channel of almost no weight must still be able to say its bias in 32 bits.
      scale[o] = static_cast<float>(std::max({greatest / 127, std::abs(wanted) / unit / (1 << 30), 1e-20}));
      bias_scale[o] = static_cast<float>(double{scale[o]} * unit);
      for (std::size_t i = 0; i < each; ++i) {
        const auto q = std::lround(double{weight.data[o * each + i]} / double{scale[o]});
        w[o * each + i] = static_cast<std::int8_t>(std::clamp(q, -127l, 127l));
      }
      b[o] = static_cast<std::int32_t>(std::lround(wanted / (double{scale[o]} * unit)));
    }
    const auto channels = static_cast<std::int64_t>(out);
    const std::string name = n.name + "/weight", bias_name = n.name + "/bias";
    constant(name + "/q", onnx::TensorProto::INT8, weight.shape, w);
    constant(name + "/scale", onnx::TensorProto::FLOAT, {channels}, scale);
    constant(name + "/zero", onnx::TensorProto::INT8, {channels}, zero);
    set(node("DequantizeLinear", name + "/dequantise", {name + "/q", name + "/scale", name + "/zero"}, name), "axis",
        0);
    if (bias.data.empty()) return {name};
    constant(bias_name + "/q", onnx::TensorProto::INT32, {channels}, b);
    constant(bias_name + "/scale", onnx::TensorProto::FLOAT, {channels}, bias_scale);
    set(node("DequantizeLinear", bias_name + "/dequantise", {bias_name + "/q", bias_name + "/scale"}, bias_name),
        "axis", 0);
    return {name, bias_name};
  }

  Expected<> write(const ann::Node& n) {
    if (floats_.contains(n.inputs[0]) && !std::holds_alternative<ann::Softmax>(n.op)) return refuse(n);
    const ann::ValueShape& in = shapes_.at(n.inputs[0]);
    if (const auto* conv = std::get_if<ann::Conv>(&n.op)) {
      onnx::NodeProto& made = open("Conv", n, weights(n, conv->weight, conv->bias));
      set_window(made, conv->geometry);
      set(made, "group", conv->groups);
      finish(made, n);
    } else if (const auto* gemm = std::get_if<ann::Gemm>(&n.op)) {
      onnx::NodeProto& made = open("Gemm", n, weights(n, gemm->weight, gemm->bias));
      set(made, "transB", 1);
      finish(made, n);
    } else if (const auto* average = std::get_if<ann::AveragePool>(&n.op)) {
      const ann::Geometry& g = average->geometry;
      const bool global = in.size() == 3 && g.kernel[0] == in[1] && g.kernel[1] == in[2] && !g.pad_begin[0] &&
                          !g.pad_begin[1] && !g.pad_end[0] && !g.pad_end[1];
      if (g.dilation[0] != 1 || g.dilation[1] != 1) return refuse(n);  // operator set 13 has no such pooling
      onnx::NodeProto& made = open(global ? "GlobalAveragePool" : "AveragePool", n);
      if (!global) {
        set_window(made, g);
        set(made, "ceil_mode", average->ceil_mode);
        set(made, "count_include_pad", average->count_include_pad);
      }
      finish(made, n);
    } else if (const auto* most = std::get_if<ann::MaxPool>(&n.op)) {
      onnx::NodeProto& made = carry("MaxPool", n);
      set_window(made, most->geometry);
      set(made, "ceil_mode", most->ceil_mode);
    } else if (std::holds_alternative<ann::Flatten>(n.op)) {
      set(carry("Flatten", n), "axis", 1);
    } else if (const auto* reshape = std::get_if<ann::Reshape>(&n.op)) {
      std::vector<std::int64_t> shape{-1};
      shape.insert(shape.end(), reshape->shape.begin(), reshape->shape.end());
      const auto rank = static_cast<std::int64_t>(shape.size());
      carry("Reshape", n, {constant(n.name + "/shape", onnx::TensorProto::INT64, {rank}, shape)});
    } else if (const auto* permutation = std::get_if<ann::ChannelPermutation>(&n.op)) {
      const std::vector<std::int64_t> source(permutation->source.begin(), permutation->source.end());
      const auto channels = static_cast<std::int64_t>(source.size());
      set(carry("Gather", n, {constant(n.name + "/source", onnx::TensorProto::INT64, {channels}, source)}), "axis", 1);
    } else if (std::holds_alternative<ann::Add>(n.op) && n.inputs.size() == 2) {
      finish(open("Add", n), n);
    } else if (std::holds_alternative<ann::Concat>(n.op)) {
      onnx::NodeProto& made = open("Concat", n);
      set(made, "axis", 1);
      finish(made, n);
    } else if (std::holds_alternative<ann::Relu>(n.op)) {  // behind something that cannot clamp, as a signed MaxPool
      finish(open("Relu", n), n);
    } else if (const auto* clip = std::get_if<ann::Clip>(&n.op)) {
      const std::string low = constant<float>(n.name + "/low", onnx::TensorProto::FLOAT, {}, {clip->low});
      const std::string high = constant<float>(n.name + "/high", onnx::TensorProto::FLOAT, {}, {clip->high});
      finish(open("Clip", n, {low, high}), n);
    } else if (const auto* softmax = std::get_if<ann::Softmax>(&n.op)) {
      onnx::NodeProto& made = open(softmax->log ? "LogSoftmax" : "Softmax", n);
      set(made, "axis", -1);
      finish(made, n);
    } else {
      return refuse(n);
    }
    return {};
  }
  static Expected<> refuse(const ann::Node& n) {
    return fail("this operator has no int8 form here", text::cat("node '", n.name, "' (", ann::name_of(n.op), ")"),
                "compare with the float32 network");
  }

  const ann::Graph& graph_;
  const Ranges& ranges_;
  std::map<std::string, ann::ValueShape> shapes_;
  onnx::ModelProto model_;
  onnx::GraphProto& proto_ = *model_.mutable_graph();
  struct Settled {
    Params params;
    std::string scale, zero;  // initializers
  };
  std::map<std::string, Settled> params_;  // of values that are uint8
  std::set<std::string> floats_;           // values that are not: scores
  std::set<std::string> clamped_;          // outputs of nodes that quantising has made superfluous
};

}  // namespace

Expected<Ranges> find_ranges(const ann::Graph& folded, const data::Dataset& train, const Normalisation& normalisation,
                             std::size_t images) {
  auto executor = ann::Executor::make(folded);
  if (!executor) return fail(executor.error());
  const std::size_t count = std::min(images, train.count), one = train.shape.size();
  if (executor->size(folded.input) != one || count == 0) {
    return fail("the network does not take images of this size", train.name,
                "use the data set that the network was trained on");
  }
  Ranges ranges;
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t n = std::min(kBlock, count - begin);
    std::vector<float> batch(n * one);
    for (std::size_t i = 0; i < n; ++i) {
      normalise(normalisation, train.shape, train.image((begin + i) * train.count / count),
                std::span(batch).subspan(i * one, one));
    }
    for (const auto& [name, values] : executor->values(batch)) {
      const auto [low, high] = std::ranges::minmax(values);
      const auto [at, first] = ranges.try_emplace(name, Range{low, high});
      if (!first) at->second = {std::min(at->second.low, low), std::max(at->second.high, high)};
    }
  }
  return ranges;
}

Expected<Quantised> quantise(const ann::Graph& folded, const Ranges& ranges, const Normalisation& normalisation) {
  auto shapes = ann::shapes(folded);
  if (!shapes) return fail(shapes.error());
  return Writer(folded, ranges, std::move(*shapes)).run(normalisation);
}

}  // namespace syn::peers
