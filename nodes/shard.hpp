// One shard at work on a worker: windows in, steps, windows out.
//
// The schedule, per inference. A window w may be stepped when (a) every in-edge has brought it (a constant one has
// brought its window 0), (b) w - 1 has been stepped, and (c) every out-edge has room. On starting it, its frames count
// as consumed and move into the Compute job together with the inference's state; unpacking, stepping, packing and
// encoding happen there. On its end the outputs are pushed to the out-edges in one go, the state comes back, and w + 1
// is looked at. Inferences overtake each other freely; windows of one never do.
// An inference is over when its last window was stepped, when it failed or when it was cancelled; frames that still
// come for it are consumed and forgotten.
// Deliberately not here: leases, epochs, uploads (worker.hpp).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/host.hpp"
#include "nodes/edges.hpp"
#include "nodes/refusals.hpp"
#include "snn/engine.hpp"

namespace syn::nodes {

// Whether a spec makes sense by itself, before any memory is taken for it.
Expected<> check_spec(const ShardSpec& spec, NodeId self);
// Whether a shard's model is what its spec says; `sources[i]` and `outputs[i]` are then the places of in-edge i among
// the model's Sources and of out-edge i among the windows' outputs (-1: the potentials).
struct Wiring {
  std::vector<std::size_t> sources;
  std::vector<int> outputs;
};
Expected<Wiring> wire(const ShardSpec& spec, const snn::Model& model);
// The most a frame's packed counts can take, as the plain encoding takes it.
std::uint64_t window_bytes(const ShardSpec& spec, const EdgeSpec& edge);
// What deployment of this shard may hold at most, whatever its peers send within their credit.
std::uint64_t held_at_most(const ShardSpec& spec, const snn::Engine& engine);

// What a worker's shards have done, together.
struct Totals {
  Work work;
  std::uint64_t busy_ns = 0, spikes = 0, events = 0;
};

class Shard {
 public:
  struct Context {
    Host host;
    Peers& peers;
    Refusals& refusals;
    DeploymentId deployment;
    Epoch epoch;
    NodeId gateway;  // gets Failed
    Duration ack_delay;
    Totals& totals;
  };
  Shard(Context context, ShardSpec spec, std::shared_ptr<const snn::Engine> engine, Wiring wiring);

  void activate();
  void frame(NodeId from, SpikeFrame&& frame, std::size_t bytes);
  void ack(NodeId from, const Ack& ack);
  void cancel(InferenceId id);
  // Inferences end here as Failed from now on: the connection to one of the shard's peers broke.
  void peer_gone(NodeId peer, const Error& error);
  // The epoch ended: what is in flight becomes lost. The last accounts.
  std::vector<EdgeAccount> close();
  bool idle() const;  // nothing held, running, queued or unacknowledged

  const ShardSpec& spec() const { return fixed_->spec; }
  const snn::Engine& engine() const { return *fixed_->engine; }
  std::uint64_t held_bytes() const { return held_bytes_; }  // of frames that wait
  std::vector<EdgeAccount> accounts() const;

 private:
  struct Held {
    bool here = false;
    Encoding encoding{};
    std::uint64_t checksum = 0;
    Bytes packed;
  };
  // What moves into a job and comes back; reused from inference to inference.
  struct Step {
    snn::State state;
    snn::Window window;
    std::vector<Held> frames;              // per in-edge, of this window
    std::vector<Bytes> encoded;            // per out-edge; empty: nothing goes out with this window
    std::vector<std::uint32_t> encodings;  // per out-edge, what its receiver understands
    std::uint64_t checksum = 0;            // of all windows so far and all that reached us with them
    Expected<> error;
  };
  struct Flow {
    std::uint32_t next_window = 0;
    bool running = false;
    bool cancelled = false;               // while running
    std::vector<std::vector<Held>> held;  // [in-edge][window]
    std::shared_ptr<Step> step;
  };

  bool complete(const Flow& flow) const;
  void start_ready();
  void start(InferenceId id, Flow& flow);
  void stepped(InferenceId id, std::shared_ptr<Step> step);
  void end(InferenceId id);                         // consumes what is held for it
  void failed(InferenceId id, const Error& error);  // tells the gateway, and ends it
  void consume(std::size_t in_edge);
  void send_ack(InEdge& edge);
  void pump();

  // What a job may see: constant, and it outlives the shard when a deployment is dropped while a job runs.
  struct Fixed {
    const Codec& codec;
    DeploymentId deployment;
    Epoch epoch;
    ShardSpec spec;
    std::shared_ptr<const snn::Engine> engine;
    Wiring wiring;
  };
  static Work run(const Fixed& fixed, InferenceId id, std::uint32_t window, Step& step);
  static Expected<> unpack(const Fixed& fixed, Step& step, Work& work);
  static void pack(const Fixed& fixed, InferenceId id, std::uint32_t window, std::uint64_t checksum, Step& step,
                   Work& work);

  Context context_;
  std::shared_ptr<const Fixed> fixed_;
  std::vector<InEdge> in_;
  std::vector<OutEdge> out_;
  std::size_t max_flows_ = 0;
  bool active_ = false;
  std::map<InferenceId, Flow> flows_;
  std::set<InferenceId> ready_;
  DoneIds done_;
  std::uint64_t computing_ = 0;
  std::uint64_t held_bytes_ = 0;
  std::optional<Error> broken_;
  std::vector<std::shared_ptr<Step>> spare_;
  Timer ack_timer_, full_timer_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);  // jobs that end later look for it
};

}  // namespace syn::nodes
