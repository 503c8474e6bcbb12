#include "snn/real/synapses.hpp"

#include <algorithm>
#include <cstring>

#include "core/assert.hpp"
#include "snn/real/geometry.hpp"

namespace syn::snn::real {
namespace {

template <class T>
std::uint64_t bytes_of(const std::vector<T>& values) {
  return values.capacity() * sizeof(T);
}

// A bias of 0 for every target where there is none; 0.0 + bias, so that no sum begins at -0.
std::vector<double> starts(const std::vector<float>& bias, std::size_t targets) {
  std::vector<double> start(targets, 0.0);
  for (std::size_t i = 0; i < bias.size(); ++i) start[i] = 0.0 + static_cast<double>(bias[i]);
  return start;
}

class DenseSynapses final : public Synapses {
 public:
  DenseSynapses(const Dense& dense, std::size_t sources, std::size_t targets)
      : weights_(dense.weights.size()), start_(starts(dense.bias, targets)) {
    constexpr std::size_t kTile = 64;  // both sides of a transposed tile fit the cache
    for (std::size_t o = 0; o < targets; o += kTile)
      for (std::size_t i = 0; i < sources; ++i)
        for (std::size_t p = o; p < std::min(targets, o + kTile); ++p)
          weights_[i * targets + p] = dense.weights[p * sources + i];
  }
  std::uint64_t sum(const Loops& loops, const Reading& reading, double*, double* sums) const override {
    std::memcpy(sums, start_.data(), start_.size() * sizeof *sums);
    return add(loops, reading, sums, nullptr);
  }
  std::optional<InPlace> in_place() const override { return InPlace{start_, 0, true}; }
  std::uint64_t add(const Loops& loops, const Reading& reading, double* sums, std::uint64_t* touched) const override {
    if (reading.events.count == 0) return 0;
    loops.rows(reading.events, weights_.data(), start_.size(), sums);
    if (touched) std::fill_n(touched, (start_.size() + 64 * kMarked - 1) / (64 * kMarked), ~std::uint64_t{0});
    return reading.events.count * start_.size();
  }
  std::uint64_t resident_bytes() const override { return bytes_of(weights_) + bytes_of(start_); }

 private:
  std::vector<float> weights_;  // [source][target]
  std::vector<double> start_;
};

class SparseSynapses final : public Synapses {
 public:
  SparseSynapses(const Sparse& sparse, std::size_t sources, std::size_t targets)
      : begin_(sources + 1),
        target_(sparse.source.size()),
        weights_(sparse.source.size()),
        start_(starts(sparse.bias, targets)) {
    for (const std::uint32_t source : sparse.source) ++begin_[source + 1];
    for (std::size_t i = 0; i < sources; ++i) begin_[i + 1] += begin_[i];
    auto next = begin_;
    for (std::uint32_t target = 0; target < targets; ++target) {
      for (std::uint32_t e = sparse.row[target]; e < sparse.row[target + 1]; ++e) {
        const std::uint32_t at = next[sparse.source[e]]++;
        target_[at] = target;
        weights_[at] = sparse.weights[e];
      }
    }
  }
  std::uint64_t sum(const Loops& loops, const Reading& reading, double*, double* sums) const override {
    std::memcpy(sums, start_.data(), start_.size() * sizeof *sums);
    return add(loops, reading, sums, nullptr);
  }
  std::optional<InPlace> in_place() const override { return InPlace{start_, 0, true}; }
  std::uint64_t add(const Loops& loops, const Reading& reading, double* sums, std::uint64_t* touched) const override {
    return loops.columns(reading.events, begin_.data(), target_.data(), weights_.data(), sums, touched);
  }
  std::uint64_t resident_bytes() const override {
    return bytes_of(begin_) + bytes_of(target_) + bytes_of(weights_) + bytes_of(start_);
  }

 private:
  std::vector<std::uint32_t> begin_, target_;  // by source
  std::vector<float> weights_;
  std::vector<double> start_;
};

// In which order the kernel positions of one axis are stored: those that one input position can meet stand side by
// side, from the last, so that targets ascend. place[k] is where k is stored.
std::vector<std::uint32_t> places_of(const Sliding& window) {
  std::vector<std::uint32_t> place(window.kernel);
  std::uint32_t next = 0;
  for (std::uint64_t phase = 0; phase < std::min(window.stride, window.kernel); ++phase)
    for (std::uint64_t k = window.kernel; k-- > 0;)
      if (k % window.stride == phase) place[k] = next++;
  return place;
}

// Where every position of one axis lands. `place` as above; empty: kernel positions as they are, a run each.
class Landings {
 public:
  Landings(const Sliding& window, std::uint64_t side, const std::vector<std::uint32_t>& place) : begin_{0} {
    const std::uint64_t targets = window.places(side);
    for (std::uint64_t position = 0; position < side; ++position) {
      const std::uint64_t padded = position + window.pad_begin;
      // Kernel positions from the last: targets then ascend, and so do the addresses of their sums.
      for (std::uint64_t k = std::min(window.kernel, padded / window.dilation + 1); k-- > 0;) {
        const std::uint64_t rest = padded - k * window.dilation;
        if (rest % window.stride != 0 || rest / window.stride >= targets) continue;
        land({place.empty() ? static_cast<std::uint32_t>(k) : place[k],
              static_cast<std::uint32_t>(rest / window.stride), 1},
             !place.empty());
      }
      begin_.push_back(static_cast<std::uint32_t>(runs_.size()));
    }
  }
  // Targets of the position that has most.
  std::uint64_t most() const {
    std::uint64_t most = 0;
    for (std::size_t i = 1; i < begin_.size(); ++i) {
      std::uint64_t count = 0;
      for (std::uint32_t r = begin_[i - 1]; r < begin_[i]; ++r) count += runs_[r].count;
      most = std::max(most, count);
    }
    return most;
  }
  Axis axis() const { return {begin_.data(), runs_.data()}; }
  std::uint64_t resident_bytes() const { return bytes_of(begin_) + bytes_of(runs_); }

 private:
  void land(Run run, bool join) {
    if (join && runs_.size() > begin_.back()) {
      Run& last = runs_.back();
      if (last.kernel + last.count == run.kernel && last.target + last.count == run.target) {
        ++last.count;
        return;
      }
    }
    runs_.push_back(run);
  }

  std::vector<std::uint32_t> begin_;
  std::vector<Run> runs_;
};

Windows windows_between(const Grid& from, const Grid& to) {
  const auto neurons = static_cast<std::uint32_t>(from.channels * from.positions());
  const auto positions = static_cast<std::uint32_t>(from.positions());
  return {.y = {},
          .x = {},
          .width = Divisor::of(static_cast<std::uint32_t>(from.width), positions),
          .positions = Divisor::of(positions, neurons),
          .group_sources = {},
          .target_width = static_cast<std::uint32_t>(to.width),
          .target_positions = static_cast<std::uint32_t>(to.positions()),
          .kernel_width = 0,
          .kernel_area = 0,
          .group_targets = 1,
          .channels = static_cast<std::uint32_t>(to.channels),
          .channel_last = false,
          .weights = nullptr};
}

// Sums of a group with fewer targets than this are kept channel-first, as the neurons are: nothing to vectorise.
constexpr std::uint64_t kFewTargets = 4;

class ConvSynapses final : public Synapses {
 public:
  ConvSynapses(const Conv& conv, const Grid& from, const Grid& to)
      : place_y_(places_of(sliding(conv, 0))),
        place_(places_of(sliding(conv, 1))),
        y_(sliding(conv, 0), from.height, place_y_),
        x_(sliding(conv, 1), from.width, place_),
        channels_(to.channels),
        positions_(to.positions()),
        windows_(windows_between(from, to)) {
    const std::uint64_t in = from.channels / conv.groups, out = to.channels / conv.groups;
    const std::uint64_t wide = conv.kernel[1], area = conv.kernel[0] * wide;
    weights_.resize(conv.weights.size());
    for (std::uint64_t o = 0; o < to.channels; ++o)
      for (std::uint64_t i = 0; i < in; ++i)
        for (std::uint64_t k = 0; k < area; ++k)
          weights_[((o / out * in + i) * area + place_y_[k / wide] * wide + place_[k % wide]) * out + o % out] =
              conv.weights[(o * in + i) * area + k];
    windows_.kernel_width = conv.kernel[1];
    windows_.kernel_area = static_cast<std::uint32_t>(area);
    windows_.group_sources = Divisor::of(static_cast<std::uint32_t>(in), static_cast<std::uint32_t>(from.channels));
    windows_.group_targets = static_cast<std::uint32_t>(out);
    windows_.channel_last = out >= kFewTargets;
    bias_ = starts(conv.bias, to.channels);
    products_an_event_ = y_.most() * x_.most() * out;
    if (windows_.channel_last && conv.groups == 1) lay_patches(from);
  }
  std::size_t scratch() const override { return windows_.channel_last ? channels_ * positions_ : 0; }

  std::uint64_t sum(const Loops& loops, const Reading& reading, double* scratch, double* sums) const override {
    // Channel-last sums pay for their fill and their way back; few events are added where they belong, in the same
    // order.
    const bool few = reading.events.count * products_an_event_ < channels_ * positions_;
    if (!windows_.channel_last || few) {
      for (std::size_t c = 0; c < channels_; ++c) std::fill_n(sums + c * positions_, positions_, bias_[c]);
      Windows in_place = windows();
      in_place.channel_last = false;
      return reading.events.count == 0 ? 0 : loops.windows(reading.events, in_place, sums, nullptr);
    }
    for (std::size_t p = 0; p < positions_; ++p) std::copy_n(bias_.data(), channels_, scratch + p * channels_);
    const std::uint64_t products = loops.windows(reading.events, windows(), scratch, nullptr);
    for (std::size_t c = 0; c < channels_; ++c)
      for (std::size_t p = 0; p < positions_; ++p) sums[c * positions_ + p] = scratch[p * channels_ + c];
    return products;
  }
  std::optional<InPlace> in_place() const override {
    const bool last = windows_.channel_last;
    InPlace out{std::vector<double>(channels_ * positions_), last ? static_cast<std::uint32_t>(channels_) : 0, last};
    for (std::size_t i = 0; i < out.starts.size(); ++i) out.starts[i] = bias_[last ? i % channels_ : i / positions_];
    return out;
  }
  std::uint64_t add(const Loops& loops, const Reading& reading, double* sums, std::uint64_t* touched) const override {
    if (reading.events.count == 0) return 0;
    if (patch_.empty()) return loops.windows(reading.events, windows(), sums, touched);
    return loops.patches(reading.events,
                         {.patches = patch_.data(),
                          .positions = windows_.positions,
                          .sums_row = windows_.target_width * channels_,
                          .weights_row = windows_.kernel_width * channels_,
                          .channel_weights = windows_.kernel_area * channels_,
                          .weights = weights_.data()},
                         sums, touched);
  }
  std::uint64_t resident_bytes() const override {
    return bytes_of(weights_) + bytes_of(bias_) + bytes_of(place_y_) + bytes_of(place_) + bytes_of(patch_) +
           y_.resident_bytes() + x_.resident_bytes();
  }

 private:
  Windows windows() const {
    Windows windows = windows_;
    windows.y = y_.axis(), windows.x = x_.axis(), windows.weights = weights_.data();
    return windows;
  }

  // Where every source position lands in one run of rows and one of columns; else there are no patches.
  void lay_patches(const Grid& from) {
    const Axis y = y_.axis(), x = x_.axis();
    for (std::uint64_t i = 0; i < from.height; ++i) {
      for (std::uint64_t j = 0; j < from.width; ++j) {
        const std::uint32_t ys = y.begin[i + 1] - y.begin[i], xs = x.begin[j + 1] - x.begin[j];
        if (ys > 1 || xs > 1) {
          patch_ = {};
          return;
        }
        Patch& patch = patch_.emplace_back();
        if (ys == 0 || xs == 0) continue;
        const Run rows = y.runs[y.begin[i]], columns = x.runs[x.begin[j]];
        const auto channels = static_cast<std::uint32_t>(channels_);
        patch = {.sums = (rows.target * windows_.target_width + columns.target) * channels,
                 .weights = (rows.kernel * windows_.kernel_width + columns.kernel) * channels,
                 .rows = rows.count,
                 .row = columns.count * channels};
      }
    }
  }

  std::vector<std::uint32_t> place_y_, place_;  // of kernel positions
  std::vector<Patch> patch_;
  Landings y_, x_;
  std::size_t channels_, positions_, products_an_event_ = 0;
  Windows windows_;
  std::vector<float> weights_;  // [source channel][place of kernel y][of x][target channel of the group]
  std::vector<double> bias_;
};

class Pools final : public Pooling {
 public:
  Pools(const Pool& pool, const Grid& from, const Grid& to)
      : y_(sliding(pool, 0), from.height, {}),
        x_(sliding(pool, 1), from.width, places_of(sliding(pool, 1))),
        divisor_(pool.average ? static_cast<double>(std::uint64_t{pool.kernel[0]} * pool.kernel[1]) : 1),
        windows_(windows_between(from, to)) {
    if (y_.most() > 1 || x_.most() > 1) return;
    const Axis y = y_.axis(), x = x_.axis();
    target_.reserve(from.channels * from.positions());
    for (std::uint64_t c = 0; c < from.channels; ++c)
      for (std::uint64_t i = 0; i < from.height; ++i)
        for (std::uint64_t j = 0; j < from.width; ++j)
          target_.push_back(y.begin[i] == y.begin[i + 1] || x.begin[j] == x.begin[j + 1]
                                ? kNowhere
                                : static_cast<std::uint32_t>(c * to.positions()) +
                                      y.runs[y.begin[i]].target * windows_.target_width + x.runs[x.begin[j]].target);
  }
  std::uint64_t reach(const Loops& loops, Events events, double* sums, std::uint64_t* reached) const override {
    if (events.count == 0) return 0;
    if (reached && !target_.empty()) return loops.moves(events, target_.data(), sums, reached);
    Windows windows = windows_;
    windows.y = y_.axis(), windows.x = x_.axis();
    return loops.pools(events, windows, sums, reached);
  }
  double divisor() const override { return divisor_; }
  std::uint64_t resident_bytes() const override {
    return y_.resident_bytes() + x_.resident_bytes() + bytes_of(target_);
  }

 private:
  Landings y_, x_;
  double divisor_;
  Windows windows_;
  std::vector<std::uint32_t> target_;  // of each source; empty: windows overlap
};

class PoolSynapses final : public Synapses {
 public:
  PoolSynapses(const Pool& pool, const Grid& from, const Grid& to)
      : pools_(pool, from, to), targets_(to.channels * to.positions()) {}
  std::uint64_t sum(const Loops& loops, const Reading& reading, double*, double* sums) const override {
    std::fill_n(sums, targets_, 0.0);
    const std::uint64_t additions = pools_.reach(loops, reading.events, sums, nullptr);
    if (additions > 0 && pools_.divisor() != 1)
      for (std::size_t i = 0; i < targets_; ++i) sums[i] = sums[i] / pools_.divisor();
    return additions;
  }
  std::uint64_t resident_bytes() const override { return pools_.resident_bytes(); }

 private:
  Pools pools_;
  std::size_t targets_;
};

class ScaleSynapses final : public Synapses {
 public:
  ScaleSynapses(const Scale& scale, std::size_t neurons) : factors_(neurons) {
    for (std::size_t i = 0; i < neurons; ++i) factors_[i] = scale.factors[scale.factors.size() == 1 ? 0 : i];
  }
  bool reads_events() const override { return false; }
  std::uint64_t sum(const Loops&, const Reading& reading, double*, double* sums) const override {
    for (std::size_t i = 0; i < factors_.size(); ++i) sums[i] = 0.0 + factors_[i] * reading.row[i];
    return factors_.size();
  }
  std::uint64_t resident_bytes() const override { return bytes_of(factors_); }

 private:
  std::vector<double> factors_;
};

class IdentitySynapses final : public Synapses {
 public:
  explicit IdentitySynapses(std::size_t neurons) : neurons_(neurons) {}
  bool reads_events() const override { return false; }
  std::uint64_t sum(const Loops&, const Reading& reading, double*, double* sums) const override {
    for (std::size_t i = 0; i < neurons_; ++i) sums[i] = 0.0 + reading.row[i];
    return 0;
  }
  std::uint64_t resident_bytes() const override { return 0; }

 private:
  std::size_t neurons_;
};

class DelaySynapses final : public Synapses {
 public:
  DelaySynapses(const Delays& delays, std::uint32_t on_top) : steps_(delays.steps) {
    for (std::uint32_t& steps : steps_) steps += on_top;
  }
  bool reads_events() const override { return false; }
  std::uint64_t sum(const Loops&, const Reading& reading, double*, double* sums) const override {
    // The ring holds zeros for steps before 0; its length is above every delay.
    const std::uint64_t now = reading.step + reading.ring_rows;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      sums[i] = 0.0 + reading.ring[(now - steps_[i]) % reading.ring_rows * steps_.size() + i];
    return 0;
  }
  std::uint64_t resident_bytes() const override { return bytes_of(steps_); }

 private:
  std::vector<std::uint32_t> steps_;
};

// A matrix of mostly zeros, as pruned and block-wise connected networks have them, by its other entries: a product of 0
// changes no sum. Single sums cost about six times as much as those side by side.
std::optional<Sparse> without_zeros(const Dense& dense, std::size_t sources, std::size_t targets) {
  const auto zeros = static_cast<std::size_t>(std::ranges::count(dense.weights, 0.0f));
  if ((dense.weights.size() - zeros) * 6 > dense.weights.size()) return std::nullopt;
  Sparse sparse{.row = {0}, .bias = dense.bias};
  for (std::size_t o = 0; o < targets; ++o) {
    for (std::uint32_t i = 0; i < sources; ++i) {
      if (dense.weights[o * sources + i] == 0) continue;
      sparse.source.push_back(i);
      sparse.weights.push_back(dense.weights[o * sources + i]);
    }
    sparse.row.push_back(static_cast<std::uint32_t>(sparse.source.size()));
  }
  return sparse;
}

}  // namespace

std::uint64_t Synapses::add(const Loops&, const Reading&, double*, std::uint64_t*) const {
  SYN_ASSERT(false);  // only of those that have in_place()
  return 0;
}

std::unique_ptr<const Pooling> pooling_for(const Model& model, const Projection& projection) {
  return std::make_unique<Pools>(std::get<Pool>(projection.connection),
                                 *grid_of(model.populations[projection.from].shape),
                                 *grid_of(model.populations[projection.to].shape));
}

std::unique_ptr<const Synapses> synapses_for(const Model& model, const Projection& projection) {
  const Shape &from = model.populations[projection.from].shape, &to = model.populations[projection.to].shape;
  const std::size_t sources = neurons_of(from), targets = neurons_of(to);
  return std::visit(
      [&](const auto& c) -> std::unique_ptr<const Synapses> {
        using C = std::remove_cvref_t<decltype(c)>;
        if constexpr (std::is_same_v<C, Dense>) {
          if (const auto sparse = without_zeros(c, sources, targets))
            return std::make_unique<SparseSynapses>(*sparse, sources, targets);
          return std::make_unique<DenseSynapses>(c, sources, targets);
        } else if constexpr (std::is_same_v<C, Sparse>) {
          return std::make_unique<SparseSynapses>(c, sources, targets);
        } else if constexpr (std::is_same_v<C, Conv>) {
          return std::make_unique<ConvSynapses>(c, *grid_of(from), *grid_of(to));
        } else if constexpr (std::is_same_v<C, Pool>) {
          return std::make_unique<PoolSynapses>(c, *grid_of(from), *grid_of(to));
        } else if constexpr (std::is_same_v<C, Scale>) {
          return std::make_unique<ScaleSynapses>(c, sources);
        } else if constexpr (std::is_same_v<C, Identity>) {
          return std::make_unique<IdentitySynapses>(sources);
        } else {
          static_assert(std::is_same_v<C, Delays>);
          return std::make_unique<DelaySynapses>(c, projection.delay);
        }
      },
      projection.connection);
}

}  // namespace syn::snn::real
