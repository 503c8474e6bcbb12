#include "conversion/onnx/builder.hpp"

#include <algorithm>

#include "conversion/onnx/arrays.hpp"
#include "conversion/onnx/folding.hpp"

namespace syn::onnx_file {
namespace {

constexpr std::int64_t kGreatestSpent = std::int64_t{1} << 26;

const std::map<std::string_view, const Entry*>& entries() {
  static const auto all = [] {
    std::map<std::string_view, const Entry*> out;
    for (const auto family : {linear_operators(), activation_operators(), arithmetic_operators(), pooling_operators(),
                              layout_operators()}) {
      for (const Entry& entry : family) out.emplace(entry.type, &entry);
    }
    return out;
  }();
  return all;
}

// A shape as the graph holds values of it.
ann::ValueShape canonical(const Axes& axes) {
  if (axes.empty()) return {1};
  if (axes.size() == 1) return axes;
  if (axes.size() == 2) return {axes[0], 1, axes[1]};
  return {axes[0], axes[1], ann::elements(std::span(axes).subspan(2))};
}

ann::Operator reshaped(const Axes& axes) {
  ann::ValueShape shape = canonical(axes);
  return shape.size() == 1 ? ann::Operator(ann::Flatten{}) : ann::Operator(ann::Reshape{std::move(shape)});
}

// The pending transpose as steps: axes of size one do not count; what remains turned is a permutation of the leading
// axes, as one axis of blocks.
struct Turn {
  std::int64_t blocks = 1;
  std::vector<std::uint32_t> source;  // empty: only the names of the axes change
};
Turn turn_of(const Axes& shape, const Axes& order) {
  Axes sides, kept;
  std::vector<std::int64_t> at(shape.size(), -1);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    at[axis] = static_cast<std::int64_t>(sides.size());
    sides.push_back(shape[axis]);
  }
  for (const std::int64_t axis : order) {
    if (at[static_cast<std::size_t>(axis)] >= 0) kept.push_back(at[static_cast<std::size_t>(axis)]);
  }
  std::size_t leading = kept.size();
  while (leading > 0 && kept[leading - 1] == static_cast<std::int64_t>(leading - 1)) --leading;
  if (leading == 0) return {};
  sides.resize(leading);
  kept.resize(leading);
  Turn turn{.blocks = ann::elements(sides)};
  struct Places {
    Axes shape;
    std::vector<std::uint32_t> data;
  } places{sides, std::vector<std::uint32_t>(static_cast<std::size_t>(turn.blocks))};
  for (std::uint32_t i = 0; i < places.data.size(); ++i) places.data[i] = i;
  turn.source = transposed(places, kept).data;
  return turn;
}

}  // namespace

const std::string& supported_operators() {
  static const std::string names = [] {
    std::string out = "Constant, ConstantOfShape, Shape";
    for (const auto& [type, entry] : entries()) out += text::cat(", ", type);
    return out;
  }();
  return names;
}

Axes View::axes() const {
  Axes out = shape;
  for (std::size_t i = 0; i < order.size(); ++i) out[i] = shape[static_cast<std::size_t>(order[i])];
  if (padded()) {
    out.back() += pads[1] + pads[3];
    if (out.size() > 2) out[out.size() - 2] += pads[0] + pads[2];
  }
  return out;
}

GraphBuilder::GraphBuilder(ann::Graph& graph, Constants& constants, FileFacts facts)
    : graph_(graph), constants_(constants), facts_(std::move(facts)) {
  index_[graph.input] = 0;
  views_.push_back({.value = graph.input, .shape = facts_.input, .order = {}, .node = {}, .origin = graph.input});
  shapes_[graph.input] = graph.input_shape;
}

Expected<> GraphBuilder::add(const onnx::NodeProto& proto, const std::string& name) {
  const Call call{proto, name, facts_.opset};
  if (proto.output_size() < 1 || proto.output(0).empty()) return call.refuse("it has no output");
  if (proto.domain() != "" && proto.domain() != "ai.onnx") {
    return call.refuse(text::cat("operators of '", proto.domain(), "' are not supported"),
                       text::cat("use only ", supported_operators()));
  }
  for (int i = 1; i < proto.output_size(); ++i) {
    if (facts_.uses.contains(proto.output(i)) && !proto.output(i).empty())
      return call.refuse(text::cat("its output '", proto.output(i), "' is used; only the first is supported"));
  }
  const bool folds = std::ranges::all_of(
      proto.input(), [&](const std::string& input) { return input.empty() || constants_.contains(input); });
  if (folds) return fold(call, constants_);
  const auto entry = entries().find(call.type());
  if (call.type() == "Shape") {
    auto in = view(call);
    if (!in) return fail(in.error());
    std::vector<Whole> axes{{facts_.batch > 0 ? facts_.batch : 1, facts_.batch == 0}};
    for (const std::int64_t side : (*in)->axes()) axes.push_back({side});
    return shape_constant(call, constants_, std::move(axes));
  }
  if (entry == entries().end()) {
    return call.refuse(text::cat("the operator ", call.type(), " is not supported"),
                       text::cat("use only ", supported_operators()));
  }
  const Entry& known = *entry->second;
  if (call.inputs() < known.least_inputs || call.inputs() > known.most_inputs)
    return call.refuse(text::cat("it has ", call.inputs(), " inputs"));
  if (auto ok = call.attributes.only(call.where(), known.attributes); !ok) return ok;
  return known.add(*this, call);
}

Expected<> GraphBuilder::finish(const std::string& output) {
  const auto found = index_.find(output);
  const std::string where = text::cat("output '", output, "'");
  if (found == index_.end()) {
    return constants_.contains(output)
               ? fail("it is a constant", where, kAgain)
               : fail(text::cat("the output '", output, "' is made by no node"), "graph", kAgain);
  }
  View& view = views_[found->second];
  // Class probabilities are the end, whatever shape they are given afterwards.
  const auto maker = makers_.find(view.value);
  if (maker == makers_.end() || !std::holds_alternative<ann::Softmax>(graph_.nodes[maker->second].op)) {
    if (auto ok = settle(view); !ok) return ok;
  }
  graph_.output = view.value;
  return {};
}

Expected<View*> GraphBuilder::view(const Call& call, std::size_t i) {
  const auto found = call.has(i) ? index_.find(call.input(i)) : index_.end();
  if (found != index_.end()) return &views_[found->second];
  return call.refuse(call.has(i) ? text::cat("its input '", call.input(i), "' is a constant, or not supported here")
                                 : text::cat("its input ", i, " is missing"));
}

Expected<> GraphBuilder::straighten(View& view) {
  std::vector<ann::Operator> steps;
  const Axes axes = view.axes();
  const ann::ValueShape& now = shapes_.at(view.value);
  if (!view.order.empty()) {
    Turn turn = turn_of(view.shape, view.order);
    if (!turn.source.empty()) {
      spent_ += turn.blocks;
      if (spent_ > kGreatestSpent)
        return fail("the network turns too many values", text::cat("node '", view.node, "'"), kAgain);
      if (now[0] != turn.blocks) steps.push_back(reshaped({turn.blocks, ann::elements(now) / turn.blocks}));
      steps.push_back(ann::ChannelPermutation{std::move(turn.source)});
    }
  }
  if (view.padded()) {
    if (now != canonical(view.shape)) steps.push_back(reshaped(view.shape));
    steps.push_back(ann::Pad{{view.pads[0], view.pads[1]}, {view.pads[2], view.pads[3]}, 0});
  }
  if (auto ok = perform(view, std::move(steps)); !ok) return ok;
  view.shape = axes;
  view.order.clear();
  std::ranges::fill(view.pads, 0);
  return {};
}

Expected<> GraphBuilder::settle(View& view) {
  if (auto ok = straighten(view); !ok) return ok;
  if (shapes_.at(view.value) == canonical(view.shape)) return {};
  return perform(view, {reshaped(view.shape)});
}

Expected<> GraphBuilder::perform(View& view, std::vector<ann::Operator> steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    // The file's own names go to the last step, once.
    const bool own = i + 1 == steps.size() && !shapes_.contains(view.origin);
    const std::string output = own ? view.origin : fresh(view.origin);
    if (auto ok = emit(own ? view.node : fresh(view.node), std::move(steps[i]), {view.value}, output); !ok) return ok;
    view.value = output;
  }
  return {};
}

Expected<> GraphBuilder::append(const Call& call, ann::Operator op, std::vector<std::string> inputs, Axes axes) {
  if (auto ok = emit(call.name, std::move(op), std::move(inputs), call.output()); !ok) return ok;
  index_[call.output()] = views_.size();
  views_.push_back(
      {.value = call.output(), .shape = std::move(axes), .order = {}, .node = call.name, .origin = call.output()});
  return {};
}

Expected<> GraphBuilder::append_elementwise(const Call& call, ann::Operator op) {
  const auto in = view(call);
  if (!in) return fail(in.error());
  if (auto ok = settle(**in); !ok) return ok;
  return append(call, std::move(op), {(*in)->value}, (*in)->shape);
}

Expected<> GraphBuilder::append_windowed(const Call& call, ann::Operator op, const View& in) {
  const std::size_t rank = in.shape.size();
  if (auto ok = append(call, std::move(op), {in.value}, {}); !ok) return ok;
  View& out = views_.back();
  out.shape = shapes_.at(out.value);
  if (rank == 2) out.shape.erase(out.shape.begin() + 1);
  return {};
}

Expected<> GraphBuilder::add_view(const Call& call, View view) {
  view.node = call.name;
  view.origin = call.output();
  index_[call.output()] = views_.size();
  views_.push_back(std::move(view));
  return {};
}

Expected<> GraphBuilder::pass(const Call& call) {
  const auto found = index_.find(call.input(0));
  if (found == index_.end()) return call.refuse(text::cat("its input '", call.input(0), "' is a constant"));
  index_[call.output()] = found->second;
  return {};
}

ann::Node* GraphBuilder::sole_maker(const Call& call, std::size_t i) {
  const auto maker = makers_.find(call.input(i));
  const auto uses = facts_.uses.find(call.input(i));
  if (maker == makers_.end() || uses == facts_.uses.end() || uses->second != 1) return nullptr;
  return views_[index_.at(call.input(i))].value == call.input(i) ? &graph_.nodes[maker->second] : nullptr;
}

Expected<> GraphBuilder::spend(const Call& call, std::int64_t values) {
  spent_ += values;
  if (values < 0 || values > kGreatestSpent || spent_ > kGreatestSpent) return call.refuse("it is too large");
  return {};
}

Expected<> GraphBuilder::emit(const std::string& name, ann::Operator op, std::vector<std::string> inputs,
                              const std::string& output) {
  std::vector<ann::ValueShape> in;
  for (const std::string& input : inputs) in.push_back(shapes_.at(input));
  ann::Node node{.name = name, .op = std::move(op), .inputs = std::move(inputs), .output = output};
  auto shape = ann::output_shape(node, in);
  if (!shape) return fail(shape.error());
  shapes_[output] = std::move(*shape);
  makers_[output] = graph_.nodes.size();
  graph_.nodes.push_back(std::move(node));
  return {};
}

std::string GraphBuilder::fresh(const std::string& base) {
  std::string name = base;
  for (int i = 1; !facts_.names.insert(name).second; ++i) name = text::cat(base, ".", i);
  return name;
}

}  // namespace syn::onnx_file
