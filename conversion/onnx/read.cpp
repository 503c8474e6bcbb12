#include "conversion/onnx/read.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <limits>
#include <queue>
#include <set>

#include "conversion/ann/shapes.hpp"
#include "conversion/onnx/constants.hpp"
#include "conversion/onnx/builder.hpp"
#include "core/text.hpp"

namespace syn::onnx_file {
namespace {

constexpr int kGreatestNodes = 100'000;
constexpr int kRecursion = 32;  // graph, node, attribute, tensor and type are ten deep; nested graphs are not supported

Expected<> parse(onnx::ModelProto& model, ByteView bytes) {
  if (bytes.size() > std::numeric_limits<int>::max())
    return fail("the file is larger than 2 GB", "", "use a smaller network");
  const google::protobuf::LogSilencer silence;  // the Error says it
  google::protobuf::io::CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  stream.SetTotalBytesLimit(static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kRecursion);
  if (bytes.empty() || !model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage() || !model.has_graph()) {
    return fail("this is not an ONNX file, or it is damaged or cut short", "", kAgain);
  }
  return {};
}

Expected<std::int64_t> opset_of(const onnx::ModelProto& model) {
  std::int64_t opset = 0;
  for (const auto& set : model.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") opset = set.version();
  }
  if (opset >= kLowestOpset && opset <= kHighestOpset) return opset;
  return fail(
      text::cat("operator set ", opset, " is not supported"), "opset_import",
      text::cat("export the network with operator set 13 (", kLowestOpset, " to ", kHighestOpset, " are understood)"));
}

// The one input that no initializer fills, with its shape.
Expected<> read_input(const onnx::GraphProto& proto, const Constants& constants, ann::Graph& graph, FileFacts& facts) {
  const onnx::ValueInfoProto* input = nullptr;
  for (const auto& candidate : proto.input()) {
    if (constants.contains(candidate.name())) continue;  // before IR version 4 initializers are inputs too
    if (input) {
      return fail(text::cat("it has more than one input ('", input->name(), "' and '", candidate.name(), "')"), "graph",
                  "export the network with one input");
    }
    input = &candidate;
  }
  if (!input) return fail("it has no input", "graph", kAgain);
  graph.input = input->name();
  const auto& type = input->type().tensor_type();
  const std::string where = text::cat("input '", input->name(), "'");
  if (type.elem_type() != onnx::TensorProto::FLOAT) return fail("it is not made of 32-bit floats", where, kAgain);
  const int rank = type.shape().dim_size();
  if (rank < 2 || rank > 4) {
    return fail(text::cat("it has ", rank, " axes"), where,
                "use batch x channels x height x width, batch x channels x length, or batch x features");
  }
  const auto& batch = type.shape().dim(0);
  if (batch.has_dim_value() && batch.dim_value() > 0) facts.batch = batch.dim_value();
  std::int64_t room = ann::kGreatestValue;
  for (int i = 1; i < rank; ++i) {
    const auto& dim = type.shape().dim(i);
    if (!dim.has_dim_value() || dim.dim_value() < 1 || dim.dim_value() > room) {
      return fail(text::cat("the size of its axis ", i, " is open, empty or too large"), where,
                  "export the network with fixed channels, height and width");
    }
    room /= dim.dim_value();
    facts.input.push_back(dim.dim_value());
  }
  graph.input_shape = facts.input;
  if (rank == 3) graph.input_shape.insert(graph.input_shape.begin() + 1, 1);
  return {};
}

// Unique, printable names: the file's own where it has one.
std::vector<std::string> node_names(const onnx::GraphProto& proto) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const auto& node : proto.node()) {
    const std::string base = !node.name().empty() ? node.name()
                             : node.output_size() ? text::cat(node.op_type(), "_", node.output(0))
                                                  : node.op_type();
    std::string name = base;
    for (int i = 2; !taken.insert(name).second; ++i) name = text::cat(base, "_", i);
    names.push_back(std::move(name));
  }
  return names;
}

// Kahn's algorithm, the file's order where there is a choice. Refuses values without a maker or with two, and cycles.
Expected<std::vector<int>> order_of(const onnx::GraphProto& proto, const std::vector<std::string>& names,
                                    const Constants& constants, const std::string& input) {
  const auto where = [&](int i) {
    return text::cat("node '", names[static_cast<std::size_t>(i)], "' (", proto.node(i).op_type(), ")");
  };
  std::map<std::string, int> maker;
  for (int i = 0; i < proto.node_size(); ++i) {
    for (const auto& output : proto.node(i).output()) {
      if (output.empty()) continue;
      if (constants.contains(output) || output == input || !maker.emplace(output, i).second) {
        return fail(text::cat("its output '", output, "' has two makers"), where(i), kAgain);
      }
    }
  }
  std::vector<int> waiting(static_cast<std::size_t>(proto.node_size()));
  std::vector<std::vector<int>> readers(waiting.size());
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < proto.node_size(); ++i) {
    for (const auto& value : proto.node(i).input()) {
      if (value.empty() || constants.contains(value) || value == input) continue;
      const auto found = maker.find(value);
      if (found == maker.end()) return fail(text::cat("its input '", value, "' is made by no node"), where(i), kAgain);
      ++waiting[static_cast<std::size_t>(i)];
      readers[static_cast<std::size_t>(found->second)].push_back(i);
    }
    if (waiting[static_cast<std::size_t>(i)] == 0) ready.push(i);
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int i = ready.top();
    ready.pop();
    order.push_back(i);
    for (const int reader : readers[static_cast<std::size_t>(i)]) {
      if (--waiting[static_cast<std::size_t>(reader)] == 0) ready.push(reader);
    }
  }
  for (int i = 0; i < proto.node_size(); ++i) {
    if (waiting[static_cast<std::size_t>(i)] > 0)
      return fail("it waits for its own output: the network has a cycle", where(i), kAgain);
  }
  return order;
}

// Drops nodes that do not lead to the output.
void prune(ann::Graph& graph) {
  std::set<std::string> wanted{graph.output};
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (wanted.contains(node->output)) wanted.insert(node->inputs.begin(), node->inputs.end());
  }
  std::erase_if(graph.nodes, [&](const ann::Node& node) { return !wanted.contains(node.output); });
}

Expected<ann::Graph> build(const onnx::ModelProto& model) {
  const auto opset = opset_of(model);
  if (!opset) return fail(opset.error());
  const onnx::GraphProto& proto = model.graph();
  if (proto.node_size() > kGreatestNodes)
    return fail(text::cat("it has ", proto.node_size(), " nodes"), "graph", "use a smaller network");
  Constants constants;
  for (const auto& tensor : proto.initializer()) {
    if (auto ok = constants.add(tensor.name(), tensor); !ok) return fail(ok.error());
  }
  if (proto.sparse_initializer_size() > 0) return fail("sparse initializers are not supported", "graph", kAgain);
  ann::Graph graph{.name = proto.name(), .input = {}, .input_shape = {}, .output = {}, .nodes = {}};
  FileFacts facts{.opset = *opset, .input = {}, .uses = {}, .names = {}};
  if (auto ok = read_input(proto, constants, graph, facts); !ok) return fail(ok.error());
  if (proto.output_size() != 1) {
    return fail(text::cat("it has ", proto.output_size(), " outputs"), "graph", "export the network with one output");
  }
  const auto names = node_names(proto);
  facts.names = {names.begin(), names.end()};
  facts.names.insert(graph.input);
  ++facts.uses[proto.output(0).name()];
  for (const auto& node : proto.node()) {
    for (const auto& value : node.input()) ++facts.uses[value];
    facts.names.insert(node.output().begin(), node.output().end());
  }
  const auto order = order_of(proto, names, constants, graph.input);
  if (!order) return fail(order.error());

  GraphBuilder builder(graph, constants, std::move(facts));
  for (const int i : *order) {
    if (auto ok = builder.add(proto.node(i), names[static_cast<std::size_t>(i)]); !ok) return fail(ok.error());
  }
  if (auto ok = builder.finish(proto.output(0).name()); !ok) return fail(ok.error());
  prune(graph);
  if (graph.nodes.empty()) {
    return fail("the network has no layers", text::cat("output '", proto.output(0).name(), "'"), kAgain);
  }
  for (const ann::Node& node : graph.nodes) {
    if (std::holds_alternative<ann::Softmax>(node.op) && node.output != graph.output) {
      return fail("a Softmax is supported only as the last node", text::cat("node '", node.name, "' (Softmax)"),
                  "remove it");
    }
  }
  if (auto all = ann::shapes(graph); !all) return fail(all.error());
  return graph;
}

}  // namespace

Expected<ann::Graph> read(ByteView bytes, std::string_view where) {
  onnx::ModelProto model;
  Expected<ann::Graph> graph = ann::Graph{};
  if (auto ok = parse(model, bytes); !ok) {
    graph = fail(ok.error());
  } else {
    graph = build(model);
  }
  if (!graph) {
    Error& error = graph.error();
    error.where = error.where.empty() ? std::string(where) : text::cat(where, ", ", error.where);
  }
  return graph;
}

}  // namespace syn::onnx_file
