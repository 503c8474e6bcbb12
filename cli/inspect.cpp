// `synfire inspect`: what is in a model file, layer by layer.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"
#include "cli/inspect_learner.hpp"
#include "cli/json.hpp"
#include "cli/nir_verbs.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "snn/engine.hpp"

namespace syn::cli {

namespace {

const char* kind_of(const snn::Population& p) {
  struct {
    const char* operator()(const snn::Source&) const { return "source"; }
    const char* operator()(const snn::IntegrateAndFire&) const { return "integrate-and-fire"; }
    const char* operator()(const snn::Leaky& l) const {
      return l.jump.empty() ? l.membrane.current_keep.empty() ? "leaky" : "leaky, current" : "leaky, adaptive";
    }
    const char* operator()(const snn::Pooled&) const { return "pooled"; }
    const char* operator()(const snn::Readout&) const { return "readout"; }
  } name;
  return std::visit(name, p.kind);
}

std::string show(const snn::Connection& connection) {
  struct {
    std::string operator()(const snn::Conv& c) const {
      return text::cat("conv ", c.kernel_height, "x", c.kernel_width, " /", c.stride_y);
    }
    std::string operator()(const snn::Dense&) const { return "dense"; }
    std::string operator()(const snn::SumPool& p) const {
      return text::cat("sum pool ", p.kernel_height, "x", p.kernel_width);
    }
    std::string operator()(const snn::MaxPool& p) const {
      return text::cat("max pool ", p.kernel_height, "x", p.kernel_width);
    }
    std::string operator()(const snn::Depthwise& d) const {
      return text::cat("depthwise ", d.kernel_height, "x", d.kernel_width, " /", d.stride_y);
    }
    std::string operator()(const snn::OneToOne&) const { return "identity"; }
  } show;
  return std::visit(show, connection);
}

std::string show(const std::vector<std::int64_t>& shape) {
  std::string out;
  for (const std::int64_t d : shape) out += (out.empty() ? "" : " x ") + text::cat(d);
  return out;
}

std::string show(const snn::Shape& s) {
  return text::cat(s.height, "x", s.width, "x", s.channels);
}

class Inspect final : public Verb {
 public:
  const char* name() const override { return "inspect"; }
  const char* summary() const override { return "what a model file holds, layer by layer"; }
  const char* example() const override { return "synfire inspect models/fashion-student.onnx"; }
  void declare(CLI::App& app) override {
    app.add_option("file", file_, ".onnx, .syn or .nir, or what `learn` kept")->required();
  }

  Expected<Answer> run(Terminal&) override {
    if (is_learner_file(file_)) return inspect_learner(file_);
    auto any = load_any(file_);
    if (!any) return fail(any.error());
    if (auto* file = std::get_if<SpikingFile>(&*any)) return spiking(std::move(*file));
    if (auto* file = std::get_if<RealFile>(&*any)) return inspect_real(std::move(*file));
    if (auto* graph = std::get_if<nir::Graph>(&*any)) return inspect_nir(*graph, file_);
    return network(std::get<ann::Graph>(*any));
  }

 private:
  static Answer network(const ann::Graph& graph) {
    Json json{{"kind", "onnx"},
              {"name", graph.name},
              {"input", graph.input_shape},
              {"parameters", ann::parameter_count(graph)}};
    report::Table table({"node", "operator", "weights"});
    for (const ann::Node& node : graph.nodes) {
      std::vector<std::int64_t> weights;
      if (const auto* conv = std::get_if<ann::Conv>(&node.op)) weights = conv->weight.shape;
      if (const auto* gemm = std::get_if<ann::Gemm>(&node.op)) weights = gemm->weight.shape;
      table.row({node.name, ann::name_of(node.op), show(weights)});
      json["nodes"].push_back({{"name", node.name}, {"operator", ann::name_of(node.op)}, {"weights", weights}});
    }
    const std::string head = text::cat("ONNX network '", graph.name, "', input ", show(graph.input_shape), ", ",
                                       text::grouped(ann::parameter_count(graph)), " parameters\n\n");
    return {json.dump(), head + table.text(), {}};
  }

  static Expected<Answer> spiking(SpikingFile file) {
    const std::size_t file_bytes = file.bytes.size();
    auto engine = snn::Engine::make(std::move(file.model));
    if (!engine) return fail(engine.error());
    const snn::Model& model = engine->model();
    Json json{{"kind", "syn"},
              {"name", model.name},
              {"hash", to_hex(file.hash)},
              {"code", name_of(model.code)},
              {"steps", model.steps},
              {"weights", weight_count(model)},
              {"file_bytes", file_bytes},
              {"resident_bytes", engine->resident_bytes()},
              {"state_bytes", engine->state_bytes()}};
    report::Table table({"population", "kind", "shape", "input", "g", "events", "counts"});
    for (std::size_t i = 0; i < model.populations.size(); ++i) {
      const snn::Population& p = model.populations[i];
      std::string inputs;
      for (const snn::Projection& projection : model.projections) {
        if (projection.to == i) {
          inputs += (inputs.empty() ? "" : " + ") + show(projection.connection) + " <- " +
                    model.populations[projection.from].name;
          if (projection.delay > 0)
            inputs += text::cat(" (", projection.delay, projection.delay == 1 ? " step" : " steps", " ago)");
        }
      }
      table.row({p.name, kind_of(p), show(p.shape), inputs, text::cat(p.greatest), text::fixed(p.mean_events, 0),
                 text::fixed(p.mean_count, 0)});
      json["populations"].push_back({{"name", p.name},
                                     {"kind", kind_of(p)},
                                     {"shape", {p.shape.height, p.shape.width, p.shape.channels}},
                                     {"greatest", p.greatest},
                                     {"mean_events", p.mean_events},
                                     {"mean_count", p.mean_count}});
    }
    for (const auto& [key, value] : model.notes) json["notes"][key] = value;
    std::string head = text::cat(
        "spiking model '", model.name, "', ", name_of(model.code), " code, T = ", model.steps, ", ",
        text::grouped(static_cast<std::int64_t>(weight_count(model))), " int8 weights\nhash ", to_hex(file.hash),
        "\nresident at most ", text::bytes(static_cast<double>(engine->resident_bytes())), ", and ",
        text::bytes(static_cast<double>(engine->state_bytes())), " for each inference in flight\n\n");
    std::string tail = "\n";
    for (const auto& [key, value] : model.notes) tail += text::cat(key, ": ", value, "\n");
    return Answer{json.dump(), head + table.text() + tail, {}};
  }

  std::string file_;
};

}  // namespace

std::unique_ptr<Verb> make_inspect() {
  return std::make_unique<Inspect>();
}

}  // namespace syn::cli
