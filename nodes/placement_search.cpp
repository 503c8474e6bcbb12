#include "nodes/placement_search.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

namespace syn::nodes {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kMaxOrders = 24;  // of unequal devices along the line; beyond, the first ones in order

bool channel_wise(const snn::Projection& p) {
  return std::holds_alternative<snn::SumPool>(p.connection) || std::holds_alternative<snn::MaxPool>(p.connection);
}

// Whether a piece of a projection's target reads a piece of its source: pools read their own channels only, depthwise
// and one-to-one projections those `shift` below.
bool reads(const snn::Projection& p, const Piece& to, const Piece& from) {
  const std::optional<std::int64_t> shift = channel_wise(p) ? 0 : snn::shift_of(p.connection);
  return !shift || (from.channel_begin + *shift < to.channel_end && to.channel_begin < from.channel_end + *shift);
}

// What each item computes, reads from whom, and sends, so that a range of items can be priced.
struct Line {
  std::vector<double> share;
  std::vector<snn::Cost> cost;            // summed over the item's pieces, its share taken
  std::vector<std::vector<int>> readers;  // items that read it, ascending; -1: the gateway
  std::vector<std::vector<int>> sources;  // items it reads; -1 - s: Source s
  std::vector<double> bytes;              // of its out-edge, if it has one
  std::vector<double> messages;
  std::vector<double> source_bytes;
  std::vector<bool> whole;  // before item i the line cannot be cut: a projection leads back over that place
};

Line line_of(const snn::Model& model, const std::vector<Item>& items, std::uint32_t windows) {
  const auto costs = snn::costs(model);
  const auto rows = model.rows();
  Line line;
  // Items of each population, and which channels.
  std::vector<std::vector<std::pair<int, Piece>>> of(model.populations.size());
  for (int i = 0; i < int(items.size()); ++i) {
    snn::Cost sum;
    for (const auto& piece : items[i].pieces) {
      of[piece.population].emplace_back(i, piece);
      const auto mine = snn::share_of(costs[piece.population], piece.channel_end - piece.channel_begin,
                                      model.populations[piece.population].shape.channels);
      sum.work += mine.work;
      sum.bytes += mine.bytes;
    }
    line.cost.push_back(sum);
    line.share.push_back(items[i].share);
    const auto& last = model.populations[items[i].pieces.back().population];
    line.bytes.push_back(wire_bytes_of(last, items[i].share, rows, windows));
    line.messages.push_back(std::holds_alternative<snn::Readout>(last.kind) ? 1 : windows);
  }
  for (const auto& p : model.populations) line.source_bytes.push_back(wire_bytes_of(p, 1, rows, windows));
  line.whole.resize(items.size() + 1);
  for (const auto& projection : model.projections) {
    if (projection.from < projection.to) continue;
    const auto last = std::ranges::max(of[projection.from], {}, [](const auto& p) { return p.first; }).first;
    for (auto i = of[projection.to].front().first + 1; i <= last; ++i) line.whole[std::size_t(i)] = true;
  }
  line.readers.resize(items.size());
  line.sources.resize(items.size());
  for (const auto& projection : model.projections) {
    for (const auto& [to, to_piece] : of[projection.to]) {
      if (std::holds_alternative<snn::Source>(model.populations[projection.from].kind)) {
        line.sources[to].push_back(-1 - int(projection.from));
      }
      for (const auto& [from, from_piece] : of[projection.from]) {
        if (from == to || !reads(projection, to_piece, from_piece)) continue;
        line.readers[from].push_back(to);
        line.sources[to].push_back(from);
      }
    }
  }
  for (const auto& p : of.back()) line.readers[p.first].push_back(-1);
  for (auto* lists : {&line.readers, &line.sources}) {
    for (auto& list : *lists) {
      std::ranges::sort(list);
      list.erase(std::ranges::unique(list).begin(), list.end());
    }
  }
  return line;
}

// The slowest of the three things a node does at once for one inference: computing (on all its cores, on different
// inferences), handling messages on its loop, and moving bytes over its link.
double stage_us(const Line& line, std::size_t begin, std::size_t end, const DeviceProfile& device,
                std::uint32_t windows) {
  double compute = 0, messages = 0, bytes = 0;
  std::vector<int> outside;
  for (auto i = begin; i < end; ++i) {
    compute += compute_us(line.cost[i], 1, device);
    for (const int s : line.sources[i]) {
      if (s < int(begin)) outside.push_back(s);
    }
    // Its readers beyond this range sit in at least one other shard.
    if (line.readers[i].empty() || line.readers[i].back() >= int(end) || line.readers[i].front() < 0) {
      messages += line.messages[i];
      bytes += line.bytes[i];
    }
  }
  std::ranges::sort(outside);
  outside.erase(std::ranges::unique(outside).begin(), outside.end());
  for (const int s : outside) {
    messages += s < 0 ? 1 : windows;
    bytes += s < 0 ? line.source_bytes[-1 - s] : line.bytes[s];
  }
  return std::max({compute / std::max(1u, device.cores), message_us(messages, bytes, device), link_us(bytes, device)});
}

// Cuts the line into contiguous ranges, one a device in the given order, so that the slowest stage is as fast as can
// be. best[k][j]: the first j items on the first k devices; O(devices x items^2) stages.
std::optional<Layout> cut_line(const Line& line, const std::vector<Item>& items, std::span<const PlanNode> nodes,
                               const std::vector<std::size_t>& order, std::uint32_t windows) {
  const auto n = items.size(), k = order.size();
  if (n < k) return std::nullopt;
  struct Cell {
    double worst = kInfinity, sum = 0;
    std::size_t from = 0;
  };
  std::vector<std::vector<Cell>> best(k + 1, std::vector<Cell>(n + 1));
  best[0][0].worst = 0;
  for (std::size_t d = 1; d <= k; ++d) {
    const auto& device = nodes[order[d - 1]].device;
    for (std::size_t j = d; j + (k - d) <= n; ++j) {
      if (line.whole[j]) continue;
      for (std::size_t i = d - 1; i < j; ++i) {
        if (best[d - 1][i].worst == kInfinity) continue;
        const double us = stage_us(line, i, j, device, windows);
        const Cell cell{std::max(best[d - 1][i].worst, us), best[d - 1][i].sum + us, i};
        auto& old = best[d][j];
        if (cell.worst < old.worst || (cell.worst == old.worst && cell.sum < old.sum)) old = cell;
      }
    }
  }
  if (best[k][n].worst == kInfinity) return std::nullopt;
  Layout layout;
  layout.bottleneck_us = best[k][n].worst;
  layout.compute_sum_us = best[k][n].sum;
  layout.devices = order;
  layout.pieces.resize(k);
  for (std::size_t d = k, j = n; d > 0; --d) {
    const auto i = best[d][j].from;
    for (auto item = i; item < j; ++item) {
      for (const auto& piece : items[item].pieces) {
        auto& mine = layout.pieces[d - 1];
        // Neighbouring slices on one node are one slice again.
        const auto before = std::ranges::find_if(mine, [&](const Piece& p) {
          return p.population == piece.population && p.channel_end == piece.channel_begin;
        });
        if (before == mine.end())
          mine.push_back(piece);
        else
          before->channel_end = piece.channel_end;
      }
    }
    std::ranges::stable_sort(layout.pieces[d - 1], {}, &Piece::population);
    j = i;
  }
  return layout;
}

std::vector<std::vector<std::size_t>> orders_of(std::span<const PlanNode> nodes) {
  // Equal devices are interchangeable: only orders of kinds count.
  std::vector<std::size_t> kind(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    kind[i] = i;
    for (std::size_t j = 0; j < i && kind[i] == i; ++j) {
      if (nodes[j].device == nodes[i].device) kind[i] = kind[j];
    }
  }
  auto line = kind;
  std::vector<std::vector<std::size_t>> orders;
  const auto add = [&] {
    std::map<std::size_t, std::vector<std::size_t>> left;
    for (std::size_t i = nodes.size(); i-- > 0;) left[kind[i]].push_back(i);
    std::vector<std::size_t> order;
    for (const auto c : line) {
      order.push_back(left[c].back());
      left[c].pop_back();
    }
    orders.push_back(std::move(order));
  };
  add();  // as given, first: it wins when others are not better
  std::ranges::sort(line);
  do {
    if (line != kind) add();
  } while (orders.size() < kMaxOrders && std::ranges::next_permutation(line).found);
  return orders;
}

}  // namespace

std::vector<Block> blocks_of(const snn::Model& model) {
  std::vector<int> block_of(model.populations.size(), -1);
  std::vector<std::vector<std::uint32_t>> inputs(model.populations.size()), outputs(model.populations.size());
  for (const auto& projection : model.projections) {
    inputs[projection.to].push_back(projection.from);
    outputs[projection.from].push_back(projection.to);
  }
  // What is pooled from a source or into the readout stays whole, because those do.
  std::vector<bool> whole(model.populations.size());
  for (std::size_t p = 0; p < whole.size(); ++p) {
    const auto& kind = model.populations[p].kind;
    whole[p] = std::holds_alternative<snn::Source>(kind) || std::holds_alternative<snn::Readout>(kind);
  }
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& projection : model.projections) {
      if (!channel_wise(projection) || whole[projection.from] == whole[projection.to]) continue;
      whole[projection.from] = whole[projection.to] = grew = true;
    }
  }
  std::vector<Block> blocks;
  for (std::uint32_t p = 0; p < model.populations.size(); ++p) {
    const auto& population = model.populations[p];
    if (std::holds_alternative<snn::Source>(population.kind)) continue;
    const bool follows = std::holds_alternative<snn::Pooled>(population.kind) && inputs[p].size() == 1 &&
                         outputs[inputs[p][0]].size() == 1 && block_of[inputs[p][0]] >= 0;
    if (follows) {
      block_of[p] = block_of[inputs[p][0]];
      blocks[block_of[p]].populations.push_back(p);
      continue;
    }
    block_of[p] = int(blocks.size());
    const bool sliceable = std::holds_alternative<snn::IntegrateAndFire>(population.kind) && !whole[p];
    blocks.push_back({.populations = {p}, .channels = sliceable ? population.shape.channels : 1});
  }
  return blocks;
}

std::vector<Item> items_of(const snn::Model& model, std::span<const std::uint32_t> slices) {
  const auto blocks = blocks_of(model);
  std::vector<std::pair<std::uint32_t, Item>> items;  // by first population: topological order
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (slices[b] <= 1) {
      for (const auto p : blocks[b].populations) {
        items.push_back({p, {.pieces = {{p, 0, model.populations[p].shape.channels}}}});
      }
      continue;
    }
    for (std::uint32_t s = 0; s < slices[b]; ++s) {
      const auto begin = std::uint32_t(std::uint64_t{blocks[b].channels} * s / slices[b]);
      const auto end = std::uint32_t(std::uint64_t{blocks[b].channels} * (s + 1) / slices[b]);
      Item item{.pieces = {}, .share = double(end - begin) / blocks[b].channels};
      for (const auto p : blocks[b].populations) item.pieces.push_back({p, begin, end});
      items.push_back({blocks[b].populations.front(), std::move(item)});
    }
  }
  std::ranges::stable_sort(items, {}, [](const auto& i) { return i.first; });
  std::vector<Item> line;
  for (auto& [first, item] : items) line.push_back(std::move(item));
  return line;
}

// Starts with whole populations and halves the block that costs most per slice, again and again, as long as there are
// too few items or the plan gets better.
std::optional<Layout> search(const snn::Model& model, std::span<const PlanNode> nodes, std::uint32_t windows) {
  const auto blocks = blocks_of(model);
  const auto costs = snn::costs(model);
  const auto orders = orders_of(nodes);
  std::vector<std::uint32_t> slices(blocks.size(), 1);
  std::optional<Layout> best;
  // Whole populations are preferred: a slice must save at least a twentieth to be worth its messages.
  constexpr double kWorth = 0.95;
  for (std::size_t round = 0; round <= 2 * nodes.size() + 2; ++round) {
    const auto items = items_of(model, slices);
    if (items.size() >= nodes.size()) {
      const auto line = line_of(model, items, windows);
      for (const auto& order : orders) {
        auto layout = cut_line(line, items, nodes, order, windows);
        if (layout && (!best || layout->bottleneck_us < kWorth * best->bottleneck_us ||
                       (round == 0 && layout->bottleneck_us < best->bottleneck_us))) {
          best = std::move(layout);
        }
      }
    }
    if (nodes.size() == 1) break;
    std::size_t heaviest = blocks.size();
    double most = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      if (slices[b] >= blocks[b].channels) continue;
      double us = 1e-9;
      for (const auto p : blocks[b].populations) us += compute_us(costs[p], 1.0 / slices[b], nodes[0].device);
      if (us > most) most = us, heaviest = b;
    }
    if (heaviest == blocks.size()) break;
    slices[heaviest] = std::min(blocks[heaviest].channels, slices[heaviest] + 1);
  }
  return best;
}

}  // namespace syn::nodes
