// Runs a graph in float32: the reference that a converted network is measured against, and the activations that
// calibration matches. The same bits on every machine and thread count: products are added one by one in a fixed order
// (kernel row, kernel column, channel; then the bias), vectorised over outputs only, multiply and add never fused.
// Softmax (exp) and LRN with a beta other than 0.75 (pow) are the exceptions; conversion drops the one and refuses the
// other. Deliberately not here: training, other precisions, rewriting (conversion/fold.hpp).
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "conversion/ann/convolve.hpp"
#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"
#include "core/error.hpp"

namespace syn::ann {

class Executor {
 public:
  static Expected<Executor> make(Graph graph);
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;
  ~Executor();

  const Graph& graph() const;
  const ValueShape& shape(const std::string& value) const;
  std::size_t size(const std::string& value) const { return static_cast<std::size_t>(elements(shape(value))); }

  // `batch` is images x input shape, channel-first. Returns images x outputs.
  std::vector<float> run(std::span<const float> batch, std::uint32_t threads) const;
  // Every value of one batch by name, channel-last: [image][y][x][channel].
  std::map<std::string, std::vector<float>> values(std::span<const float> batch) const;

  // One node on `images` images, with one span an input; values of three axes are channel-last on both sides.
  void run_node(std::size_t node, std::size_t images, std::span<const std::span<const float>> in, std::span<float> out,
                Scratch& scratch) const;

 private:
  struct Impl;
  explicit Executor(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// [channels][positions] to [positions][channels] for one image.
void to_channel_last(const ValueShape& shape, std::span<const float> from, std::span<float> to);

}  // namespace syn::ann
