// Learners that a worker holds on behalf of its coordinator (snn/learning): opened from the node's store, taught sample
// by sample, made durable.
//
//   open ......... the state that is stored under the learner's name, or a new one; other settings than the stored ones
//                  are refused. Loading and checking are a Compute job.
//   samples ...... wait in a bounded queue; a Compute job takes all that wait, in order, up to the next state to be
//   made
//                  durable. So a question is answered by what was taught before it, and by nothing else.
//   durable ...... after every `keep_every` presentations taught, and when asked: the whole state by Store::replace.
//                  What comes next waits, so that a node that is killed at any moment has taught at most `keep_every`
//                  samples, and what is queued, that it does not remember; the coordinator sends those again, and the
//                  same samples give the same bits.
//   the end ...... Retire, lease over, coordinator gone: what is not durable is forgotten. A state that cannot be made
//                  durable ends the learner, too, with the store's error: learning on would be lost work.
//
// A whole state and no journal of what came since: samples are larger than the changes they cause, and whoever has them
// can send them again. Deliberately not here: how neurons learn (snn/learning), who may teach (worker.hpp).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>

#include "core/host.hpp"
#include "nodes/peers.hpp"
#include "nodes/refusals.hpp"
#include "nodes/shard.hpp"
#include "snn/learning/learner.hpp"

namespace syn::nodes {

class Learners {
 public:
  Learners(Host host, Peers& peers, Refusals& refusals, Totals& totals, std::string node)
      : host_(host), peers_(peers), refusals_(refusals), totals_(totals), node_(std::move(node)) {}

  // Every answer goes to `from`, the lease holder. `room`: bytes that are left under the memory cap.
  void open(NodeId from, const OpenLearner& request, std::uint64_t room);
  void sample(Sample&& sample);
  void keep(const KeepLearner& request);
  void fetch(const FetchLearner& request);

  bool holds(DeploymentId id) const { return open_.contains(id); }
  bool close(DeploymentId id, Epoch epoch);  // false, and counted: there is none
  void close_all();
  std::size_t count() const { return open_.size(); }
  std::uint64_t reserved() const;
  std::uint64_t held_bytes() const;

 private:
  // What a job takes along and brings back.
  struct Pupil {
    snn::learning::Learner learner;
    snn::learning::Presentation buffers;
    std::vector<Count> intensities;
  };
  struct Keep {};  // asked for by its coordinator
  using Item = std::variant<Sample, Keep>;
  struct Open {
    OpenLearner request;
    NodeId coordinator;
    std::uint64_t serial = 0;  // jobs and writes of an earlier one are not this one's
    snn::learning::LearnerSpec spec;
    std::unique_ptr<Pupil> pupil;  // empty until loaded, and while a job has it
    bool loaded = false, writing = false;
    std::deque<Item> waiting;
    std::uint64_t next = 0;  // number of the next sample to teach that is let in
    std::uint64_t presentations = 0, durable = 0;
    std::shared_ptr<const Bytes> kept;  // the durable state
  };
  struct Loading;
  struct Turn;

  void refuse(NodeId to, const OpenLearner& request, Error error);
  Expected<snn::learning::LearnerSpec> admissible(const OpenLearner& request, std::uint64_t room) const;
  void load(Open& open);
  void loaded(DeploymentId id, std::uint64_t serial, Loading& loading);
  void go_on(Open& open);
  void worked(DeploymentId id, std::uint64_t serial, Turn& turn);
  void make_durable(Open& open, Bytes&& state, bool asked);
  void say_state(const Open& open);
  void end(Open& open, Error error);
  void fail_sample(const Open& open, InferenceId number, std::string what, const char* todo);
  Open* find(DeploymentId id, std::uint64_t serial);
  Open* of_epoch(DeploymentId id, Epoch epoch);  // counts the refusal when there is none
  static std::string stored_as(const std::string& name) { return "learner." + name; }

  Host host_;
  Peers& peers_;
  Refusals& refusals_;
  Totals& totals_;
  std::string node_;
  std::uint64_t serials_ = 0;
  std::map<DeploymentId, Open> open_;
  std::multiset<std::string, std::less<>> writing_;  // names whose state is on its way to the store, open or not
};

}  // namespace syn::nodes
