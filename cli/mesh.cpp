#include "cli/mesh.hpp"

#include <csignal>
#include <filesystem>
#include <map>
#include <optional>

#include "cli/executables.hpp"
#include "cli/mesh_parts.hpp"
#include "cli/one_process.hpp"
#include "cli/options.hpp"
#include "core/assert.hpp"
#include "core/text.hpp"
#include "nodes/client.hpp"
#include "nodes/daemon/children.hpp"
#include "nodes/daemon/node_host.hpp"
#include "nodes/daemon/trial_mesh.hpp"
#include "nodes/feeder.hpp"
#include "sim/profiles.hpp"
#include "transport/zmq_network.hpp"

namespace syn::cli {

namespace fs = std::filesystem;

namespace {

constexpr Duration kStartLimit = std::chrono::seconds(20);
constexpr Duration kStatusLimit = std::chrono::seconds(2);
constexpr Duration kStopGrace = std::chrono::seconds(3);

// The daemons of this run: started here, or running already.
struct Daemons {
  std::optional<daemon::ScratchFolder> scratch;
  daemon::Children children;
  std::vector<nodes::PlanNode> nodes;  // with the ids of their keys and their addresses
  std::vector<daemon::PeerConfig> peers;
  KeyPair gateway_key;
  DeviceProfile gateway;
  std::string gateway_name = "gateway";
  fs::path state;  // where the gateway keeps its term
};

Expected<> add_node(Daemons& daemons, const std::string& name, const std::string& public_key,
                    const std::string& address, const DeviceProfile& device) {
  const auto key = from_z85(public_key);
  if (!key) return fail({key.error().what, text::cat("the key of node '", name, "'"), key.error().todo});
  daemons.nodes.push_back({{node_id(*key), name, address}, device});
  daemons.peers.push_back({name, public_key, address});
  return {};
}

Expected<Daemons> start_children(const MeshOptions& options) {
  auto device = sim::profile(options.device);
  if (!device) return fail(device.error());
  *device = device->shared_by(options.nodes + 1);  // the daemons and this process
  const std::string program = executable("synfired");
  if (!fs::exists(program))
    return fail("the daemon synfired is not beside synfire", program, "build it: cmake --build --preset release");
  Daemons daemons;
  daemons.gateway = *device;
  auto scratch = daemon::ScratchFolder::make("synfire-run-");
  if (!scratch) return fail(scratch.error());
  daemons.scratch.emplace(std::move(*scratch));
  daemons.state = daemons.scratch->path() / "gateway.state";
  const auto mesh = daemon::write_trial_mesh(daemons.scratch->path(), options.nodes, 0,
                                             {.log_level = Level::warn, .drain = std::chrono::seconds(2)});
  if (!mesh) return fail(mesh.error());
  const auto key = read_key_file(mesh->gateway_key);
  if (!key) return fail(key.error());
  daemons.gateway_key = *key;
  for (std::size_t i = 0; i < mesh->nodes.size(); ++i) {
    if (auto started = daemons.children.start(program, mesh->names[i], mesh->nodes[i]); !started)
      return fail(started.error());
  }
  if (auto ready = daemons.children.wait_until_ready(kStartLimit); !ready) return fail(ready.error());
  for (std::size_t i = 0; i < mesh->nodes.size(); ++i) {
    if (auto added =
            add_node(daemons, mesh->names[i], mesh->public_keys[i], daemons.children.all()[i].address, *device);
        !added)
      return fail(added.error());
  }
  return daemons;
}

Expected<Daemons> find_cluster(const MeshOptions& options) {
  auto machines = options.machines();
  if (!machines) return fail(machines.error());
  const daemon::ClusterConfig& config = *machines->cluster;
  Daemons daemons;
  daemons.gateway = machines->gateway;
  daemons.gateway_name = config.gateway_name;
  daemons.state = state_home() / config.gateway_name;
  if (config.gateway_key_file.empty())
    return fail("[gateway] has no key", options.cluster,
                "make one (synfire keygen -o gateway.key), list its public key at every node, and name it here");
  const auto key = read_key_file(config.gateway_key_file);
  if (!key) return fail(key.error());
  daemons.gateway_key = *key;
  for (std::size_t i = 0; i < config.nodes.size(); ++i) {
    const auto& node = config.nodes[i];
    if (node.key.empty() || node.address.empty()) {
      return fail(text::cat("node '", node.name, "' has no ", node.key.empty() ? "key" : "address"), options.cluster,
                  "`run` needs both; see docs/operating.md");
    }
    if (auto added = add_node(daemons, node.name, node.key, node.address, machines->nodes[i].device); !added)
      return fail(added.error());
  }
  return daemons;
}

// Sums that grow while nodes run; a run's own share is what they have grown by.
struct Totals {
  Work work;
  std::uint64_t spikes = 0, events = 0, messages = 0, bytes = 0;
  std::map<std::string, std::uint64_t> refused;
  std::map<std::string, std::uint64_t> busy_ns;  // by node
};

void add(Totals& totals, const Status& status) {
  totals.work += status.work;
  totals.spikes += status.spikes;
  totals.events += status.events;
  totals.messages += status.messages_sent;
  totals.bytes += status.bytes_sent;
  for (const auto& [reason, count] : status.refused) totals.refused[reason] += count;
  totals.busy_ns[status.name] += status.busy_ns;
}

// One run from the gateway's side: deploy, stream, ask, close. Everything happens on the loop.
class Session {
 public:
  Session(Loop& loop, daemon::NodeHost& host, const SpikingFile& file, const data::Dataset& dataset, const MeshRun& run,
          Terminal& terminal, const std::string& gateway_name)
      : loop_(loop),
        host_(host),
        file_(file),
        dataset_(dataset),
        run_(run),
        terminal_(terminal),
        client_(host.host(), {.name = gateway_name, .version = SYN_VERSION}),
        feeder_(
            host.host().clock, client_, {.count = dataset.count, .rate = run.rate, .deadline = run.deadline},
            [this](std::uint64_t i) { return row(i); },
            [this](std::uint64_t i, const nodes::Outcome& o) { outcome(i, o); }),
        outcomes_(dataset.count) {}

  Expected<MeshResult> run(nodes::Planned planned) {
    result_.plan = planned.plan;
    client_.on_trouble([this](const nodes::Trouble& t) {
      if (troubles_.empty() || troubles_.back().name != t.name)
        terminal_.line(text::cat("node ", t.name, ": ", t.error.what));
      troubles_.push_back(t);
    });
    client_.deploy(std::move(planned), [this](Expected<> ready) {
      if (!ready) return end(ready.error());
      ask([this](Totals totals) {
        before_ = std::move(totals);
        began_ = host_.host().clock.now();
        terminal_.progress(run_.title, 0, dataset_.count);
        feeder_.start([this] { finish(); });
      });
    });
    loop_.run();
    if (error_) return fail(*error_);
    judge(result_, outcomes_, dataset_.labels, file_.model);
    return std::move(result_);
  }

  const std::vector<nodes::Trouble>& troubles() const { return troubles_; }

 private:
  std::span<const Count> row(std::uint64_t i) {
    auto counts = input_counts(file_.model, dataset_, i, run_.mean, run_.std);
    SYN_ASSERT(counts.has_value(), i);  // a byte image with finite mean and std has no NaN
    row_ = std::move(*counts);
    return row_;
  }

  void outcome(std::uint64_t i, const nodes::Outcome& o) {
    outcomes_[i] = o;
    last_ = host_.host().clock.now();
    if (++completed_ < dataset_.count) terminal_.progress(run_.title, completed_, dataset_.count);
  }

  // Every node's Status and the gateway's own, added up; nodes that are gone have no share.
  void ask(std::move_only_function<void(Totals)> done) {
    client_.statuses(kStatusLimit, [this, done = std::move(done)](std::vector<nodes::NodeStatus> statuses) mutable {
      Totals totals;
      statuses_ = std::move(statuses);
      for (const nodes::NodeStatus& s : statuses_) {
        if (s.status) add(totals, *s.status);
      }
      add(totals, client_.status());
      done(std::move(totals));
    });
  }

  void finish() {
    terminal_.progress(run_.title, dataset_.count, dataset_.count);
    ask([this](Totals after) {
      fill(after);
      client_.close([this] { loop_.stop(); });
    });
  }

  void end(const Error& error) {
    error_ = error;
    client_.close([this] { loop_.stop(); });
  }

  void fill(const Totals& after) {
    result_.counts = client_.counts();
    const double results = static_cast<double>(std::max<std::uint64_t>(1, result_.counts.results));
    const auto grown = [&](auto member) {
      return static_cast<double>(after.*member - std::min(after.*member, before_.*member));
    };
    result_.wire_bytes_per_inference =
        (grown(&Totals::bytes) + grown(&Totals::messages) * kWireOverheadBytes) / results;
    report::Evaluation& e = result_.evaluation;
    e.spikes_per_inference = grown(&Totals::spikes) / results;
    e.events_per_inference = grown(&Totals::events) / results;
    e.synops_per_inference =
        static_cast<double>(after.work.synaptic_operations -
                            std::min(after.work.synaptic_operations, before_.work.synaptic_operations)) /
        results;
    const double seconds = static_cast<double>((last_ - began_).count()) * 1e-9;
    e.throughput_per_s = seconds > 0 ? static_cast<double>(result_.counts.results) / seconds : 0;
    result_.raw_input_bytes = dataset_.shape.size();
    for (const NodeEntry& node : result_.plan.nodes) {
      const auto now = after.busy_ns.find(node.name);
      if (now == after.busy_ns.end()) continue;  // gone before it could say
      const auto then = before_.busy_ns.find(node.name);
      const std::uint64_t earlier = then == before_.busy_ns.end() ? 0 : std::min(then->second, now->second);
      result_.times.push_back({node.name, static_cast<double>(now->second - earlier) / 1000 / results});
    }
    for (const auto& [reason, count] : after.refused) result_.refused.emplace_back(reason, count);

    std::map<NodeId, std::string> names;
    for (const NodeEntry& node : result_.plan.nodes) names[node.id] = node.name;
    const auto name = [&](NodeId id) { return names.contains(id) ? names[id] : std::string("gateway"); };
    std::map<EdgeId, EdgeAccount> accounts;
    const auto collect = [&](const Status& status) {
      for (const EdgeAccount& account : status.edges) accounts[account.edge] = account;
    };
    for (const nodes::NodeStatus& s : statuses_) {
      if (s.status) collect(*s.status);
    }
    collect(client_.status());
    const auto add_edge = [&](const EdgeSpec& spec) {
      const EdgeAccount account = accounts.contains(spec.id) ? accounts[spec.id] : EdgeAccount{};
      result_.edges.push_back(
          {name(spec.from), name(spec.to), spec.population, account.frames, account.bytes, spec.neurons});
    };
    for (const Placement& shard : result_.plan.shards) {
      for (const EdgeSpec& spec : shard.spec.in) {
        if (spec.from_shard == kGateway) add_edge(spec);
      }
    }
    for (const Placement& shard : result_.plan.shards) {
      for (const EdgeSpec& spec : shard.spec.out) add_edge(spec);
    }
  }

  Loop& loop_;
  daemon::NodeHost& host_;
  const SpikingFile& file_;
  const data::Dataset& dataset_;
  const MeshRun& run_;
  Terminal& terminal_;
  nodes::Client client_;
  nodes::Feeder feeder_;
  std::vector<nodes::Outcome> outcomes_;
  std::vector<nodes::NodeStatus> statuses_;
  std::vector<nodes::Trouble> troubles_;
  std::vector<Count> row_;
  std::uint64_t completed_ = 0;
  Instant began_, last_;
  Totals before_;
  MeshResult result_;
  std::optional<Error> error_;
};

}  // namespace

Expected<MeshResult> run_mesh(const SpikingFile& file, const data::Dataset& dataset, const MeshRun& run,
                              Terminal& terminal) {
  if (auto fits = check_input(file.model, dataset); !fits) return fail(fits.error());
  const SignalsReturned signals_returned;
  Loop loop;
  bool interrupted = false;
  // From here on a signal waits for the loop, so that children and their folder are always tidied up.
  loop.on_signal({SIGINT, SIGTERM}, [&](int) {
    interrupted = true;
    loop.stop();
  });
  auto daemons = run.mesh.cluster.empty() ? start_children(run.mesh) : find_cluster(run.mesh);
  if (!daemons) return fail(daemons.error());
  if (auto written = write_pids(run.pids_file, daemons->children); !written) return fail(written.error());

  nodes::PlanOptions options{.gateway = {node_id(daemons->gateway_key.public_key), daemons->gateway_name, ""},
                             .gateway_device = daemons->gateway,
                             .window_steps = run.mesh.window_steps,
                             .in_flight = run.mesh.in_flight};
  auto planned = nodes::plan(file.model, file.hash, daemons->nodes, options);
  if (!planned) return fail(planned.error());
  auto host = daemon::NodeHost::open(loop, {.name = daemons->gateway_name,
                                            .keys = daemons->gateway_key,
                                            .listen = "",
                                            .peers = daemons->peers,
                                            .state = daemons->state});
  if (!host) return fail(host.error());

  Expected<MeshResult> result = fail("", "", "");
  {
    Session session(loop, **host, file, dataset, run, terminal, daemons->gateway_name);
    result = session.run(std::move(*planned));
    if (!interrupted) {
      for (const nodes::Trouble& t : session.troubles()) {
        const std::string how = daemons->children.ended(t.name);
        if (result && !how.empty()) result->trouble.where = text::cat("node ", t.name, " (", how, ")");
      }
    }
  }
  (*host)->network().close(std::chrono::milliseconds(100));
  daemons->children.stop(interrupted ? std::chrono::milliseconds(500) : kStopGrace);
  if (interrupted) throw Interrupted{};
  return result;
}

}  // namespace syn::cli
