// ONNX files. What is accepted has shapes for every value; when all of it is small it is also run, on zeros and ones,
// with the same bits on one and on two threads, and written and read again if it can be.
#include "conversion/ann/executor.hpp"
#include "conversion/onnx/read.hpp"
#include "conversion/onnx/write.hpp"
#include "tests/fuzz/targets.hpp"

#include <cstring>

namespace syn::fuzz {

namespace {

constexpr std::int64_t kSmall = 1 << 12;      // values of one image of one node
constexpr std::int64_t kSmallWork = 1 << 22;  // multiplications, roughly

bool small(const ann::Graph& graph, const std::map<std::string, ann::ValueShape>& shapes) {
  std::int64_t work = 0;
  for (const auto& [name, shape] : shapes) {
    if (ann::elements(shape) > kSmall) return false;
  }
  for (const ann::Node& node : graph.nodes) {
    std::int64_t window = 1;
    std::visit(
        [&](const auto& op) {
          if constexpr (requires { op.geometry; }) window *= op.geometry.kernel[0] * op.geometry.kernel[1];
          if constexpr (requires { op.weight; }) window += static_cast<std::int64_t>(op.weight.data.size());
          if constexpr (requires { op.geometry.pad_end; }) {
            for (int axis = 0; axis < 2; ++axis) window += op.geometry.pad_begin[axis] + op.geometry.pad_end[axis];
          }
        },
        node.op);
    work += window * ann::elements(shapes.at(node.output));
    if (window > kSmallWork || work > kSmallWork) return false;
  }
  return true;
}

void run(const ann::Executor& executor) {
  const std::size_t size = executor.size(executor.graph().input);
  std::vector<float> batch(2 * size, 1.0f);
  std::fill_n(batch.begin(), size, 0.0f);
  const auto one = executor.run(batch, 1), two = executor.run(batch, 2);
  SYN_ASSERT(one.size() == 2 * executor.size(executor.graph().output), one.size());
  SYN_ASSERT(one.size() == two.size() && std::memcmp(one.data(), two.data(), one.size() * sizeof(float)) == 0);
}

}  // namespace

void onnx(ByteView input) {
  const auto graph = onnx_file::read(input, "fuzz");
  if (!accepted(graph)) return;
  const auto shapes = ann::shapes(*graph);
  SYN_ASSERT(shapes.has_value(), shapes.error().what, shapes.error().where);  // the reader builds on them
  if (!small(*graph, *shapes)) return;
  const auto executor = ann::Executor::make(*graph);
  if (accepted(executor)) run(*executor);
  const auto written = onnx_file::write(*graph);
  if (!accepted(written)) return;
  const auto again = onnx_file::read(*written, "again");
  SYN_ASSERT(again.has_value(), again.error().what, again.error().where);
  SYN_ASSERT(again->input_shape == graph->input_shape);
  const auto again_shapes = ann::shapes(*again);
  SYN_ASSERT(again_shapes.has_value() && again_shapes->at(again->output) == shapes->at(graph->output));
}

}  // namespace syn::fuzz
