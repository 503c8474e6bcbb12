// Our side of bench/spiking_peers' recurrent network: times a simulated second of it, counts its spikes, and writes it
// as arrays for others to run. Prints one JSON object.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/recurrent.hpp"
#include "conversion/data/npy.hpp"
#include "conversion/data/npz.hpp"
#include "core/text.hpp"
#include "snn/real/engine.hpp"
#include "snn/real/exponential.hpp"

namespace {

using namespace syn;
using namespace syn::snn::real;

int complain(const Error& error) {
  std::fprintf(stderr, "bench_recurrent: %s\n  where: %s\n  do:    %s\n", error.what.c_str(), error.where.c_str(),
               error.todo.c_str());
  return 1;
}

template <class T>
data::Member member(const char* name, const std::vector<T>& values) {
  std::vector<float> floats(values.begin(), values.end());
  const std::vector<std::size_t> shape{values.size()};
  return {name, data::write_npy(shape, std::span<const float>(floats))};
}

// Indices below 2^24 and float32 weights are exact as float32; v0 is rounded.
Expected<> export_to(const std::string& path, const Model& model) {
  const auto& synapses = std::get<Sparse>(model.projections[0].connection);
  std::vector<std::uint32_t> target;
  for (std::uint32_t i = 0; i + 1 < synapses.row.size(); ++i)
    target.insert(target.end(), synapses.row[i + 1] - synapses.row[i], i);
  const std::vector<data::Member> members{member("source", synapses.source), member("target", target),
                                          member("weight", synapses.weights),
                                          member("v0", std::get<Lif>(model.populations[0].neurons).v0)};
  const auto archive = data::write_npz(members, path);
  if (!archive) return fail(archive.error());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(archive->data()), static_cast<std::streamsize>(archive->size()));
  if (!file.flush()) return fail("the file cannot be written", path, "give a path that can be written");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::string path, target;
  std::uint32_t repeat = 5, steps = 10'000;
  CLI::App app{"A simulated second of the recurrent network of bench/spiking_peers, as JSON."};
  app.add_option("--export", path, "write the network as arrays: .npz");
  app.add_option("--target", target, "instruction set: avx512, avx2, plain");
  app.add_option("--repeat", repeat, "timed passes")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--steps", steps, "of 0.1 ms")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const Model model = bench::recurrent();
  if (!path.empty()) {
    if (const auto done = export_to(path, model); !done) return complain(done.error());
  }
  auto engine = Engine::make(model, target);
  if (!engine) return complain(engine.error());
  State state;
  std::vector<double> times_ms;
  for (std::uint32_t pass = 0; pass <= repeat; ++pass) {  // the first one warms caches and is not counted
    engine->start(state);
    Window window{.steps = steps};
    const auto start = std::chrono::steady_clock::now();
    const auto ran = engine->run(state, window);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (!ran) return complain(ran.error());
    if (pass > 0) times_ms.push_back(took.count());
  }
  double spikes = 0;  // counted in a pass of their own, a step at a time
  engine->start(state);
  Window window{.steps = 1, .records = {{0, Quantity::output, {}}}};
  for (std::uint32_t t = 0; t < steps; ++t) {
    if (const auto ran = engine->run(state, window); !ran) return complain(ran.error());
    for (const double x : window.records[0].values) spikes += x;
  }
  std::ranges::sort(times_ms);
  const auto& synapses = std::get<Sparse>(model.projections[0].connection);
  const double neurons = static_cast<double>(synapses.row.size() - 1), seconds = steps * bench::kDt;
  const nlohmann::ordered_json json{{"ms_per_simulated_second", times_ms[times_ms.size() / 2] / seconds},
                                    {"rate_hz", spikes / neurons / seconds},
                                    {"synapses", synapses.source.size()},
                                    {"neurons", synapses.row.size() - 1},
                                    {"steps", steps},
                                    {"dt", bench::kDt},
                                    {"tau", bench::kTau},
                                    {"drive", bench::kDrive},
                                    {"delay_steps", bench::kDelay},
                                    {"gain", charged(bench::kDt / bench::kTau)},
                                    {"target", engine->loops()}};
  std::puts(json.dump().c_str());
  return 0;
}
