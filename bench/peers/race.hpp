// Times contenders against each other in one run: in every round each classifies the same images, and every round
// begins with another of them, so that whatever else the machine does falls on all alike.
// Deliberately not here: what the figures mean (table.cpp).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "bench/peers/contender.hpp"
#include "bench/timing/quartiles.hpp"

namespace syn::peers {

using bench::Quartiles;
using bench::quartiles;

struct Laps {
  std::vector<double> us;             // of every timed call
  std::vector<double> round_medians;  // of each round, for ratios
};

struct RaceOptions {
  std::size_t rounds = 40, calls = 50;  // calls timed a round, after `warm_up` that are not
  std::size_t warm_up = 3;
};
// One Laps a contender.
Expected<std::vector<Laps>> race(std::span<Contender* const> contenders, const data::Dataset& images,
                                 const RaceOptions& options);
// The same for contenders that must not live at the same time: each is made for its turn and ended after it. A
// runtime's worker threads spin between calls and would slow down whoever comes next.
using MakeContender = std::function<Expected<std::unique_ptr<Contender>>()>;
Expected<std::vector<Laps>> race_apart(std::span<const MakeContender> makers, const data::Dataset& images,
                                       const RaceOptions& options);

// Quartiles over the rounds of how much longer `laps` took than `reference`.
Quartiles ratio(const Laps& laps, const Laps& reference);

Expected<std::size_t> count_correct(Contender& contender, const data::Dataset& images);

}  // namespace syn::peers
