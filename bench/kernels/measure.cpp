#include "bench/kernels/measure.hpp"

#include <algorithm>

#include "bench/kernels/silent.hpp"

namespace syn::bench {
std::vector<InputSpec> main_inputs() {
  std::vector<InputSpec> inputs;
  for (const double rate : {0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.6, 1.0}) inputs.push_back({1, rate});
  for (const std::uint32_t greatest : {15u, 255u})
    for (const double rate : {0.01, 0.05, 0.1, 0.2, 0.3, 0.6, 1.0}) inputs.push_back({greatest, rate});
  return inputs;
}

const LayerLine* TableResult::main_at(const InputSpec& input) const {
  const auto at = std::ranges::find(main, input, &LayerLine::input);
  return at == main.end() ? nullptr : &*at;
}

CostByEvents cost_by_events(const std::vector<LayerLine>& main) {
  CostByEvents cost;
  double least = 1;
  std::vector<Point> naive;
  for (const LayerLine& line : main) {
    if (line.input.greatest != 1 || line.input.rate > kFitTo) continue;
    cost.points.push_back({line.events, line.engine.median});
    if (line.naive_path.median > 0) naive.push_back({line.events, line.naive_path.median});
    if (line.input.rate < least) {
      least = line.input.rate;
      cost.update = line.singles_rest.median > 0 ? line.singles_rest.median : line.events_rest.median;
    }
  }
  cost.line = fit(cost.points);
  if (cost.line.a > cost.update) cost.line = fit_from(cost.update, cost.points);
  cost.naive_event = fit(naive).b;
  for (const Point& p : cost.points)
    cost.above_naive = std::max(cost.above_naive, p.y / (cost.update + cost.naive_event * p.x) - 1);
  return cost;
}

TableResult measure(const snn::kernels::Table& table, const CacheSizes& caches, const Pace& pace,
                    const Progress& progress) {
  BoundTimer bounds(probes_of(table.name), caches);
  std::vector<LayerTimer> main, others;
  for (const InputSpec& input : main_inputs()) main.emplace_back(main_layer(), input, table);
  for (const LayerSpec& layer : other_layers())
    for (const double rate : {0.1, 0.5}) others.emplace_back(layer, InputSpec{8, rate}, table);
  SmallTimer small(table, caches);
  SilentTimer silent(table.name, false), handing_on(table.name, true);
  std::vector<Timed*> all = bounds.timed();
  const auto add = [&](const std::vector<Timed*>& more) { all.insert(all.end(), more.begin(), more.end()); };
  for (LayerTimer& timer : main) add(timer.timed());
  for (LayerTimer& timer : others) add(timer.timed());
  add(small.timed());
  all.push_back(silent.timed());
  all.push_back(handing_on.timed());
  time_all(all, pace, progress);

  TableResult result{.table = table.name, .bounds = bounds.bounds(), .small = small.lines()};
  for (const LayerTimer& timer : main) result.main.push_back(timer.line());
  for (const LayerTimer& timer : others) result.others.push_back(timer.line());
  result.cost = cost_by_events(result.main);
  result.silent_step = silent.timed()->ns;
  result.silent_handing_on = handing_on.timed()->ns;
  result.silent_neurons = silent.neurons();
  return result;
}

Held events_bound(const LayerLine& line, const Bounds& bounds, const CacheSizes& caches) {
  const Level level = level_of(line.weight_bytes, caches);
  const double fed = bounds.fed(line.narrow, level);
  if (fed <= 0) return {};
  return {line.word_macs / fed, level == Level::l1 ? "fed from L1" : "fed from L2"};
}
Held singles_bound(const LayerLine& line, const Bounds& bounds, const CacheSizes& caches) {
  const Level level = level_of(line.single_weight_bytes, caches);
  const double load = bounds.at(level).load;
  if (load <= 0 || line.single_weight_bytes == 0) return {};
  return {line.single_macs / load, level == Level::l1 ? "loaded from L1" : "loaded from L2"};
}
Held dense_bound(const LayerLine& line, const Bounds& bounds) {
  const double peak = bounds.peak(line.narrow);
  if (peak <= 0) return {};
  return {line.dense_macs / peak, "registers"};
}
Held scatter_bound(const LayerLine& line, const Bounds& bounds) {
  if (bounds.l1.add <= 0) return {};
  return {line.synops / bounds.l1.add, "added in L1"};
}

}  // namespace syn::bench
