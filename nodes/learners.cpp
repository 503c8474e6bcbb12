#include "nodes/learners.hpp"

#include <algorithm>

namespace syn::nodes {

using snn::learning::LearnerSpec;

namespace {

// The samples that wait, and as many that are being taught. A packed one is at most as long as raw 16-bit counts.
std::uint64_t queue_bytes(const LearnerSpec& spec) {
  return 2 * kMaxSamplesWaiting * (sizeof(Sample) + 2 * std::uint64_t{spec.sources});
}

// The learner; the state that is durable, the next one, and the store's copy of it; the samples.
std::uint64_t most_bytes(const LearnerSpec& spec) {
  return snn::learning::resident_bytes(spec) + 3 * snn::learning::state_bytes(spec) + queue_bytes(spec);
}

constexpr const char* kSendAnother = "check that the samples fit the learner's settings";

}  // namespace

// What reading a stored state yields, on its way back from the Compute job.
struct Learners::Loading {
  Expected<> error;
  std::unique_ptr<Pupil> pupil;
  Bytes state;
};

// Some samples in a row, and perhaps the state behind them.
struct Learners::Turn {
  struct Bad {
    InferenceId number;
    bool teach;
    std::string what;
  };
  std::unique_ptr<Pupil> pupil;
  std::vector<Sample> samples;
  std::vector<std::variant<Learned, Bad>> answers;
  bool keeps = false, asked = false;
  Bytes state;
};

// ---- opening ------------------------------------------------------------------------------------------------------

void Learners::refuse(NodeId to, const OpenLearner& request, Error error) {
  host_.log.event(Level::warn, "learner_refused", {{"name", request.name}, {"what", error.what}});
  peers_.post(to, LearnerState{.deployment = request.deployment, .epoch = request.epoch, .error = std::move(error)});
}

Expected<LearnerSpec> Learners::admissible(const OpenLearner& request, std::uint64_t room) const {
  const auto where = text::cat("node '", node_, "'");
  for (const auto& [id, open] : open_) {
    if (open.request.name == request.name)
      return fail(text::cat("the learner '", request.name, "' is open already"), where, "retire it first");
  }
  auto spec = snn::learning::read_spec(request.spec);
  if (!spec) return fail({spec.error().what, where, spec.error().todo});
  if (const auto most = most_bytes(*spec); most > room) {
    return fail(text::cat("the learner may take ", text::bytes(static_cast<double>(most)), ", the memory cap leaves ",
                          text::bytes(static_cast<double>(room))),
                where, "raise the cap, or use fewer neurons");
  }
  return spec;
}

void Learners::open(NodeId from, const OpenLearner& request, std::uint64_t room) {
  auto spec = admissible(request, room);
  if (!spec) {
    refusals_.count("not_admissible");
    return refuse(from, request, spec.error());
  }
  Open& open = open_[request.deployment];
  open.request = request;
  open.coordinator = from;
  open.serial = ++serials_;
  open.spec = *spec;
  // What an earlier one left on its way to the disk comes first: this one goes on from it.
  if (!writing_.contains(request.name)) load(open);
}

void Learners::load(Open& open) {
  auto stored = host_.store.load(stored_as(open.request.name));
  if (!stored) return end(open, stored.error());
  auto loading = std::make_shared<Loading>();
  host_.compute.run(
      [loading, stored = std::move(*stored), spec = open.spec, name = open.request.name, node = node_] {
        const Work work{.bytes_touched = stored ? stored->size() : snn::learning::state_bytes(spec)};
        auto learner = stored ? snn::learning::restore(*stored) : snn::learning::make_learner(spec);
        const auto where = text::cat("the learner '", name, "' on node '", node, "'");
        if (!learner) {
          loading->error = fail({learner.error().what, where, learner.error().todo});
          return work;
        }
        if (learner->spec != spec) {
          loading->error =
              fail(text::cat("the node remembers a learner of this name with other settings (", learner->spec.sources,
                             " sources, ", learner->spec.neurons, " neurons, seed ", learner->spec.rule.seed,
                             learner->spec.rule.modulated ? ", rewarded" : "", ")"),
                   where, "use its settings, or another name");
          return work;
        }
        loading->state = stored ? std::move(*stored) : to_bytes(*learner);
        loading->pupil =
            std::make_unique<Pupil>(Pupil{.learner = std::move(*learner), .buffers = {}, .intensities = {}});
        return work;
      },
      [this, loading, id = open.request.deployment, serial = open.serial](Work, Duration) {
        loaded(id, serial, *loading);
      });
}

void Learners::loaded(DeploymentId id, std::uint64_t serial, Loading& loading) {
  Open* open = find(id, serial);
  if (!open) return;  // closed meanwhile
  if (!loading.error) return end(*open, loading.error.error());
  open->pupil = std::move(loading.pupil);
  open->loaded = true;
  open->next = open->presentations = open->durable = open->pupil->learner.presentations;
  open->kept = std::make_shared<const Bytes>(std::move(loading.state));
  host_.log.event(Level::info, "learner_open", {{"name", open->request.name}, {"presentations", open->presentations}});
  say_state(*open);
}

// ---- samples ------------------------------------------------------------------------------------------------------

void Learners::sample(Sample&& sample) {
  Open* open = of_epoch(sample.deployment, sample.epoch);
  if (!open) return;
  const auto refuse_it = [&](const char* reason, std::string what) {
    refusals_.count(reason);
    fail_sample(*open, sample.number, std::move(what), "this is a bug of the coordinator; report it");
  };
  if (!open->loaded) return refuse_it("not_prepared", "the learner is not there yet");
  if (open->waiting.size() >= kMaxSamplesWaiting) return refuse_it("too_many_samples", "too many samples wait");
  if (sample.teach) {
    if (sample.number.value != open->next)
      return refuse_it("out_of_order", text::cat("sample ", sample.number.value, " where ", open->next, " comes next"));
    ++open->next;
  }
  open->waiting.emplace_back(std::move(sample));
  go_on(*open);
}

void Learners::keep(const KeepLearner& request) {
  Open* open = of_epoch(request.deployment, request.epoch);
  if (!open) return;
  if (!open->loaded) return refusals_.count("not_prepared");
  if (open->waiting.size() >= 2 * kMaxSamplesWaiting) return refusals_.count("too_many_samples");
  open->waiting.emplace_back(Keep{});
  go_on(*open);
}

void Learners::go_on(Open& open) {
  if (!open.pupil || open.writing || open.waiting.empty()) return;
  auto turn = std::make_shared<Turn>();
  std::uint64_t taught = open.presentations;
  while (!open.waiting.empty() && !turn->keeps) {
    if (auto* s = std::get_if<Sample>(&open.waiting.front())) {
      if (s->teach && ++taught % open.request.keep_every == 0) turn->keeps = true;
      turn->samples.push_back(std::move(*s));
    } else {
      turn->keeps = turn->asked = true;
    }
    open.waiting.pop_front();
  }
  turn->pupil = std::move(open.pupil);
  host_.compute.run(
      [turn, &codec = host_.codec] {
        Pupil& pupil = *turn->pupil;
        const LearnerSpec& spec = pupil.learner.spec;
        pupil.intensities.resize(spec.sources);
        pupil.buffers.work = {};
        for (const Sample& s : turn->samples) {
          pupil.buffers.work.bytes_touched += s.packed.size();
          const auto bad = [&](std::string what) {
            turn->answers.emplace_back(Turn::Bad{s.number, s.teach, std::move(what)});
          };
          if (s.label && *s.label >= spec.classes) {
            bad(text::cat("label ", *s.label, " of ", spec.classes, " classes"));
          } else if (auto ok = codec.unpack(s.encoding, s.packed, snn::learning::kMostIntensity, pupil.intensities);
                     !ok) {
            bad(std::move(ok.error().what));
          } else {
            const auto answer = s.teach ? teach(pupil.learner, pupil.intensities, s.label, pupil.buffers)
                                        : ask(pupil.learner, pupil.intensities, s.number.value, pupil.buffers);
            turn->answers.emplace_back(Learned{.deployment = s.deployment,
                                               .epoch = s.epoch,
                                               .number = s.number,
                                               .taught = s.teach,
                                               .winner = answer.winner,
                                               .spikes = answer.spikes,
                                               .said = static_cast<std::uint16_t>(answer.said)});
            continue;
          }
          // What was to be taught after it would learn from a gap.
          if (s.teach) return pupil.buffers.work;
        }
        if (turn->keeps) {
          turn->state = to_bytes(pupil.learner);
          pupil.buffers.work.bytes_touched += turn->state.size();
        }
        return pupil.buffers.work;
      },
      [this, turn, id = open.request.deployment, serial = open.serial](Work work, Duration measured) {
        totals_.work += work;
        totals_.busy_ns += static_cast<std::uint64_t>(measured.count());
        worked(id, serial, *turn);
      });
}

void Learners::worked(DeploymentId id, std::uint64_t serial, Turn& turn) {
  Open* open = find(id, serial);
  if (!open) return;
  open->pupil = std::move(turn.pupil);
  open->presentations = open->pupil->learner.presentations;
  for (auto& answer : turn.answers) {
    if (auto* learned = std::get_if<Learned>(&answer)) {
      learned->durable = open->durable;
      if (learned->spikes > 0) totals_.spikes += learned->spikes, ++totals_.events;
      peers_.post(open->coordinator, *learned, Channel::data);
      continue;
    }
    auto& bad = std::get<Turn::Bad>(answer);
    refusals_.count("bad_sample");
    fail_sample(*open, bad.number, bad.what, kSendAnother);
    if (bad.teach) return end(*open, {std::move(bad.what), text::cat("node '", node_, "'"), kSendAnother});
  }
  turn.keeps ? make_durable(*open, std::move(turn.state), turn.asked) : go_on(*open);
}

void Learners::fail_sample(const Open& open, InferenceId number, std::string what, const char* todo) {
  peers_.post(open.coordinator, Failed{.deployment = open.request.deployment,
                                       .epoch = open.request.epoch,
                                       .inference = number,
                                       .error = {std::move(what), text::cat("node '", node_, "'"), todo}});
}

// ---- states -------------------------------------------------------------------------------------------------------

void Learners::make_durable(Open& open, Bytes&& state, bool asked) {
  auto kept = std::make_shared<const Bytes>(std::move(state));
  open.writing = true;
  writing_.insert(open.request.name);
  host_.store.replace(
      stored_as(open.request.name), *kept,
      [this, kept, asked, name = open.request.name, id = open.request.deployment, serial = open.serial,
       presentations = open.presentations](Expected<> done) {
        writing_.erase(writing_.find(name));
        if (Open* at = find(id, serial)) {
          at->writing = false;
          if (!done) return end(*at, done.error());
          at->durable = presentations;
          at->kept = kept;
          host_.log.event(Level::debug, "learner_kept", {{"name", name}, {"presentations", presentations}});
          if (asked) say_state(*at);
          return go_on(*at);
        }
        for (auto& [other, waits] : open_) {
          if (waits.request.name == name && !waits.loaded && !writing_.contains(name)) return load(waits);
        }
      });
}

void Learners::say_state(const Open& open) {
  peers_.post(open.coordinator, LearnerState{.deployment = open.request.deployment,
                                             .epoch = open.request.epoch,
                                             .ok = true,
                                             .error = {},
                                             .presentations = open.presentations,
                                             .durable = open.durable,
                                             .hash = snn::learning::state_hash(*open.kept),
                                             .state_bytes = open.kept->size(),
                                             .resident_bytes = snn::learning::resident_bytes(open.spec)});
}

void Learners::fetch(const FetchLearner& request) {
  Open* open = of_epoch(request.deployment, request.epoch);
  if (!open) return;
  if (!open->loaded || request.offset > open->kept->size()) return refusals_.count("bad_chunk");
  const auto rest = ByteView(*open->kept).subspan(static_cast<std::size_t>(request.offset));
  const auto piece = rest.first(std::min(rest.size(), kMaxChunkBytes / 2));
  peers_.post(open->coordinator,
              Chunk{.deployment = request.deployment,
                    .epoch = request.epoch,
                    .offset = request.offset,
                    .bytes = Bytes(piece.begin(), piece.end())},
              Channel::bulk);
}

// ---- ending -------------------------------------------------------------------------------------------------------

void Learners::end(Open& open, Error error) {
  host_.log.event(Level::error, "learner_ended", {{"name", open.request.name}, {"what", error.what}});
  peers_.post(open.coordinator, LearnerState{.deployment = open.request.deployment,
                                             .epoch = open.request.epoch,
                                             .error = std::move(error),
                                             .presentations = open.presentations,
                                             .durable = open.durable});
  const auto id = open.request.deployment;
  open_.erase(id);
}

bool Learners::close(DeploymentId id, Epoch epoch) {
  Open* open = of_epoch(id, epoch);
  if (!open) return false;
  host_.log.event(Level::info, "learner_closed",
                  {{"name", open->request.name}, {"presentations", open->presentations}, {"durable", open->durable}});
  open_.erase(id);
  return true;
}

void Learners::close_all() {
  open_.clear();
}

std::uint64_t Learners::reserved() const {
  std::uint64_t sum = 0;
  for (const auto& [id, open] : open_) sum += most_bytes(open.spec);
  return sum;
}

std::uint64_t Learners::held_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [id, open] : open_) {
    if (!open.loaded) continue;
    sum += snn::learning::resident_bytes(open.spec) + open.kept->size();
    for (const Item& item : open.waiting) {
      if (const auto* s = std::get_if<Sample>(&item)) sum += sizeof(Sample) + s->packed.capacity();
    }
  }
  return sum;
}

Learners::Open* Learners::find(DeploymentId id, std::uint64_t serial) {
  const auto at = open_.find(id);
  return at == open_.end() || at->second.serial != serial ? nullptr : &at->second;
}

Learners::Open* Learners::of_epoch(DeploymentId id, Epoch epoch) {
  const auto at = open_.find(id);
  if (at == open_.end() || at->second.request.epoch != epoch) {
    refusals_.count("unknown_deployment");
    return nullptr;
  }
  return &at->second;
}

}  // namespace syn::nodes
