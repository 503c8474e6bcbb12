#include "snn/compiled.hpp"

#include <algorithm>

#include "core/random.hpp"
#include "snn/metrics.hpp"

namespace syn::snn {
namespace {

using kernels::kSlack;

// A slice is called "conv2[0:16]"; its checksum keys are those of "conv2".
std::string original_name(const Population& p) {
  return p.channels_total != 0 && p.name.ends_with(']') ? p.name.substr(0, p.name.rfind('[')) : p.name;
}

template <class T>
std::vector<T> repeated(const std::vector<T>& per_channel, std::size_t times) {
  std::vector<T> out;
  out.reserve(per_channel.size() * times);
  for (std::size_t i = 0; i < times; ++i) out.insert(out.end(), per_channel.begin(), per_channel.end());
  return out;
}

template <class... T>
std::uint64_t bytes_of(const std::vector<T>&... vectors) {
  return ((vectors.capacity() * sizeof(T)) + ... + 0);
}

}  // namespace

Compiled::Compiled(Model m) : model(std::move(m)), stages(model.populations.size()) {
  for (std::uint32_t i = 0; i < stages.size(); ++i) {
    Stage& stage = stages[i];
    stage.population = &model.populations[i];
    stage.neurons = stage.population->shape.neurons();
    stage.band = std::size_t{stage.population->shape.width} * stage.population->shape.channels;
    if (std::holds_alternative<Source>(stage.population->kind)) {
      stage.source = static_cast<int>(sources++);
      stage.pixels = !std::get<Source>(stage.population->kind).scale.empty();
    } else {
      stage.counts_at = counts;
      counts += stage.neurons + kSlack;
    }
    if (std::holds_alternative<Readout>(stage.population->kind)) readout = static_cast<int>(i);
    add_inputs(stage, i);
    add_neurons(stage);
    add_keys(stage);
    add_state(stage);
    band = std::max(band, stage.band);
  }
  for (const std::string& output : model.outputs)
    if (const int at = find(model, output); at != readout)
      stages[static_cast<std::size_t>(at)].output = static_cast<int>(outputs++);
  for (const Projection& projection : model.projections) {
    Stage& from = stages[projection.from];
    from.fan_out.resize(from.neurons);
    add_fan_out(model, projection, from.fan_out);
  }
}

void Compiled::add_inputs(Stage& stage, std::uint32_t index) {
  std::size_t stage_events = 0, stage_starts = 0, stage_copies = 0;
  for (const Projection& projection : model.projections) {
    if (projection.to != index) continue;
    Input input{.from = projection.from, .connection = &projection.connection};
    const Population &from = model.populations[projection.from], &to = *stage.population;
    const auto* conv = std::get_if<Conv>(&projection.connection);
    const auto* dense = std::get_if<Dense>(&projection.connection);
    if (conv || dense) {
      input.linear = static_cast<int>(linears.size());
      const Linear& linear = conv ? linears.emplace_back(*conv, from, to) : linears.emplace_back(*dense, from, to);
      input.events_at = stage_events;
      input.starts_at = stage_starts;
      input.copy_at = stage_copies;
      stage_events += linear.pair_count() + kSlack;
      stage_starts += linear.start_count();
      stage_copies += linear.copy_count() + kSlack;
    }
    stage.inputs.push_back(input);
  }
  events = std::max(events, stage_events);
  starts = std::max(starts, stage_starts);
  copies = std::max(copies, stage_copies);
}

void Compiled::add_neurons(Stage& stage) {
  const std::size_t width = stage.population->shape.width;
  if (const auto* readout_kind = std::get_if<Readout>(&stage.population->kind))
    stage.bias = repeated(readout_kind->bias, width);
  const auto* fire = std::get_if<IntegrateAndFire>(&stage.population->kind);
  if (!fire) return;
  stage.bias = repeated(fire->bias, width);
  stage.threshold = repeated(fire->threshold, width);
  for (const std::int32_t theta : stage.threshold) {
    stage.limit.push_back(theta * static_cast<std::int32_t>(stage.population->greatest));  // below 2^31: overflow rule
    stage.reciprocal.push_back(1.0f / static_cast<float>(theta));
  }
}

void Compiled::add_keys(Stage& stage) {
  const Population& p = *stage.population;
  if (std::holds_alternative<Source>(p.kind) || std::holds_alternative<Readout>(p.kind)) return;
  const std::uint64_t name = hash64(original_name(p));
  const std::uint64_t total = p.channels_total == 0 ? p.shape.channels : p.channels_total;
  for (std::uint64_t position = 0; position < p.shape.positions(); ++position) {
    for (std::uint64_t channel = 0; channel < p.shape.channels; ++channel) {
      const std::uint64_t key = count_key(name, position * total + p.channel_begin + channel);
      stage.key_low.push_back(static_cast<std::uint32_t>(key));
      stage.key_high.push_back(static_cast<std::uint32_t>(key >> 32));
    }
  }
}

void Compiled::add_state(Stage& stage) {
  if (model.code != Code::step || std::holds_alternative<Source>(stage.population->kind)) return;
  std::size_t size = stage.neurons;  // potentials
  if (std::holds_alternative<Pooled>(stage.population->kind)) {
    if (!std::holds_alternative<MaxPool>(*stage.inputs.front().connection)) return;
    size += stages[stage.inputs.front().from].neurons;  // the maxima so far, then the cumulative counts beneath them
  }
  stage.state = static_cast<int>(state_sizes.size());
  state_sizes.push_back(size);
}

std::uint64_t Compiled::resident_bytes() const {
  std::uint64_t bytes = sizeof *this + bytes_of(linears, stages) + weight_count(model);
  for (const Linear& linear : linears) bytes += linear.resident_bytes();
  for (const Stage& s : stages)
    bytes += bytes_of(s.inputs, s.bias, s.threshold, s.limit, s.reciprocal, s.key_low, s.key_high, s.fan_out);
  // One thread's scratch, for one row; blocks of more rows use up to kBlockBytes more (engine.cpp).
  return bytes + counts * sizeof(Count) + events * 8 + starts * 4 + copies * sizeof(Count) + band * 4;
}

}  // namespace syn::snn
