#include "conversion/ann/executor.hpp"

#include <algorithm>

#include "conversion/ann/apply.hpp"
#include "conversion/ann/multiply.hpp"
#include "conversion/parallel.hpp"
#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::ann {
namespace {

constexpr std::size_t kBlock = 12;              // images a task: enough positions for a Gemm's tiles, little memory
constexpr std::size_t kBlockValues = 1u << 24;  // but no more than this many values at once, where images are large

// What a file may ask for at most. The widest of the ONNX zoo, VGG-19, has 2.0e10 multiplications, 1.4e8 weights, and
// 2.5e7 values at once.
constexpr double kGreatestWork = 1e12;        // multiplications an image: some minutes
constexpr double kGreatestPacked = 1u << 29;  // floats of all weights, channels padded
constexpr double kGreatestAtOnce = 1u << 28;  // floats of all values that must be held at once, an image

// Multiplications (or comparisons) an image. Conv's floats are the padded weights and the tile of one image.
struct Cost {
  double work = 0, packed = 0, tile = 0;
};
Cost cost_of(const Node& node, const ValueShape& in, const ValueShape& out) {
  const auto outputs = static_cast<double>(elements(out));
  if (const auto* conv = std::get_if<Conv>(&node.op)) {
    const auto& w = conv->weight.shape;
    const auto groups = static_cast<double>(conv->groups), per_group = static_cast<double>(w[0]) / groups;
    const bool depthwise = w[1] == 1 && w[0] == conv->groups && conv->groups > 1;
    const double lanes = depthwise ? 1 : static_cast<double>(padded_channels(static_cast<std::size_t>(per_group)));
    const auto taps = static_cast<double>(w[1]) * static_cast<double>(w[2]) * static_cast<double>(w[3]);
    const double padded =
        (static_cast<double>(in[1]) + static_cast<double>(conv->geometry.pad_begin[0] + conv->geometry.pad_end[0])) *
        (static_cast<double>(in[2]) + static_cast<double>(conv->geometry.pad_begin[1] + conv->geometry.pad_end[1]));
    return {outputs / per_group * lanes * taps, groups * lanes * taps,
            padded * (static_cast<double>(in[0]) + (depthwise ? static_cast<double>(in[0]) : lanes))};
  }
  if (const auto* gemm = std::get_if<Gemm>(&node.op)) {
    const auto weights = static_cast<double>(gemm->weight.data.size());
    return {weights, weights / outputs * static_cast<double>(padded_channels(static_cast<std::size_t>(outputs))),
            outputs};
  }
  const Geometry* g = nullptr;
  if (const auto* pool = std::get_if<AveragePool>(&node.op)) g = &pool->geometry;
  if (const auto* pool = std::get_if<MaxPool>(&node.op)) g = &pool->geometry;
  if (g == nullptr) return {outputs * static_cast<double>(node.inputs.size()), 0, 0};
  return {
      outputs * static_cast<double>(std::min(g->kernel[0], in[1])) * static_cast<double>(std::min(g->kernel[1], in[2])),
      0, 0};
}

// Where each value lives while a batch runs: buffers are used again once the last reader is through, and a node that
// may writes where it reads.
struct Buffers {
  std::map<std::string, std::size_t> of;
  std::vector<std::size_t> sizes;  // values an image

  Buffers(const Graph& graph, const std::map<std::string, ValueShape>& shapes) {
    std::map<std::string, std::size_t> last_reader{{graph.output, graph.nodes.size()}};
    for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
      for (const std::string& input : graph.nodes[node].inputs) {
        std::size_t& last = last_reader[input];
        last = std::max(last, node);
      }
    }
    std::vector<std::size_t> free;
    const auto place = [&](const std::string& value, std::size_t buffer) {
      of[value] = buffer;
      sizes[buffer] = std::max(sizes[buffer], static_cast<std::size_t>(elements(shapes.at(value))));
    };
    const auto take = [&] {
      if (free.empty()) {
        sizes.push_back(0);
        return sizes.size() - 1;
      }
      const std::size_t buffer = free.back();
      free.pop_back();
      return buffer;
    };
    place(graph.input, take());
    for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
      const Node& n = graph.nodes[node];
      const bool over = works_in_place(n.op) && last_reader.at(n.inputs[0]) == node;
      place(n.output, over ? of.at(n.inputs[0]) : take());
      for (std::size_t i = 0; i < n.inputs.size(); ++i) {
        const bool again = std::find(n.inputs.begin(), n.inputs.begin() + static_cast<std::ptrdiff_t>(i),
                                     n.inputs[i]) != n.inputs.begin() + static_cast<std::ptrdiff_t>(i);
        const std::size_t buffer = of.at(n.inputs[i]);
        if (!again && last_reader.at(n.inputs[i]) == node && buffer != of.at(n.output)) free.push_back(buffer);
      }
      if (!last_reader.contains(n.output)) free.push_back(of.at(n.output));  // nobody wants it
    }
  }
  std::size_t all() const {
    std::size_t sum = 0;
    for (const std::size_t size : sizes) sum += size;
    return sum;
  }
};

}  // namespace

struct Executor::Impl {
  Graph graph;
  std::map<std::string, ValueShape> shapes;
  std::vector<Packed> packed;  // one a node, empty where there is nothing to pack
  Buffers buffers;
};

Executor::Executor(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;
Executor::~Executor() = default;

Expected<Executor> Executor::make(Graph graph) {
  auto all = ann::shapes(graph);
  if (!all) return fail(all.error());
  Buffers buffers(graph, *all);
  Cost total{.work = 0, .packed = 0, .tile = static_cast<double>(buffers.all())};
  for (const Node& node : graph.nodes) {
    const Cost cost = cost_of(node, all->at(node.inputs[0]), all->at(node.output));
    total.work += cost.work;
    total.packed += cost.packed;
    if (total.work > kGreatestWork || total.packed > kGreatestPacked || total.tile + cost.tile > kGreatestAtOnce) {
      return fail(text::cat("with it, the network needs ", total.work, " multiplications an image, ", total.packed,
                            " floats for weights and ", total.tile + cost.tile, " for values"),
                  text::cat("node '", node.name, "' (", name_of(node.op), ")"), "use a smaller network");
    }
  }
  std::vector<Packed> packed;
  for (const Node& node : graph.nodes) {
    const auto* conv = std::get_if<Conv>(&node.op);
    const auto* gemm = std::get_if<Gemm>(&node.op);
    packed.push_back(conv ? pack(*conv) : gemm ? pack(*gemm) : Packed{});
  }
  return Executor(
      std::make_unique<Impl>(Impl{std::move(graph), std::move(*all), std::move(packed), std::move(buffers)}));
}

const Graph& Executor::graph() const {
  return impl_->graph;
}
const ValueShape& Executor::shape(const std::string& value) const {
  return impl_->shapes.at(value);
}

void Executor::run_node(std::size_t node, std::size_t images, std::span<const std::span<const float>> in,
                        std::span<float> out, Scratch& scratch) const {
  const Node& n = impl_->graph.nodes[node];
  const Packed& packed = impl_->packed[node];
  SYN_ASSERT(in.size() == n.inputs.size(), in.size(), n.inputs.size());
  SYN_ASSERT(out.size() == images * size(n.output), out.size(), images);
  std::vector<const ValueShape*> in_shapes;
  for (std::size_t i = 0; i < in.size(); ++i) {
    in_shapes.push_back(&shape(n.inputs[i]));
    SYN_ASSERT(in[i].size() == images * static_cast<std::size_t>(elements(*in_shapes[i])), in[i].size(), images);
  }
  if (const auto* conv = std::get_if<Conv>(&n.op)) {
    const Extent from(*in_shapes[0]), to(shape(n.output));
    for (std::size_t i = 0; i < images; ++i)
      convolve(*conv, packed, from, to, in[0].data() + i * from.size(), out.data() + i * to.size(), scratch);
  } else if (std::holds_alternative<Gemm>(n.op)) {
    gemm(packed, images, in[0].data(), out.data(), scratch);
  } else {
    apply(n.op, {images, in_shapes, shape(n.output), in, out});
  }
}

std::map<std::string, std::vector<float>> Executor::values(std::span<const float> batch) const {
  const std::size_t one = size(impl_->graph.input), images = batch.size() / one;
  SYN_ASSERT(batch.size() == images * one, batch.size(), one);
  std::map<std::string, std::vector<float>> out;
  std::vector<float>& input = out[impl_->graph.input];
  input.resize(batch.size());
  for (std::size_t n = 0; n < images; ++n) {
    to_channel_last(shape(impl_->graph.input), batch.subspan(n * one, one), std::span(input).subspan(n * one, one));
  }
  Scratch scratch;
  for (std::size_t node = 0; node < impl_->graph.nodes.size(); ++node) {
    const Node& n = impl_->graph.nodes[node];
    std::vector<float> result(images * size(n.output));
    std::vector<std::span<const float>> in;
    for (const std::string& name : n.inputs) in.emplace_back(out.at(name));
    run_node(node, images, in, result, scratch);
    out[n.output] = std::move(result);
  }
  return out;
}

std::vector<float> Executor::run(std::span<const float> batch, std::uint32_t threads) const {
  const auto& [graph, shapes, packed, buffers] = *impl_;
  const std::size_t one = size(graph.input), classes = size(graph.output), images = batch.size() / one;
  SYN_ASSERT(batch.size() == images * one, batch.size(), one);
  std::vector<float> out(images * classes);
  struct Worker {
    std::vector<std::vector<float>> buffers;
    Scratch scratch;
  };
  std::vector<Worker> workers(std::max(1u, threads));
  const std::size_t block = std::clamp<std::size_t>(kBlockValues / buffers.all(), 1, kBlock);
  parallel_blocks(images, block, threads, [&](std::size_t worker, std::size_t begin, std::size_t end) {
    auto& [memory, scratch] = workers[worker];
    const std::size_t n = end - begin;
    memory.resize(buffers.sizes.size());
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i].resize(n * buffers.sizes[i]);
    const auto span_of = [&](const std::string& value) {
      return std::span(memory[buffers.of.at(value)]).first(n * size(value));
    };
    for (std::size_t i = 0; i < n; ++i) {
      to_channel_last(shape(graph.input), batch.subspan((begin + i) * one, one),
                      span_of(graph.input).subspan(i * one, one));
    }
    for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
      const Node& step = graph.nodes[node];
      std::vector<std::span<const float>> in;
      for (const std::string& name : step.inputs) in.emplace_back(span_of(name));
      run_node(node, n, in, span_of(step.output), scratch);
    }
    const auto result = span_of(graph.output);
    const auto channels = static_cast<std::size_t>(shape(graph.output)[0]), positions = classes / channels;
    for (std::size_t i = 0; i < n; ++i) {  // back to ONNX's order
      for (std::size_t p = 0; p < positions; ++p) {
        for (std::size_t c = 0; c < channels; ++c)
          out[(begin + i) * classes + c * positions + p] = result[i * classes + p * channels + c];
      }
    }
  });
  return out;
}

void to_channel_last(const ValueShape& shape, std::span<const float> from, std::span<float> to) {
  if (shape.size() == 1 || shape[0] == 1) {
    std::ranges::copy(from, to.begin());
    return;
  }
  const auto channels = static_cast<std::size_t>(shape[0]);
  const std::size_t positions = from.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t p = 0; p < positions; ++p) to[p * channels + c] = from[c * positions + p];
  }
}

}  // namespace syn::ann
