#include "sim/simulate.hpp"

#include <algorithm>
#include <map>

#include "nodes/client.hpp"
#include "nodes/feeder.hpp"
#include "nodes/worker.hpp"
#include "sim/world.hpp"
#include "transport/codec/wire_codec.hpp"

namespace syn::sim {
namespace {

constexpr Duration kDeployLimit = std::chrono::minutes(10);
constexpr std::uint64_t kGatewayId = 1'000'000;  // above all workers: they never dial it

Expected<> check(const SimOptions& options) {
  const auto bad = [](std::string what) { return fail(std::move(what), "simulation", "change the options"); };
  if (options.nodes.empty()) return bad("a simulation needs at least one node");
  if (options.rate < 0 || options.deadline <= Duration::zero())
    return bad("the rate is negative, or the deadline is not positive");
  const auto known = [&](std::uint32_t node) { return node == kClientNode || node < options.nodes.size(); };
  for (const auto& f : options.faults) {
    if (!known(f.node) || (f.kind == Fault::Kind::cut && (!known(f.other) || f.other == f.node))) {
      return bad(text::cat("fault '", name_of(f.kind), "' names node ", f.node, " or ", f.other, " of ",
                           options.nodes.size()));
    }
    if (f.kind == Fault::Kind::slow && f.factor == 0) return bad("a node cannot be slowed 0 times");
  }
  return {};
}

class Run {
 public:
  Run(const SimOptions& options, std::vector<nodes::PlanNode> machines)
      : options_(options), machines_(std::move(machines)), world_({.seed = options.seed}, codec_) {}

  Expected<SimResult> operator()(const snn::Model& model, const ModelHash& hash, SimInput input,
                                 std::function<void(std::uint64_t)> progress);

 private:
  NodeId id_of(std::uint32_t node) const { return node == kClientNode ? NodeId{kGatewayId} : machines_[node].entry.id; }
  void arm(const Fault& fault);
  void collect(SimResult& result) const;

  const SimOptions& options_;
  std::vector<nodes::PlanNode> machines_;
  WireCodec codec_;
  World world_;
  std::vector<std::unique_ptr<nodes::Worker>> workers_;
  std::unique_ptr<nodes::Client> client_;
  std::unique_ptr<nodes::Feeder> feeder_;
};

Expected<SimResult> Run::operator()(const snn::Model& model, const ModelHash& hash, SimInput input,
                                    std::function<void(std::uint64_t)> progress) {
  const NodeEntry gateway{.id = NodeId{kGatewayId}, .name = "gateway", .address = ""};
  auto planned = nodes::plan(model, hash, machines_,
                             {.gateway = gateway,
                              .gateway_device = options_.gateway,
                              .nodes = 0,
                              .window_steps = options_.window_steps,
                              .in_flight = options_.in_flight});
  if (!planned) return fail(planned.error());
  SimResult result;
  result.planned = *planned;

  for (const auto& machine : machines_) {
    const Host host = world_.add(machine.entry.id, machine.entry.name, machine.device);
    workers_.push_back(std::make_unique<nodes::Worker>(
        host, nodes::WorkerOptions{.name = machine.entry.name, .memory_cap = machine.device.memory_bytes}));
    if (auto ok = workers_.back()->start(); !ok) return fail(ok.error());
  }
  const Host host = world_.add(gateway.id, gateway.name, options_.gateway);
  client_ = std::make_unique<nodes::Client>(host, nodes::ClientOptions{.name = gateway.name});
  std::optional<Expected<>> ready;
  client_->deploy(std::move(*planned), [&](Expected<> r) { ready = std::move(r); });
  if (!world_.run_until([&] { return ready.has_value(); }, kDeployLimit)) {
    return fail("the deployment never ended", "simulation", "report this seed: it is a bug");
  }
  if (!*ready) return fail(ready->error());

  world_.reset_traffic();
  const Instant start = world_.now();
  for (const auto& fault : options_.faults) arm(fault);
  result.outcomes.resize(input.count);
  std::uint64_t outcomes = 0;
  Instant last = start;
  bool done = false;
  feeder_ = std::make_unique<nodes::Feeder>(
      host.clock, *client_,
      nodes::FeederOptions{.count = input.count, .rate = options_.rate, .deadline = options_.deadline},
      std::move(input.row_of), [&](std::uint64_t index, const nodes::Outcome& outcome) {
        result.outcomes[index] = outcome;
        last = world_.now();
        if (progress) progress(++outcomes);
      });
  feeder_->start([&] { done = true; });
  // Every submission has a deadline, so that this ends.
  const auto pacing = options_.rate > 0
                          ? Duration{static_cast<std::int64_t>(static_cast<double>(input.count) / options_.rate * 1e9)}
                          : options_.deadline * static_cast<std::int64_t>(input.count + 1);
  if (!world_.run_until([&] { return done; }, pacing + 2 * options_.deadline)) {
    return fail(
        text::cat(feeder_->completed(), " of ", input.count, " inputs had an outcome when nothing was left to happen"),
        "simulation", "report this seed: it is a bug");
  }
  result.elapsed = last - start;
  // What is still to be acknowledged belongs to the run.
  world_.run_for(std::chrono::milliseconds(20));
  collect(result);
  return result;
}

void Run::arm(const Fault& f) {
  const auto begin = world_.now() + f.at;
  const auto until = world_.now() + f.until;
  const NodeId node = id_of(f.node);
  const bool ends = f.until > f.at;
  const auto at = [&](Instant when, auto fn) { world_.at(when, std::move(fn)); };
  switch (f.kind) {
    case Fault::Kind::kill:
      return at(begin, [this, node] { world_.kill(node); });
    case Fault::Kind::cut: {
      const NodeId other = id_of(f.other);
      if (ends) at(until, [this, node, other] { world_.heal(node, other); });
      return at(begin, [this, node, other] { world_.cut(node, other); });
    }
    case Fault::Kind::slow:
      if (ends) at(until, [this, node] { world_.slow(node, 1); });
      return at(begin, [this, node, factor = f.factor] { world_.slow(node, factor); });
    case Fault::Kind::jitter:
      if (ends) at(until, [this, node] { world_.jitter(node, Duration::zero()); });
      return at(begin, [this, node, delay = f.delay] { world_.jitter(node, delay); });
    case Fault::Kind::drop_frame:
      return at(begin, [this, node] { world_.drop_data(node, 1); });
    case Fault::Kind::repeat_frame:
      return at(begin, [this, node] { world_.repeat_data(node, 1); });
  }
}

void Run::collect(SimResult& result) const {
  result.counts = client_->counts();
  result.wire_bytes = world_.traffic().bytes;
  result.messages = world_.traffic().messages;
  std::map<std::string, std::uint64_t> refused;
  std::map<EdgeId, EdgeAccount> accounts;
  const auto look = [&](const Status& status) {
    for (const auto& [reason, n] : status.refused) refused[reason] += n;
    for (const auto& account : status.edges) accounts[account.edge] = account;
    result.work += status.work;
    result.spikes += status.spikes;
    result.spike_events += status.events;
  };
  look(client_->status());
  for (const auto& worker : workers_) look(worker->status());
  result.refused.assign(refused.begin(), refused.end());

  std::map<NodeId, std::string> names;
  for (const auto& entry : result.planned.plan.nodes) names[entry.id] = entry.name;
  const auto add = [&](const EdgeSpec& e) {
    const auto& account = accounts[e.id];
    result.edges.push_back({.id = e.id,
                            .from = names[e.from],
                            .to = names[e.to],
                            .population = e.population,
                            .neurons = e.neurons,
                            .frames = account.frames,
                            .bytes = account.bytes});
    result.data_bytes += account.bytes;
  };
  for (const auto& shard : result.planned.plan.shards) {
    for (const auto& e : shard.spec.in) {
      if (e.from_shard == kGateway) add(e);
    }
  }
  for (const auto& shard : result.planned.plan.shards) {
    for (const auto& e : shard.spec.out) add(e);
  }

  double joule = 0;
  for (const auto& machine : machines_) {
    const double cores = std::max(1u, machine.device.cores);
    const double busy =
        static_cast<double>((world_.compute_busy(machine.entry.id) + world_.loop_busy(machine.entry.id)).count());
    result.busy.push_back(result.elapsed.count() > 0 ? busy / cores / static_cast<double>(result.elapsed.count()) : 0);
    result.compute.push_back(world_.compute_busy(machine.entry.id));
    joule += busy * 1e-9 / cores * machine.device.watts;
  }
  result.joule_per_inference = result.counts.results > 0 ? joule / static_cast<double>(result.counts.results) : 0;
  result.event_log_hash = world_.event_log_hash();
  result.events = world_.events();
  result.faults_fired.assign(world_.marks().begin(), world_.marks().end());
}

}  // namespace

const char* name_of(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::kill:
      return "kill";
    case Fault::Kind::cut:
      return "cut";
    case Fault::Kind::slow:
      return "slow";
    case Fault::Kind::jitter:
      return "jitter";
    case Fault::Kind::drop_frame:
      return "drop_frame";
    case Fault::Kind::repeat_frame:
      return "repeat_frame";
  }
  return "unknown";
}

Expected<SimResult> run_simulation(const snn::Model& model, const ModelHash& hash, SimInput input,
                                   const SimOptions& options, std::function<void(std::uint64_t)> progress) {
  if (auto ok = check(options); !ok) return fail(ok.error());
  auto machines = options.nodes;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    machines[i].entry.id = NodeId{i + 1};  // in production ids are hashes of keys; here order is worth more
    if (machines[i].entry.name.empty()) machines[i].entry.name = text::cat("node", i + 1);
    if (machines[i].entry.address.empty()) machines[i].entry.address = text::cat("sim://", i + 1);
  }
  return Run(options, std::move(machines))(model, hash, std::move(input), std::move(progress));
}

}  // namespace syn::sim
