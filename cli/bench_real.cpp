#include "cli/bench_real.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/sequences.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "snn/real/engine.hpp"

namespace syn::cli {

namespace {

namespace real = snn::real;

double us_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

// Of sorted values.
double quantile(const std::vector<double>& values, double q) {
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

struct Timed {
  std::vector<double> whole_us, stepped_us;  // a pass over a sample each
  std::vector<double> step_us;               // every step of a live stream
  Work work;                                 // of one pass over all samples
  std::vector<double> totals;                // of each output neuron of the first output, likewise
};

// One sample in calls of `most` steps; the times of the calls are added to `calls`.
Expected<Work> run_in_calls(real::Engine& engine, const Sequences& sequences, std::size_t s, std::size_t most,
                            real::State& state, real::Window& window, std::vector<double>* calls, Timed* counted) {
  Work work;
  engine.start(state);
  for (std::size_t t = 0; t < sequences.steps; t += most) {
    const std::size_t steps = std::min(most, sequences.steps - t);
    window.steps = static_cast<std::uint32_t>(steps);
    window.in.clear();
    for (std::size_t i = 0; i < sequences.arrays.size(); ++i) {
      const auto sample = sequences.sample(i, s);
      const std::size_t n = sample.size() / sequences.steps;
      window.in.push_back(sample.subspan(t * n, steps * n));
    }
    const auto start = std::chrono::steady_clock::now();
    const auto done = engine.run(state, window);
    if (calls) calls->push_back(us_since(start));
    if (!done) return fail(done.error());
    work += *done;
    if (!counted) continue;
    counted->totals.resize(window.out[0].size() / steps);
    for (std::size_t i = 0; i < window.out[0].size(); ++i)
      counted->totals[i % counted->totals.size()] += window.out[0][i];
  }
  return work;
}

}  // namespace

std::uint64_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

Expected<Answer> bench_real(real::Model model, const BenchReal& options, Terminal& terminal) {
  auto engine = real::Engine::make(std::move(model), options.target);
  if (!engine) return fail(engine.error());
  const real::Model& m = engine->model();
  const auto files = files_of(options.inputs, m.inputs, "--input");
  std::vector<real::Shape> shapes;
  for (const auto& port : m.inputs) shapes.push_back(m.populations[port.population].shape);
  const auto sequences = read_sequences(files, shapes);
  if (!sequences) return fail(sequences.error());
  if (sequences->samples == 0 || sequences->steps == 0)
    return fail("there is nothing to run", files[0], "give an array of at least one sample and one step");

  std::uint64_t events = 0;
  for (const auto& array : sequences->arrays)
    events += static_cast<std::uint64_t>(std::ranges::count_if(array.values, [](float x) { return x != 0; }));
  Timed timed;
  real::State state;
  real::Window window;
  for (std::uint32_t pass = 0; pass <= options.repeat; ++pass) {  // the first one warms caches and is not counted
    for (std::size_t s = 0; s < sequences->samples; ++s) {
      auto start = std::chrono::steady_clock::now();
      const auto whole =
          run_in_calls(*engine, *sequences, s, sequences->steps, state, window, nullptr, pass == 0 ? &timed : nullptr);
      if (!whole) return fail(whole.error());
      if (pass > 0) timed.whole_us.push_back(us_since(start));
      if (pass == 0) timed.work += *whole;
      start = std::chrono::steady_clock::now();
      const auto stepped =
          run_in_calls(*engine, *sequences, s, 1, state, window, pass > 0 ? &timed.step_us : nullptr, nullptr);
      if (!stepped) return fail(stepped.error());
      if (pass > 0) timed.stepped_us.push_back(us_since(start));
    }
    terminal.progress("benchmarking", pass + 1, options.repeat + 1);
  }
  for (auto* times : {&timed.whole_us, &timed.stepped_us, &timed.step_us}) std::ranges::sort(*times);

  const double whole = quantile(timed.whole_us, 0.5), stepped = quantile(timed.stepped_us, 0.5);
  const double simulated_us = static_cast<double>(sequences->steps) * m.dt * 1e6;
  const auto samples = static_cast<double>(sequences->samples);
  const double operations = static_cast<double>(timed.work.synaptic_operations) / samples;
  Json json{{"samples", sequences->samples},
            {"steps", sequences->steps},
            {"dt", m.dt},
            {"events", events},
            {"whole_us", whole},
            {"stepped_us", stepped},
            {"step_us_p50", quantile(timed.step_us, 0.5)},
            {"step_us_p95", quantile(timed.step_us, 0.95)},
            {"step_us_p99", quantile(timed.step_us, 0.99)},
            {"live_share_of_a_core", stepped / simulated_us},
            {"synaptic_operations", operations},
            {"neuron_updates", static_cast<double>(timed.work.neuron_updates) / samples},
            {"target", engine->loops()},
            {"resident_bytes", engine->resident_bytes()},
            {"state_bytes", engine->state_bytes()},
            {"peak_resident_bytes", peak_resident_bytes()},
            {"output_totals", timed.totals}};
  for (const auto& [key, value] : m.notes) json["rules"][key] = value;
  report::Table table({"figure", "value"});
  table.row({"a sample of " + text::grouped(sequences->steps) + " steps in one call", text::fixed(whole, 0) + " us"});
  table.row({"the same, a call a step",
             text::cat(text::fixed(stepped, 0), " us, ", text::fixed(100 * stepped / simulated_us, 2),
                       " % of a core for a live stream")});
  table.row({"a step, p50 / p95 / p99", text::cat(text::fixed(quantile(timed.step_us, 0.5), 1), " / ",
                                                  text::fixed(quantile(timed.step_us, 0.95), 1), " / ",
                                                  text::fixed(quantile(timed.step_us, 0.99), 1), " us")});
  table.row({"input events", text::fixed(static_cast<double>(events) / samples, 0) + " per sample"});
  table.row({"synaptic operations", text::cat(text::fixed(operations, 0), " per sample, ",
                                              text::fixed(operations / whole / 1000, 2), " G/s")});
  table.row({"instruction set", std::string(engine->loops())});
  table.row({"memory of the loaded model",
             text::cat(text::bytes(static_cast<double>(engine->resident_bytes())), ", and ",
                       text::bytes(static_cast<double>(engine->state_bytes())), " for each sample")});
  table.row({"peak memory", text::bytes(static_cast<double>(peak_resident_bytes()))});
  return Answer{json.dump(), table.text(), {}};
}

}  // namespace syn::cli
