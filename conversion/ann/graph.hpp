// A trained network as plain values: what is read from ONNX, run as the float reference, folded, and converted.
// Tensors are row-major float32 in ONNX's own layouts (activations NCHW, convolution weights OIHW).
// Deliberately not here: reading files (conversion/onnx), running (ann/executor.hpp), rewriting (conversion/fold.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace syn::ann {

struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> data;  // product(shape) values
  bool operator==(const Tensor&) const = default;
};

// Kernel geometry shared by convolution and pooling; the two spatial axes are (height, width).
struct Geometry {
  std::int64_t kernel[2] = {1, 1};
  std::int64_t stride[2] = {1, 1};
  std::int64_t dilation[2] = {1, 1};
  std::int64_t pad_begin[2] = {0, 0};
  std::int64_t pad_end[2] = {0, 0};
  bool operator==(const Geometry&) const = default;
};

struct Conv {
  Geometry geometry;
  std::int64_t groups = 1;
  Tensor weight;  // [out, in / groups, kernel height, kernel width]
  Tensor bias;    // [out], or empty
};
struct Gemm {     // y = x * weight^T + bias; x is [batch, in]
  Tensor weight;  // [out, in]
  Tensor bias;    // [out], or empty
};
struct BatchNormalization {  // y = (x - mean) / sqrt(variance + epsilon) * scale + bias, per channel
  Tensor scale, bias, mean, variance;
  float epsilon = 1e-5f;
};
struct Affine {          // y = x * factor + shift: Mul, Div, Add, Sub by constants
  Tensor factor, shift;  // [channels], or [1] for all
};
struct Relu {};
struct LeakyRelu {
  float slope = 0.01f;  // below zero
};
struct Clip {  // ReLU6 is Clip(0, 6); an infinite bound is none
  float low = 0, high = 6;
};
struct Floor {};
// ceiling * clamp(floor(x * levels / ceiling + 1/2), 0, levels) / levels: the clip-floor-shift activation (Bu et al.,
// ICLR 2022). Files spell it as Div, Mul, Add, Floor, Clip; `fold` recognises it.
struct QuantisedRelu {
  Tensor ceiling;  // [channels], or [1] for all
  std::int64_t levels = 8;
};
struct LocalResponseNormalization {  // across channels; float only (Krizhevsky et al. 2012, section 3.3)
  std::int64_t size = 5;
  float alpha = 1e-4f, beta = 0.75f, bias = 1;
};
struct AveragePool {
  Geometry geometry;
  bool ceil_mode = false;
  bool count_include_pad = false;
};
struct MaxPool {
  Geometry geometry;
  bool ceil_mode = false;
};
struct Pad {  // of the two spatial axes, by a constant
  std::int64_t begin[2] = {0, 0};
  std::int64_t end[2] = {0, 0};
  float value = 0;
};
struct Add {};     // of two or more activations of one shape
struct Concat {};  // along the channels
struct ChannelPermutation {
  std::vector<std::uint32_t> source;  // output channel o is input channel source[o] (the shuffle of ShuffleNet)
};
struct Flatten {};                  // [batch, channels, height, width] -> [batch, channels * height * width]
struct Reshape {                    // any other change of shape; the order of the elements (row-major NCHW) stays
  std::vector<std::int64_t> shape;  // without the batch
};
struct Softmax {  // only as the last node; conversion drops it
  bool log = false;
};

using Operator = std::variant<Conv, Gemm, BatchNormalization, Affine, Relu, LeakyRelu, Clip, Floor, QuantisedRelu,
                              LocalResponseNormalization, AveragePool, MaxPool, Pad, Add, Concat, ChannelPermutation,
                              Flatten, Reshape, Softmax>;

// Value names connect nodes. Each node has one output; `inputs` are activations only (one, but for Add and Concat):
// weights live in the operator.
struct Node {
  std::string name;
  Operator op;
  std::vector<std::string> inputs;
  std::string output;
};

struct Graph {
  std::string name;
  std::string input;                      // the one input's value name
  std::vector<std::int64_t> input_shape;  // without the batch: {channels, height, width}
  std::string output;
  std::vector<Node> nodes;  // in topological order
};

// The ONNX name of an operator, for messages: "Conv", "Gemm", ...
const char* name_of(const Operator& op);
// Parameters (weights and biases; BatchNormalization's running statistics are not counted).
std::int64_t parameter_count(const Graph& graph);

}  // namespace syn::ann
