// The page as a whole: well formed, alone in the world, the same for the same values; and what activity and energy
// count.
#include <doctest/doctest.h>

#include <cmath>

#include "report/page.hpp"
#include "report/sections.hpp"
#include "tests/report/markup.hpp"

using namespace syn;
using report::Glass;

namespace {

// Four pixels, two channels of neurons at each of four places, summed over all places, three classes.
snn::Model small(snn::Code code, std::uint32_t steps) {
  const auto levels = snn::levels_of(code, steps);
  snn::Model m{.name = "small", .code = code, .steps = steps};
  m.populations = {
      {.name = "image", .shape = {2, 2, 1}, .code = code, .kind = snn::Source{{255}, {0}, {}}, .greatest = 255},
      {.name = "hidden",
       .shape = {2, 2, 2},
       .code = code,
       .kind = snn::IntegrateAndFire{.threshold = {100, 200}, .bias = {0, 0}, .v_min = -100000, .v_max = 100000},
       .greatest = levels},
      {.name = "pool", .shape = {1, 1, 2}, .code = code, .kind = snn::Pooled{}, .greatest = 4 * levels},
      {.name = "readout", .shape = {1, 1, 3}, .code = code, .kind = snn::Readout{{0, 0, 0}, 0.5}}};
  m.projections = {{0, 1, snn::Conv{.weights = {1, 0}}},  // the second channel hears nothing
                   {1, 2, snn::SumPool{.kernel_height = 2, .kernel_width = 2, .stride_y = 2, .stride_x = 2}},
                   {2, 3, snn::Dense{.weights = {1, 2, 3, 4, 5, 6}}}};
  for (auto& p : m.populations) p.amplitude.assign(p.shape.channels, 1.0);
  m.outputs = {"readout"};
  return m;
}

report::Page full_page() {
  const snn::Model model = small(snn::Code::volley, 4);
  auto glass = Glass::make(model, {{0, 0, 1}, {1, 0, 2}, {2, 0, 2}});
  REQUIRE(glass.has_value());
  Glass::Seen seen;
  const auto one = glass->look({0, 100, 200, 250});
  glass->add(one, seen);
  report::Page page{.model = "<model> & \"friends\"", .data = "data<set>"};
  report::Evaluation e{.correct = 9, .total = 10, .code = "volley", .steps = 4};
  e.spikes_per_inference = 6, e.events_per_inference = 3, e.synops_per_inference = 1234;
  e.latencies_us = {100, 200, 300};
  e.digest = std::string(64, 'a'), e.spike_digest = std::string(64, 'b');
  page.ways = {{"2 daemons", "wall clock", e, 1000.0}, {"one process", "wall clock", e, {}}};
  page.network = report::Evaluation{.correct = 10, .total = 10, .code = "float32"};
  page.facts = {{"command", "synfire '<run>'"}};
  page.sweep =
      report::Sweep{.images = 10, .calibration_images = 5, .network = page.network, .points = {{"volley", 4, e}}};
  page.sample = report::Sample{.label = 1,
                               .picture = {2, 2, 1, {0, 100, 200, 250}},
                               .raster = report::raster_of(model, one, 6),
                               .logits = {0.5, -1, 2}};
  page.watched = seen.inferences;
  for (std::size_t p = 0; p < 3; ++p) {
    const auto& population = model.populations[p];
    page.layers.push_back(
        {population.name, "kind", population.shape.neurons(), population.greatest, seen.watched[p], {}});
  }
  page.layers[1].conversion = report::Layer::Conversion{.signal = 1, .dead = 1};
  page.latencies_us = e.latencies_us;
  page.latency_clock = "wall clock";
  report::PlacementView view{.gateway = "gateway", .raw_input = 4};
  view.machines = {{"node <1>", {"hidden"}, 10, 12.0, 1000}, {"node 2", {"pool", "readout"}, 5, {}, 100}};
  view.edges = {{"gateway", "node <1>", "image", 10, 32, 5.0, 4},
                {"node <1>", "node 2", "hidden", 3, 32, 2.0, 8},
                {"node 2", "gateway", "readout", 12, 32, {}, 3}};
  view.notes = {"why & how"};
  page.placement = std::move(view);
  page.energy = report::energy(model, seen);
  page.simulated_joule = 1e-3;
  page.remarks = {"a <remark>"};
  return page;
}

}  // namespace

TEST_CASE("a page with everything is well formed and has every plot") {
  std::set<std::string> ids;
  CHECK(test::malformed(report::html(full_page()), &ids) == "");
  for (const char* id : {"headline", "accuracy-steps", "accuracy-work", "image", "answer", "spikes", "density", "rate",
                         "edge-bytes", "latency-plot", "placement-plot", "energy-plot", "about"}) {
    CHECK_MESSAGE(ids.contains(id), id);
  }
}

TEST_CASE("a page with next to nothing is well formed, and has no empty sections") {
  report::Page page{.model = "m", .data = "d"};
  page.ways.push_back({"one process", "wall clock", {}, {}});
  std::set<std::string> ids;
  CHECK(test::malformed(report::html(page), &ids) == "");
  CHECK(ids == std::set<std::string>{"headline", "about"});
}

TEST_CASE("a page needs nothing but itself: no address, no script, nothing to load") {
  std::string html = report::html(full_page());
  for (const std::string space : {"xmlns=\"http://www.w3.org/2000/svg\"", "xmlns=\"http://www.w3.org/1999/xhtml\""}) {
    for (auto at = html.find(space); at != std::string::npos; at = html.find(space)) html.erase(at, space.size());
  }
  for (const char* what : {"http:", "https:", "src=", "@import", "url(", "<script", "<img", "<iframe", "//"}) {
    CHECK_MESSAGE(html.find(what) == std::string::npos, what);
  }
}

TEST_CASE("the same values give the same bytes") {
  CHECK(report::html(full_page()) == report::html(full_page()));
}

TEST_CASE("through glass: every population's counts, and histograms of them") {
  const auto model = small(snn::Code::volley, 4);
  auto glass = Glass::make(model, {{1, 0, 2}, {1, 0, 1}});
  REQUIRE(glass.has_value());
  const auto one = glass->look({0, 100, 200, 250});
  CHECK(one.counts[0] == std::vector<Count>{0, 100, 200, 250});
  CHECK(one.counts[1] == std::vector<Count>{0, 0, 1, 0, 2, 0, 3, 0});  // floor((S + 50) / 100)
  CHECK(one.counts[2] == std::vector<Count>{6, 0});
  CHECK(one.potentials == std::vector<std::int32_t>{6, 12, 18});
  Glass::Seen seen, twice;
  glass->add(one, seen);
  CHECK(seen.watched[0].of == std::vector<std::uint64_t>{5, 1, 1, 1, 0});
  CHECK(seen.watched[1].of == std::vector<std::uint64_t>{1, 1, 1, 1, 0});
  CHECK(seen.watched[1].sum() == 6);
  CHECK(seen.watched[1].entropy() == doctest::Approx(2.0));
  twice += seen;
  twice += seen;
  CHECK(twice.inferences == 2);
  CHECK(twice.watched[0].total() == 16);
  CHECK(twice.watched[1].entropy() == doctest::Approx(2.0));
  CHECK(report::CountHistogram{{7}}.entropy() == 0);
  CHECK(report::CountHistogram{}.entropy() == 0);
}

TEST_CASE("an edge's name is a population or a slice of one; anything else is refused") {
  const auto model = small(snn::Code::volley, 4);
  CHECK(report::watch_of(model, "hidden").value() == report::Watch{1, 0, 2});
  CHECK(report::watch_of(model, "hidden[1:2]").value() == report::Watch{1, 1, 2});
  for (const char* name :
       {"", "nobody", "hidden[", "hidden[1:3]", "hidden[2:1]", "hidden[a:b]", "hidden[0:1", "[0:1]"}) {
    CHECK_FALSE(report::watch_of(model, name).has_value());
  }
}

TEST_CASE("energy counts events and spikes of each code as that code computes them") {
  const auto seen_of = [](const snn::Model& model) {
    auto glass = Glass::make(model, {});
    REQUIRE(glass.has_value());
    Glass::Seen seen;
    glass->add(glass->look({0, 100, 200, 250}), seen);
    return report::energy(model, seen);
  };
  // Dense: 4 places x 1 x 2 weights, and 2 x 3 of the readout. Three pixels meet the one weight that is not zero.
  const auto volley = seen_of(small(snn::Code::volley, 4));
  CHECK(volley.dense == 14);
  CHECK(volley.pixel_events == 3);
  CHECK(volley.graded_events == 3);  // one pooled sum meets three weights; pooling itself has no weights
  CHECK(volley.binary_spikes == 18);
  CHECK(volley.neurons == 11);
  CHECK(volley.network_float32 == doctest::Approx((14 * 4.6 + 11 * 0.9) * 1e-6));
  CHECK(volley.network_int8 == doctest::Approx((14 * 0.3 + 11 * 0.1) * 1e-6));
  CHECK(volley.graded == doctest::Approx((6 * 0.3 + 11 * 0.1) * 1e-6));
  const auto step = seen_of(small(snn::Code::step, 4));
  CHECK(step.graded == 0);
  CHECK(step.binary > 0);
}

TEST_CASE("trains: a volley is spread over its window, and each layer waits for the one before") {
  auto model = small(snn::Code::volley, 4);
  auto glass = Glass::make(model, {});
  REQUIRE(glass.has_value());
  const auto raster = report::raster_of(model, glass->look({0, 100, 200, 250}), 100);
  REQUIRE(raster.trains.size() == 1);
  CHECK(raster.trains[0].window == 0);
  CHECK(raster.trains[0].spikes == 6);
  REQUIRE(raster.trains[0].rows.size() == 8);
  // Channel by channel: four places of the first, then four of the second.
  CHECK(raster.trains[0].rows[0].empty());
  CHECK(raster.trains[0].rows[1] == std::vector<std::uint32_t>{2});
  CHECK(raster.trains[0].rows[2] == std::vector<std::uint32_t>{1, 3});
  CHECK(raster.trains[0].rows[3] == std::vector<std::uint32_t>{0, 2, 3});
  CHECK(raster.trains[0].rows[7].empty());
  CHECK(report::raster_of(model, glass->look({0, 0, 0, 0}), 3).trains[0].rows.size() == 3);
}

TEST_CASE("trains: phase sends a count's binary digits, the highest first") {
  const auto model = small(snn::Code::phase, 3);
  auto glass = Glass::make(model, {});
  REQUIRE(glass.has_value());
  const auto raster = report::raster_of(model, glass->look({0, 100, 200, 250}), 100);  // counts 0, 1, 2, 3
  CHECK(raster.trains[0].rows[1] == std::vector<std::uint32_t>{2});
  CHECK(raster.trains[0].rows[2] == std::vector<std::uint32_t>{1});
  CHECK(raster.trains[0].rows[3] == std::vector<std::uint32_t>{1, 2});
  CHECK(raster.trains[0].spikes == 4);
}

TEST_CASE("pictures larger than the drawing are averaged; colours and odd numbers of channels are taken") {
  report::Picture picture{200, 300, 3, std::vector<std::uint8_t>(200 * 300 * 3, 128)};
  const std::string svg = report::draw(picture, "image", "t");
  CHECK(test::malformed(svg) == "");
  CHECK(svg.find("#808080") != std::string::npos);
  CHECK(svg.size() < 20000);
  CHECK(test::malformed(report::draw(report::Picture{2, 2, 2, std::vector<std::uint8_t>(8)}, "image", "t")) == "");
}

TEST_CASE("the answer shows the label even among a thousand classes") {
  std::vector<double> logits(1000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<double>(i) * 0.01;
  const std::string svg = report::draw_answer(logits, 3, "answer", "t");
  CHECK(svg.find(">▸ 3<") != std::string::npos);
  CHECK(svg.find(">999<") != std::string::npos);
}

TEST_CASE("an accuracy's interval is Wilson's") {
  report::Evaluation e{.correct = 9343, .total = 10000};
  CHECK(report::half_interval(e) == doctest::Approx(0.00486).epsilon(0.01));
  CHECK(report::half_interval({}) == 0);
}
