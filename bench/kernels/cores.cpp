#include "bench/kernels/cores.hpp"

#include <chrono>

#include "bench/kernels/layers.hpp"
#include "bench/kernels/wide.hpp"
#include "bench/timing/twins.hpp"
#include "core/assert.hpp"
#include "snn/engine.hpp"
#include "transport/spin_team.hpp"

namespace syn::bench {
namespace {

using namespace snn;

constexpr std::size_t kInferences = 8, kLayers = 1000;  // a lap: some 10 ms, against which a message is nothing

// One inference after the other, in memory of its own.
struct Runner {
  const Engine& engine;
  State state = {};
  Window window = {};

  explicit Runner(const Engine& e) : engine(e) {
    window.in = {wide_image()};
    window.rows = engine.model().rows();
  }
  void run(std::size_t calls, Team* team = nullptr) {
    for (std::size_t n = 0; n < calls; ++n) {
      state.next_row = 0;
      engine.run(state, window, team);
    }
  }
};

template <class F>
double seconds(F&& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace

Expected<Cores> measure_cores(std::size_t rounds, const Progress& progress) {
  Cores cores{.processors = usable_processors()};
  if (cores.processors < 2) return cores;
  auto engine = Engine::make(wide_network());
  SYN_ASSERT(engine.has_value(), engine.error().what, engine.error().where);
  LayerTimer layer(main_layer(), {1, 1.0}, *kernels::available().front());
  Runner mine(*engine), other(*engine);
  // Children first: whoever forks must not have threads.
  auto dense_twins = Twins::start(2, [&](std::size_t calls) { layer.engine().run(calls); });
  auto twins = Twins::start(2, [&](std::size_t calls) { mine.run(calls); });
  if (!dense_twins || !twins) return fail(dense_twins ? twins.error() : dense_twins.error());
  transport::SpinTeam team(2);

  std::vector<double> dense_ratios, process_ratios, thread_ratios, shared_ratios, alone_us, shared_us;
  const auto compare = [&](Twins& who, std::size_t calls, std::vector<double>& ratios) -> Expected<> {
    double alone = 0, both = 0;
    for (const unsigned twin : {0u, 1u}) {  // a processor that does the machine's other work may be the slower
      if (auto warm = who.seconds(0, 2, calls / 4); !warm) return fail(warm.error());
      const auto one = who.seconds(twin, 1, calls), two = who.seconds(0, 2, calls);
      if (!one || !two) return fail(one ? two.error() : one.error());
      alone += *one;
      both += *two;
    }
    ratios.push_back(2 * alone / both);
    return {};
  };
  for (std::size_t round = 0; round <= rounds; ++round) {
    if (round == 1) {  // the first was to fill caches and to take memory
      for (auto* values : {&dense_ratios, &process_ratios, &thread_ratios, &shared_ratios, &alone_us, &shared_us})
        values->clear();
    }
    if (progress) progress(round, rounds + 1);
    if (auto done = compare(*dense_twins, kLayers, dense_ratios); !done) return fail(done.error());
    if (auto done = compare(*twins, kInferences, process_ratios); !done) return fail(done.error());
    mine.run(1);
    const double alone = seconds([&] { mine.run(kInferences); });
    auto part = [&](unsigned index) { (index == 0 ? mine : other).run(kInferences); };
    const double both = seconds([&] { team.run(2, part); });
    const double shared = seconds([&] { mine.run(kInferences, &team); });
    thread_ratios.push_back(2 * alone / both);
    shared_ratios.push_back(alone / shared);
    alone_us.push_back(alone * 1e6 / kInferences);
    shared_us.push_back(shared * 1e6 / kInferences);
  }
  if (progress) progress(rounds + 1, rounds + 1);
  cores.dense_processes = quartiles(std::move(dense_ratios));
  cores.processes = quartiles(std::move(process_ratios));
  cores.threads = quartiles(std::move(thread_ratios));
  cores.shared = quartiles(std::move(shared_ratios));
  cores.alone_us = quartiles(std::move(alone_us));
  cores.shared_us = quartiles(std::move(shared_us));
  return cores;
}

}  // namespace syn::bench
