#include "cli/infer_steps.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/sequences.hpp"
#include "core/text.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"
#include "snn/metrics.hpp"

namespace syn::cli {

namespace {

constexpr std::uint64_t kMostNumbers = std::uint64_t{1} << 30;  // of all outputs together

// As float models have it: {n} where there is one position, else {channels, height, width}.
snn::real::Shape shape_of(const snn::Shape& s) {
  if (s.positions() == 1) return {s.channels};
  return {s.channels, s.height, s.width};
}

struct Output {
  std::uint32_t population = 0;
  int window = -1;  // index in Window::out; -1: the readout
  std::vector<float> values;
};

}  // namespace

bool takes_sequences(const snn::Model& model) {
  if (model.code != snn::Code::step) return false;
  return std::ranges::any_of(model.populations, [](const snn::Population& p) { return membrane_of(p) != nullptr; });
}

Expected<Answer> infer_steps(snn::Model model, const InferSteps& options, Terminal& terminal) {
  auto engine = snn::Engine::make(std::move(model));
  if (!engine) return fail(engine.error());
  const snn::Model& m = engine->model();
  std::vector<snn::real::Port> in, out;
  std::vector<snn::real::Shape> shapes;
  std::vector<Output> outputs;
  for (std::uint32_t p = 0; p < m.populations.size(); ++p) {
    const auto* source = std::get_if<snn::Source>(&m.populations[p].kind);
    if (!source) continue;
    if (source->scale.empty())
      return fail(text::cat("'", m.populations[p].name, "' is fed by another shard"), text::cat("model '", m.name, "'"),
                  "give the whole model");
    in.push_back({m.populations[p].name, p});
    shapes.push_back(shape_of(m.populations[p].shape));
  }
  int windows = 0;
  std::uint64_t neurons = 0;
  for (const std::string& name : m.outputs) {
    const auto p = static_cast<std::uint32_t>(find(m, name));
    const bool readout = std::holds_alternative<snn::Readout>(m.populations[p].kind);
    outputs.push_back({p, readout ? -1 : windows++, {}});
    out.push_back({name, p});
    neurons += m.populations[p].shape.neurons();
  }
  const auto files = files_of(options.outputs, out, "--output");
  const auto given = files_of(options.inputs, in, "--input");
  const auto x = read_sequences(given, shapes);
  if (!x) return fail(x.error());
  if (x->steps > m.steps || x->steps == 0)
    return fail(text::cat("the array has ", x->steps, " steps, the model takes 1 to ", m.steps), given[0],
                "split the array, or convert with more --steps");
  if (x->samples > 0 && neurons > kMostNumbers / x->samples / x->steps)
    return fail("the outputs have too many numbers", given[0], "split the array");

  std::uint64_t clipped = 0, spikes = 0;
  Work work;
  snn::Digests digests;
  snn::State state;
  snn::Window window;
  for (std::size_t s = 0; s < x->samples; ++s) {
    state.next_row = 0;
    std::uint64_t checksum = 0;
    for (std::size_t t = 0; t < x->steps; ++t) {
      window.rows = 1;  // a window of one row is never taken for an image that stays
      window.in.resize(in.size());
      for (std::size_t i = 0; i < in.size(); ++i) {
        const snn::Population& p = m.populations[in[i].population];
        const std::size_t n = p.shape.neurons();
        window.in[i].resize(n);
        const auto coded =
            snn::quantise(std::get<snn::Source>(p.kind), p.shape, x->sample(i, s).subspan(t * n, n), window.in[i]);
        if (!coded) {
          Error e = coded.error();
          e.where = text::cat(given[i], ", sample ", s, ", step ", t, ", ", e.where);
          return fail(std::move(e));
        }
        clipped += *coded;
      }
      work += engine->run(state, window);
      checksum += window.checksum;
      spikes += window.spikes;
      for (Output& o : outputs) {
        const snn::Population& p = m.populations[o.population];
        const auto* readout = std::get_if<snn::Readout>(&p.kind);
        const auto potentials = readout ? engine->potentials(state, o.population) : std::vector<std::int32_t>();
        for (std::uint32_t c = 0; c < p.shape.channels; ++c)
          for (std::uint32_t at = 0; at < p.shape.positions(); ++at) {
            const std::size_t n = std::size_t{at} * p.shape.channels + c;
            o.values.push_back(readout ? static_cast<float>(potentials[n] * readout->scale)
                                       : static_cast<float>(window.out[static_cast<std::size_t>(o.window)][n]));
          }
      }
    }
    digests.add({}, checksum);
    terminal.progress("inferring", s + 1, x->samples);
  }

  Json json{{"samples", x->samples},
            {"steps", x->steps},
            {"clipped", clipped},
            {"spikes", spikes},
            {"synaptic_operations", work.synaptic_operations},
            {"neuron_updates", work.neuron_updates},
            {"spike_digest", digests.spike_digest()}};
  std::string told;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    std::vector<std::size_t> dims{x->samples, x->steps};
    const auto shape = shape_of(m.populations[outputs[i].population].shape);
    dims.insert(dims.end(), shape.begin(), shape.end());
    const Bytes npy = data::write_npy(dims, std::span<const float>(outputs[i].values));
    if (auto written = write_file(files[i], npy); !written) return fail(written.error());
    json["outputs"][out[i].name] = files[i];
    told += text::cat(x->samples, " samples x ", x->steps, " steps", show(shape), " of '", out[i].name, "' -> ",
                      files[i], "\n");
  }
  if (clipped > 0) told += text::cat(clipped, " input values were outside the coded range and clipped\n");
  return Answer{json.dump(), told, {}};
}

}  // namespace syn::cli
