// Teaches a learner on a node, as its coordinator: takes the node's lease, opens the learner, sends lessons, and in the
// end has the state made durable and fetches it.
//
//   reaching (dial, Hello) -> leasing -> opening -> teaching -> keeping -> fetching -> over
//
// A node that is lost on the way (killed, cut off, told to stop) is waited for, for `patience` each time; then its
// learner is opened anew, in a higher term, and `opened` says from where the lessons go on. What the node had not made
// durable is taught again: the same samples give the same bits. Only a refusal, or a lease that somebody else holds, is
// final at once.
// Deliberately not here: what is taught and asked (the caller's lessons), and several learners at a time.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "core/host.hpp"
#include "nodes/peers.hpp"
#include "nodes/refusals.hpp"
#include "snn/learning/learner.hpp"

namespace syn::nodes {

struct TeacherOptions {
  std::string name;
  std::string version = "0";
  NodeEntry node;
  std::string learner;  // [a-z0-9_-]{1,48}: the name that the node remembers it by
  snn::learning::LearnerSpec spec;
  std::uint32_t keep_every = 500;            // presentations between two durable states
  Duration lease = std::chrono::seconds(3);  // renewed every third of it
  // For the node to be there, at the start and after it was lost, and for an answer.
  Duration patience = std::chrono::seconds(20);
};

struct Lesson {
  bool teach = false;
  std::uint64_t number = 0;  // to teach: the next one in order; to ask: the question's
  std::optional<std::uint16_t> label;
  std::span<const Count> intensities;  // one a source, at most kMostIntensity; valid until the next call
};

class Teacher {
 public:
  struct Finished {
    LearnerState state;
    Bytes bytes;  // what snn::learning::restore takes; its SHA-256 is right
  };
  struct Callbacks {
    // The learner stands on its node. Lessons go on from state.presentations; questions without an answer are open.
    std::move_only_function<void(const LearnerState&)> opened;
    // What comes next; nullopt: nothing before another answer has come, and nothing more if none is due. Asked until
    // kMaxSamplesWaiting are unanswered. Answers that are on their way when the node is lost do not come: what must be
    // asked before something is taught has to be answered before.
    std::move_only_function<std::optional<Lesson>()> next;
    std::move_only_function<void(const Learned&)> answered;  // in the order of the lessons
    std::move_only_function<void(const Error&)> lost;        // the node; it is being waited for
    std::move_only_function<void(Expected<Finished>)> over;  // once; never inline
  };

  Teacher(Host host, TeacherOptions options, Callbacks callbacks);
  void start();
  // The node listens elsewhere now: it was started again.
  void moved(std::string address);
  // Gives the lease back; nothing is called any more but `done`, which is never inline. What is not durable is lost.
  void close(std::move_only_function<void()> done);

  Status status() const;  // this end's refusals and bytes
  Epoch epoch() const { return epoch_; }

 private:
  enum class Phase : std::uint8_t { reaching, leasing, opening, teaching, keeping, fetching, over };
  struct Unanswered {
    bool teach;
    std::uint64_t number;
  };

  void message(NodeId from, Message&& message);
  void reach();
  void take_lease();
  void lease_reply(const LeaseReply& reply);
  void beat();
  void learner_state(const LearnerState& state);
  void send_lessons();
  void learned(const Learned& learned);
  void look_done();
  void fetch();
  void chunk(const Chunk& chunk);
  void lose(std::string what);
  void give_back();
  void finish(Expected<Finished> result);
  Error error(std::string what, std::string todo) const;

  Host host_;
  TeacherOptions options_;
  Callbacks callbacks_;
  Refusals refusals_;
  Peers peers_;
  Phase phase_ = Phase::reaching;
  Epoch epoch_;
  bool persisting_ = false, leased_ = false, draining_ = false;
  std::deque<Unanswered> unanswered_;
  int losses_ = 0;              // in a row, without getting any further
  std::uint64_t furthest_ = 0;  // presentations, as the node remembered them
  Instant heard_;               // when it last answered, or was first asked since
  Finished finished_;
  Timer patience_, beat_, expiry_, over_;
};

}  // namespace syn::nodes
