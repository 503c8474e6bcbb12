// The planner's search: a model as a line of items, and the best way of cutting that line for a row of devices.
// Doubles, estimates, no model bytes: placement.cpp turns the winner into a plan.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "nodes/placement.hpp"
#include "nodes/placement_cost.hpp"

namespace syn::nodes {

// The smallest unit that is placed: a population, or a channel range of one with the pools that follow it.
struct Item {
  std::vector<Piece> pieces;
  double share = 1;
};
// Populations that are sliced alike: an IntegrateAndFire and the pools that hang on it alone.
std::vector<Item> items_of(const snn::Model& model,
                           std::span<const std::uint32_t> slices);  // per block: how many slices
struct Block {
  std::vector<std::uint32_t> populations;
  std::uint32_t channels = 1;  // it can be cut into so many slices; 1: not at all
};
std::vector<Block> blocks_of(const snn::Model& model);

struct Layout {
  std::vector<std::vector<Piece>> pieces;  // per shard
  std::vector<std::size_t> devices;        // per shard: index of its node
  double bottleneck_us = 0;                // the slowest stage of the pipeline, for one inference
  double compute_sum_us = 0;
};

// The best layout with exactly nodes.size() shards; nullopt if the model has too few channels to share out.
std::optional<Layout> search(const snn::Model& model, std::span<const PlanNode> nodes, std::uint32_t windows);

}  // namespace syn::nodes
