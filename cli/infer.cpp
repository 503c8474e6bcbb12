// `synfire infer`: arrays in, logits out; for looking at single inputs and for comparing with other programs. Of NIR
// files and float models sequences in and out (infer_real.hpp).
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"
#include "cli/infer_real.hpp"
#include "cli/infer_steps.hpp"
#include "cli/json.hpp"
#include "cli/nir_options.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "conversion/ann/executor.hpp"
#include "conversion/data/npy.hpp"
#include "core/text.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"
#include "snn/metrics.hpp"

namespace syn::cli {

namespace {

struct Logits {
  std::size_t samples = 0, classes = 0;
  std::vector<float> values;
  std::uint64_t clipped = 0;
  std::string digest;
};

// The batch first, then one sample's shape; a sample without its leading 1s (28 x 28 for 1 x 28 x 28) is understood.
Expected<std::size_t> samples_of(const data::Array& x, std::vector<std::size_t> sample, const std::string& where) {
  const std::vector<std::size_t> wanted = sample;
  std::vector<std::size_t> given(x.shape.begin() + (x.shape.empty() ? 0 : 1), x.shape.end());
  while (!sample.empty() && sample.front() == 1) sample.erase(sample.begin());
  while (!given.empty() && given.front() == 1) given.erase(given.begin());
  if (x.shape.empty() || given != sample) {
    std::string shape;
    for (const std::size_t d : wanted) shape += text::cat(" x ", d);
    return fail("the array does not hold samples of the network's input shape", where,
                text::cat("give an array of N", shape));
  }
  return x.shape[0];
}

Expected<Logits> run_float(const ann::Graph& graph, const data::Array& x, const std::string& where) {
  auto executor = ann::Executor::make(graph);
  if (!executor) return fail(executor.error());
  const auto samples = samples_of(x, {graph.input_shape.begin(), graph.input_shape.end()}, where);
  if (!samples) return fail(samples.error());
  Logits out{.samples = *samples};
  const std::size_t size = *samples == 0 ? 0 : x.values.size() / *samples;
  for (std::size_t i = 0; i < *samples; ++i) {
    const auto logits = executor->run(std::span(x.values).subspan(i * size, size), 1);
    out.values.insert(out.values.end(), logits.begin(), logits.end());
  }
  out.classes = *samples == 0 ? 0 : out.values.size() / *samples;
  return out;
}

Expected<Logits> run_spiking(snn::Model model, const data::Array& x, const std::string& where) {
  auto engine = snn::Engine::make(std::move(model));
  if (!engine) return fail(engine.error());
  const snn::Model& m = engine->model();
  const snn::Population& source = m.populations.front();
  const snn::Population& readout = m.populations[static_cast<std::size_t>(find(m, m.outputs.front()))];
  if (!std::holds_alternative<snn::Readout>(readout.kind) || !std::holds_alternative<snn::Source>(source.kind) ||
      std::get<snn::Source>(source.kind).scale.empty())
    return fail("the model is a shard: it has no input or no readout of its own", text::cat("model '", m.name, "'"),
                "give the whole model");
  const auto samples = samples_of(x, {source.shape.channels, source.shape.height, source.shape.width}, where);
  if (!samples) return fail(samples.error());
  const double scale = std::get<snn::Readout>(readout.kind).scale / (m.code == snn::Code::step ? m.steps : 1);
  Logits out{.samples = *samples, .classes = readout.shape.neurons()};
  snn::Digests digests;
  snn::Window window;
  for (std::size_t i = 0; i < *samples; ++i) {
    window.rows = m.rows();
    window.in.assign(1, std::vector<Count>(source.shape.neurons()));
    const auto clipped =
        snn::quantise(std::get<snn::Source>(source.kind), source.shape,
                      std::span(x.values).subspan(i * source.shape.neurons(), source.shape.neurons()), window.in[0]);
    if (!clipped) {
      Error e = clipped.error();
      e.where = text::cat(where, ", sample ", i, ", ", e.where);
      return fail(std::move(e));
    }
    out.clipped += *clipped;
    snn::State state;
    engine->run(state, window);
    digests.add(window.potentials, window.checksum);
    for (const std::int32_t p : window.potentials) out.values.push_back(static_cast<float>(p * scale));
  }
  out.digest = digests.digest();
  return out;
}

class Infer final : public Verb {
 public:
  const char* name() const override { return "infer"; }
  const char* summary() const override { return "what a network gives for the samples of a .npy file"; }
  const char* example() const override { return "synfire infer student.syn --input X.npy --output Y.npy"; }
  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".onnx, .syn or .nir")->required();
    app.add_option(
           "--input", inputs_,
           ".npy, batch first, in the units that the network was trained on; of .nir and float models samples x "
           "steps x input shape (NAME=X.npy for each of several inputs)")
        ->required()
        ->allow_extra_args(false);
    app.add_option("--output", outputs_,
                   ".npy, float32: samples x classes, or samples x steps x output shape (spikes or potentials)")
        ->required()
        ->allow_extra_args(false);
    app.add_option("--record", record_,
                   ".npz, of .nir and float models: spikes, potentials and currents of every population");
    nir_.declare(app);
  }

  Expected<Answer> run(Terminal& terminal) override {
    auto any = load_any(model_);
    if (!any) return fail(any.error());
    const InferReal sequences{inputs_, outputs_, record_};
    if (auto* graph = std::get_if<nir::Graph>(&*any)) {
      auto model = nir_.lower(*graph, model_);
      if (!model) return fail(model.error());
      return infer_real(std::move(*model), sequences, terminal);
    }
    nir_.refuse("only NIR files leave their rules open");
    if (auto* file = std::get_if<RealFile>(&*any)) return infer_real(std::move(file->model), sequences, terminal);
    if (auto* spiking = std::get_if<SpikingFile>(&*any); spiking && takes_sequences(spiking->model)) {
      if (!record_.empty())
        throw UsageError({"integer models are not recorded", "the command line",
                          "leave --record away, or name the populations as outputs"});
      return infer_steps(std::move(spiking->model), {inputs_, outputs_}, terminal);
    }
    if (inputs_.size() != 1 || outputs_.size() != 1 || !record_.empty())
      throw UsageError({"this network has one input, one output and nothing to record", "the command line",
                        "give one --input and one --output, and no --record"});
    const std::string &input = inputs_[0], &output = outputs_[0];
    const auto bytes = read_file(input, "array");
    if (!bytes) return fail(bytes.error());
    const auto x = data::read_npy(*bytes, input);
    if (!x) return fail(x.error());
    auto* file = std::get_if<SpikingFile>(&*any);
    const auto y =
        file ? run_spiking(std::move(file->model), *x, input) : run_float(std::get<ann::Graph>(*any), *x, input);
    if (!y) return fail(y.error());
    if (y->clipped > 0) terminal.line(text::cat(y->clipped, " input values were outside the coded range and clipped"));
    const std::vector<std::size_t> shape{y->samples, y->classes};
    if (auto written = write_file(output, data::write_npy(shape, std::span<const float>(y->values))); !written)
      return fail(written.error());
    const Json json{{"samples", y->samples},
                    {"classes", y->classes},
                    {"clipped", y->clipped},
                    {"digest", y->digest},
                    {"output", output}};
    return Answer{json.dump(), text::cat(y->samples, " samples x ", y->classes, " classes -> ", output, "\n"), {}};
  }

 private:
  std::string model_, record_;
  std::vector<std::string> inputs_, outputs_;
  NirOptions nir_;
};

}  // namespace

std::unique_ptr<Verb> make_infer() {
  return std::make_unique<Infer>();
}

}  // namespace syn::cli
