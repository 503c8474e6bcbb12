#include <algorithm>
#include <map>

#include "core/text.hpp"
#include "report/plot.hpp"
#include "report/sections.hpp"

namespace syn::report {

namespace {

// "conv1 pool1", or first and last of many: a box is as wide as twenty characters.
std::string pieces_of(const Machine& m) {
  std::string all;
  for (const std::string& p : m.pieces) all += (all.empty() ? "" : " ") + p;
  if (all.size() <= 20 || m.pieces.size() < 3) return all;
  return text::cat(m.pieces.front(), " … ", m.pieces.back());
}

Boxes boxes_of(const PlacementView& view) {
  Boxes boxes;
  std::map<std::string, std::size_t> index;
  boxes.boxes.push_back({view.gateway, {"images"}, "where images come from", true});
  for (const Machine& m : view.machines) {
    index[m.name] = boxes.boxes.size();
    std::string all;
    for (const std::string& p : m.pieces) all += (all.empty() ? "" : " ") + p;
    boxes.boxes.push_back({m.name, {pieces_of(m)}, text::cat(m.name, " computes ", all)});
    auto& lines = boxes.boxes.back().lines;
    lines.push_back(text::cat("plan ", duration(m.predicted_us)));
    if (m.measured_us) lines.push_back(text::cat("took ", duration(*m.measured_us)));
  }
  boxes.boxes.push_back({view.gateway, {"results"}, "where results go", true});
  for (const EdgeBytes& e : view.edges) {
    const auto from = index.find(e.from), to = index.find(e.to);
    const double sent = e.payload + e.headers;
    boxes.arrows.push_back({from == index.end() ? 0 : from->second,
                            to == index.end() ? boxes.boxes.size() - 1 : to->second,
                            {e.population, whole(sent) + " B"},
                            text::cat(e.from, " → ", e.to, ": ", e.population, ", ", whole(sent), " B per inference"),
                            sent});
  }
  return boxes;
}

}  // namespace

std::string placement_section(const Page& page) {
  if (!page.placement || page.placement->machines.empty()) return {};
  const PlacementView& view = *page.placement;
  const Way& way = page.ways.front();
  HtmlTable table({"", "planned", "measured"});
  const bool measured = way.wire_bytes.has_value();
  const auto of = [&](const std::string& value) { return measured ? value : std::string("–"); };
  table.row({{"latency p50"}, {duration(view.predicted_latency_us)}, {of(duration(way.evaluation.latency_us_p50))}});
  table.row(
      {{"throughput, inferences/s"}, {whole(view.predicted_throughput)}, {of(whole(way.evaluation.throughput_per_s))}});
  table.row({{"bytes on the wire"}, {whole(view.predicted_wire)}, {of(whole(way.wire_bytes.value_or(0)))}});
  for (const Machine& m : view.machines) {
    table.row({{text::cat(m.name, ", compute")},
               {duration(m.predicted_us)},
               {m.measured_us ? duration(*m.measured_us) : "–"}});
  }
  std::string notes;
  for (const std::string& n : view.notes) notes += text::cat(notes.empty() ? "" : " ", "The planner: ", n, ".");
  return section(
      "placement", "Placement",
      "Which machine computes what, and what travels between them; the plan was made from device profiles "
      "before anything ran.",
      text::cat(figure(draw(boxes_of(view), "placement-plot", "machines and the edges between them"), "", "", true),
                "<div class=\"card after\">", table.str(), note(notes),
                note("Planned latency is of one inference on idle machines; the measured one is of a full "
                     "pipeline, waiting included."),
                "</div>\n"));
}

std::string energy_section(const Page& page) {
  if (!page.energy) return {};
  const Energy& e = *page.energy;
  const std::string& code = page.ways.front().evaluation.code;
  const auto uj = [](double v) { return v < 0.1 ? text::fixed(v * 1000, 1) + " nJ" : text::fixed(v, 2) + " µJ"; };
  BarChart chart{.id = "energy-plot",
                 .title = "estimated arithmetic energy per inference",
                 .x_label = "microjoules per inference, 45 nm"};
  chart.label_width = 128;
  chart.groups.emplace_back();
  const auto bar = [&](const std::string& name, double value, std::uint32_t colour) {
    chart.groups[0].bars.push_back({name, {{value, colour, {}}}, uj(value)});
  };
  bar("network, float32", e.network_float32, 5);
  bar("network, int8", e.network_int8, 2);
  HtmlTable table({"", "operations", "pJ each", "estimate", "of int8"});
  const auto row = [&](const std::string& name, const std::string& ops, const std::string& each, double value) {
    table.row(
        {{name}, {ops}, {each}, {uj(value)}, {e.network_int8 > 0 ? text::fixed(value / e.network_int8, 2) : "–"}});
  };
  using H = Horowitz;
  row("network, float32", short_number(e.dense), text::fixed(H::mac_float32, 1), e.network_float32);
  row("network, int8", short_number(e.dense), text::fixed(H::mac_int8, 1), e.network_int8);
  if (e.graded > 0) {
    bar("spiking, graded", e.graded, 0);
    row("spiking, graded events", short_number(e.graded_events + e.wide_events + e.pixel_events),
        text::fixed(H::mac_int8, 1), e.graded);
  }
  bar("spiking, binary", e.binary, 1);
  row("spiking, binary spikes", short_number(e.binary_spikes + e.pixel_events), text::fixed(H::add_int32, 1), e.binary);
  std::string how = text::cat(
      "An estimate of arithmetic alone: operations counted over ", whole(static_cast<double>(page.watched)),
      " images, times the energies of M. Horowitz, ISSCC 2014 (45 nm: int8 multiply 0.2 pJ, int32 add 0.1 pJ, float32 "
      "multiply 3.7 pJ, float32 add 0.9 pJ). Memory traffic, which outweighs arithmetic on any processor, is not in "
      "it, "
      "nor is a sparse code's cost of finding its events. No device was measured. ");
  if (code == "step") {
    how += "A spike is one addition a synapse; pixels are multiplied once an inference.";
  } else {
    how += text::cat(
        "Graded: what this engine computes, one multiply-add for a non-zero count and a synapse (pooled sums "
        "above 255 priced at two products). Binary: the same counts as trains of ",
        code == "phase" ? "binary digits" : "c spikes",
        ", one addition a spike and synapse, on hardware that takes spikes only; pixels are multiplied in "
        "both.");
  }
  if (page.simulated_joule) {
    how += text::cat(" The simulator's own figure, from its device profiles (busy time times watts): ",
                     text::fixed(*page.simulated_joule * 1000, 3), " mJ per inference.");
  }
  return section("energy", "Energy, estimated", "Sparse additions against dense multiply-adds.",
                 columns({figure(bar_chart(chart), "", ""),
                          text::cat("<div class=\"card\">", table.str(), note(how), "</div>\n")}));
}

}  // namespace syn::report
