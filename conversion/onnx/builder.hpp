// One node of the file at a time becomes nodes of ann::Graph, a constant, or only another view of a value.
// Layout operators (Flatten, Reshape, Transpose, Squeeze, zero Pad) are views: nothing is built until somebody needs
// the value in that shape, so that a padding joins the convolution behind it, and a reshape there and back costs
// nothing. Private to conversion/onnx.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"
#include "conversion/onnx/call.hpp"
#include "conversion/onnx/constants.hpp"
#include "core/error.hpp"

namespace syn::onnx_file {

// Operator sets as files state them.
inline constexpr std::int64_t kLowestOpset = 6, kHighestOpset = 17;

// What an activation of the file is in the graph. `order` and `pads` are not applied yet; at most one of them is there.
struct View {
  std::string value;                    // of the graph
  std::vector<std::int64_t> shape;      // the value's elements, row-major, as the file sees them; without the batch
  std::vector<std::int64_t> order;      // a transpose of `shape`, or empty
  std::int64_t pads[4] = {0, 0, 0, 0};  // zeros: top, left, bottom, right
  std::string node, origin;             // who made it: the file's names for node and value

  bool padded() const { return pads[0] || pads[1] || pads[2] || pads[3]; }
  // The shape that the file sees, order and pads included.
  std::vector<std::int64_t> axes() const;
};

// What the file says outside its nodes.
struct FileFacts {
  std::int64_t opset = 13;
  std::int64_t batch = 0;           // 0: open
  std::vector<std::int64_t> input;  // without the batch, as the file has it
  std::map<std::string, int> uses;  // readers of every value, the graph's output included
  std::set<std::string> names;      // of all nodes and values
};

class GraphBuilder {
 public:
  GraphBuilder(ann::Graph& graph, Constants& constants, FileFacts facts);

  // `name` is unique. Nodes must come in topological order.
  Expected<> add(const onnx::NodeProto& node, const std::string& name);
  // The file's output in terms of the graph built so far.
  Expected<> finish(const std::string& output);

  // For operators:
  Constants& constants() { return constants_; }
  const FileFacts& facts() const { return facts_; }
  bool computed(const std::string& value) const { return index_.contains(value); }
  // The activation that is input `i`; refuses a constant.
  Expected<View*> view(const Call& call, std::size_t i = 0);
  // Applies the pending transpose or padding; the graph's value has the elements of view.shape in their order then.
  Expected<> straighten(View& view);
  // Also gives the value one of the graph's shapes: {features}, or {channels, height, width}; further axes are joined
  // with the last.
  Expected<> settle(View& view);
  const ann::ValueShape& shape(const View& settled) const { return shapes_.at(settled.value); }

  // A node with the call's name and output. `axes`: its output as the file sees it.
  Expected<> append(const Call& call, ann::Operator op, std::vector<std::string> inputs,
                    std::vector<std::int64_t> axes);
  // The same for an operator that reads input 0 and keeps its shape.
  Expected<> append_elementwise(const Call& call, ann::Operator op);
  // The same for one that slides windows over input 0, settled already: two axes for the file's two or one.
  Expected<> append_windowed(const Call& call, ann::Operator op, const View& in);
  // The call's output is another view of what is there; `view` needs no names.
  Expected<> add_view(const Call& call, View view);
  // The call's output is its input 0.
  Expected<> pass(const Call& call);
  // The node whose output is exactly the call's input `i`, if nobody else reads it.
  ann::Node* sole_maker(const Call& call, std::size_t i);
  // Counts values that are not in the file but follow from it; refuses too many.
  Expected<> spend(const Call& call, std::int64_t values);

 private:
  Expected<> perform(View& view, std::vector<ann::Operator> steps);
  Expected<> emit(const std::string& name, ann::Operator op, std::vector<std::string> inputs,
                  const std::string& output);
  std::string fresh(const std::string& base);

  ann::Graph& graph_;
  Constants& constants_;
  FileFacts facts_;
  std::deque<View> views_;
  std::map<std::string, std::size_t> index_;       // the file's activations among views_; some are the same
  std::map<std::string, ann::ValueShape> shapes_;  // of the graph's values
  std::map<std::string, std::size_t> makers_;      // of the graph's values, among its nodes
  std::int64_t spent_ = 0;
};

using Adder = Expected<> (*)(GraphBuilder&, const Call&);
struct Entry {
  std::string_view type;
  Adder add;
  std::size_t least_inputs, most_inputs;
  std::vector<std::string_view> attributes;  // those understood
};
// By family; each in its own .cpp.
std::span<const Entry> linear_operators();
std::span<const Entry> activation_operators();
std::span<const Entry> arithmetic_operators();
std::span<const Entry> pooling_operators();
std::span<const Entry> layout_operators();

// All of them by name, for messages.
const std::string& supported_operators();

// A window over the settled `in`: kernel_shape (or the weights'), strides, dilations, pads and auto_pad.
Expected<ann::Geometry> window_of(const Call& call, const ann::ValueShape& map, std::size_t file_axes,
                                  std::vector<std::int64_t> kernel);

}  // namespace syn::onnx_file
