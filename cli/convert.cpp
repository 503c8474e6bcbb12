// `synfire convert`: a trained network becomes an integer spiking model; a NIR file one of the float profile, in which
// the rules it is run by are stored.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/convert_integer.hpp"
#include "cli/converting.hpp"
#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/nir_verbs.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "conversion/choose_code.hpp"
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
          {"density", layer.density},
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
  const char* summary() const override { return "turn a trained network (ONNX, NIR) into a spiking model (.syn)"; }
  const char* example() const override {
    return "synfire convert models/fashion-student.onnx --calibrate fashion-mnist --steps 8 -o student.syn";
  }
  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".onnx, .nir; with --integer a float .syn, too")->required();
    app.add_option("--calibrate", data_.spec,
                   "of .onnx, and needed: fashion-mnist | mnist | idx:IMAGES,LABELS; its training split is used");
    nir_.declare(app);
    app.add_flag("--integer", integer_,
                 "of .nir and float .syn: int8 weights and integer potentials, in step code; --steps says how many");
    app.add_option("--input", inputs_,
                   "with --integer: .npy, samples x steps x shape (NAME=X.npy for each of several inputs; `synfire events "
                   "--sample` makes them of recordings); sets the inputs' ranges, and tells how far integers are from float")
        ->allow_extra_args(false);
    data_.declare_normalisation(app);
    app.add_option(
           "--steps", steps_,
           "T: counts go from 0 to T (volley) or to 2^T - 1 (phase, T up to 8), or T steps are run (step); needed "
           "by every code but auto")
        ->check(CLI::Range(1, 32767));
    app.add_option(
           "--code", code_,
           "output code of the populations; auto: the cheapest code and T within 0.5 points of the float network, "
           "on training images held out for it")
        ->check(CLI::IsMember({"volley", "phase", "step", "auto"}))
        ->capture_default_str();
    app.add_option("--held-out", held_out_, "images that --code auto chooses by, at most")
        ->check(CLI::Range(1, 60000))
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
    if (const auto bytes = read_file(model_, "model"); bytes && bytes->size() > 3 && (*bytes)[0] == 0x89) {
      if (!data_.spec.empty())
        throw UsageError({"a NIR file is not calibrated", "the command line", "leave --calibrate away"});
      if (integer_) return to_integers(terminal);
      if (!inputs_.empty())
        throw UsageError({"a float model needs no --input", "the command line", "give --integer, too"});
      return convert_nir(model_, nir_, output_);
    }
    if (integer_) return to_integers(terminal);
    nir_.refuse("only NIR files leave their rules open");
    if (!inputs_.empty())
      throw UsageError({"ONNX networks are calibrated on images", "the command line", "leave --input away"});
    if (data_.spec.empty()) throw UsageError({"--calibrate is required", "the command line", "give --calibrate DATA"});
    const bool automatic = code_ == "auto";
    if (!automatic && !steps_) {
      throw UsageError({"how many steps is not said", "the command line", "give --steps T, or --code auto"});
    }
    if (automatic && steps_) {
      throw UsageError(
          {"--code auto chooses the steps itself", "the command line", "leave --steps away, or name a code"});
    }
    const auto graph = load_onnx(model_);
    if (!graph) return fail(graph.error());
    data_.split = "train";
    const auto dataset = data_.load();
    if (!dataset) return fail(dataset.error());
    options_.code = code_ == "step" ? snn::Code::step : code_ == "phase" ? snn::Code::phase : snn::Code::volley;
    options_.steps = steps_.value_or(options_.steps);
    options_.threads = threads_;
    options_.mean = data_.mean;
    options_.std = data_.std;
    std::optional<ChosenCode> choice;
    if (automatic) {
      auto chosen = choose_code(*graph, *dataset, {.convert = options_, .held_out_images = held_out_},
                                [&](std::string_view, std::size_t done, std::size_t of) {
                                  terminal.progress("converting with every code", done, of);
                                });
      if (!chosen) return fail(chosen.error());
      choice = std::move(*chosen);
      options_.code = choice->converted.model.code;
      options_.steps = choice->converted.model.steps;
    }
    auto converted = choice ? Expected<Converted>(std::move(choice->converted))
                            : convert_with_progress(*graph, *dataset, options_, terminal);
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
    std::string text;
    if (choice) text = tell(*choice, json);
    report::Table table({"layer", "kind", "weights", "events", "density", "signal", "clipping", "rounding",
                         "mean error", "corrected", "dead"});
    for (const LayerReport& layer : converted->layers) {
      json["layers"].push_back(as_json(layer));
      const auto error = [](double v) { return text::fixed(v, 4); };
      table.row({layer.name, layer.kind, text::grouped(static_cast<std::int64_t>(layer.weights)),
                 text::fixed(layer.mean_events, 0), text::fixed(layer.density, 2), error(layer.signal),
                 error(layer.clipping_error), error(layer.rounding_error), error(layer.mean_error_before),
                 error(layer.mean_error_after), text::cat(layer.dead)});
    }
    text += table.text() + "(root mean squares in network units; events per inference over the calibration images)\n";
    for (const std::string& remark : converted->remarks) text += "- " + remark + "\n";
    text += text::cat("\n", output_, ": ", text::bytes(static_cast<double>(bytes.size())), ", ", name_of(options_.code),
                      " code, T = ", options_.steps, ", calibrated on ", converted->calibration_images,
                      " images\nhash ", to_hex(*hash), "\n");
    return Answer{json.dump(), text, {}};
  }

 private:
  Expected<Answer> to_integers(Terminal& terminal) {
    const auto any = load_any(model_);
    if (!any) return fail(any.error());
    const ConvertInteger options{inputs_, steps_, output_};
    if (const auto* graph = std::get_if<nir::Graph>(&*any)) {
      const auto model = nir_.lower(*graph, model_);
      if (!model) return fail(model.error());
      return convert_integer(*model, options, terminal);
    }
    nir_.refuse("only NIR files leave their rules open");
    if (const auto* file = std::get_if<RealFile>(&*any)) return convert_integer(file->model, options, terminal);
    throw UsageError({"--integer is for NIR files and float models", "the command line",
                      "leave it away: ONNX networks become integers anyway"});
  }

  // What --code auto chose from, as a table; and in `json`.
  static std::string tell(const ChosenCode& choice, Json& json) {
    const auto percent = [](double share) { return text::fixed(100 * share, 2); };
    report::Table table({"code", "T", "accuracy %", "lost", "operations", "events", ""});
    json["held_out_images"] = choice.held_out_images;
    json["ann_accuracy"] = choice.ann_accuracy;
    json["trials"] = Json::array();
    for (const CodeTrial& trial : choice.trials) {
      table.row({name_of(trial.candidate.code), text::cat(trial.candidate.steps), percent(trial.accuracy),
                 percent(choice.ann_accuracy - trial.accuracy),
                 text::grouped(static_cast<std::int64_t>(trial.operations)), text::fixed(trial.events, 0),
                 trial.chosen        ? "chosen"
                 : trial.good_enough ? "good enough"
                                     : ""});
      json["trials"].push_back({{"code", name_of(trial.candidate.code)},
                                {"steps", trial.candidate.steps},
                                {"accuracy", trial.accuracy},
                                {"operations", trial.operations},
                                {"events", trial.events},
                                {"good_enough", trial.good_enough},
                                {"chosen", trial.chosen}});
    }
    return table.text() + text::cat("(the float network: ", percent(choice.ann_accuracy), " % of the same ",
                                    choice.held_out_images, " training images, held out from calibration)\n\n");
  }

  std::string model_, output_, code_ = "volley";
  std::vector<std::string> inputs_;
  bool integer_ = false;
  std::optional<std::uint32_t> steps_;
  std::uint32_t held_out_ = ChooseOptions{}.held_out_images;
  DataOptions data_;
  NirOptions nir_;
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
