// `synfire export`: a model of the float profile becomes a NIR file, for the frameworks that read those.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "conversion/nir/raising.hpp"
#include "conversion/nir/write.hpp"
#include "core/text.hpp"

namespace syn::cli {

namespace {

class Export final : public Verb {
 public:
  const char* name() const override { return "export"; }
  const char* summary() const override { return "write a spiking model of the float profile (.syn) as a NIR file"; }
  const char* example() const override { return "synfire export net.syn -o net.nir"; }
  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".syn of the float profile (synfire convert NET.nir)")->required();
    app.add_option("-o,--output", output_, ".nir")->required();
  }

  Expected<Answer> run(Terminal&) override {
    const auto any = load_any(model_);
    if (!any) return fail(any.error());
    const auto* file = std::get_if<RealFile>(&*any);
    if (!file)
      return fail(std::holds_alternative<SpikingFile>(*any)
                      ? "NIR has no integer neurons that count, and no initial state of half a threshold"
                      : "this is no spiking model",
                  model_, "give a .syn of the float profile: synfire convert NET.nir --dt SECONDS -o NET.syn");
    const auto graph = nir::raise(file->model, model_);
    if (!graph) return fail(graph.error());
    const auto bytes = nir::write(*graph);
    if (!bytes) return fail(bytes.error());
    if (auto written = write_file(output_, *bytes); !written) return fail(written.error());
    const Json json{
        {"output", output_}, {"bytes", bytes->size()}, {"nodes", graph->nodes.size()}, {"edges", graph->edges.size()}};
    return Answer{json.dump(),
                  text::cat(output_, ": ", graph->nodes.size(), " nodes, ", graph->edges.size(),
                            " edges; dt and rules are metadata\n"),
                  {}};
  }

 private:
  std::string model_, output_;
};

}  // namespace

std::unique_ptr<Verb> make_export() {
  return std::make_unique<Export>();
}

}  // namespace syn::cli
