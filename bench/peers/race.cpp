#include "bench/peers/race.hpp"

#include <algorithm>
#include <chrono>

#include "core/assert.hpp"

namespace syn::peers {
namespace {

using Clock = std::chrono::steady_clock;

// One contender's turn in one round.
Expected<> turn(Contender& contender, const data::Dataset& images, std::size_t round, const RaceOptions& options,
                Laps& laps) {
  std::vector<std::uint8_t> classes(contender.batch());
  const std::size_t batches = images.count / contender.batch();
  SYN_ASSERT(batches > 0, images.count);
  std::vector<double> mine;
  for (std::size_t call = 0; call < options.warm_up + options.calls; ++call) {
    const std::size_t batch = (round * options.calls + call) % batches;
    const auto began = Clock::now();
    const auto done = contender.classify(images, batch * contender.batch(), classes);
    const std::chrono::duration<double, std::micro> took = Clock::now() - began;
    if (!done) return done;
    if (call >= options.warm_up) mine.push_back(took.count());
  }
  laps.round_medians.push_back(quartiles(mine).median);
  laps.us.insert(laps.us.end(), mine.begin(), mine.end());
  return {};
}

}  // namespace

Expected<std::vector<Laps>> race(std::span<Contender* const> contenders, const data::Dataset& images,
                                 const RaceOptions& options) {
  std::vector<Laps> laps(contenders.size());
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const std::size_t who = (round + i) % contenders.size();
      if (auto done = turn(*contenders[who], images, round, options, laps[who]); !done) return fail(done.error());
    }
  }
  return laps;
}

Expected<std::vector<Laps>> race_apart(std::span<const MakeContender> makers, const data::Dataset& images,
                                       const RaceOptions& options) {
  std::vector<Laps> laps(makers.size());
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < makers.size(); ++i) {
      const std::size_t who = (round + i) % makers.size();
      auto contender = makers[who]();
      if (!contender) return fail(contender.error());
      if (auto done = turn(**contender, images, round, options, laps[who]); !done) return fail(done.error());
    }
  }
  return laps;
}

Quartiles ratio(const Laps& laps, const Laps& reference) {
  SYN_ASSERT(laps.round_medians.size() == reference.round_medians.size());
  std::vector<double> ratios;
  for (std::size_t i = 0; i < laps.round_medians.size(); ++i)
    ratios.push_back(laps.round_medians[i] / reference.round_medians[i]);
  return quartiles(std::move(ratios));
}

Expected<std::size_t> count_correct(Contender& contender, const data::Dataset& images) {
  SYN_ASSERT(contender.batch() == 1);
  std::size_t correct = 0;
  std::uint8_t answer = 0;
  for (std::size_t i = 0; i < images.count; ++i) {
    if (auto done = contender.classify(images, i, {&answer, 1}); !done) return fail(done.error());
    correct += answer == images.labels[i];
  }
  return correct;
}

}  // namespace syn::peers
