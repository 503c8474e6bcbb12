#include "cli/convert_integer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/sequences.hpp"
#include "conversion/fixed/distance.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "snn/model_file.hpp"

namespace syn::cli {

namespace {

namespace real = snn::real;

std::string digits(double value) {  // 4 significant ones
  std::array<char, 32> buffer;
  return {buffer.data(),
          std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::general, 4).ptr};
}
std::string number(std::uint64_t n) {
  return text::grouped(static_cast<std::int64_t>(n));
}
std::string percent(double share) {
  return text::fixed(100 * share, 2) + " %";
}
std::string step_of(const fixed::Trains& trains) {
  return trains.first_divergence ? number(*trains.first_divergence) : "never";
}
Json as_json(const fixed::Trains& t) {
  Json out{{"spikes_float", t.in_float},
           {"spikes_integer", t.in_integers},
           {"coincident", t.coincident},
           {"coincidence", t.coincidence()},
           {"count_error", t.count_error}};
  out["first_divergence"] = t.first_divergence ? Json(*t.first_divergence) : Json();
  return out;
}

// What was found out about populations, in `json` and as a table.
std::string tell_populations(const fixed::Fixed& fixed, const fixed::Distance& distance, Json& json) {
  report::Table table({"population", "spikes float", "integer", "coincident", "count error", "differs from step",
                       "alone: coincident", "from step", "potential error", "stated bound"});
  for (const auto& of : distance.populations) {
    const fixed::Place& place = fixed.places[of.place];
    const snn::Population& p = fixed.model.populations[place.population];
    const bool fires = snn::fires(p);
    const auto if_fires = [&](std::string word) { return fires ? word : std::string("-"); };
    table.row({p.name, if_fires(number(of.whole.in_float)), if_fires(number(of.whole.in_integers)),
               if_fires(percent(of.whole.coincidence())), if_fires(number(of.whole.count_error)),
               if_fires(step_of(of.whole)), if_fires(percent(of.alone.coincidence())), if_fires(step_of(of.alone)),
               of.potential_error ? digits(*of.potential_error) : "-", digits(of.bound)});
    Json one{{"name", p.name}, {"potential_bound", of.bound}, {"bound_share", of.bound_share}};
    if (of.potential_error) one["potential_error"] = *of.potential_error;
    if (!place.threshold.empty()) one["threshold"] = *std::ranges::max_element(place.threshold);
    if (fires) one["whole"] = as_json(of.whole), one["alone"] = as_json(of.alone);
    json["populations"].push_back(std::move(one));
  }
  return table.text() +
         "(whole: in the integer network; alone: each population given float's spikes. Potential error: alone, until "
         "a\n"
         "neuron first fires otherwise, in the network's own unit; the bound is the greatest of its neurons' and holds "
         "for T\n"
         "steps of any spikes, and inputs no greater than these)\n";
}

std::string tell_outputs(const real::Model& model, const fixed::Distance& distance, Json& json) {
  std::string told;
  for (const auto& of : distance.outputs) {
    const std::string& name = model.outputs[of.port].name;
    const bool spikes = of.trains.in_float + of.trains.in_integers > 0;
    told += text::cat("output '", name, "': ");
    if (spikes) {
      told +=
          text::cat(number(of.trains.in_float), " spikes in float, ", number(of.trains.in_integers), " in integers, ",
                    percent(of.trains.coincidence()), " coincident, count error ", number(of.trains.count_error));
    } else {
      told += text::cat("last value off by up to ", digits(of.value_error));
    }
    told += text::cat("; class agrees in ", number(of.agreeing), " of ", number(of.samples), " samples\n");
    Json one{{"name", name}, {"samples", of.samples}, {"classes_agreeing", of.agreeing}};
    if (spikes)
      one["trains"] = as_json(of.trains);
    else
      one["value_error"] = of.value_error;
    json["outputs"].push_back(std::move(one));
  }
  return told;
}

}  // namespace

Expected<Answer> convert_integer(const real::Model& model, const ConvertInteger& options, Terminal& terminal) {
  fixed::Options how;
  Sequences sequences;
  if (!options.inputs.empty()) {
    std::vector<real::Shape> shapes;
    for (const auto& port : model.inputs) shapes.push_back(model.populations[port.population].shape);
    auto read = read_sequences(files_of(options.inputs, model.inputs, "--input"), shapes);
    if (!read) return fail(read.error());
    sequences = std::move(*read);
    for (const auto& x : sequences.arrays) how.inputs.push_back(fixed::code_for(x.values));
  }
  if (!options.steps && sequences.steps == 0)
    throw UsageError({"how many steps an inference has is not said", "the command line",
                      "give --steps T, or --input X.npy, whose steps are taken"});
  how.steps =
      options.steps.value_or(static_cast<std::uint32_t>(std::min<std::size_t>(sequences.steps, kGreatestCount + 1)));
  const auto fixed = fixed::to_integer(model, how);
  if (!fixed) return fail(fixed.error());
  const Bytes bytes = snn::write_model(fixed->model);
  if (auto written = write_file(options.output, bytes); !written) return fail(written.error());
  const auto hash = snn::hash_of(bytes, options.output);
  if (!hash) return fail(hash.error());

  Json json{{"output", options.output}, {"hash", to_hex(*hash)},     {"bytes", bytes.size()},       {"code", "step"},
            {"steps", how.steps},       {"remarks", fixed->remarks}, {"populations", Json::array()}};
  std::string told;
  if (sequences.samples > 0) {
    auto comparison = fixed::Comparison::make(model, *fixed);
    if (!comparison) return fail(comparison.error());
    const auto steps = static_cast<std::uint32_t>(std::min<std::size_t>(how.steps, sequences.steps));
    for (std::size_t s = 0; s < sequences.samples; ++s) {
      std::vector<std::span<const float>> sample;
      for (std::size_t i = 0; i < sequences.arrays.size(); ++i) {
        const auto whole = sequences.sample(i, s);
        sample.push_back(whole.first(whole.size() / sequences.steps * steps));
      }
      if (auto added = comparison->add(sample, steps); !added) {
        Error e = added.error();
        e.where = text::cat("sample ", s, ", ", e.where);
        return fail(std::move(e));
      }
      terminal.progress("running float and integers side by side", s + 1, sequences.samples);
    }
    const fixed::Distance& distance = comparison->distance();
    json["samples"] = distance.samples;
    json["steps_compared"] = distance.steps;
    json["clipped_inputs"] = distance.clipped;
    told = tell_populations(*fixed, distance, json) + "\n" + tell_outputs(model, distance, json);
  } else {
    report::Table table({"population", "fraction", "stated bound", "threshold"});
    for (const auto& place : fixed->places) {
      const snn::Population& p = fixed->model.populations[place.population];
      const double bound = *std::ranges::max_element(place.bound);
      table.row({p.name, text::cat(membrane_of(p)->fraction, " bits"), digits(bound),
                 place.threshold.empty() ? "-" : digits(*std::ranges::max_element(place.threshold))});
      json["populations"].push_back({{"name", p.name}, {"potential_bound", bound}});
    }
    told = table.text() + "(give --input X.npy to be told how far this is from float)\n";
  }
  for (std::size_t i = 0; i < fixed->source_of.size(); ++i) {
    const fixed::InputCode code = i < how.inputs.size() ? how.inputs[i] : fixed::InputCode{};
    const std::string line = text::cat("input '", model.inputs[i].name, "': count = ", code.scale, " x + ", code.zero,
                                       code.exact ? ", which meets every number" : ", rounded");
    told += (how.inputs.empty() ? line + " from 0 to 255 (give --input to see the data's)" : line) + "\n";
  }
  for (const std::string& remark : fixed->remarks) told += "- " + remark + "\n";
  told += text::cat("\n", options.output, ": ", text::bytes(static_cast<double>(bytes.size())),
                    ", integers, step code, T = ", how.steps, "\nhash ", to_hex(*hash), "\n");
  return Answer{json.dump(), told, {}};
}

}  // namespace syn::cli
