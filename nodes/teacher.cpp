#include "nodes/teacher.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/sha256.hpp"
#include "nodes/term.hpp"

namespace syn::nodes {
namespace {

constexpr DeploymentId kDeployment{1};
// A node that is lost so often without getting any further will not get further.
constexpr int kMostLosses = 8;

}  // namespace

Teacher::Teacher(Host host, TeacherOptions options, Callbacks callbacks)
    : host_(host),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      peers_(host, {.name = options_.name, .version = options_.version}, refusals_,
             {.message = [this](NodeId from, Message&& m, std::size_t) { message(from, std::move(m)); },
              .ready =
                  [this](NodeId peer) {
                    if (peer == options_.node.id && phase_ == Phase::reaching) take_lease();
                  },
              .gone =
                  [this](NodeId peer) {
                    if (peer == options_.node.id) lose("is gone: its connection broke");
                  }}) {
  peers_.start();
}

Error Teacher::error(std::string what, std::string todo) const {
  return {text::cat("node '", options_.node.name, "' ", what), options_.node.address, std::move(todo)};
}

void Teacher::start() {
  const auto term = load_term(host_.store);
  if (!term) return finish(fail(term.error()));
  epoch_ = Epoch::of(*term, 1);
  reach();
  host_.network.dial(options_.node.id, options_.node.address);
}

void Teacher::moved(std::string address) {
  options_.node.address = std::move(address);
  host_.network.dial(options_.node.id, options_.node.address);
}

// ---- the node's lease ---------------------------------------------------------------------------------------------

void Teacher::reach() {
  phase_ = Phase::reaching;
  leased_ = draining_ = false;
  unanswered_.clear();
  beat_.reset();
  expiry_.reset();
  patience_ = host_.clock.call_in(options_.patience, [this] {
    const auto objection = peers_.objection(options_.node.id);
    finish(fail(error(peers_.ready(options_.node.id) ? "did not open the learner in time"
                      : objection.empty()            ? std::string("cannot be reached")
                                                     : text::cat("is connected, but ", objection),
                      "check that synfired runs there, that the address is right and that both sides list each other's "
                      "keys; what was learnt is in the node's store, and the same command goes on from it")));
  });
}

// Always in a new term: a node that was started again obeys no epoch twice.
void Teacher::take_lease() {
  if (persisting_) return;
  if (!(peers_.features(options_.node.id) & kLearning)) {
    return finish(fail(error("runs a version that cannot learn", "install this version of synfired there")));
  }
  phase_ = Phase::leasing;
  epoch_ = Epoch::of(epoch_.term() + 1, 1);
  persisting_ = true;
  store_term(host_.store, epoch_.term(), [this](Expected<> done) {
    persisting_ = false;
    if (phase_ == Phase::over) return;
    if (!done) return finish(fail(done.error()));
    if (phase_ == Phase::leasing) return beat();
    if (phase_ == Phase::reaching && peers_.ready(options_.node.id)) take_lease();  // lost and found meanwhile
  });
}

void Teacher::beat() {
  const bool waits = phase_ == Phase::teaching ? !unanswered_.empty() : phase_ > Phase::teaching;
  if (waits && host_.clock.now() - heard_ > options_.patience) return lose("has stopped answering");
  peers_.post(options_.node.id, Lease{.epoch = epoch_, .lease = options_.lease, .sent_ns = host_.clock.now().ns});
  beat_ = host_.clock.call_in(options_.lease / 3, [this] { beat(); });
}

void Teacher::lease_reply(const LeaseReply& reply) {
  if (phase_ == Phase::reaching || persisting_) return;  // an answer to what we were before
  if (reply.accepted) {
    if (reply.seen != epoch_) return;
    expiry_ = host_.clock.call_in(options_.lease, [this] { lose("did not answer for a whole lease"); });
    if (!std::exchange(leased_, true)) {
      phase_ = Phase::opening;
      peers_.post(options_.node.id, OpenLearner{.deployment = kDeployment,
                                                .epoch = epoch_,
                                                .name = options_.learner,
                                                .keep_every = options_.keep_every,
                                                .spec = to_bytes(options_.spec)});
    }
    return;
  }
  if (leased_) return lose("gave up the lease: it had not heard from here in time");
  if (reply.draining) {
    draining_ = true;
    return lose("is stopping and takes no new work");
  }
  if (reply.holder != NodeId{} && reply.holder != host_.network.self()) {
    const auto holder = peers_.name(reply.holder);
    return finish(fail({text::cat("busy: node '", options_.node.name, "' obeys coordinator ",
                                  holder.empty() ? "" : text::cat("'", holder, "', id "), reply.holder.value),
                        options_.node.address,
                        "wait until that coordinator is done, or end it; its lease runs out by itself when it dies"}));
  }
  if (reply.seen >= epoch_) {  // somebody counted higher before
    epoch_ = Epoch::of(reply.seen.term(), 1);
    beat_.reset();
    take_lease();
  }
}

void Teacher::lose(std::string what) {
  if (phase_ == Phase::over || phase_ == Phase::reaching) return;
  const Error why = error(std::move(what), "start it again: the learner goes on from the node's store");
  host_.log.event(Level::info, "node_lost", {{"node", options_.node.name}, {"what", why.what}});
  if (++losses_ > kMostLosses) {
    return finish(fail({text::cat(why.what, ", for the ", losses_, "th time without getting any further"), why.where,
                        "look at that node's log"}));
  }
  callbacks_.lost(why);
  // One that is stopping comes back as another connection; one that was deaf is asked again at once.
  const bool ask_again = !draining_ && peers_.ready(options_.node.id);
  reach();
  if (ask_again) take_lease();
}

// ---- lessons ------------------------------------------------------------------------------------------------------

void Teacher::message(NodeId from, Message&& message) {
  if (phase_ == Phase::over) return;
  if (from != options_.node.id) return refusals_.count("not_of_the_plan");
  if (auto* m = std::get_if<LeaseReply>(&message)) return lease_reply(*m);
  if (std::get_if<Draining>(&message)) {
    draining_ = true;  // nothing new; what is in flight is answered, then made durable
    return look_done();
  }
  if (auto* m = std::get_if<LearnerState>(&message)) {
    return m->deployment == kDeployment && m->epoch == epoch_ ? learner_state(*m) : refusals_.count("old_epoch");
  }
  if (auto* m = std::get_if<Learned>(&message)) {
    return m->deployment == kDeployment && m->epoch == epoch_ ? learned(*m) : refusals_.count("old_epoch");
  }
  if (auto* m = std::get_if<Chunk>(&message)) {
    return m->deployment == kDeployment && m->epoch == epoch_ ? chunk(*m) : refusals_.count("old_epoch");
  }
  if (auto* m = std::get_if<Failed>(&message)) {
    if (m->deployment != kDeployment || m->epoch != epoch_) return refusals_.count("old_epoch");
    return finish(
        fail({text::cat("node '", options_.node.name, "' refuses sample ", m->inference.value, ": ", m->error.what),
              m->error.where, m->error.todo}));
  }
  refusals_.count("unexpected_message");
}

void Teacher::learner_state(const LearnerState& state) {
  if (!state.ok) return finish(fail(state.error));
  heard_ = host_.clock.now();
  if (phase_ == Phase::opening) {
    phase_ = Phase::teaching;
    patience_.reset();
    if (state.presentations > furthest_) furthest_ = state.presentations, losses_ = 0;
    host_.log.event(
        Level::info, "learner_opened",
        {{"node", options_.node.name}, {"learner", options_.learner}, {"presentations", state.presentations}});
    callbacks_.opened(state);
    return send_lessons();
  }
  if (phase_ != Phase::keeping) return refusals_.count("unexpected_message");
  if (draining_) {
    give_back();
    return lose("is stopping");
  }
  finished_ = {.state = state, .bytes = {}};
  phase_ = Phase::fetching;
  fetch();
}

void Teacher::send_lessons() {
  while (phase_ == Phase::teaching && !draining_ && unanswered_.size() < kMaxSamplesWaiting) {
    const auto lesson = callbacks_.next();
    if (!lesson) break;
    auto packed =
        host_.codec.pack(lesson->intensities, snn::learning::kMostIntensity, peers_.encodings(options_.node.id));
    if (unanswered_.empty()) heard_ = host_.clock.now();
    unanswered_.push_back({lesson->teach, lesson->number});
    peers_.post(options_.node.id,
                Sample{.deployment = kDeployment,
                       .epoch = epoch_,
                       .number = InferenceId{lesson->number},
                       .encoding = packed.encoding,
                       .teach = lesson->teach,
                       .label = lesson->label,
                       .packed = std::move(packed.bytes)},
                Channel::data);
  }
  look_done();
}

void Teacher::learned(const Learned& learned) {
  if (phase_ != Phase::teaching) return refusals_.count("unexpected_message");
  if (unanswered_.empty() || unanswered_.front().teach != learned.taught ||
      unanswered_.front().number != learned.number.value) {
    refusals_.count("out_of_order");
    return lose("has answered something else than was asked");
  }
  heard_ = host_.clock.now();
  unanswered_.pop_front();
  callbacks_.answered(learned);
  send_lessons();
}

// ---- the end ------------------------------------------------------------------------------------------------------

void Teacher::look_done() {
  if (phase_ != Phase::teaching || !unanswered_.empty()) return;
  phase_ = Phase::keeping;
  peers_.post(options_.node.id, KeepLearner{kDeployment, epoch_});
}

void Teacher::fetch() {
  peers_.post(options_.node.id,
              FetchLearner{.deployment = kDeployment, .epoch = epoch_, .offset = finished_.bytes.size()});
}

void Teacher::chunk(const Chunk& piece) {
  Bytes& bytes = finished_.bytes;
  const std::uint64_t wanted = finished_.state.state_bytes;
  if (phase_ != Phase::fetching || piece.offset != bytes.size() || piece.bytes.empty() ||
      piece.bytes.size() > wanted - bytes.size()) {
    return refusals_.count("bad_chunk");
  }
  heard_ = host_.clock.now();
  bytes.insert(bytes.end(), piece.bytes.begin(), piece.bytes.end());
  if (bytes.size() < wanted) return fetch();
  if (snn::learning::state_hash(bytes) != finished_.state.hash || !snn::learning::restore(bytes)) {
    return finish(fail(error("sent a state that is not the one it named", "report this: it is a bug")));
  }
  finish(std::move(finished_));
}

void Teacher::give_back() {
  if (!leased_ || !peers_.ready(options_.node.id)) return;
  peers_.post(options_.node.id, Retire{kDeployment, epoch_});
  peers_.post(options_.node.id, Lease{.epoch = epoch_, .lease = Duration::zero(), .sent_ns = host_.clock.now().ns});
}

void Teacher::finish(Expected<Finished> result) {
  if (phase_ == Phase::over) return;
  give_back();
  phase_ = Phase::over;
  patience_.reset();
  beat_.reset();
  expiry_.reset();
  over_ = host_.clock.call_in(Duration::zero(), [over = std::move(callbacks_.over),
                                                 result = std::move(result)]() mutable { over(std::move(result)); });
}

void Teacher::close(std::move_only_function<void()> done) {
  if (phase_ != Phase::over) give_back();
  phase_ = Phase::over;
  patience_.reset();
  beat_.reset();
  expiry_.reset();
  // One more turn, so that what was just sent has been handed over when `done` ends the loop.
  over_ = host_.clock.call_in(std::chrono::milliseconds(1), std::move(done));
}

Status Teacher::status() const {
  return {.name = options_.name,
          .epoch = epoch_,
          .messages_sent = peers_.messages_sent(),
          .bytes_sent = peers_.bytes_sent(),
          .edges = {},
          .refused = refusals_.list()};
}

}  // namespace syn::nodes
