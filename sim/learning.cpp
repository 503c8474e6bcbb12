#include "sim/learning.hpp"

#include <algorithm>

#include "nodes/worker.hpp"
#include "sim/world.hpp"
#include "transport/codec/wire_codec.hpp"

namespace syn::sim {
namespace {

constexpr NodeId kNode{1}, kGateway{1'000'000};
constexpr Duration kAway = std::chrono::milliseconds(200);  // until a killed node is started again
constexpr Duration kLimit = std::chrono::hours(24 * 365);

}  // namespace

Expected<Learning> run_learning(nodes::TeacherOptions teacher, nodes::Teacher::Callbacks callbacks,
                                const LearningOptions& options) {
  const WireCodec codec;
  World world({.seed = options.seed}, codec);
  teacher.node = {.id = kNode, .name = "node-1", .address = "sim://1"};
  world.add(kNode, teacher.node.name, options.node);
  world.add(kGateway, teacher.name, options.gateway);
  std::unique_ptr<nodes::Worker> worker;
  const auto live = [&]() -> Expected<> {
    worker = std::make_unique<nodes::Worker>(
        world.host(kNode), nodes::WorkerOptions{.name = teacher.node.name, .memory_cap = options.node.memory_bytes});
    return worker->start();
  };
  if (auto alive = live(); !alive) return fail(alive.error());

  SeededRandom random(options.seed);
  std::vector<std::uint64_t> kills(options.kills);
  for (auto& after : kills) after = 1 + random.below(std::max<std::uint64_t>(1, options.lessons));
  std::ranges::sort(kills);

  std::uint64_t answers = 0;
  std::optional<Instant> began;
  std::optional<Expected<nodes::Teacher::Finished>> over;
  auto opened = std::move(callbacks.opened);
  callbacks.opened = [&, opened = std::move(opened)](const LearnerState& state) mutable {
    if (!began) began = world.now(), world.reset_traffic();
    opened(state);
  };
  auto answered = std::move(callbacks.answered);
  callbacks.answered = [&, answered = std::move(answered)](const Learned& learned) mutable {
    ++answers;
    answered(learned);
  };
  callbacks.over = [&](Expected<nodes::Teacher::Finished> result) { over = std::move(result); };
  nodes::Teacher the_teacher(world.host(kGateway), std::move(teacher), std::move(callbacks));
  the_teacher.start();

  Learning result;
  for (const std::uint64_t after : kills) {
    world.run_until([&] { return over.has_value() || answers >= after; }, kLimit);
    if (over) break;
    world.run_for(Duration{static_cast<std::int64_t>(random.below(2'000'000))});  // anywhere between two answers
    world.kill(kNode);
    worker.reset();
    world.run_for(kAway);
    world.revive(kNode);
    if (auto alive = live(); !alive) return fail(alive.error());
    ++result.kills;
  }
  if (!world.run_until([&] { return over.has_value(); }, kLimit)) {
    return fail("learning never ended", "simulation", "report this seed: it is a bug");
  }
  if (!*over) return fail(over->error());
  result.finished = std::move(**over);
  result.elapsed = world.now() - began.value_or(world.now());
  result.computing = world.compute_busy(kNode);
  result.bytes = world.traffic().bytes;
  result.messages = world.traffic().messages;
  result.event_log_hash = world.event_log_hash();
  return result;
}

}  // namespace syn::sim
