// Cuts a model into shards: each shard is again a Model, whose Sources are the populations that other shards compute.
// Slicing a population by channels needs nothing from the engine: projections into one population add, so a population
// that arrives in two slices is two Sources with two projections.
#pragma once

#include <span>
#include <vector>

#include "core/error.hpp"
#include "core/plan.hpp"
#include "snn/model.hpp"

namespace syn::snn {

// What leaves one shard for another (or for the gateway: to_shard = kGateway; or comes from it: from_shard = kGateway).
struct Cut {
  std::uint32_t from_shard, to_shard;
  std::string population;  // the same name in both shards' models
  std::uint32_t neurons;
  std::uint32_t greatest;
  bool potentials;  // the readout
  bool constant;    // the model's own input in `step` code
  double mean_count = 0, mean_events = 0;
  bool operator==(const Cut&) const = default;
};
struct CutModel {
  std::vector<Model> shards;  // outputs and Sources named as in `cuts`; a slice is called "conv2[0:16]"
  std::vector<Cut> cuts;      // ordered by (from_shard, to_shard, population); gateway last
};

// `pieces[s]` lists what shard s computes. Every population but the Sources must be covered exactly once; pooled
// populations follow the channels of what they pool, or are pieces of their own. Refused, by name: a sliced readout, a
// shard that nobody reads, shards that read each other (each would wait for the other's window).
Expected<CutModel> cut(const Model& model, std::span<const std::vector<Piece>> pieces);

}  // namespace syn::snn
