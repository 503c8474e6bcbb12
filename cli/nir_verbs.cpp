#include "cli/nir_verbs.hpp"

#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/options.hpp"
#include "conversion/nir/dialect.hpp"
#include "conversion/nir/lint.hpp"
#include "conversion/nir/lowering.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "snn/model_file.hpp"
#include "snn/real/engine.hpp"
#include "snn/real/model_file.hpp"

namespace syn::cli {

namespace {

namespace real = snn::real;

std::string show(const real::Shape& shape) {
  std::string out;
  for (const auto side : shape) out += text::cat(out.empty() ? "" : " x ", side);
  return out;
}
std::string_view kind_of(const real::Neurons& neurons) {
  return std::visit([](const auto& n) { return n.kName; }, neurons);
}
std::string_view kind_of(const real::Connection& connection) {
  return std::visit([](const auto& c) { return c.kName; }, connection);
}

}  // namespace

Expected<Answer> convert_nir(const std::string& path, const NirOptions& options, const std::string& output) {
  const auto any = load_any(path);
  if (!any) return fail(any.error());
  const auto* graph = std::get_if<nir::Graph>(&*any);
  if (!graph) return fail("this is no NIR file", path, "give a .nir or .onnx file");
  const auto model = options.lower(*graph, path);
  if (!model) return fail(model.error());
  const auto bytes = real::write_model(*model);
  if (!bytes) return fail(bytes.error());
  if (auto written = write_file(output, *bytes); !written) return fail(written.error());
  const auto hash = snn::hash_of(*bytes, output);
  if (!hash) return fail(hash.error());
  Json json{{"output", output},
            {"hash", to_hex(*hash)},
            {"bytes", bytes->size()},
            {"dt", model->dt},
            {"populations", model->populations.size()},
            {"projections", model->projections.size()}};
  std::string told = text::cat(output, ": ", text::bytes(static_cast<double>(bytes->size())), ", float profile, ",
                               model->populations.size(), " populations, ", model->projections.size(),
                               " projections\nhash ", to_hex(*hash), "\n");
  for (const auto& [key, value] : model->notes) {
    json["rules"][key] = value;
    told += text::cat(key, ": ", value, "\n");
  }
  return Answer{json.dump(), told, {}};
}

Expected<Answer> inspect_nir(const nir::Graph& graph, const std::string& path) {
  const auto shapes = nir::check(graph, path);
  if (!shapes) return fail(shapes.error());
  Json json{{"kind", "nir"}, {"version", graph.version.value_or("")}, {"nodes", Json::array()}};
  report::Table table({"node", "type", "input", "output", "from"});
  for (std::size_t i = 0; i < shapes->places.size(); ++i) {
    const auto& place = shapes->places[i];
    Json from = Json::array();
    std::string told;
    for (const auto& link : shapes->links) {
      if (link.to != i) continue;
      told += text::cat(told.empty() ? "" : " + ", shapes->places[link.from].name, link.back ? " (a step ago)" : "");
      from.push_back({{"node", shapes->places[link.from].name}, {"previous_step", link.back}});
    }
    const std::string type(nir::type_of(*place.node));
    table.row({place.name, type, nir::to_text(place.in), nir::to_text(place.out), told});
    json["nodes"].push_back(
        {{"name", place.name}, {"type", type}, {"input", place.in}, {"output", place.out}, {"from", from}});
  }
  std::string told = text::cat("NIR network, written by nir ", graph.version.value_or("of an unknown version"), ", ",
                               shapes->places.size(), " nodes, ", shapes->links.size(), " edges\n\n", table.text());
  const nir::StatedRules rules = nir::stated_rules(graph);
  std::vector<std::string> stated;
  if (rules.dialect) {
    stated.push_back(text::cat("the rules of ", nir::rules_of(*rules.dialect).name));
    json["stated"]["dialect"] = nir::rules_of(*rules.dialect).name;
  }
  if (rules.dt) {
    stated.push_back(text::cat("a step of ", *rules.dt, " s"));
    json["stated"]["dt"] = *rules.dt;
  }
  if (rules.reset) {
    const bool subtracts = *rules.reset == snn::real::Reset::subtract;
    stated.push_back(subtracts ? "a spike subtracts its threshold" : "a spike resets to v_reset");
    json["stated"]["reset"] = subtracts ? "subtract" : "value";
  }
  if (!stated.empty()) told += "\nWhat its metadata states:\n";
  for (const std::string& what : stated) told += text::cat("- ", what, "\n");
  json["remarks"] = Json::array();
  const auto remarks = nir::lint(graph, *shapes);
  if (!remarks.empty()) told += "\nWhat the file leaves open:\n";
  for (const auto& remark : remarks) {
    told += text::cat("- ", remark.node.empty() ? "" : text::cat("'", remark.node, "': "), remark.what, "\n");
    json["remarks"].push_back({{"node", remark.node}, {"what", remark.what}});
  }
  return Answer{json.dump(), told, {}};
}

Expected<Answer> inspect_real(RealFile file) {
  const auto engine = real::Engine::make(std::move(file.model));
  if (!engine) return fail(engine.error());
  const real::Model& model = engine->model();
  Json json{{"kind", "syn"},
            {"profile", "float"},
            {"name", model.name},
            {"hash", to_hex(file.hash)},
            {"dt", model.dt},
            {"file_bytes", file.bytes},
            {"resident_bytes", engine->resident_bytes()},
            {"state_bytes", engine->state_bytes()}};
  report::Table table({"population", "kind", "shape", "input"});
  for (std::size_t i = 0; i < model.populations.size(); ++i) {
    const auto& population = model.populations[i];
    std::string inputs;
    for (const auto& projection : model.projections) {
      if (projection.to != i) continue;
      inputs += text::cat(inputs.empty() ? "" : " + ", kind_of(projection.connection), " <- ",
                          model.populations[projection.from].name);
      if (projection.delay > 0)
        inputs += text::cat(" (", projection.delay, projection.delay == 1 ? " step" : " steps", " ago)");
    }
    table.row({population.name, std::string(kind_of(population.neurons)), show(population.shape), inputs});
    json["populations"].push_back(
        {{"name", population.name}, {"kind", kind_of(population.neurons)}, {"shape", population.shape}});
  }
  for (const auto& [key, value] : model.notes) json["notes"][key] = value;
  std::string told =
      text::cat("spiking model '", model.name, "', float profile, ", model.dt, " s a step\nhash ", to_hex(file.hash),
                "\nresident ", text::bytes(static_cast<double>(engine->resident_bytes())), ", and ",
                text::bytes(static_cast<double>(engine->state_bytes())), " for each sample\n\n", table.text(), "\n");
  for (const auto& [key, value] : model.notes) told += text::cat(key, ": ", value, "\n");
  return Answer{json.dump(), told, {}};
}

}  // namespace syn::cli
