#include "nodes/feeder.hpp"

#include <cmath>
#include <map>

#include "core/assert.hpp"

namespace syn::nodes {

struct Feeder::Impl {
  Clock& clock;
  Client& client;
  FeederOptions options;
  RowOf row_of;
  OnOutcome on_outcome;
  std::move_only_function<void()> done;
  std::uint64_t next = 0, completed = 0;
  bool stopped = false, feeding = false;
  std::map<InferenceId, std::uint64_t> index_of;
  Instant started;
  Timer timer;

  // The moment of submission k is computed from the start, never from the one before: no error adds up.
  Instant due(std::uint64_t k) const {
    return started + Duration{static_cast<std::int64_t>(std::floor(static_cast<double>(k) * 1e9 / options.rate))};
  }

  void submit() {
    const auto index = next++;
    const auto id = client.submit(row_of(index), options.deadline);
    if (id) {
      index_of.emplace(*id, index);
      return;
    }
    Outcome refused;
    refused.kind = Outcome::Kind::failed;
    refused.error = id.error();
    ++completed;
    on_outcome(index, refused);
  }

  void feed() {
    if (std::exchange(feeding, true)) return;
    if (options.rate > 0) {
      while (!stopped && next < options.count && due(next) <= clock.now()) submit();
      if (!stopped && next < options.count) timer = clock.call_at(due(next), [this] { feed(); });
    } else {
      // Not admitted and nothing in flight: the deployment is broken, and the refusals say so.
      while (!stopped && next < options.count && (client.can_admit() || index_of.empty())) submit();
    }
    feeding = false;
    look_done();
  }

  void look_done() {
    if (!done || !index_of.empty() || (!stopped && next < options.count)) return;
    timer = clock.call_in(Duration::zero(), [this] {
      if (done) std::exchange(done, {})();
    });
  }

  void outcome(const Outcome& o) {
    const auto at = index_of.find(o.id);
    if (at == index_of.end()) return;  // somebody else's submission
    const auto index = at->second;
    index_of.erase(at);
    ++completed;
    on_outcome(index, o);
    if (options.rate > 0) {
      look_done();
    } else {
      feed();
    }
  }
};

Feeder::Feeder(Clock& clock, Client& client, FeederOptions options, RowOf row_of, OnOutcome on_outcome)
    : impl_(std::make_unique<Impl>(Impl{.clock = clock,
                                        .client = client,
                                        .options = options,
                                        .row_of = std::move(row_of),
                                        .on_outcome = std::move(on_outcome),
                                        .done = {},
                                        .index_of = {},
                                        .started = {},
                                        .timer = {}})) {
  client.on_outcome([impl = impl_.get()](const Outcome& o) { impl->outcome(o); });
}

Feeder::~Feeder() {
  impl_->client.on_outcome({});
}

void Feeder::start(std::move_only_function<void()> done) {
  SYN_ASSERT(!impl_->done);
  impl_->done = std::move(done);
  impl_->started = impl_->clock.now();
  impl_->feed();
}

void Feeder::stop() {
  impl_->stopped = true;
  impl_->timer.reset();
  impl_->look_done();
}

std::uint64_t Feeder::submitted() const {
  return impl_->next;
}
std::uint64_t Feeder::completed() const {
  return impl_->completed;
}

}  // namespace syn::nodes
