#include "bench/peers/contender.hpp"

#include <algorithm>
#include <optional>

#include "core/assert.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"
#include "transport/spin_team.hpp"

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
  Synfire(snn::Engine engine, const Spikes& how, Normalisation normalisation)
      : engine_(std::move(engine)),
        batch_(how.batch),
        normalisation_(std::move(normalisation)),
        plain_(normalisation_.mean.empty() && normalisation_.std.empty()),
        lanes_(how.batch > 1 ? how.threads : 1) {
    if (how.threads > 1) team_ = std::make_unique<transport::SpinTeam>(how.threads);
    for (Lane& lane : lanes_) {
      lane.window.rows = engine_.model().rows();
      lane.window.in.resize(1);
      lane.window.accounts = how.accounts;
    }
  }

  std::size_t batch() const override { return batch_; }
  Expected<> classify(const data::Dataset& images, std::size_t first, std::span<std::uint8_t> classes) override {
    SYN_ASSERT(classes.size() == batch_ && first + batch_ <= images.count, first, batch_);
    const std::size_t lanes = lanes_.size();
    auto part = [&](unsigned index) {
      for (std::size_t i = batch_ * index / lanes; i < batch_ * (index + 1) / lanes; ++i)
        one(lanes_[index], images, first + i, classes[i]);
    };
    if (lanes > 1) {
      team_->run(static_cast<unsigned>(lanes), part);
    } else {
      part(0);
    }
    for (const Lane& lane : lanes_)
      if (lane.trouble) return fail(*lane.trouble);
    return {};
  }

 private:
  struct Lane {  // what a thread needs for itself
    snn::State state;
    snn::Window window;
    std::vector<float> x;
    std::optional<Error> trouble;
  };

  void one(Lane& lane, const data::Dataset& images, std::size_t image, std::uint8_t& answer) {
    const snn::Population& source = engine_.model().populations.front();
    snn::Window& window = lane.window;
    window.in[0].resize(source.shape.neurons());
    if (plain_) {
      snn::quantise_pixels(source.shape, images.image(image), window.in[0]);
    } else {
      lane.x.resize(images.shape.size());
      normalise(normalisation_, images.shape, images.image(image), lane.x);
      const auto coded = snn::quantise(std::get<snn::Source>(source.kind), source.shape, lane.x, window.in[0]);
      if (!coded) {
        lane.trouble = coded.error();
        return;
      }
    }
    lane.state.next_row = 0;
    engine_.run(lane.state, window, lanes_.size() > 1 ? nullptr : team_.get());
    answer = best(std::span<const std::int32_t>(window.potentials));
  }

  snn::Engine engine_;
  std::size_t batch_;
  Normalisation normalisation_;
  bool plain_;
  std::vector<Lane> lanes_;
  std::unique_ptr<transport::SpinTeam> team_;
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

Expected<std::unique_ptr<Contender>> make_synfire(const snn::Model& model, const Spikes& how,
                                                  const Normalisation& normalisation) {
  auto engine = snn::Engine::make(model);
  if (!engine) return fail(engine.error());
  return std::make_unique<Synfire>(std::move(*engine), how, normalisation);
}

}  // namespace syn::peers
