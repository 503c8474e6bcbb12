// A node that computes: obeys one coordinator by lease, holds shards, steps them and passes windows on.
//
//   Lease ........ whose it is, and until when. Another coordinator gets `busy` with the holder's id. The highest epoch
//                  ever obeyed is kept in the store before it is obeyed; older ones are refused and counted (P7).
//   Prepare ...... + Chunks: the shard's bytes, bounded by the memory cap before memory is taken; read and checked away
//                  from the loop; Prepared when the engine stands and every peer of the shard has said Hello.
//   Activate ..... windows are stepped from now on. Windows that arrived since Prepared were held, within credit.
//   OpenLearner .. a learner from the node's store is taught and asked sample by sample (learners.hpp).
//   Retire, lease over, coordinator gone: the deployment is dropped, what was in flight counts as lost.
//
// Everything runs on the host's loop but reading models, stepping windows, packing counts and learning, which are
// Compute jobs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "core/host.hpp"

namespace syn::nodes {

struct WorkerOptions {
  std::string name;
  std::string version = "0";
  std::uint64_t memory_cap = 256ull << 20;             // shards' bytes, engines and windows held, together
  std::uint32_t deployments = 8;                       // at once
  Duration ack_delay = std::chrono::milliseconds(2);   // acks wait so long for company, or until half the credit
  Duration connect_timeout = std::chrono::seconds(5);  // for a shard's peers to say Hello
};

class Worker {
 public:
  Worker(Host host, WorkerOptions options);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Takes over the network's callbacks. Fails if the store cannot be read.
  Expected<> start();
  // SIGTERM: tells the coordinator, which stops admitting and retires the deployments when its last outcome is there.
  // `done` runs once nothing is left, or when `limit` is over; never inline. A second call only shortens the limit.
  void drain(Duration limit, std::move_only_function<void()> done);

  Status status() const;  // edges' accounts, refusals by reason, work done
  NodeId holder() const;  // 0: nobody's
  Epoch epoch() const;    // the highest ever obeyed
  // What is held on behalf of deployments: bytes of shards, engines and windows.
  std::uint64_t held_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::nodes
