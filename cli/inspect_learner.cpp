#include "cli/inspect_learner.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/options.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "snn/learning/learner.hpp"

namespace syn::cli {

bool is_learner_file(const std::string& path) {
  Bytes first(snn::learning::kMagicBytes);
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(first.data()), static_cast<std::streamsize>(first.size()));
  return in && snn::learning::is_learner(first);
}

Expected<Answer> inspect_learner(const std::string& path) {
  const auto bytes = read_file(path, "learner's state", 64 << 20);
  if (!bytes) return fail(bytes.error());
  const auto learner = snn::learning::restore(*bytes);
  if (!learner) return fail({learner.error().what, path, "it is damaged, or of another version; keep it anew"});
  const auto& spec = learner->spec;
  // By class: how many neurons stand for it, and their share of votes that agree.
  struct Class {
    std::uint32_t neurons = 0;
    std::uint64_t for_it = 0, all = 0;
  };
  std::vector<Class> classes(spec.classes);
  std::uint32_t silent = 0;
  for (std::uint32_t j = 0; j < spec.neurons; ++j) {
    const auto votes = std::span(learner->votes).subspan(std::size_t{j} * spec.classes, spec.classes);
    std::uint64_t all = 0;
    for (const std::uint16_t v : votes) all += v;
    if (all == 0) {
      ++silent;
      continue;
    }
    Class& c = classes[class_of(*learner, j)];
    ++c.neurons;
    c.for_it += votes[class_of(*learner, j)];
    c.all += all;
  }
  const auto [least, most] = std::ranges::minmax_element(learner->plastic.weights);
  const std::string hash = syn::to_hex(snn::learning::state_hash(*bytes));
  Json json{{"kind", "learner"},
            {"state_sha256", hash},
            {"images", learner->presentations},
            {"sources", spec.sources},
            {"neurons", spec.neurons},
            {"steps", spec.steps},
            {"threshold", spec.threshold},
            {"rewarded", spec.rule.modulated},
            {"seed", spec.rule.seed},
            {"least_weight", int{*least}},
            {"greatest_weight", int{*most}},
            {"silent_neurons", silent},
            {"file_bytes", bytes->size()},
            {"resident_bytes", resident_bytes(spec)}};
  report::Table table({"class", "neurons", "votes that agree"});
  for (std::uint32_t c = 0; c < spec.classes; ++c) {
    const double agree =
        classes[c].all ? static_cast<double>(classes[c].for_it) / static_cast<double>(classes[c].all) : 0;
    table.row({text::cat(c), text::cat(classes[c].neurons), text::cat(text::fixed(agree * 100, 1), " %")});
    json["classes"].push_back({{"neurons", classes[c].neurons}, {"agree", agree}});
  }
  const std::string head = text::cat("a learner: ", spec.sources, " sources, ", spec.neurons, " neurons",
                                     silent ? text::cat(", of which ", silent, " have never fired") : std::string(),
                                     "; ", text::grouped(static_cast<std::int64_t>(learner->presentations)),
                                     " images, ", spec.rule.modulated ? "by their outcome" : "by itself", ", seed ",
                                     spec.rule.seed, "\nstate ", hash, "\nweights ", int{*least}, " to ", int{*most},
                                     "; resident ", text::bytes(static_cast<double>(resident_bytes(spec))), "\n\n");
  return Answer{json.dump(), head + table.text(), {}};
}

}  // namespace syn::cli
