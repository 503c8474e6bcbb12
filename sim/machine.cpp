#include "sim/machine.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace syn::sim {

Duration transfer(const DeviceProfile& device, std::size_t bytes) {
  // Profiles are doubles; what they yield is rounded up to whole nanoseconds once, here and below.
  return Duration{static_cast<std::int64_t>(std::ceil(static_cast<double>(bytes) * 8000.0 / device.link_mbit))};
}

Duration latency(const DeviceProfile& a, const DeviceProfile& b) {
  return Duration{static_cast<std::int64_t>(std::ceil((a.link_latency_us + b.link_latency_us) * 500.0))};
}

std::uint64_t hash_of(ByteView bytes) {
  std::uint64_t h = bytes.size();
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    for (std::size_t b = 0; b < 8; ++b)
      word |= std::uint64_t{bytes[i + b]} << (8 * b);  // one load on any usual machine
    h = (h ^ word) * 0x9e3779b97f4a7c15;
    h ^= h >> 32;
  }
  for (; i < bytes.size(); ++i) h = (h ^ bytes[i]) * 0x100000001b3;
  return hash64(h);
}

World::Node::Node(World& w, NodeId node_id, std::string node_name, const DeviceProfile& profile)
    : world(w),
      id(node_id),
      name(std::move(node_name)),
      device(profile),
      core_free(std::max(1u, profile.cores)),
      random(SeededRandom(w.options_.seed).split(text::cat("node ", node_id.value))),
      random_jitter(random.split("jitter")),
      store([this](std::move_only_function<void()> fn) {
        world.queue_.push(world.now() + world.options_.write_time,
                          [this, born_in = life, fn = std::move(fn)]() mutable {
                            if (alive && life == born_in) world.on_loop(*this, Duration::zero(), std::move(fn));
                          });
      }),
      clock(std::make_unique<Loop>(w, *this)),
      network(std::make_unique<Net>(w, *this)),
      compute(std::make_unique<Cores>(w, *this)),
      log(std::make_unique<Journal>(w, *this)) {}

World::Node::~Node() = default;

void World::Node::die(EventQueue& queue) {
  alive = false;
  ++life;
  if (wake) queue.cancel(*wake);
  wake.reset();
  // Not emptied in place: one of its functions may be running just now.
  auto gone = std::make_shared<std::deque<Task>>(std::move(inbox));
  queue.push(queue.now(), [gone] {});
  inbox.clear();
  in_turn = paused = false;
  on_receive = {};
  on_peer = {};
  std::ranges::fill(core_free, queue.now());
  loop_free = port_out = port_in = queue.now();
  store.crash(random);
}

bool World::Node::faulty(const Codec& codec, ByteView bytes) const {
  const auto message = codec.decode(bytes);
  return message && (std::holds_alternative<SpikeFrame>(*message) || std::holds_alternative<PotentialFrame>(*message) ||
                     std::holds_alternative<Sample>(*message) || std::holds_alternative<Learned>(*message));
}

// ---- the seams ----------------------------------------------------------------------------------------------------

// A timer falls due on the virtual clock and is then a task of its node's loop; cancelled in either place.
struct World::Loop::Pending final : Timer::Pending {
  struct Shared {
    std::move_only_function<void()> fn;
    bool cancelled = false;
  };
  Pending(const std::shared_ptr<EventQueue>& q, EventQueue::Key k, std::shared_ptr<Shared> s)
      : queue(q), key(k), shared(std::move(s)) {}
  ~Pending() override {
    shared->cancelled = true;
    const auto gone = std::move(shared->fn);
    if (const auto q = queue.lock()) q->cancel(key);
  }
  std::weak_ptr<EventQueue> queue;  // a timer may outlive its clock
  EventQueue::Key key;
  std::shared_ptr<Shared> shared;
};

Timer World::Loop::call_at(Instant at, std::move_only_function<void()> fn) {
  auto shared = std::make_shared<Pending::Shared>(Pending::Shared{std::move(fn)});
  const auto key = world_.queue_.push(at, [this, shared, life = node_.life] {
    if (!node_.alive || node_.life != life) return;
    world_.on_loop(node_, Duration::zero(), [shared] {
      if (shared->cancelled) return;
      auto run = std::move(shared->fn);
      run();
    });
  });
  return Timer(std::make_unique<Pending>(world_.shared_queue_, key, std::move(shared)));
}

void World::Cores::run(Job job, Done done) {
  const Work work = job();
  const auto time = node_.device.time_of(work) * node_.slow;
  auto& core = *std::ranges::min_element(node_.core_free);  // the first free one: equal ones are interchangeable
  // Handed over when the loop has got so far.
  core = std::max({core, world_.now(), node_.loop_free}) + time;
  node_.compute_busy += time;
  // The job goes along: what it owns lives until its result has been looked at.
  world_.queue_.push(
      core, [this, life = node_.life, work, time, job = std::move(job), done = std::move(done)]() mutable {
        if (!node_.alive || node_.life != life) return;
        world_.on_loop(node_, Duration::zero(),
                       [work, time, job = std::move(job), done = std::move(done)]() mutable { done(work, time); });
      });
}

void World::Journal::event(Level level, std::string_view name, std::initializer_list<Field> fields) {
  std::string line;
  for (const Field& f : fields) text::append(line, text::cat(f.name, "=", f.value, ";"));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';  // a field cannot forge another event
  }
  world_.record({10, node_.id.value, static_cast<std::uint64_t>(level), hash64(name), hash64(line)});
  if (world_.watch_) world_.watch_(node_.id, level, name, line);
}

}  // namespace syn::sim
