// Random legal models of every kind. Deliberately not here: what they compute (interpreter.hpp).
#pragma once

#include <algorithm>

#include "core/random.hpp"
#include "snn/model.hpp"

namespace syn::snn::testing {

struct RandomOptions {
  Code code = Code::volley;
  std::uint32_t steps = 8;
  bool branches = true;  // several projections into one population: sums, residuals, concatenations
  bool loose = true;     // channels that nothing feeds, and such that feed nothing
  bool pixel_padding = true;
  bool leaky = false;   // `step` code: membranes of every kind, and a leaky readout
  bool late = false;    // `step` code: delays, and projections that lead back
  std::uint32_t density = 50;  // percent of non-zero inputs
};

inline std::uint32_t pick(Random& random, std::uint32_t low, std::uint32_t high) {
  return low + static_cast<std::uint32_t>(random.below(high - low + 1));
}
inline std::vector<std::int8_t> random_weights(Random& random, std::size_t n) {
  std::vector<std::int8_t> weights(n);
  for (auto& w : weights)
    w = random.below(4) == 0 ? std::int8_t{0} : static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return weights;
}

class ModelBuilder {
 public:
  ModelBuilder(Random& random, const RandomOptions& options) : random_(random), options_(options) {
    model_.name = "random";
    model_.code = options.code;
    model_.steps = options.steps;
  }
  Model take() { return std::move(model_); }

  std::uint32_t input(Shape shape) {
    Source source;
    for (std::uint32_t c = 0; c < shape.channels; ++c) {
      source.scale.push_back(1.0 + c);
      source.zero.push_back(0);
      if (options_.pixel_padding) source.padding.push_back(static_cast<Count>(random_.below(256)));
    }
    return add("input", shape, source, 255);
  }
  std::vector<std::int32_t> values(const Shape& shape, std::int64_t low, std::int64_t high) {
    std::vector<std::int32_t> out(random_.below(3) == 0 ? shape.neurons() : shape.channels);
    for (auto& value : out)
      value = static_cast<std::int32_t>(low + static_cast<std::int64_t>(random_.below(std::uint64_t(high - low + 1))));
    return out;
  }
  Membrane membrane(const Shape& shape) {
    Membrane m{.fraction = pick(random_, 0, 2)};
    // Silence is only silent once currents have leaked away: some quickly.
    const std::int64_t low = random_.below(2) == 0 ? 0 : 30000;
    if (random_.below(4) != 0) m.keep = values(shape, low, random_.below(2) == 0 ? kKeepAll : 20000 + low / 3);
    if (random_.below(3) == 0) m.current_keep = values(shape, 0, random_.below(2) == 0 ? kKeepAll : 20000);
    m.reads_previous = random_.below(2) == 0;
    m.potential_limit = 1 << pick(random_, 12, 29);
    m.current_limit = 1 << pick(random_, 12, 29);
    if (random_.below(3) == 0) m.start = values(shape, -1000, 1000);
    return m;
  }
  std::uint32_t leaky(Shape shape, std::int32_t scale) {
    Leaky kind{.membrane = membrane(shape)};
    const std::int64_t unit = std::int64_t{1} << kind.membrane.fraction;
    kind.bias = random_.below(3) == 0 ? values(shape, -100, 100) : std::vector<std::int32_t>(shape.channels);
    kind.threshold = values(shape, random_.below(8) == 0 ? -20 : 1, scale * unit);
    kind.rule = random_.below(2) == 0 ? Reset::subtract : Reset::to_value;
    const bool subtracts = kind.rule == Reset::subtract;
    kind.reset = subtracts ? values(shape, 1, scale * unit) : values(shape, -500, 500);
    if (random_.below(3) == 0) {
      kind.adaptation_keep = values(shape, 0, kKeepAll);
      kind.jump = values(shape, subtracts ? 0 : -scale, 2 * scale);
      kind.adaptation_limit = 1 << pick(random_, 10, 29);
    }
    if (random_.below(3) == 0) kind.refractory = static_cast<std::int32_t>(random_.below(4));
    return add("leaky" + std::to_string(model_.populations.size()), shape, kind, subtracts ? pick(random_, 1, 3) : 1);
  }
  // Some projections come late, and some lead back.
  void delay() {
    for (Projection& p : model_.projections)
      if (random_.below(3) == 0 && !std::holds_alternative<Pooled>(model_.populations[p.to].kind))
        p.delay = pick(random_, 1, 5);
    const auto count = static_cast<std::uint32_t>(model_.populations.size());
    for (std::uint32_t to = 0; to < count; ++to)
      for (std::uint32_t from = to; from < count; ++from) {
        const Population &source = model_.populations[from], &target = model_.populations[to];
        if (!fires(target) || std::holds_alternative<Readout>(source.kind) || random_.below(3) == 0) continue;
        Projection back{from, to, {}, pick(random_, 1, 4)};
        if (target.shape.positions() == 1 && random_.below(2) == 0) {
          back.connection = Dense{random_weights(random_, std::size_t{source.shape.neurons()} * target.shape.channels)};
        } else if (source.shape.height == target.shape.height && source.shape.width == target.shape.width) {
          back.connection = one_to_one(from, 0);
        } else {
          continue;
        }
        const auto at = std::ranges::upper_bound(model_.projections, to, {}, &Projection::to);
        model_.projections.insert(at, std::move(back));
      }
  }
  std::uint32_t neurons(Shape shape, std::int32_t scale) {
    if (options_.leaky && random_.below(4) != 0) return leaky(shape, scale);
    IntegrateAndFire fire;
    for (std::uint32_t c = 0; c < shape.channels; ++c) {
      fire.threshold.push_back(static_cast<std::int32_t>(1 + random_.below(static_cast<std::uint64_t>(scale))));
      fire.bias.push_back(static_cast<std::int32_t>(random_.below(200)) - 100);
    }
    if (options_.branches && random_.below(4) == 0) {  // one a neuron
      fire.bias.resize(shape.neurons());
      for (auto& bias : fire.bias) bias = static_cast<std::int32_t>(random_.below(200)) - 100;
    }
    fire.v_min = -4 * scale;
    fire.v_max = 3 * scale;
    return add("if" + std::to_string(model_.populations.size()), shape, fire, model_.levels());
  }
  std::uint32_t readout(std::uint32_t classes) {
    Readout readout;
    for (std::uint32_t c = 0; c < classes; ++c)
      readout.bias.push_back(static_cast<std::int32_t>(random_.below(1000)) - 500);
    readout.scale = 0.25;
    if (options_.leaky && random_.below(2) == 0) readout.membrane = membrane({1, 1, classes});
    model_.outputs.push_back("readout");
    return add("readout", {1, 1, classes}, readout, 1);
  }
  std::uint32_t pooled(Shape shape, std::uint32_t greatest) {
    return add("pool" + std::to_string(model_.populations.size()), shape, Pooled{}, greatest);
  }
  // The same geometry, channel by channel. Source channel i feeds target channel i + shift, where there is one.
  Depthwise depthwise(std::uint32_t from, const Conv& like, std::int32_t shift) {
    return {
        .kernel_height = like.kernel_height,
        .kernel_width = like.kernel_width,
        .stride_y = like.stride_y,
        .stride_x = like.stride_x,
        .dilation_y = like.dilation_y,
        .dilation_x = like.dilation_x,
        .pad_top = like.pad_top,
        .pad_left = like.pad_left,
        .shift = shift,
        .weights = random_weights(random_, std::size_t{like.kernel_height} * like.kernel_width * shape(from).channels)};
  }
  OneToOne one_to_one(std::uint32_t from, std::int32_t shift) {
    OneToOne one{.shift = shift, .multiplier = {}};
    for (std::uint32_t c = 0; c < shape(from).channels; ++c)
      one.multiplier.push_back(static_cast<std::int32_t>(random_.below(4000)) - 1000);
    return one;
  }
  void join(std::uint32_t from, std::uint32_t to, Connection connection) {
    model_.projections.push_back({from, to, std::move(connection)});
  }
  Shape shape(std::uint32_t p) const { return model_.populations[p].shape; }
  std::uint32_t greatest(std::uint32_t p) const { return model_.populations[p].greatest; }

  static std::uint32_t out_size(std::uint32_t in, std::uint32_t reach, std::uint32_t stride, std::uint32_t pads) {
    return (in + pads - reach) / stride + 1;
  }
  // A convolution of random geometry that fits `from`, and the shape it leads to.
  std::pair<Conv, Shape> conv(std::uint32_t from, std::uint32_t channels) {
    const Shape in = shape(from);
    Conv c;
    const auto axis = [&](std::uint32_t size, std::uint32_t& kernel, std::uint32_t& stride, std::uint32_t& dilation,
                          std::int32_t& pad) {
      kernel = pick(random_, 1, 3);
      stride = pick(random_, 1, 2);
      dilation = random_.below(4) == 0 ? 2 : 1;
      std::uint32_t reach = (kernel - 1) * dilation + 1;
      pad = static_cast<std::int32_t>(random_.below(reach));
      if (reach > size + 2 * static_cast<std::uint32_t>(pad)) kernel = reach = dilation = 1, pad = 0;
      return out_size(size, reach, stride, 2 * static_cast<std::uint32_t>(pad));
    };
    Shape out{1, 1, channels};
    out.height = axis(in.height, c.kernel_height, c.stride_y, c.dilation_y, c.pad_top);
    out.width = axis(in.width, c.kernel_width, c.stride_x, c.dilation_x, c.pad_left);
    // Keep the last kernel on the source: rules.hpp refuses those that read padding alone.
    while ((out.height - 1) * c.stride_y >= in.height + static_cast<std::uint32_t>(c.pad_top)) --out.height;
    while ((out.width - 1) * c.stride_x >= in.width + static_cast<std::uint32_t>(c.pad_left)) --out.width;
    c.weights = random_weights(random_, std::size_t{c.kernel_height} * c.kernel_width * in.channels * channels);
    return {c, out};
  }

 private:
  std::uint32_t add(std::string name, Shape shape, Kind kind, std::uint32_t greatest) {
    Population p;
    p.name = std::move(name);
    p.shape = shape;
    p.code = options_.code;
    p.kind = std::move(kind);
    p.greatest = greatest;
    p.amplitude.assign(shape.channels, 0.5);
    p.mean_count = 10;
    p.mean_events = 5;
    model_.populations.push_back(std::move(p));
    return static_cast<std::uint32_t>(model_.populations.size() - 1);
  }

  Random& random_;
  RandomOptions options_;
  Model model_;
};

// input -> convolutions, depthwise ones, pooling, residuals, concatenations -> dense -> readout
class RandomModel {
 public:
  RandomModel(Random& random, const RandomOptions& options) : random_(random), options_(options), b_(random, options) {}

  Model operator()() {
    at_ = {b_.input({pick(random_, 3, 9), pick(random_, 3, 9), pick(random_, 1, 3)})};
    const std::uint32_t layers = pick(random_, 1, 4);
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
      scale_ = layer == 0 ? 20000 : 1500;
      const auto kind = random_.below(options_.branches ? 8 : 4);
      if (kind == 0 && can_pool()) {
        pool();
      } else if (kind == 4 || kind == 5) {
        depthwise();
      } else if (kind == 6) {
        residual();
      } else if (kind == 7) {
        concatenation();
      } else {
        convolution(pick(random_, 1, 40));
      }
    }
    if (random_.below(2) == 0) dense(b_.neurons({1, 1, pick(random_, 1, 70)}, 5000));
    dense(b_.readout(pick(random_, 2, 10)));
    if (options_.late) b_.delay();
    return b_.take();
  }

 private:
  Shape in() const { return b_.shape(at_.front()); }  // of the first part: height and width are those of all

  bool can_pool() const {
    return at_.size() == 1 && in().height >= 3 && in().width >= 3 && b_.greatest(at_.front()) <= 1000;
  }
  void pool() {
    const std::uint32_t from = at_.front();
    const auto geometry = random_.below(3);
    Shape out = in();
    if (geometry == 0) out.height /= 2, out.width /= 2;
    if (random_.below(2) == 0) {
      SumPool pool{.kernel_height = 2, .kernel_width = 2, .stride_y = 2, .stride_x = 2, .multiplier = {}};
      if (geometry != 0)
        pool = {.kernel_height = 3, .kernel_width = 2, .stride_y = 1, .stride_x = 1, .pad_top = 1, .multiplier = {}};
      if (random_.below(2) == 0)
        for (std::uint32_t i = 0; i < out.positions(); ++i)
          pool.multiplier.push_back(static_cast<std::uint16_t>(random_.below(4)));
      at_ = {b_.pooled(out, b_.greatest(from) * 6 * (pool.multiplier.empty() ? 1 : 3))};
      b_.join(from, at_.front(), pool);
    } else {
      MaxPool pool{.kernel_height = 2, .kernel_width = 2, .stride_y = 2, .stride_x = 2};
      if (geometry == 1) pool = {.kernel_height = 3, .kernel_width = 2, .stride_y = 1, .stride_x = 1, .pad_top = 1};
      if (geometry == 2)
        pool = {.kernel_height = 2, .kernel_width = 2, .pad_top = 1, .pad_left = 1, .dilation_y = 2, .dilation_x = 2};
      at_ = {b_.pooled(out, b_.greatest(from))};
      b_.join(from, at_.front(), pool);
    }
  }

  // One projection a part: reading a concatenation.
  std::uint32_t convolution_of(const Conv& conv, Shape out) {
    const auto next = b_.neurons(out, scale_);
    for (const std::uint32_t from : at_) {
      Conv part = conv;
      part.weights = random_weights(
          random_, std::size_t{conv.kernel_height} * conv.kernel_width * b_.shape(from).channels * out.channels);
      b_.join(from, next, part);
    }
    return next;
  }
  void convolution(std::uint32_t channels) {
    const auto [conv, out] = b_.conv(at_.front(), channels);
    const auto next = convolution_of(conv, out);
    if (options_.branches && random_.below(2) == 0) {  // a second convolution of the same geometry
      Conv other = conv;
      other.weights = random_weights(random_, conv.weights.size());
      b_.join(at_.front(), next, other);
    }
    at_ = {next};
  }
  void depthwise() {
    std::uint32_t channels = 0;
    for (const std::uint32_t from : at_) channels += b_.shape(from).channels;
    if (options_.loose && random_.below(3) == 0) channels = pick(random_, 1, channels + 3);
    const auto [conv, out] = b_.conv(at_.front(), channels);
    const auto next = b_.neurons(out, scale_);
    std::int32_t shift = options_.loose && random_.below(3) == 0 ? static_cast<std::int32_t>(random_.below(5)) - 2 : 0;
    for (const std::uint32_t from : at_) {
      b_.join(from, next, b_.depthwise(from, conv, shift));
      shift += static_cast<std::int32_t>(b_.shape(from).channels);
    }
    at_ = {next};
  }
  // Two convolutions, and around them every part as it is.
  void residual() {
    const std::vector<std::uint32_t> around = at_;
    std::uint32_t channels = 0;
    for (const std::uint32_t from : around) channels += b_.shape(from).channels;
    if (options_.loose && random_.below(4) == 0) channels = pick(random_, 1, channels + 2);
    const Conv same{.kernel_height = 3, .kernel_width = 3, .pad_top = 1, .pad_left = 1, .weights = {}};
    Shape shape = in();
    shape.channels = pick(random_, 1, 24);
    at_ = {convolution_of(same, shape)};
    shape.channels = channels;
    const auto sum = convolution_of(same, shape);
    std::int32_t shift = 0;
    for (const std::uint32_t from : around) {
      b_.join(from, sum, b_.one_to_one(from, shift));
      shift += static_cast<std::int32_t>(b_.shape(from).channels);
    }
    at_ = {sum};
  }
  void concatenation() {
    const auto [conv, out] = b_.conv(at_.front(), pick(random_, 1, 20));
    Shape other = out;
    other.channels = pick(random_, 1, 20);
    const auto first = convolution_of(conv, out), second = convolution_of(conv, other);
    at_ = {first, second};
  }
  void dense(std::uint32_t to) {
    for (const std::uint32_t from : at_)
      b_.join(from, to, Dense{random_weights(random_, std::size_t{b_.shape(from).neurons()} * b_.shape(to).channels)});
    at_ = {to};
  }

  Random& random_;
  RandomOptions options_;
  ModelBuilder b_;
  std::vector<std::uint32_t> at_;  // what the next layer reads: the parts of a concatenation, or one population
  std::int32_t scale_ = 0;
};

inline Model random_model(Random& random, const RandomOptions& options) {
  return RandomModel(random, options)();
}

inline std::vector<Count> random_counts(Random& random, std::size_t n, std::uint32_t greatest, std::uint32_t density) {
  std::vector<Count> counts(n);
  for (Count& c : counts)
    if (random.below(100) < density) c = static_cast<Count>(1 + random.below(greatest));
  return counts;
}

}  // namespace syn::snn::testing
