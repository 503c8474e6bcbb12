// Samples pass through in chunks of a few steps, so that memory does not grow with their length.
#include "conversion/fixed/distance.hpp"

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"
#include "snn/real/engine.hpp"

namespace syn::fixed {
namespace {

namespace real = snn::real;

constexpr std::uint32_t kChunk = 16;  // steps

// One population with Sources in place of whatever it reads, itself included.
struct Alone {
  snn::Model model;
  std::vector<std::uint32_t> sources;  // integer populations that its Sources stand for
};
Alone alone(const Fixed& fixed, std::uint32_t population) {
  const snn::Model& whole = fixed.model;
  Alone out{.model = {.name = "alone", .code = snn::Code::step, .steps = whole.steps}};
  const auto index_of = [&](std::uint32_t from) {
    const auto at = std::ranges::find(out.sources, from);
    if (at != out.sources.end()) return static_cast<std::uint32_t>(at - out.sources.begin());
    out.sources.push_back(from);
    snn::Population source = whole.populations[from];
    source.name = text::cat("source ", from);
    const auto* pixels = std::get_if<snn::Source>(&source.kind);
    source.kind = snn::Source{.scale = {}, .zero = {}, .padding = pixels ? pixels->padding : std::vector<Count>()};
    out.model.populations.push_back(std::move(source));
    return static_cast<std::uint32_t>(out.sources.size() - 1);
  };
  for (const snn::Projection& p : whole.projections)
    if (p.to == population)
      out.model.projections.push_back({index_of(p.from), 0, p.connection, p.delay - fixed.ahead[p.from]});
  for (auto& p : out.model.projections) p.to = static_cast<std::uint32_t>(out.sources.size());
  out.model.populations.push_back(whole.populations[population]);
  out.model.outputs = {whole.populations[population].name};
  return out;
}

void compare(Trains& trains, std::uint64_t step, std::uint64_t in_float, std::uint64_t in_integers) {
  trains.in_float += in_float;
  trains.in_integers += in_integers;
  trains.coincident += std::min(in_float, in_integers);
  if (in_float != in_integers) trains.first_divergence = std::min(trains.first_divergence.value_or(step), step);
}

std::size_t greatest(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

std::uint64_t spikes(double x) {
  return static_cast<std::uint64_t>(std::llround(x));
}

struct Neurons {  // one Place and what stands beside it
  const Place* place = nullptr;
  bool fires = false;
  std::size_t output = 0, potential = 0;  // records of the float engine
  int whole_output = -1;                  // index in Window::out of the whole integer engine
  std::vector<std::uint32_t> sources;     // of the engine alone
  std::unique_ptr<snn::Engine> engine;
  snn::State state;
  snn::Window window;
  std::vector<std::uint8_t> diverged;                // each neuron, alone
  std::vector<std::int64_t> balance, balance_alone;  // spikes of float less those of integers, in this sample
};

}  // namespace

struct Comparison::Impl {
  Impl(const Fixed& f, real::Engine engine) : fixed(f), real_engine(std::move(engine)) {}

  const Fixed& fixed;
  real::Engine real_engine;
  std::unique_ptr<snn::Engine> integer_engine;
  real::State real_state;
  real::Window real_window;
  snn::State state;
  snn::Window window;
  std::vector<Neurons> neurons;
  std::vector<std::ptrdiff_t> output_of;  // record of what each float population hands on, or -1
  std::vector<std::vector<Count>> coded;  // a chunk's counts of each source, channel-last
  std::vector<std::vector<double>> classes_float, classes_integers;  // of each output port
  Distance distance;

  Expected<> prepare() {
    const real::Model& m = real_engine.model();
    snn::Model whole = fixed.model;
    for (std::uint32_t i = 0; i < whole.populations.size(); ++i) {
      const std::string& name = whole.populations[i].name;
      if (snn::fires(whole.populations[i]) && std::ranges::find(whole.outputs, name) == whole.outputs.end())
        whole.outputs.push_back(name);
    }
    output_of.assign(m.populations.size(), -1);
    for (const Place& place : fixed.places) {
      Neurons n{.place = &place};
      n.fires = snn::fires(whole.populations[place.population]);
      n.output = record(place.real, real::Quantity::output);
      const bool graded_relay = std::holds_alternative<real::Relay>(m.populations[place.real].neurons);
      const bool stateless = graded_relay || std::holds_alternative<real::Threshold>(m.populations[place.real].neurons);
      n.potential = stateless ? n.output : record(place.real, real::Quantity::potential);
      Alone one = alone(fixed, place.population);
      n.sources = one.sources;
      auto engine = snn::Engine::make(std::move(one.model));
      if (!engine) return fail(engine.error());
      n.engine = std::make_unique<snn::Engine>(std::move(*engine));
      neurons.push_back(std::move(n));
      distance.populations.push_back({.place = static_cast<std::uint32_t>(neurons.size() - 1)});
      auto& of = distance.populations.back();
      of.bound = *std::ranges::max_element(place.bound);
      // A threshold has no potential in float; one that is recorded at its peak is not ours.
      if (!place.records_peaks && !std::holds_alternative<real::Threshold>(m.populations[place.real].neurons))
        of.potential_error = 0;
    }
    for (Neurons& n : neurons) {
      for (const std::uint32_t source : n.sources) record(real_of(source), real::Quantity::output);
      if (!n.fires) continue;
      int next = 0;
      for (const std::string& name : whole.outputs) {
        const int at = find(whole, name);
        if (at == static_cast<int>(n.place->population)) n.whole_output = next;
        next += snn::fires(whole.populations[static_cast<std::size_t>(at)]);
      }
    }
    auto engine = snn::Engine::make(std::move(whole));
    if (!engine) return fail(engine.error());
    integer_engine = std::make_unique<snn::Engine>(std::move(*engine));
    for (std::uint32_t i = 0; i < m.outputs.size(); ++i) distance.outputs.push_back({.port = i});
    coded.resize(m.inputs.size());
    return {};
  }

  std::size_t record(std::uint32_t population, real::Quantity quantity) {
    if (quantity == real::Quantity::output && output_of[population] >= 0)
      return static_cast<std::size_t>(output_of[population]);
    real_window.records.push_back({population, quantity, {}});
    if (quantity == real::Quantity::output)
      output_of[population] = static_cast<std::ptrdiff_t>(real_window.records.size() - 1);
    return real_window.records.size() - 1;
  }
  std::uint32_t real_of(std::uint32_t population) const {
    const std::string& name = fixed.model.populations[population].name;
    const auto& all = real_engine.model().populations;
    const auto at = std::ranges::find(all, name, &real::Population::name);
    SYN_ASSERT(at != all.end(), name);
    return static_cast<std::uint32_t>(at - all.begin());
  }

  Expected<> add(std::span<const std::span<const float>> inputs, std::uint32_t steps) {
    const real::Model& m = real_engine.model();
    real_engine.start(real_state);
    state = {};
    classes_float.assign(m.outputs.size(), {});
    classes_integers.assign(m.outputs.size(), {});
    for (Neurons& n : neurons) {
      const std::size_t count = n.place->neuron.size();
      n.state = {};
      n.diverged.assign(count, 0);
      n.balance.assign(count, 0);
      n.balance_alone.assign(count, 0);
    }
    for (std::uint32_t first = 0; first < steps; first += kChunk) {
      const std::uint32_t rows = std::min(kChunk, steps - first);
      real_window.steps = rows;
      real_window.in.clear();
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::size_t size = inputs[i].size() / steps;
        real_window.in.push_back(inputs[i].subspan(first * size, rows * size));
      }
      if (auto done = real_engine.run(real_state, real_window); !done) return fail(done.error());
      if (auto done = code(rows); !done) return fail(done.error());
      if (auto done = run_whole(first, rows); !done) return done;
      for (std::size_t i = 0; i < neurons.size(); ++i) run_alone(i, first, rows);
    }
    finish();
    return {};
  }

  Expected<> code(std::uint32_t rows) {
    for (std::size_t i = 0; i < coded.size(); ++i) {
      const snn::Population& p = fixed.model.populations[fixed.source_of[i]];
      const std::size_t n = p.shape.neurons();
      coded[i].resize(rows * n);
      for (std::uint32_t r = 0; r < rows; ++r) {
        const auto clipped = snn::quantise(std::get<snn::Source>(p.kind), p.shape, real_window.in[i].subspan(r * n, n),
                                           std::span(coded[i]).subspan(r * n, n));
        if (!clipped) return fail(clipped.error());
        distance.clipped += *clipped;
      }
    }
    return {};
  }

  Expected<> run_whole(std::uint32_t first, std::uint32_t rows) {
    // A row a window: an input that repeats is not meant to stay.
    const real::Model& m = real_engine.model();
    for (std::uint32_t r = 0; r < rows; ++r) {
      window.rows = 1;
      window.in.resize(coded.size());
      for (std::size_t i = 0; i < coded.size(); ++i) {
        const std::size_t n = coded[i].size() / rows;
        window.in[source_index(i)].assign(coded[i].begin() + static_cast<std::ptrdiff_t>(r * n),
                                          coded[i].begin() + static_cast<std::ptrdiff_t>((r + 1) * n));
      }
      integer_engine->run(state, window);
      distance.integer_digest += window.checksum;
      for (std::size_t i = 0; i < neurons.size(); ++i) {
        Neurons& n = neurons[i];
        if (!n.fires) continue;
        const auto& counts = window.out[static_cast<std::size_t>(n.whole_output)];
        const double* row = real_window.records[n.output].values.data() + r * n.place->neuron.size();
        for (std::size_t j = 0; j < n.place->neuron.size(); ++j) {
          const std::uint64_t a = spikes(row[j]), b = counts[n.place->neuron[j]];
          if (a == 0 && b == 0) continue;
          compare(distance.populations[i].whole, first + r, a, b);
          n.balance[j] += static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
        }
      }
      for (std::size_t o = 0; o < m.outputs.size(); ++o) output(o, first + r, r);
    }
    return {};
  }
  std::size_t source_index(std::size_t input) const { return fixed.source_of[input]; }  // Sources come first

  void output(std::size_t o, std::uint64_t step, std::uint32_t r) {
    const auto at = std::ranges::find(neurons, real_engine.model().outputs[o].population,
                                      [](const Neurons& n) { return n.place->real; });
    if (at == neurons.end()) return;
    const Neurons& n = *at;
    const std::size_t count = n.place->neuron.size();
    auto &in_float = classes_float[o], &in_integers = classes_integers[o];
    in_float.resize(count), in_integers.resize(count);
    const double* row = real_window.records[n.output].values.data() + r * count;
    if (n.fires) {
      const auto& counts = window.out[static_cast<std::size_t>(n.whole_output)];
      for (std::size_t j = 0; j < count; ++j) {
        const std::uint64_t a = spikes(row[j]), b = counts[n.place->neuron[j]];
        compare(distance.outputs[o].trains, step, a, b);
        in_float[j] += static_cast<double>(a), in_integers[j] += static_cast<double>(b);
      }
      return;
    }
    const auto potentials = integer_engine->potentials(state, n.place->population);
    for (std::size_t j = 0; j < count; ++j) {
      in_float[j] = row[j];
      in_integers[j] = potentials[n.place->neuron[j]] * n.place->unit[j] + n.place->rest[j];
    }
  }

  void run_alone(std::size_t i, std::uint32_t first, std::uint32_t rows) {
    Neurons& n = neurons[i];
    PopulationDistance& of = distance.populations[i];
    const Place& place = *n.place;
    for (std::uint32_t r = 0; r < rows; ++r) {
      n.window.rows = 1;
      n.window.in.resize(n.sources.size());
      for (std::size_t s = 0; s < n.sources.size(); ++s) given(n.sources[s], r, rows, n.window.in[s]);
      n.engine->run(n.state, n.window);
      const double* row = real_window.records[n.output].values.data() + r * place.neuron.size();
      const double* potential = real_window.records[n.potential].values.data() + r * place.neuron.size();
      const auto integers = n.engine->potentials(n.state, static_cast<std::uint32_t>(n.sources.size()));
      for (std::size_t j = 0; j < place.neuron.size(); ++j) {
        if (n.fires) {
          const std::uint64_t a = spikes(row[j]), b = n.window.out[0][place.neuron[j]];
          if (a != 0 || b != 0) {
            compare(of.alone, first + r, a, b);
            n.balance_alone[j] += static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
          }
          n.diverged[j] = n.diverged[j] || a != b;
        }
        if (n.diverged[j] || !of.potential_error) continue;
        const double error = std::abs(integers[place.neuron[j]] * place.unit[j] + place.rest[j] - potential[j]);
        of.potential_error = std::max(*of.potential_error, error);
        // Float rounds, too.
        of.bound_share = std::max(of.bound_share, error / (place.bound[j] + 1e-9 * (1 + std::abs(potential[j]))));
      }
    }
  }

  // What float has handed on in row r, as counts.
  void given(std::uint32_t population, std::uint32_t r, std::uint32_t rows, std::vector<Count>& counts) {
    const auto input = std::ranges::find(fixed.source_of, population);
    if (input != fixed.source_of.end()) {
      const auto& all = coded[static_cast<std::size_t>(input - fixed.source_of.begin())];
      const std::size_t n = all.size() / rows;
      counts.assign(all.begin() + static_cast<std::ptrdiff_t>(r * n),
                    all.begin() + static_cast<std::ptrdiff_t>((r + 1) * n));
      return;
    }
    const snn::Population& p = fixed.model.populations[population];
    const auto record_at = output_of[real_of(population)];
    const std::size_t n = p.shape.neurons(), channels = p.shape.channels, positions = p.shape.positions();
    const double* row = real_window.records[static_cast<std::size_t>(record_at)].values.data() + r * n;
    counts.resize(n);
    for (std::size_t j = 0; j < n; ++j) {
      const double count = std::round(row[j] / p.amplitude[j / positions]);
      counts[j % positions * channels + j / positions] =
          static_cast<Count>(std::clamp(count, 0.0, static_cast<double>(p.greatest)));
    }
  }

  void finish() {
    ++distance.samples;
    for (std::size_t i = 0; i < neurons.size(); ++i) {
      const auto total = [](const std::vector<std::int64_t>& balance) {
        std::uint64_t sum = 0;
        for (const std::int64_t b : balance) sum += static_cast<std::uint64_t>(std::abs(b));
        return sum;
      };
      distance.populations[i].whole.count_error += total(neurons[i].balance);
      distance.populations[i].alone.count_error += total(neurons[i].balance_alone);
    }
    for (std::size_t o = 0; o < distance.outputs.size(); ++o) {
      if (classes_float[o].empty()) continue;
      OutputDistance& of = distance.outputs[o];
      ++of.samples;
      of.agreeing += greatest(classes_float[o]) == greatest(classes_integers[o]);
      for (std::size_t j = 0; j < classes_float[o].size(); ++j) {
        const double error = std::abs(classes_float[o][j] - classes_integers[o][j]);
        of.value_error = std::max(of.value_error, error);
        of.trains.count_error += spikes(error);
      }
    }
  }
};

Expected<Comparison> Comparison::make(const real::Model& model, const Fixed& fixed) {
  auto engine = real::Engine::make(model);
  if (!engine) return fail(engine.error());
  auto impl = std::make_unique<Impl>(fixed, std::move(*engine));
  if (auto prepared = impl->prepare(); !prepared) return fail(prepared.error());
  return Comparison(std::move(impl));
}

Expected<> Comparison::add(std::span<const std::span<const float>> inputs, std::uint32_t steps) {
  SYN_ASSERT(steps >= 1 && steps <= impl_->fixed.model.steps, steps, impl_->fixed.model.steps);
  impl_->distance.steps = std::max<std::uint64_t>(impl_->distance.steps, steps);
  return impl_->add(inputs, steps);
}

const Distance& Comparison::distance() const {
  return impl_->distance;
}
Comparison::Comparison(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Comparison::Comparison(Comparison&&) noexcept = default;
Comparison& Comparison::operator=(Comparison&&) noexcept = default;
Comparison::~Comparison() = default;

}  // namespace syn::fixed
