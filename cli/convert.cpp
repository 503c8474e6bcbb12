// `synfire convert`: a trained network becomes an integer spiking model.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/converting.hpp"
#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "snn/model_file.hpp"

namespace syn::cli {

namespace {

Json as_json(const LayerReport& layer) {
  return {{"name", layer.name},
          {"kind", layer.kind},
          {"weights", layer.weights},
          {"mean_count", layer.mean_count},
          {"mean_events", layer.mean_events},
          {"dead_channels", layer.dead},
          {"signal", layer.signal},
          {"clipping_error", layer.clipping_error},
          {"rounding_error", layer.rounding_error},
          {"mean_error_before_bias_correction", layer.mean_error_before},
          {"mean_error_after", layer.mean_error_after}};
}

class Convert final : public Verb {
 public:
  const char* name() const override { return "convert"; }
  const char* summary() const override { return "turn a trained network (ONNX) into an integer spiking model (.syn)"; }
  const char* example() const override {
    return "synfire convert models/fashion-student.onnx --calibrate fashion-mnist --steps 8 -o student.syn";
  }
  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".onnx")->required();
    app.add_option("--calibrate", data_.spec, "fashion-mnist | mnist | idx:IMAGES,LABELS; its training split is used")
        ->required();
    data_.declare_normalisation(app);
    app.add_option("--steps", options_.steps, "T: counts go from 0 to T (volley), or T steps are run (step)")
        ->required()
        ->check(CLI::Range(1, 255));
    app.add_option("--code", code_, "output code of the populations")
        ->check(CLI::IsMember({"volley", "step"}))
        ->capture_default_str();
    app.add_option("--seed", options_.seed, "which training images calibrate")->capture_default_str();
    app.add_option("--calibration-images", options_.calibration_images, "how many")
        ->check(CLI::Range(1, 60000))
        ->capture_default_str();
    app.add_option("--threads", threads_, "changes the time, never the result")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    app.add_option("-o,--output", output_, ".syn")->required();
  }

  Expected<Answer> run(Terminal& terminal) override {
    const auto graph = load_onnx(model_);
    if (!graph) return fail(graph.error());
    data_.split = "train";
    const auto dataset = data_.load();
    if (!dataset) return fail(dataset.error());
    options_.code = code_ == "step" ? snn::Code::step : snn::Code::volley;
    options_.threads = threads_;
    options_.mean = data_.mean;
    options_.std = data_.std;
    auto converted = convert_with_progress(*graph, *dataset, options_, terminal);
    if (!converted) return fail(converted.error());
    const Bytes bytes = snn::write_model(converted->model);
    if (auto written = write_file(output_, bytes); !written) return fail(written.error());
    const auto hash = snn::hash_of(bytes, output_);
    if (!hash) return fail(hash.error());

    Json json{{"output", output_},       {"hash", to_hex(*hash)},
              {"bytes", bytes.size()},   {"code", name_of(options_.code)},
              {"steps", options_.steps}, {"calibration_images", converted->calibration_images},
              {"seed", options_.seed},   {"remarks", converted->remarks},
              {"layers", Json::array()}};
    report::Table table(
        {"layer", "kind", "weights", "events", "signal", "clipping", "rounding", "mean error", "corrected", "dead"});
    for (const LayerReport& layer : converted->layers) {
      json["layers"].push_back(as_json(layer));
      const auto error = [](double v) { return text::fixed(v, 4); };
      table.row({layer.name, layer.kind, text::grouped(static_cast<std::int64_t>(layer.weights)),
                 text::fixed(layer.mean_events, 0), error(layer.signal), error(layer.clipping_error),
                 error(layer.rounding_error), error(layer.mean_error_before), error(layer.mean_error_after),
                 text::cat(layer.dead)});
    }
    std::string text =
        table.text() + "(root mean squares in network units; events per inference over the calibration images)\n";
    for (const std::string& remark : converted->remarks) text += "- " + remark + "\n";
    text += text::cat("\n", output_, ": ", text::bytes(static_cast<double>(bytes.size())), ", ", name_of(options_.code),
                      " code, T = ", options_.steps, ", calibrated on ", converted->calibration_images,
                      " images\nhash ", to_hex(*hash), "\n");
    return Answer{json.dump(), text, {}};
  }

 private:
  std::string model_, output_, code_ = "volley";
  DataOptions data_;
  ConvertOptions options_;
  std::uint32_t threads_ = default_threads();
};

}  // namespace

Expected<Converted> convert_with_progress(const ann::Graph& graph, const data::Dataset& train,
                                          const ConvertOptions& options, Terminal& terminal) {
  return convert(graph, train, options, [&](std::string_view, std::size_t done, std::size_t of) {
    terminal.progress("converting", done, of);
  });
}

std::unique_ptr<Verb> make_convert() {
  return std::make_unique<Convert>();
}

}  // namespace syn::cli
