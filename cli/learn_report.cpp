#include "cli/learn_report.hpp"

#include <algorithm>

#include "cli/machine.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "report/learning.hpp"
#include "snn/learning/learner.hpp"

namespace syn::cli {

namespace {

constexpr std::size_t kMostNeurons = 400;  // drawn

// A synapse from each pixel; colours are averaged.
std::vector<std::uint8_t> picture(const snn::learning::Learner& learner, std::uint32_t neuron,
                                  const data::Shape& shape) {
  const std::size_t plane = shape.height * shape.width;
  std::vector<std::uint8_t> out(plane);
  for (std::size_t i = 0; i < plane; ++i) {
    int sum = 0;
    for (std::size_t c = 0; c < shape.channels; ++c)
      sum += std::max<int>(0, learner.plastic.weights[(c * plane + i) * learner.spec.neurons + neuron]);
    out[i] = static_cast<std::uint8_t>(sum / static_cast<int>(shape.channels));
  }
  return out;
}

}  // namespace

Expected<> write_learning_report(const ReportOption& option, const Course& course, const LearnedOn& learned,
                                 const std::string& name, Terminal& terminal) {
  const auto learner = snn::learning::restore(learned.finished.bytes);
  if (!learner) return fail(learner.error());
  const auto& spec = learner->spec;
  const data::Shape& shape = course.train().shape;
  report::LearningPage page{.learner = name,
                            .data = course.train().name,
                            .where = learned.where,
                            .images = learner->presentations,
                            .rewarded = spec.rule.modulated,
                            .state_bytes = learned.finished.bytes.size(),
                            .classes = spec.classes,
                            .height = static_cast<std::uint32_t>(shape.height),
                            .width = static_cast<std::uint32_t>(shape.width)};
  if (learned.seconds > 0) {
    const auto taught = learner->presentations - course.went_on_from() + course.retaught();
    page.images_per_minute = static_cast<double>(taught) / learned.seconds * 60;
  }
  for (const Exam& e : course.exams()) page.exams.push_back({e.images, e.correct, e.total});
  for (std::uint32_t j = 0; j < spec.neurons; ++j) {
    const auto votes = std::span(learner->votes).subspan(std::size_t{j} * spec.classes, spec.classes);
    std::uint64_t all = 0;
    for (const std::uint16_t v : votes) all += v;
    const std::uint32_t class_ = class_of(*learner, j);
    page.neurons.push_back({.index = j,
                            .class_ = class_,
                            .sure = all ? static_cast<double>(votes[class_]) / static_cast<double>(all) : 0,
                            .weights = picture(*learner, j, shape)});
  }
  std::ranges::stable_sort(page.neurons, [](const auto& a, const auto& b) {
    return std::pair(a.sure == 0, a.class_) < std::pair(b.sure == 0, b.class_);
  });
  const std::size_t all = page.neurons.size();
  if (all > kMostNeurons) page.neurons.resize(kMostNeurons);
  page.facts = this_run();
  page.facts.push_back({"settings", text::cat(spec.sources, " sources, ", spec.neurons, " neurons, ", spec.steps,
                                              " steps, threshold ", spec.threshold, ", seed ", spec.rule.seed)});
  if (all > kMostNeurons) page.facts.push_back({"drawn", text::cat(kMostNeurons, " of ", all, " neurons")});
  page.facts.push_back({"state, SHA-256", syn::to_hex(learned.finished.state.hash)});
  const std::string content = report::html(page);
  if (auto written = write_file(option.path, {reinterpret_cast<const std::uint8_t*>(content.data()), content.size()});
      !written)
    return written;
  terminal.line(text::cat("report: ", option.path));
  return {};
}

}  // namespace syn::cli
