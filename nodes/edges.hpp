// The two ends of an edge: credit, acknowledgement and accounting, above a network that only moves bytes.
//
// At the sender, at any moment: sent = acked + dropped + queued + in_flight (P4). `lost` says how many of the dropped
// ones were in flight when their connection broke; the others were never handed to the network.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "core/assert.hpp"
#include "core/messages.hpp"
#include "nodes/peers.hpp"

namespace syn::nodes {

class OutEdge {
 public:
  OutEdge(EdgeSpec spec, DeploymentId deployment) : spec_(std::move(spec)) {
    account_.deployment = deployment;
    account_.edge = spec_.id;
  }
  const EdgeSpec& spec() const { return spec_; }
  const EdgeAccount& account() const { return account_; }

  // Takes one encoded window. The caller keeps the queue short by asking `room` before it computes.
  void push(InferenceId inference, Bytes encoded);
  // Whether another window may be computed for this edge while `computing` are under way.
  bool room(std::uint64_t computing) const { return account_.queued + computing < spec_.credit; }
  // Sends what credit and network allow. True: the network was full, call again soon.
  bool pump(Peers& peers);
  // `consumed` is the receiver's cumulative count. False: it claims more than was sent, and gets credit for what was;
  // to ignore it would stop the edge for ever after one frame that came twice.
  bool ack(std::uint64_t consumed);
  // Forgets an inference's windows that still wait here.
  void drop(InferenceId inference);
  // The connection broke or the epoch ended: in flight becomes lost. Nothing is taken any more but to be dropped.
  // Returns the inferences whose windows may be lost.
  std::vector<InferenceId> close();

 private:
  struct Waiting {
    InferenceId inference;
    Bytes encoded;
  };
  void verify() const {
    SYN_ASSERT(account_.sent == account_.acked + account_.dropped + account_.queued + account_.in_flight, account_.sent,
               account_.acked, account_.dropped, account_.queued, account_.in_flight);
  }
  EdgeSpec spec_;
  EdgeAccount account_;
  bool closed_ = false;
  std::deque<Waiting> queue_;
  std::deque<InferenceId> flying_;  // in the order of sending; acks are counts, so the front is a good guess, no more
};

// Counts what came and what was consumed; says when an Ack is due.
class InEdge {
 public:
  explicit InEdge(EdgeSpec spec) : spec_(std::move(spec)) {}
  const EdgeSpec& spec() const { return spec_; }
  // False: the sender has no credit for this window.
  bool receive(std::size_t bytes) {
    if (received_ - acked_ >= spec_.credit) return false;
    ++received_;
    bytes_ += bytes;
    return true;
  }
  void consume(std::uint64_t windows = 1) {
    consumed_ += windows;
    SYN_ASSERT(consumed_ <= received_, consumed_, received_);
  }
  bool due() const { return consumed_ - acked_ >= (spec_.credit + 1) / 2; }  // at once, not at the next timer
  bool unacked() const { return consumed_ != acked_; }
  std::uint64_t take_ack() { return acked_ = consumed_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t consumed() const { return consumed_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  EdgeSpec spec_;
  std::uint64_t received_ = 0, consumed_ = 0, acked_ = 0, bytes_ = 0;
};

// Which inferences are over, in little memory: ids are handed out in order and end nearly so.
class DoneIds {
 public:
  bool contains(InferenceId id) const { return id.value < below_ || above_.contains(id.value); }
  void add(InferenceId id) {
    if (contains(id)) return;
    above_.insert(id.value);
    while (!above_.empty() && *above_.begin() == below_) {
      above_.erase(above_.begin());
      ++below_;
    }
    // An id that never came (it was refused before it reached us) must not make this grow for ever.
    if (above_.size() > kMaxApart) {
      below_ = *above_.begin() + 1;
      above_.erase(above_.begin());
    }
  }

 private:
  static constexpr std::size_t kMaxApart = 1 << 16;
  std::uint64_t below_ = 1;  // all smaller ones are over; ids start at 1
  std::set<std::uint64_t> above_;
};

}  // namespace syn::nodes
