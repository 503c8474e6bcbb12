#include "report/activity.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <numeric>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "snn/cost.hpp"

namespace syn::report {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

bool read_number(std::string_view s, std::uint32_t& n) {
  const auto [end, trouble] = std::from_chars(s.data(), s.data() + s.size(), n);
  return trouble == std::errc{} && end == s.data() + s.size();
}

}  // namespace

std::uint64_t CountHistogram::total() const {
  return std::accumulate(of.begin(), of.end(), std::uint64_t{0});
}

std::uint64_t CountHistogram::sum() const {
  std::uint64_t sum = 0;
  for (std::size_t c = 0; c < of.size(); ++c) sum += c * of[c];
  return sum;
}

double CountHistogram::entropy() const {
  const double all = static_cast<double>(total());
  double bits = 0;
  for (const std::uint64_t n : of) {
    if (n > 0) bits -= static_cast<double>(n) / all * std::log2(static_cast<double>(n) / all);
  }
  return std::max(0.0, bits);
}

Expected<Watch> watch_of(const snn::Model& model, std::string_view name) {
  if (const int whole = snn::find(model, name); whole >= 0) {
    const auto p = static_cast<std::uint32_t>(whole);
    return Watch{p, 0, model.populations[p].shape.channels};
  }
  const auto open = name.rfind('['), colon = name.rfind(':');
  Watch watch;
  if (open != std::string_view::npos && colon != std::string_view::npos && open < colon && name.ends_with(']') &&
      read_number(name.substr(open + 1, colon - open - 1), watch.channel_begin) &&
      read_number(name.substr(colon + 1, name.size() - colon - 2), watch.channel_end)) {
    const int of = snn::find(model, name.substr(0, open));
    if (of >= 0 && watch.channel_begin < watch.channel_end &&
        watch.channel_end <= model.populations[static_cast<std::size_t>(of)].shape.channels) {
      watch.population = static_cast<std::uint32_t>(of);
      return watch;
    }
  }
  return fail(text::cat("the model has no population '", name, "'"), "the report", "this is a bug: please report it");
}

Glass::Glass(snn::Engine engine, std::vector<Watch> watches)
    : engine_(std::move(engine)), watches_(std::move(watches)) {
  const snn::Model& model = engine_.model();
  std::size_t next = 0;
  for (const snn::Population& p : model.populations) {
    const bool listed = std::find(model.outputs.begin(), model.outputs.end(), p.name) != model.outputs.end();
    output_of_.push_back(listed && !std::holds_alternative<snn::Readout>(p.kind) ? next++ : kNone);
    fan_out_.push_back(snn::fan_out(model, static_cast<std::uint32_t>(fan_out_.size())));
  }
}

Expected<Glass> Glass::make(const snn::Model& model, std::vector<Watch> watches) {
  snn::Model open = model;
  open.outputs.clear();
  for (const snn::Population& p : open.populations) {
    if (!std::holds_alternative<snn::Source>(p.kind)) open.outputs.push_back(p.name);
  }
  for (const Watch& w : watches) SYN_ASSERT(w.population < model.populations.size(), w.population);
  auto engine = snn::Engine::make(std::move(open));
  if (!engine) return fail(engine.error());
  return Glass(std::move(*engine), std::move(watches));
}

Glass::One Glass::look(std::vector<Count> input) const {
  const snn::Model& model = engine_.model();
  snn::State state;
  snn::Window window{.rows = model.rows(), .in = {}, .out = {}, .potentials = {}};
  window.in.push_back(std::move(input));
  engine_.run(state, window);
  One one{.counts = std::vector<std::vector<Count>>(model.populations.size()), .potentials = window.potentials};
  one.counts[0] = std::move(window.in[0]);
  for (std::size_t p = 0; p < model.populations.size(); ++p) {
    if (output_of_[p] != kNone) one.counts[p] = std::move(window.out[output_of_[p]]);
  }
  return one;
}

void Glass::add(const One& one, Seen& seen) const {
  const snn::Model& model = engine_.model();
  seen.watched.resize(watches_.size());
  ++seen.inferences;
  add_synapses(one, seen);
  for (std::size_t w = 0; w < watches_.size(); ++w) {
    const Watch& watch = watches_[w];
    const snn::Population& p = model.populations[watch.population];
    auto& of = seen.watched[w].of;
    of.resize(std::size_t{p.greatest} + 1);
    const auto& counts = one.counts[watch.population];
    const std::size_t channels = p.shape.channels;
    if (watch.channel_begin == 0 && watch.channel_end == channels) {
      for (const Count c : counts) ++of[c];
      continue;
    }
    for (std::size_t at = 0; at < counts.size(); at += channels) {
      for (std::size_t c = watch.channel_begin; c < watch.channel_end; ++c) ++of[counts[at + c]];
    }
  }
}

void Glass::add_synapses(const One& one, Seen& seen) const {
  const snn::Model& model = engine_.model();
  seen.synaptic_events.resize(model.populations.size());
  seen.synaptic_spikes.resize(model.populations.size());
  for (std::size_t p = 0; p < model.populations.size(); ++p) {
    const auto& counts = one.counts[p];
    const auto& fan_out = fan_out_[p];
    const bool bits =
        model.code == snn::Code::phase && std::holds_alternative<snn::IntegrateAndFire>(model.populations[p].kind);
    std::uint64_t events = 0, spikes = 0;
    for (std::size_t at = 0, neuron = 0; at < counts.size();
         ++at, neuron = neuron + 1 == fan_out.size() ? 0 : neuron + 1) {
      if (counts[at] == 0) continue;
      events += fan_out[neuron];
      spikes += std::uint64_t{fan_out[neuron]} * (bits ? static_cast<unsigned>(std::popcount(counts[at])) : counts[at]);
    }
    seen.synaptic_events[p] += events;
    seen.synaptic_spikes[p] += spikes;
  }
}

Glass::Seen& Glass::Seen::operator+=(const Seen& other) {
  inferences += other.inferences;
  watched.resize(std::max(watched.size(), other.watched.size()));
  for (std::size_t w = 0; w < other.watched.size(); ++w) {
    auto& to = watched[w].of;
    const auto& from = other.watched[w].of;
    to.resize(std::max(to.size(), from.size()));
    for (std::size_t c = 0; c < from.size(); ++c) to[c] += from[c];
  }
  const auto sum = [](std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from) {
    to.resize(std::max(to.size(), from.size()));
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
  };
  sum(synaptic_events, other.synaptic_events);
  sum(synaptic_spikes, other.synaptic_spikes);
  return *this;
}

}  // namespace syn::report
