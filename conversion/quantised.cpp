#include "conversion/quantised.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace syn {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
// Files hold theta, L / theta and theta / L as floats: products that should be 1 are, within this.
constexpr double kClose = 1e-4;

// Before the Floor: clamp(factor x + shift, low, high). Behind it: scale clamp(floor(factor x + shift), low, high) +
// offset. Per channel.
struct Stairs {
  std::vector<double> factor, shift, low, high, scale, offset;
  explicit Stairs(std::size_t channels)
      : factor(channels, 1),
        shift(channels, 0),
        low(channels, -kInfinite),
        high(channels, kInfinite),
        scale(channels, 1),
        offset(channels, 0) {}
  std::size_t channels() const { return factor.size(); }

  bool apply_before(const ann::Operator& op) {
    if (const auto map = channel_map(op, channels())) {
      for (std::size_t c = 0; c < channels(); ++c) {
        const double a = map->factor[c], b = map->shift[c];
        if (!(a > 0) || !std::isfinite(a) || !std::isfinite(b)) return false;
        factor[c] *= a;
        shift[c] = shift[c] * a + b;
        low[c] = low[c] * a + b;
        high[c] = high[c] * a + b;
      }
      return true;
    }
    return clip(op, [](double bound, std::size_t) { return bound; });
  }
  bool floor() {
    for (std::size_t c = 0; c < channels(); ++c) {
      low[c] = std::floor(low[c]);
      // A bound that a float misses by a hair: 8.499999 + 0.5.
      high[c] = std::floor(high[c] + kClose);
    }
    return true;
  }
  bool apply_behind(const ann::Operator& op) {
    if (const auto map = channel_map(op, channels())) {
      for (std::size_t c = 0; c < channels(); ++c) {
        const double a = map->factor[c];
        if (!(a > 0) || !std::isfinite(a) || !std::isfinite(map->shift[c])) return false;
        scale[c] *= a;
        offset[c] = offset[c] * a + map->shift[c];
      }
      return true;
    }
    bool whole = true;
    const bool clipped = clip(op, [&](double bound, std::size_t c) {
      const double count = (bound - offset[c]) / scale[c], nearest = std::floor(count + 0.5);
      if (std::isfinite(count) && std::abs(count - nearest) > kClose * std::max(1., std::abs(count))) whole = false;
      return std::isfinite(count) ? nearest : count;
    });
    return clipped && whole;
  }
  // The number of levels, if this is a QuantisedRelu (of x + (shift - 1/2) / factor).
  std::optional<std::int64_t> levels() const {
    for (std::size_t c = 0; c < channels(); ++c) {
      if (low[c] != 0 || high[c] != high[0] || !(high[c] >= 1) || high[c] > 32767) return {};
      if (std::abs(offset[c]) > kClose * scale[c] || std::abs(factor[c] * scale[c] - 1) > kClose) return {};
    }
    return static_cast<std::int64_t>(high[0]);
  }

 private:
  template <class Bound>
  bool clip(const ann::Operator& op, const Bound& bound) {
    const auto* given = std::get_if<ann::Clip>(&op);
    if (!given && !std::holds_alternative<ann::Relu>(op)) return false;
    for (std::size_t c = 0; c < channels(); ++c) {
      const double least = bound(given ? given->low : 0, c), most = bound(given ? given->high : kInfinite, c);
      low[c] = std::clamp(low[c], least, std::max(least, most));
      high[c] = std::clamp(high[c], least, std::max(least, most));
    }
    return true;
  }
};

bool may_belong(const ann::Operator& op) {
  return std::holds_alternative<ann::Affine>(op) || std::holds_alternative<ann::Clip>(op) ||
         std::holds_alternative<ann::Relu>(op);
}

// Nodes [first, last] of `chain` as a QuantisedRelu; `at` is where in `chain` the Floor stands.
bool replace(GraphEdit& edit, const std::vector<std::size_t>& chain, std::size_t first, std::size_t at,
             std::size_t channels) {
  Stairs stairs(channels);
  for (std::size_t i = first; i < at; ++i) {
    if (!stairs.apply_before(edit.nodes()[chain[i]].op)) return false;
  }
  stairs.floor();
  std::optional<std::size_t> last;
  Stairs found = stairs;
  for (std::size_t i = at + 1; i < chain.size() && stairs.apply_behind(edit.nodes()[chain[i]].op); ++i) {
    if (stairs.levels()) {
      last = i;
      found = stairs;
    }
  }
  if (!last) return false;
  const std::int64_t levels = *found.levels();
  ann::QuantisedRelu made{{{static_cast<std::int64_t>(channels)}, {}}, levels};
  ann::Affine before{{{1}, {1.f}}, {{static_cast<std::int64_t>(channels)}, {}}};
  bool shifted = false;
  for (std::size_t c = 0; c < channels; ++c) {
    made.ceiling.data.push_back(static_cast<float>(found.scale[c] * static_cast<double>(levels)));
    before.shift.data.push_back(static_cast<float>((found.shift[c] - 0.5) / found.factor[c]));
    shifted = shifted || std::abs(found.shift[c] - 0.5) > 1e-6;
  }
  if (std::ranges::all_of(made.ceiling.data, [&](float v) { return v == made.ceiling.data[0]; })) {
    made.ceiling = {{1}, {made.ceiling.data[0]}};
  }
  std::vector<std::size_t> gone(chain.begin() + static_cast<std::ptrdiff_t>(first),
                                chain.begin() + static_cast<std::ptrdiff_t>(*last) + 1);
  const std::size_t floor_at = chain[at];
  edit.nodes()[floor_at].op = std::move(made);
  std::ranges::sort(gone, std::greater{});
  const std::string floor_output = edit.nodes()[floor_at].output;
  for (const std::size_t node : gone) {
    if (node != floor_at) edit.remove(node);
  }
  if (shifted) {
    const std::size_t now = *edit.maker(floor_output);
    const std::string value =
        edit.insert(now, std::move(before), edit.nodes()[now].name + "_shift", edit.nodes()[now].inputs[0]);
    edit.nodes()[now + 1].inputs[0] = value;
  }
  return true;
}

}  // namespace

Expected<> recognise_quantised(GraphEdit& edit) {
  for (std::size_t i = 0; i < edit.nodes().size(); ++i) {
    if (!std::holds_alternative<ann::Floor>(edit.nodes()[i].op)) continue;
    if (auto ok = edit.refresh(); !ok) return ok;
    std::vector<std::size_t> chain{i};
    for (auto up = edit.maker(edit.nodes()[i].inputs[0]);
         up && may_belong(edit.nodes()[*up].op) && edit.readers(edit.nodes()[*up].output) == 1;
         up = edit.maker(edit.nodes()[*up].inputs[0])) {
      chain.insert(chain.begin(), *up);
    }
    const std::size_t at = chain.size() - 1;
    for (auto down = edit.only_reader(edit.nodes()[i].output); down && may_belong(edit.nodes()[*down].op);
         down = edit.only_reader(edit.nodes()[*down].output)) {
      chain.push_back(*down);
    }
    const std::size_t channels = edit.channels(edit.nodes()[i].output);
    for (std::size_t first = 0; first <= at; ++first) {
      if (replace(edit, chain, first, at, channels)) {
        i = 0;
        break;
      }
    }
  }
  return {};
}

}  // namespace syn
