#include "snn/compiled.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/random.hpp"
#include "snn/metrics.hpp"
#include "snn/rules.hpp"

namespace syn::snn {
namespace {

using kernels::kSlack;
// Copies begin on cache lines; a vector may be read behind the last of them.
constexpr std::size_t kLine = 64, kCopySlack = 3 * kLine, kCountsOfLine = kLine / sizeof(Count);

constexpr std::size_t kSumsAtOnce = 4096;  // they stay in the first cache

// A slice is called "conv2[0:16]"; its checksum keys are those of "conv2".
std::string original_name(const Population& p) {
  return p.channels_total != 0 && p.name.ends_with(']') ? p.name.substr(0, p.name.rfind('[')) : p.name;
}

static_assert(kKeyBlock == kernels::kTallied && kKeyLanes == kernels::kTallyLanes);

template <class T>
LineVector<T> repeated(const std::vector<T>& per_channel, std::size_t times) {
  LineVector<T> out;
  out.reserve(per_channel.size() * times);
  for (std::size_t i = 0; i < times; ++i) out.insert(out.end(), per_channel.begin(), per_channel.end());
  return out;
}

template <class... Vector>
std::uint64_t bytes_of(const Vector&... vectors) {
  return ((vectors.capacity() * sizeof(typename Vector::value_type)) + ... + 0);
}

}  // namespace

Compiled::Compiled(Model m, const kernels::Table& kernels) : model(std::move(m)), stages(model.populations.size()) {
  for (std::uint32_t i = 0; i < stages.size(); ++i) {
    Stage& stage = stages[i];
    stage.population = &model.populations[i];
    stage.neurons = stage.population->shape.neurons();
    stage.band = std::size_t{stage.population->shape.width} * stage.population->shape.channels;
    if (const auto* source = std::get_if<Source>(&stage.population->kind)) {
      stage.source = static_cast<int>(sources++);
      stage.pixels = !source->scale.empty();
      stage.padded = std::ranges::any_of(source->padding, [](Count c) { return c != 0; });
    } else {
      stage.counts_at = counts;
      counts += (stage.neurons + kSlack + kCountsOfLine - 1) / kCountsOfLine * kCountsOfLine;
    }
    if (std::holds_alternative<Readout>(stage.population->kind)) readout = static_cast<int>(i);
    add_inputs(stage, i, kernels);
    add_neurons(stage);
    add_keys(stage);
    add_state(stage);
    add_splits(stage);
    // What several projections add to: bands that fire in one call have their sums in memory before.
    if (stage.inputs.size() > 1 && !stage.half.empty())
      stage.bands_at_once = std::clamp<std::size_t>(kSumsAtOnce / stage.band, 1, stage.population->shape.height);
    band = std::max(band, stage.bands_at_once * stage.band);
  }
  for (const std::string& output : model.outputs)
    if (const int at = find(model, output); at != readout)
      stages[static_cast<std::size_t>(at)].output = static_cast<int>(outputs++);
  for (const Projection& projection : model.projections) {
    Stage& from = stages[projection.from];
    from.fan_out.resize(from.neurons);
    add_fan_out(model, projection, from.fan_out);
  }
  const auto delays = longest_delays(model);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (delays[i] == 0) continue;
    stages[i].line = static_cast<int>(lines++);
    stages[i].line_rows = delays[i];
  }
  for (const Projection& projection : model.projections)
    if (projection.from >= projection.to) most_rows = std::min<std::size_t>(most_rows, projection.delay);
  for (Stage& stage : stages) {
    if (std::ranges::any_of(stage.fan_out, [](std::uint32_t reach) { return reach >= 1 << 15; })) continue;
    stage.small_fan_out.assign(stage.fan_out.begin(), stage.fan_out.end());
    stage.fan_out = {};
  }
}

void Compiled::add_inputs(Stage& stage, std::uint32_t index, const kernels::Table& kernels) {
  ListRoom needed, at_most;
  const auto add = [](ListRoom& to, const Linear::Size& size) {
    to.events = std::max(to.events, size.events);
    to.singles = std::max(to.singles, size.singles);
    to.starts = std::max(to.starts, size.starts);
    to.scattered = std::max(to.scattered, size.scattered);
    to.copies += (size.copy + kCopySlack) / kLine * kLine;
    to.rows += size.rows;
  };
  for (const Projection& projection : model.projections) {
    if (projection.to != index) continue;
    Input input{.from = projection.from, .delay = projection.delay, .connection = &projection.connection};
    const Population &from = model.populations[projection.from], &to = *stage.population;
    const auto* conv = std::get_if<Conv>(&projection.connection);
    const auto* dense = std::get_if<Dense>(&projection.connection);
    if (conv || dense) {
      input.linear = static_cast<int>(linears.size());
      const Linear& linear =
          conv ? linears.emplace_back(*conv, from, to, kernels) : linears.emplace_back(*dense, from, to, kernels);
      input.copy_at = needed.copies;
      input.rows_at = needed.rows;
      add(needed, linear.size());
      add(at_most, linear.size_at_most());
    }
    const auto* depthwise = std::get_if<Depthwise>(&projection.connection);
    const auto* one = std::get_if<OneToOne>(&projection.connection);
    if (depthwise || one) {
      input.channelwise = static_cast<int>(channelwise.size());
      if (depthwise) channelwise.emplace_back(*depthwise, from, to);
      if (one) channelwise.emplace_back(*one, from, to);
      const Linear::Size copy{.copy = channelwise.back().copy_size()};
      input.copy_at = needed.copies;
      add(needed, copy);
      add(at_most, copy);
    }
    stage.inputs.push_back(input);
  }
  // Neurons fire where the last projection ends their sums: one with many products, if there is one.
  std::ranges::stable_partition(stage.inputs, [](const Input& input) { return input.linear < 0; });
  room.widen(needed);
  room_at_most.widen(at_most);
}

void Compiled::add_neurons(Stage& stage) {
  const std::size_t width = stage.population->shape.width;
  const auto set_bias = [&](const std::vector<std::int32_t>& bias) {
    const bool per_channel = bias.size() == stage.population->shape.channels;
    stage.bias = repeated(bias, per_channel ? width : 1);
    stage.bias_stride = per_channel ? 0 : stage.band;
    stage.biased = std::ranges::any_of(bias, [](std::int32_t b) { return b != 0; });
  };
  if (membrane_of(*stage.population)) {
    stage.leaky.emplace(*stage.population);
    stage.bias.assign(stage.band, 0);  // theirs is in another unit, and added by their kernel
    stage.biased = stage.leaky->biased();
    return;
  }
  if (const auto* readout_kind = std::get_if<Readout>(&stage.population->kind)) set_bias(readout_kind->bias);
  if (const auto* fire = std::get_if<IntegrateAndFire>(&stage.population->kind)) {
    set_bias(fire->bias);
    const std::size_t thresholds = fire->threshold.size();
    for (std::size_t i = 0; i < stage.bias.size() && model.code != Code::step; ++i)
      stage.bias[i] += fire->threshold[i % thresholds] >> 1;  // counts are rounded to the nearest
    add_firing(stage, *fire);
  }
}

void Compiled::add_firing(Stage& stage, const IntegrateAndFire& fire) {
  const auto greatest_count = static_cast<std::int32_t>(stage.population->greatest);
  stage.threshold = repeated(fire.threshold, stage.population->shape.width);
  for (const std::int32_t theta : stage.threshold) {
    stage.limit.push_back(theta * greatest_count);  // below 2^31: overflow rule
    stage.reciprocal.push_back(1.0f / static_cast<float>(theta));
  }
  if (model.code == Code::phase)
    stage.spikes = greatest_count < 16 ? kernels::Spikes::digits_of_four : kernels::Spikes::digits;
  const std::int64_t most = (std::int64_t{greatest_count} + 1) * *std::ranges::max_element(stage.threshold);
  if (model.code == Code::step || most > kernels::kSmallVolley) return;
  // Small thresholds take a little more, for which sums next to 2^31 leave no room.
  const auto has_room = [&] {
    const auto index = static_cast<std::size_t>(stage.population - model.populations.data());
    return greatest_sum(model, index) < INT32_MAX - kernels::kShortVolley;
  };
  if (most <= kernels::kShortVolley && has_room()) add_short_volley(stage, fire);
  for (const std::int32_t theta : stage.threshold) {
    const auto more = stage.short_power.empty() ? 0 : kernels::short_divisor(static_cast<std::uint32_t>(theta)).more;
    stage.half.push_back((0.5f - static_cast<float>(more)) / static_cast<float>(theta));
  }
}

void Compiled::add_short_volley(Stage& stage, const IntegrateAndFire& fire) {
  const std::size_t channels = stage.population->shape.channels;
  const auto divisor = [&](std::size_t i) {
    return kernels::short_divisor(static_cast<std::uint32_t>(fire.threshold[i % channels % fire.threshold.size()]));
  };
  for (std::size_t i = 0; i < channels + kernels::kPairSlack; ++i) {
    stage.short_multiplier.push_back(divisor(i).multiplier);
    stage.short_power.push_back(divisor(i).power);
  }
  for (std::size_t i = 0; i < stage.bias.size(); ++i) stage.bias[i] += divisor(i).more;
  const auto is_short = [](std::int32_t start) { return std::abs(std::int64_t{start}) <= INT16_MAX; };
  if (stage.bias_stride != 0 || !std::ranges::all_of(stage.bias, is_short)) return;
  for (std::size_t i = 0; i < channels + kernels::kPairSlack; ++i)
    stage.short_start.push_back(static_cast<std::int16_t>(stage.bias[i % channels]));
}

void Compiled::add_keys(Stage& stage) {
  const Population& p = *stage.population;
  if (std::holds_alternative<Source>(p.kind) || std::holds_alternative<Readout>(p.kind)) return;
  const std::uint64_t name = hash64(original_name(p));
  const std::uint64_t total = p.channels_total == 0 ? p.shape.channels : p.channels_total;
  if (p.greatest <= kernels::kSmallCount && total == p.shape.channels) {
    for (std::size_t block = 0; block * kKeyBlock < stage.neurons; ++block)
      stage.block_keys.push_back(block_key(name, block));
    return;
  }
  for (std::uint64_t position = 0; position < p.shape.positions(); ++position) {
    for (std::uint64_t channel = 0; channel < p.shape.channels; ++channel) {
      const std::uint64_t key = count_key(name, position * total + p.channel_begin + channel);
      stage.key_low.push_back(static_cast<std::uint32_t>(key));
      stage.key_high.push_back(static_cast<std::uint32_t>(key >> 32));
    }
  }
}

kernels::PlaceKeys Stage::keys(std::size_t first) const {
  return {kPlaceFactors.digit.data(), kPlaceFactors.lane.data(), block_keys.data(), first};
}

void Compiled::add_state(Stage& stage) {
  if (model.code != Code::step || std::holds_alternative<Source>(stage.population->kind)) return;
  std::size_t size = stage.neurons * (stage.leaky ? stage.leaky->variables() : 1);  // potentials first
  if (std::holds_alternative<Pooled>(stage.population->kind)) {
    if (!std::holds_alternative<MaxPool>(*stage.inputs.front().connection)) return;
    size += stages[stage.inputs.front().from].neurons;  // the maxima so far, then the cumulative counts beneath them
  }
  stage.state = static_cast<int>(state_sizes.size());
  state_sizes.push_back(size);
}

void Compiled::add_splits(Stage& stage) {
  const Shape& to = stage.population->shape;
  // Pooling is too little work; and a vector of it is written beyond its row, where another part may be writing.
  if (stage.inputs.empty() || std::holds_alternative<Pooled>(stage.population->kind)) return;
  bool linear = true;
  for (const Input& input : stage.inputs) {
    const Shape& from = model.populations[input.from].shape;
    linear = linear && input.linear >= 0;
    std::visit(
        [&](const auto& c) {
          using C = std::remove_cvref_t<decltype(c)>;
          if constexpr (std::is_same_v<C, Dense>) {
            stage.products += std::uint64_t{from.neurons()} * to.neurons();
          } else if constexpr (std::is_same_v<C, OneToOne>) {
            stage.products += to.neurons();
          } else {  // windows
            stage.products += std::uint64_t{c.kernel_height} * c.kernel_width * to.neurons() *
                              (std::is_same_v<C, Conv> ? from.channels : 1);
          }
        },
        *input.connection);
  }
  stage.splits_outputs = to.positions() == 1 && linear;
  stage.splits = stage.splits_outputs ? (to.channels + kernels::kTile - 1) / kernels::kTile : to.height;
}

std::uint64_t Compiled::resident_bytes() const {
  std::uint64_t bytes = sizeof *this + bytes_of(linears, channelwise, stages) + weight_count(model);
  for (const Linear& linear : linears)
    bytes += (linear.size_at_most().weights + linear.size_at_most().tails) * sizeof(std::uint32_t) +
             linear.size_at_most().single_weights + linear.padding_bytes();
  for (const Channelwise& c : channelwise) bytes += c.resident_bytes();
  for (const Stage& s : stages) {
    if (s.leaky) bytes += s.leaky->resident_bytes();
    bytes += bytes_of(s.inputs, s.bias, s.threshold, s.limit, s.reciprocal, s.half, s.short_start, s.short_multiplier,
                      s.short_power, s.block_keys, s.key_low, s.key_high, s.small_fan_out, s.fan_out);
  }
  // One thread's scratch, for one row; blocks of more rows use up to kBlockBytes more (engine.cpp).
  return bytes + counts * sizeof(Count) + room_at_most.events * 8 + room_at_most.singles * 3 + room_at_most.starts * 8 +
         room_at_most.scattered * 2 + room_at_most.copies + room_at_most.rows * sizeof(Linear::Row) + band * 4;
}

}  // namespace syn::snn
