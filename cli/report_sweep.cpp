// Accuracy against T: the one part of a report that converts.
#include "cli/converting.hpp"
#include "cli/one_process.hpp"
#include "cli/reporting.hpp"
#include "core/text.hpp"

namespace syn::cli {

namespace {

constexpr std::size_t kSweepImages = 2000;

struct Setting {
  snn::Code code;
  std::uint32_t steps;
};
std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const std::uint32_t steps : {2u, 4u, 8u, 16u, 32u}) all.push_back({snn::Code::volley, steps});
  for (std::uint32_t steps = 1; steps <= snn::kGreatestPhase; ++steps) all.push_back({snn::Code::phase, steps});
  for (const std::uint32_t steps : {2u, 4u, 8u, 16u, 32u}) all.push_back({snn::Code::step, steps});
  return all;
}

// Progress of the whole sweep is the caller's; what runs inside says nothing.
data::Dataset first(const data::Dataset& dataset, std::size_t count) {
  data::Dataset head = dataset;
  head.count = std::min(dataset.count, count);
  head.pixels.resize(head.count * head.shape.size());
  head.labels.resize(head.count);
  return head;
}

}  // namespace

Expected<> add_sweep(report::Page& page, const ann::Graph& graph, const data::Dataset& test, const data::Dataset& train,
                     const ConvertOptions& options, Terminal& terminal) {
  const data::Dataset images = first(test, kSweepImages);
  report::Sweep sweep{.images = images.count};
  Terminal quiet = Terminal::silent();
  const auto all = settings();
  const std::string title = "report: accuracy against T";
  terminal.progress(title, 0, all.size() + 1);
  auto network = evaluate_float(graph, images, options.mean, options.std, options.threads, quiet, "");
  if (!network) return fail(network.error());
  sweep.network = std::move(network->evaluation);
  for (std::size_t i = 0; i < all.size(); ++i) {
    terminal.progress(title, i + 1, all.size() + 1);
    ConvertOptions at = options;
    at.code = all[i].code;
    at.steps = all[i].steps;
    const auto converted = convert(graph, train, at);
    if (!converted) {  // a code that this network does not take is a gap in the picture, not the end of it
      page.remarks.push_back(text::cat(name_of(at.code), ", T = ", at.steps, ": ", converted.error().what));
      continue;
    }
    sweep.calibration_images = converted->calibration_images;
    const auto engine = snn::Engine::make(converted->model);
    if (!engine) return fail(engine.error());
    auto local = evaluate_spiking(*engine, images, options.mean, options.std, options.threads, quiet, "");
    if (!local) return fail(local.error());
    sweep.points.push_back({name_of(at.code), at.steps, std::move(local->evaluation)});
  }
  terminal.progress(title, all.size() + 1, all.size() + 1);
  page.sweep = std::move(sweep);
  return {};
}

}  // namespace syn::cli
