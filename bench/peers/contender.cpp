#include "bench/peers/contender.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"

namespace syn::peers {
namespace {

// The greatest wins, the lowest index on a tie.
template <class T>
std::uint8_t best(std::span<const T> scores) {
  return static_cast<std::uint8_t>(std::ranges::max_element(scores) - scores.begin());
}

class OnnxRuntime final : public Contender {
 public:
  OnnxRuntime(Session session, const Dense& network, Normalisation normalisation)
      : session_(std::move(session)),
        bytes_(network.bytes),
        classes_(network.classes),
        batch_(network.batch),
        normalisation_(std::move(normalisation)) {}

  std::size_t batch() const override { return batch_; }
  Expected<> classify(const data::Dataset& images, std::size_t first, std::span<std::uint8_t> classes) override {
    SYN_ASSERT(classes.size() == batch_ && first + batch_ <= images.count, first, batch_);
    const std::size_t one = images.shape.size();
    for (std::size_t i = 0; i < batch_; ++i) {
      const ByteView image = images.image(first + i);
      if (bytes_) {
        std::ranges::copy(image, session_.pixels().begin() + static_cast<std::ptrdiff_t>(i * one));
      } else {
        normalise(normalisation_, images.shape, image, session_.floats().subspan(i * one, one));
      }
    }
    const auto scores = session_.run();
    if (!scores) return fail(scores.error());
    for (std::size_t i = 0; i < batch_; ++i) classes[i] = best(scores->subspan(i * classes_, classes_));
    return {};
  }

 private:
  Session session_;
  bool bytes_;
  std::size_t classes_, batch_;
  Normalisation normalisation_;
};

class Synfire final : public Contender {
 public:
  Synfire(snn::Engine engine, std::size_t batch, Normalisation normalisation)
      : engine_(std::move(engine)),
        batch_(batch),
        normalisation_(std::move(normalisation)),
        plain_(normalisation_.mean.empty() && normalisation_.std.empty()) {
    window_.rows = engine_.model().rows();
    window_.in.resize(1);
  }

  std::size_t batch() const override { return batch_; }
  Expected<> classify(const data::Dataset& images, std::size_t first, std::span<std::uint8_t> classes) override {
    SYN_ASSERT(classes.size() == batch_ && first + batch_ <= images.count, first, batch_);
    const snn::Population& source = engine_.model().populations.front();
    for (std::size_t i = 0; i < batch_; ++i) {
      window_.in[0].resize(source.shape.neurons());
      if (plain_) {
        snn::quantise_pixels(source.shape, images.image(first + i), window_.in[0]);
      } else {
        x_.resize(images.shape.size());
        normalise(normalisation_, images.shape, images.image(first + i), x_);
        const auto coded = snn::quantise(std::get<snn::Source>(source.kind), source.shape, x_, window_.in[0]);
        if (!coded) return fail(coded.error());
      }
      snn::State state;
      engine_.run(state, window_);
      classes[i] = best(std::span<const std::int32_t>(window_.potentials));
    }
    return {};
  }

 private:
  snn::Engine engine_;
  std::size_t batch_;
  Normalisation normalisation_;
  bool plain_;
  std::vector<float> x_;
  snn::Window window_;
};

}  // namespace

Expected<std::unique_ptr<Contender>> make_onnxruntime(const Runtime& runtime, const Dense& network,
                                                      const data::Shape& shape, const Normalisation& normalisation) {
  const auto batch = static_cast<std::int64_t>(network.batch);
  auto session =
      Session::make(runtime, network.onnx,
                    {.threads = network.threads,
                     .input_shape = {batch, static_cast<std::int64_t>(shape.channels),
                                     static_cast<std::int64_t>(shape.height), static_cast<std::int64_t>(shape.width)},
                     .bytes = network.bytes,
                     .output_shape = {batch, static_cast<std::int64_t>(network.classes)}});
  if (!session) return fail(session.error());
  return std::make_unique<OnnxRuntime>(std::move(*session), network, normalisation);
}

Expected<std::unique_ptr<Contender>> make_synfire(const snn::Model& model, std::size_t batch,
                                                  const Normalisation& normalisation) {
  auto engine = snn::Engine::make(model);
  if (!engine) return fail(engine.error());
  return std::make_unique<Synfire>(std::move(*engine), batch, normalisation);
}

}  // namespace syn::peers
