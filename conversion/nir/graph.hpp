// A network in NIR 1.x (Pedersen et al., Nature Communications 15, 2024), as its file has it: the 19 primitives by
// name, the edges between them, and whatever else the file says. Nothing is filled in, resolved or checked here:
// defaults stay absent, scalars stay scalars, and edges keep their order. check.hpp judges it, lint.hpp says what it
// leaves open.
//
// Each primitive lists its fields once, in each(): reading, writing and comparing walk the same list.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "conversion/hdf5/tree.hpp"

namespace syn::nir {

// An array of a file; shape () is one number for all neurons.
using Tensor = hdf5::Numbers;
using Metadata = hdf5::Group;
using Shape = std::vector<std::int64_t>;
using Pair = std::array<std::int64_t, 2>;  // height, width

// What a convolution adds around its input: so many zeros on both sides, or by a word.
template <class Size>
struct Padding {
  enum class Kind : std::uint8_t { zeros, valid, same } kind = Kind::zeros;
  Size size{};
  bool operator==(const Padding&) const = default;
};

struct Input {
  static constexpr std::string_view kType = "Input";
  Shape shape;
  static bool each(auto& s, auto&& v) { return v("shape", s.shape); }
  bool operator==(const Input&) const = default;
};
struct Output {
  static constexpr std::string_view kType = "Output";
  Shape shape;
  static bool each(auto& s, auto&& v) { return v("shape", s.shape); }
  bool operator==(const Output&) const = default;
};
struct Affine {  // W x + b
  static constexpr std::string_view kType = "Affine";
  Tensor weight, bias;  // (..., out, in), (out)
  static bool each(auto& s, auto&& v) { return v("weight", s.weight) && v("bias", s.bias); }
  bool operator==(const Affine&) const = default;
};
struct Linear {
  static constexpr std::string_view kType = "Linear";
  Tensor weight;
  static bool each(auto& s, auto&& v) { return v("weight", s.weight); }
  bool operator==(const Linear&) const = default;
};
struct Scale {  // x * s, element by element
  static constexpr std::string_view kType = "Scale";
  Tensor scale;
  static bool each(auto& s, auto&& v) { return v("scale", s.scale); }
  bool operator==(const Scale&) const = default;
};
struct Conv1d {
  static constexpr std::string_view kType = "Conv1d";
  std::optional<std::int64_t> input_shape;
  Tensor weight;  // (out, in / groups, kernel)
  std::int64_t stride = 1;
  Padding<std::int64_t> padding;
  std::int64_t dilation = 1, groups = 1;
  Tensor bias;  // (out)
  static bool each(auto& s, auto&& v) {
    return v("input_shape", s.input_shape) && v("weight", s.weight) && v("stride", s.stride) &&
           v("padding", s.padding) && v("dilation", s.dilation) && v("groups", s.groups) && v("bias", s.bias);
  }
  bool operator==(const Conv1d&) const = default;
};
struct Conv2d {
  static constexpr std::string_view kType = "Conv2d";
  std::optional<Pair> input_shape;  // height, width
  Tensor weight;                    // (out, in / groups, height, width)
  Pair stride{1, 1};
  Padding<Pair> padding;
  Pair dilation{1, 1};
  std::int64_t groups = 1;
  Tensor bias;  // (out)
  static bool each(auto& s, auto&& v) {
    return v("input_shape", s.input_shape) && v("weight", s.weight) && v("stride", s.stride) &&
           v("padding", s.padding) && v("dilation", s.dilation) && v("groups", s.groups) && v("bias", s.bias);
  }
  bool operator==(const Conv2d&) const = default;
};
struct AvgPool2d {
  static constexpr std::string_view kType = "AvgPool2d";
  Pair kernel_size{1, 1}, stride{1, 1}, padding{0, 0};
  static bool each(auto& s, auto&& v) {
    return v("kernel_size", s.kernel_size) && v("stride", s.stride) && v("padding", s.padding);
  }
  bool operator==(const AvgPool2d&) const = default;
};
struct SumPool2d {
  static constexpr std::string_view kType = "SumPool2d";
  Pair kernel_size{1, 1}, stride{1, 1}, padding{0, 0};
  static bool each(auto& s, auto&& v) {
    return v("kernel_size", s.kernel_size) && v("stride", s.stride) && v("padding", s.padding);
  }
  bool operator==(const SumPool2d&) const = default;
};
struct Flatten {
  static constexpr std::string_view kType = "Flatten";
  std::optional<Shape> input_type;
  std::optional<std::int64_t> start_dim, end_dim;  // 1 and -1; neither counts the batch
  static bool each(auto& s, auto&& v) {
    return v("input_type", s.input_type) && v("start_dim", s.start_dim) && v("end_dim", s.end_dim);
  }
  bool operator==(const Flatten&) const = default;
};
struct I {  // v' = r i
  static constexpr std::string_view kType = "I";
  Tensor r;
  static bool each(auto& s, auto&& v) { return v("r", s.r); }
  bool operator==(const I&) const = default;
};
struct IF {  // v' = r i; a spike above v_threshold sets v_reset
  static constexpr std::string_view kType = "IF";
  Tensor r, v_threshold;
  std::optional<Tensor> v_reset;  // 0
  static bool each(auto& s, auto&& v) {
    return v("r", s.r) && v("v_threshold", s.v_threshold) && v("v_reset", s.v_reset);
  }
  bool operator==(const IF&) const = default;
};
struct LI {  // tau v' = v_leak - v + r i
  static constexpr std::string_view kType = "LI";
  Tensor tau, r, v_leak;
  static bool each(auto& s, auto&& v) { return v("tau", s.tau) && v("r", s.r) && v("v_leak", s.v_leak); }
  bool operator==(const LI&) const = default;
};
struct LIF {
  static constexpr std::string_view kType = "LIF";
  Tensor tau, r, v_leak, v_threshold;
  std::optional<Tensor> v_reset;  // 0
  static bool each(auto& s, auto&& v) {
    return v("tau", s.tau) && v("r", s.r) && v("v_leak", s.v_leak) && v("v_threshold", s.v_threshold) &&
           v("v_reset", s.v_reset);
  }
  bool operator==(const LIF&) const = default;
};
struct CubaLI {  // tau_syn i' = -i + w_in s; tau_mem v' = v_leak - v + r i
  static constexpr std::string_view kType = "CubaLI";
  Tensor tau_syn, tau_mem, r, v_leak;
  std::optional<Tensor> w_in;  // 1
  static bool each(auto& s, auto&& v) {
    return v("tau_syn", s.tau_syn) && v("tau_mem", s.tau_mem) && v("r", s.r) && v("v_leak", s.v_leak) &&
           v("w_in", s.w_in);
  }
  bool operator==(const CubaLI&) const = default;
};
struct CubaLIF {
  static constexpr std::string_view kType = "CubaLIF";
  Tensor tau_syn, tau_mem, r, v_leak, v_threshold;
  std::optional<Tensor> v_reset, w_in;  // 0, 1
  static bool each(auto& s, auto&& v) {
    return v("tau_syn", s.tau_syn) && v("tau_mem", s.tau_mem) && v("r", s.r) && v("v_leak", s.v_leak) &&
           v("v_threshold", s.v_threshold) && v("v_reset", s.v_reset) && v("w_in", s.w_in);
  }
  bool operator==(const CubaLIF&) const = default;
};
struct Delay {  // seconds
  static constexpr std::string_view kType = "Delay";
  Tensor delay;
  static bool each(auto& s, auto&& v) { return v("delay", s.delay); }
  bool operator==(const Delay&) const = default;
};
struct Threshold {  // 1 above, else 0
  static constexpr std::string_view kType = "Threshold";
  Tensor threshold;
  static bool each(auto& s, auto&& v) { return v("threshold", s.threshold); }
  bool operator==(const Threshold&) const = default;
};

struct Graph;
// A graph as a node: its Input and Output are where the edges outside end. Never changed once made, so sharing is
// copying.
struct Subgraph {
  static constexpr std::string_view kType = "NIRGraph";
  std::shared_ptr<const Graph> graph;  // never null
  bool operator==(const Subgraph& other) const;
};

using Primitive = std::variant<Input, Output, Affine, Linear, Scale, Conv1d, Conv2d, AvgPool2d, SumPool2d, Flatten,
                               CubaLI, CubaLIF, I, IF, LI, LIF, Delay, Threshold, Subgraph>;

struct Node {
  Primitive primitive;
  Metadata metadata;  // empty for a subgraph, whose graph has its own
  bool operator==(const Node&) const = default;
};

using Edge = std::pair<std::string, std::string>;  // from, to

struct Graph {
  std::map<std::string, Node> nodes;  // names may have dots, never a '/'
  std::vector<Edge> edges;            // a set, by NIR's definition: twice is once
  Metadata metadata;
  std::optional<std::string> version;  // of the `nir` package that wrote the file; a subgraph has none
  bool operator==(const Graph&) const = default;
};
inline bool Subgraph::operator==(const Subgraph& other) const {
  return graph == other.graph || *graph == *other.graph;
}

inline std::string_view type_of(const Node& node) {
  return std::visit([](const auto& p) { return p.kType; }, node.primitive);
}

}  // namespace syn::nir
