// One ONNX node at a time becomes a node of ann::Graph, or vanishes. Private to conversion/onnx.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"
#include "conversion/onnx/constants.hpp"
#include "core/error.hpp"

namespace syn::onnx_file {

// The operators that take and give activations, for messages.
extern const char* const kSupported;

// An operator set as the file states it, and what it changed that matters here.
inline constexpr std::int64_t kLowestOpset = 6, kHighestOpset = 17;

class GraphBuilder {
 public:
  // `uses` counts the readers of every value in the file, the graph's output included.
  GraphBuilder(ann::Graph& graph, Constants& constants, const std::map<std::string, int>& uses, std::int64_t opset);

  // `name` is unique. Nodes must come in topological order.
  Expected<> add(const onnx::NodeProto& node, const std::string& name);
  // The file's output in terms of the graph built so far.
  Expected<> finish(const std::string& output);

 private:
  // What a value of the file is in the graph: another one's name, and zero padding that is still to be applied.
  struct Alias {
    std::string value;
    std::int64_t pads[4] = {0, 0, 0, 0};  // top, left, bottom, right
    bool padded() const { return pads[0] || pads[1] || pads[2] || pads[3]; }
  };
  class Attributes;
  using Adder = Expected<> (GraphBuilder::*)(const onnx::NodeProto&, const Attributes&, ann::Node);

  Expected<> conv(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> batch_normalization(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> relu(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> pool(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> global_average_pool(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> flatten(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> reshape(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> gemm(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> mat_mul(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> add_constant(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> pad(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> pass(const onnx::NodeProto&, const Attributes&, ann::Node);
  Expected<> softmax(const onnx::NodeProto&, const Attributes&, ann::Node);

  Expected<> constant(const onnx::NodeProto& proto, const Attributes& attributes, const std::string& name);
  Expected<> transpose(const onnx::NodeProto& proto, const Attributes& attributes, const std::string& name);
  Expected<ann::Geometry> window(const Attributes& attributes, const ann::Node& node, const ann::ValueShape& in,
                                 std::vector<std::int64_t> kernel) const;
  Expected<> append(ann::Node node);
  Expected<> alias(const std::string& output, Alias to);
  const ann::ValueShape& shape_of(const ann::Node& node) const { return shapes_.at(node.inputs[0]); }

  ann::Graph& graph_;
  Constants& constants_;
  const std::map<std::string, int>& uses_;
  std::int64_t opset_;
  std::map<std::string, Alias> aliases_;           // every activation of the file seen so far
  std::map<std::string, ann::ValueShape> shapes_;  // of the graph's values
};

}  // namespace syn::onnx_file
