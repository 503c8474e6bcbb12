#include "cli/infer_real.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/sequences.hpp"
#include "conversion/data/npy.hpp"
#include "conversion/data/npz.hpp"
#include "core/text.hpp"
#include "snn/real/engine.hpp"

namespace syn::cli {

namespace {

namespace real = snn::real;

constexpr std::uint64_t kMostRecorded = std::uint64_t{1} << 30;  // numbers of all outputs and records together

// What is worth recording of a population: {quantity, its word}.
std::vector<std::pair<real::Quantity, const char*>> quantities_of(const real::Neurons& neurons) {
  using enum real::Quantity;
  struct {
    using Out = std::vector<std::pair<real::Quantity, const char*>>;
    Out operator()(const real::Input&) const { return {}; }
    Out operator()(const real::Relay&) const { return {{output, "value"}}; }
    Out operator()(const real::Threshold&) const { return {{output, "spikes"}}; }
    Out operator()(const real::Integrator&) const { return {{potential, "potential"}}; }
    Out operator()(const real::Li&) const { return {{potential, "potential"}}; }
    Out operator()(const real::CubaLi&) const { return {{potential, "potential"}, {second, "current"}}; }
    Out operator()(const real::If&) const { return {{output, "spikes"}, {potential, "potential"}}; }
    Out operator()(const real::Lif&) const { return {{output, "spikes"}, {potential, "potential"}}; }
    Out operator()(const real::CubaLif&) const {
      return {{output, "spikes"}, {potential, "potential"}, {second, "current"}};
    }
    Out operator()(const real::AdaptiveLif&) const {
      return {{output, "spikes"}, {potential, "potential"}, {second, "adaptation"}};
    }
    Out operator()(const real::Izhikevich&) const {
      return {{output, "spikes"}, {potential, "potential"}, {second, "recovery"}};
    }
  } of;
  return std::visit(of, neurons);
}

// One array that grows by a sample at a time.
struct Gathered {
  std::string name;
  real::Shape shape;
  std::vector<float> values;

  void add(const std::vector<double>& sample) { values.insert(values.end(), sample.begin(), sample.end()); }
  Bytes npy(std::size_t samples, std::size_t steps) const {
    std::vector<std::size_t> dims{samples, steps};
    dims.insert(dims.end(), shape.begin(), shape.end());
    return data::write_npy(dims, std::span<const float>(values));
  }
};

}  // namespace

Expected<Answer> infer_real(real::Model model, const InferReal& options, Terminal& terminal) {
  auto engine = real::Engine::make(std::move(model));
  if (!engine) return fail(engine.error());
  const real::Model& m = engine->model();
  const auto inputs = files_of(options.inputs, m.inputs, "--input");
  const auto outputs = files_of(options.outputs, m.outputs, "--output");

  std::vector<real::Shape> shapes;
  for (const auto& port : m.inputs) shapes.push_back(m.populations[port.population].shape);
  const auto sequences = read_sequences(inputs, shapes);
  if (!sequences) return fail(sequences.error());
  const std::size_t samples = sequences->samples, steps = sequences->steps;

  std::vector<Gathered> out, recorded;
  std::vector<real::Record> records;
  for (const auto& port : m.outputs) out.push_back({port.name, m.populations[port.population].shape, {}});
  if (!options.record.empty()) {
    for (std::uint32_t p = 0; p < m.populations.size(); ++p) {
      for (const auto& [quantity, word] : quantities_of(m.populations[p].neurons)) {
        records.push_back({p, quantity, {}});
        recorded.push_back({text::cat(m.populations[p].name, ".", word), m.populations[p].shape, {}});
      }
    }
  }
  std::uint64_t row = 0;
  for (const auto* list : {&out, &recorded}) {
    for (const auto& gathered : *list) row += real::neurons_of(gathered.shape);
  }
  if (row > 0 && samples > 0 && steps > kMostRecorded / row / samples)
    return fail(
        text::cat(samples, " samples of ", steps, " steps give more than ", text::grouped(kMostRecorded), " numbers"),
        inputs[0], options.record.empty() ? "split the array" : "split the array, or leave --record away");

  real::State state;
  real::Window window;
  window.records = std::move(records);
  Work work;
  std::uint64_t spikes = 0;
  for (std::size_t s = 0; s < samples && steps > 0; ++s) {
    engine->start(state);
    window.steps = static_cast<std::uint32_t>(steps);
    window.in.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) window.in.push_back(sequences->sample(i, s));
    const auto done = engine->run(state, window);
    if (!done) {
      Error e = done.error();
      e.where = text::cat(inputs[0], ", sample ", s, ", ", e.where);
      return fail(std::move(e));
    }
    work += *done;
    for (std::size_t i = 0; i < out.size(); ++i) out[i].add(window.out[i]);
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      recorded[i].add(window.records[i].values);
      if (recorded[i].name.ends_with(".spikes"))
        spikes += static_cast<std::uint64_t>(std::count_if(
            window.records[i].values.begin(), window.records[i].values.end(), [](double v) { return v > 0; }));
    }
    terminal.progress("inferring", s + 1, samples);
  }

  Json json{{"samples", samples}, {"steps", steps}, {"dt", m.dt}};
  for (const auto& [key, value] : m.notes) json["rules"][key] = value;
  json["synaptic_operations"] = work.synaptic_operations;
  std::string told;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (auto written = write_file(outputs[i], out[i].npy(samples, steps)); !written) return fail(written.error());
    json["outputs"][out[i].name] = outputs[i];
    told += text::cat(samples, " samples x ", steps, " steps", show(out[i].shape), " of '", out[i].name, "' -> ",
                      outputs[i], "\n");
  }
  if (!options.record.empty()) {
    std::vector<data::Member> members;
    for (auto& gathered : recorded) {
      members.push_back({gathered.name, gathered.npy(samples, steps)});
      gathered.values = {};
      json["recorded"].push_back(gathered.name);
    }
    const auto archive = data::write_npz(members, options.record);
    if (!archive) return fail(archive.error());
    if (auto written = write_file(options.record, *archive); !written) return fail(written.error());
    json["record"] = options.record;
    json["spiking_moments"] = spikes;  // neurons and steps with a spike
    told += text::cat(members.size(), " recordings -> ", options.record, "\n");
  }
  for (const auto& [key, value] : m.notes) told += text::cat(key, ": ", value, "\n");
  return Answer{json.dump(), told, {}};
}

}  // namespace syn::cli
