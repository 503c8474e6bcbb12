// A learner on a simulated node, and its teacher: the same bits as in one process, whatever is killed in between.
#include "nodes/learners.hpp"

#include <set>

#include "nodes/teacher.hpp"
#include "sim/store.hpp"
#include "tests/nodes/mesh.hpp"

using namespace syn;
using namespace syn::testing;
using namespace std::chrono_literals;
namespace learning = syn::snn::learning;

namespace {

constexpr NodeId kNode{1}, kFirst{1000}, kSecond{1001};
constexpr std::uint32_t kSources = 48, kClasses = 3;
constexpr std::uint64_t kImages = 230, kExamEvery = 100, kQuestions = 20;

std::uint16_t label_of(std::uint64_t n) {
  return static_cast<std::uint16_t>(hash64(n ^ 0x6c61) % kClasses);
}
std::vector<Count> shown(std::uint64_t n) {
  std::vector<Count> x(kSources);
  for (std::uint32_t i = 0; i < kSources; ++i) {
    const std::uint64_t drawn = hash64(n * kSources + i);
    const bool on = i / 16 == label_of(n) ? drawn % 10 != 0 : drawn % 10 == 0;
    x[i] = static_cast<Count>(on ? 200 + (drawn >> 32) % 56 : 0);
  }
  return x;
}
learning::LearnerSpec small_spec(bool modulated = true) {
  learning::LearnerSpec spec{
      .sources = kSources, .neurons = 10, .classes = kClasses, .threshold = 800, .reward_after = 30};
  spec.rule.modulated = modulated;
  return spec;
}

// Teaches kImages images; after every kExamEvery, and at the end, asks kQuestions, and goes on when all are answered.
struct Lessons {
  std::uint64_t taught = 0, asked = 0, exam = 0;                          // exam: after so many images; 0: none is held
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> said;  // [exam][question]
  std::uint64_t unanswered = 0;
  std::vector<Count> row;
  std::vector<std::uint64_t> opened_at;
  std::uint64_t held = 0;  // the last exam whose questions have all been given out

  void opened(const LearnerState& state) {
    opened_at.push_back(state.presentations);
    taught = state.presentations;
    asked = exam = held = unanswered = 0;
    if (taught > 0) held = taught - 1;
  }
  std::optional<nodes::Lesson> next() {
    if (exam == 0 && taught > held && (taught % kExamEvery == 0 || taught == kImages)) exam = taught, asked = 0;
    if (exam != 0) {
      row = shown(1'000'000 + asked);
      nodes::Lesson lesson{.teach = false, .number = exam * 1000 + asked, .label = {}, .intensities = row};
      ++unanswered;
      if (++asked == kQuestions) held = exam, exam = 0;
      return lesson;
    }
    if (unanswered > 0 || taught == kImages) return std::nullopt;
    row = shown(taught);
    return nodes::Lesson{.teach = true, .number = taught, .label = label_of(taught++), .intensities = row};
  }
  void answered(const Learned& learned) {
    if (learned.taught) return;
    --unanswered;
    said[{learned.number.value / 1000, learned.number.value % 1000}] = learned.said;
  }
};

struct Reference {
  Bytes state;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> said;
};
const Reference& one_process() {
  static const Reference reference = [] {
    Reference r;
    auto learner = learning::make_learner(small_spec());
    REQUIRE(learner.has_value());
    learning::Presentation buffers;
    for (std::uint64_t n = 0; n < kImages; ++n) {
      learning::teach(*learner, shown(n), label_of(n), buffers);
      if ((n + 1) % kExamEvery != 0 && n + 1 != kImages) continue;
      for (std::uint64_t q = 0; q < kQuestions; ++q)
        r.said[{n + 1, q}] = learning::ask(*learner, shown(1'000'000 + q), (n + 1) * 1000 + q, buffers).said;
    }
    r.state = to_bytes(*learner);
    return r;
  }();
  return reference;
}

struct Classroom : Mesh {
  explicit Classroom(nodes::WorkerOptions options = {}) : Mesh(0, device("pi4")), worker_options(options) {
    entries.push_back({.id = kNode, .name = "node1", .address = "sim://1"});
    world.add(kNode, "node1", profile);
    world.add(kSecond, "second", profile);
    start(kNode, worker_options);
  }
  nodes::TeacherOptions options() const {
    return {.name = "laptop", .node = entries[0], .learner = "digits", .spec = small_spec(), .keep_every = 40};
  }
  void teach(nodes::TeacherOptions options, NodeId who = kFirst) {
    over.reset();
    if (std::exchange(teacher, {})) world.kill(who), world.revive(who);  // another process
    teacher = std::make_unique<nodes::Teacher>(
        world.host(who), std::move(options),
        nodes::Teacher::Callbacks{
            .opened = [this](const LearnerState& s) { lessons.opened(s); },
            .next = [this] { return lessons.next(); },
            .answered = [this](const Learned& l) { lessons.answered(l); },
            .lost = [this](const Error& e) { losses.push_back(e.what); },
            .over = [this](Expected<nodes::Teacher::Finished> result) { over = std::move(result); }});
    teacher->start();
  }
  void finish() {
    REQUIRE(world.run_until([this] { return over.has_value(); }, 5min));
  }
  void check_same() const {
    REQUIRE(over.has_value());
    REQUIRE_MESSAGE(over->has_value(), (*over ? "" : over->error().what));
    CHECK((*over)->bytes == one_process().state);
    CHECK((*over)->state.presentations == kImages);
    CHECK((*over)->state.durable == kImages);
    CHECK(lessons.said == one_process().said);
  }
  void kill_and_revive(Duration away = 300ms) {
    world.kill(kNode);
    workers.erase(kNode);
    world.run_for(away);
    world.revive(kNode);
    start(kNode, worker_options);
  }
  nodes::WorkerOptions worker_options;
  Lessons lessons;
  std::unique_ptr<nodes::Teacher> teacher;
  std::vector<std::string> losses;
  std::optional<Expected<nodes::Teacher::Finished>> over;
};

// Says what it likes to a worker that it holds.
struct Desk : Mesh {
  explicit Desk(nodes::WorkerOptions options = {}) : Mesh(0, instant_device()) {
    world.add(kNode, "node1", profile);
    world.add(kSecond, "second", profile);
    start(kNode, options);
    puppet = std::make_unique<Puppet>(world, kFirst, codec);
    second = std::make_unique<Puppet>(world, kSecond, codec);
    for (auto* p : {puppet.get(), second.get()}) p->host.network.dial(kNode, "");
    world.run_for(50ms);
    lease();
  }
  void lease() {
    puppet->say(kNode, Lease{.epoch = epoch, .lease = 60s, .sent_ns = 0});
    world.run_for(5ms);
    REQUIRE(puppet->all<LeaseReply>().back().accepted);
  }
  LearnerState open(const learning::LearnerSpec& spec, std::string name = "digits", DeploymentId id = DeploymentId{1}) {
    const auto before = puppet->all<LearnerState>().size();
    puppet->say(
        kNode,
        OpenLearner{
            .deployment = id, .epoch = epoch, .name = std::move(name), .keep_every = 10, .spec = to_bytes(spec)});
    REQUIRE(world.run_until([&] { return puppet->all<LearnerState>().size() > before; }, 1s));
    return puppet->all<LearnerState>().back();
  }
  Sample sample(std::uint64_t number, bool teach = true) {
    auto packed = codec.pack(shown(number), learning::kMostIntensity, kAllEncodings);
    return {.deployment = DeploymentId{1},
            .epoch = epoch,
            .number = InferenceId{number},
            .encoding = packed.encoding,
            .teach = teach,
            .label = label_of(number),
            .packed = std::move(packed.bytes)};
  }
  void say(Sample s) {
    puppet->say(kNode, s, Channel::data);
    world.run_for(5ms);
  }
  Epoch epoch = Epoch::of(1, 1);
  std::unique_ptr<Puppet> puppet, second;
};

}  // namespace

TEST_CASE("a learner on a node learns and answers as in one process, bit for bit") {
  Classroom room;
  room.teach(room.options());
  room.finish();
  room.check_same();
  CHECK(room.losses.empty());
  CHECK(room.lessons.opened_at == std::vector<std::uint64_t>{0});
  // Another coordinator, which counts above the first one's term, goes on from there: nothing is left to teach, and the
  // last exam is the same.
  room.lessons.said.clear();
  room.teacher.reset();
  room.teach(room.options(), kSecond);
  room.finish();
  REQUIRE(room.over->has_value());
  CHECK((*room.over)->bytes == one_process().state);
  CHECK(room.lessons.opened_at == std::vector<std::uint64_t>{0, kImages});
  CHECK(room.lessons.said.at({kImages, 3}) == one_process().said.at({kImages, 3}));
  room.world.run_for(50ms);
  CHECK(room.workers.at(kNode)->held_bytes() == 0);
  CHECK(room.workers.at(kNode)->epoch().term() == 2);
}

TEST_CASE("a node that is killed in the middle of any write, or right behind it, ends at the same bits (P11)") {
  std::vector<Instant> kept;
  {
    Classroom room;
    room.world.watch([&](NodeId, Level, std::string_view name, const std::string&) {
      if (name == "learner_kept") kept.push_back(room.world.now());
    });
    room.teach(room.options());
    room.finish();
  }
  REQUIRE(kept.size() == kImages / 40 + 1);
  std::set<std::vector<std::uint64_t>> ways;
  for (const Instant at : kept) {
    for (const Duration before : {450us, 250us, 50us, 0us}) {
      Classroom room;
      room.teach(room.options());
      room.world.run_for(at - room.world.now() - before);
      REQUIRE(!room.over);
      room.kill_and_revive();
      room.finish();
      room.check_same();
      CHECK(room.losses.size() == 1);
      ways.insert(room.lessons.opened_at);
    }
  }
  CHECK(ways.size() >= kept.size());  // old states and new ones were met
}

TEST_CASE("nodes and connections that break at random, many times, end at the same bits") {
  SeededRandom random(3);
  for (int round = 0; round < 10; ++round) {
    CAPTURE(round);
    Classroom room;
    room.teach(room.options());
    std::uint64_t furthest = 0;
    for (int fault = 0; fault < 5 && !room.over; ++fault) {
      room.world.run_for(Duration{static_cast<std::int64_t>(random.below(12'000'000))});
      if (room.over) break;
      if (random.chance(0.5)) {
        room.kill_and_revive();
      } else {
        room.world.cut(kNode, kFirst);
        room.world.run_for(Duration{static_cast<std::int64_t>(random.below(900'000'000))});
        room.world.heal(kNode, kFirst);
      }
    }
    room.finish();
    room.check_same();
    for (const std::uint64_t at : room.lessons.opened_at) {
      CHECK(at >= furthest);  // what was durable is never lost again
      furthest = at;
    }
  }
}

TEST_CASE("a teacher that dies loses only what was not durable; the next one goes on from there") {
  Classroom room;
  room.teach(room.options());
  REQUIRE(room.world.run_until([&] { return room.lessons.taught > 150; }, 1min));
  room.world.kill(kFirst);
  room.teacher.reset();
  room.world.run_for(100ms);
  CHECK(room.workers.at(kNode)->holder() == NodeId{});
  CHECK(room.workers.at(kNode)->held_bytes() == 0);
  room.world.revive(kFirst);
  room.teach(room.options());
  room.finish();
  room.check_same();
  REQUIRE(room.lessons.opened_at.size() == 2);
  CHECK(room.lessons.opened_at[1] >= 40);
  CHECK(room.lessons.opened_at[1] % 40 == 0);
}

TEST_CASE("a node that is told to stop makes everything durable first, and nothing is taught twice") {
  Classroom room;
  room.teach(room.options());
  REQUIRE(room.world.run_until([&] { return room.lessons.taught > 130; }, 1min));
  bool drained = false;
  room.workers.at(kNode)->drain(10s, [&] { drained = true; });
  REQUIRE(room.world.run_until([&] { return drained; }, 1s));
  const std::uint64_t given = room.lessons.taught;
  room.kill_and_revive();
  room.finish();
  room.check_same();
  CHECK(room.lessons.opened_at == std::vector<std::uint64_t>{0, given});
}

TEST_CASE("a node that stays away is an error that names it and says what to do") {
  Classroom room;
  auto options = room.options();
  options.patience = 5s;
  room.teach(options);
  REQUIRE(room.world.run_until([&] { return room.lessons.taught > 50; }, 1min));
  room.world.kill(kNode);
  const Instant killed = room.world.now();
  room.finish();
  REQUIRE(!room.over->has_value());
  CHECK(room.over->error().what == "node 'node1' cannot be reached");
  CHECK(room.world.now() - killed < 6s);
}

TEST_CASE("canaries: a sample or an answer that vanishes or comes twice is noticed, and never learnt from (P14)") {
  for (const bool drops : {false, true}) {
    CAPTURE(drops);
    const auto fault = [&](Classroom& room, NodeId to) {
      REQUIRE(room.world.run_until([&] { return room.lessons.taught > 120; }, 1min));
      drops ? room.world.drop_data(to, 1) : room.world.repeat_data(to, 1);
    };
    Classroom answers;  // the node's answer: asked for again
    answers.teach(answers.options());
    fault(answers, kFirst);
    answers.finish();
    answers.check_same();
    CHECK(answers.losses == std::vector<std::string>{"node 'node1' has answered something else than was asked"});
    Classroom samples;  // the numbers have a gap, or one comes again
    samples.teach(samples.options());
    fault(samples, kNode);
    samples.finish();
    REQUIRE(!samples.over->has_value());
    CHECK(samples.over->error().what.starts_with("node 'node1' refuses sample "));
    CHECK(samples.refused(kNode, "out_of_order") >= 1);
  }
}

TEST_CASE("a node that answers nothing for a while is asked anew, and given up when that does not help") {
  for (const bool forever : {false, true}) {
    Classroom room;
    room.teach(room.options());
    REQUIRE(room.world.run_until([&] { return room.lessons.taught > 120; }, 1min));
    room.world.drop_data(kFirst, forever ? 1'000'000 : 100);
    room.finish();
    CHECK(room.losses.front() == "node 'node1' has stopped answering");
    if (!forever) {
      room.check_same();
      continue;
    }
    REQUIRE(!room.over->has_value());
    CHECK(room.over->error().what ==
          "node 'node1' has stopped answering, for the 9th time without getting any further");
  }
}

TEST_CASE("a full disk ends the learner with the store's error; with room again it goes on from what was durable") {
  Classroom room;
  room.teach(room.options());
  REQUIRE(room.world.run_until([&] { return room.lessons.taught > 130; }, 1min));
  room.world.disk(kNode).break_down(true);
  room.finish();
  REQUIRE(!room.over->has_value());
  CHECK(room.over->error().what == "no space is left");
  CHECK(room.workers.at(kNode)->held_bytes() == 0);
  room.world.disk(kNode).break_down(false);
  room.teach(room.options());
  room.finish();
  room.check_same();
  CHECK(room.lessons.opened_at[1] >= 40);
}

TEST_CASE("one learner is taught by one coordinator at a time, and by none that speaks of an older version") {
  Classroom room;
  room.teach(room.options());
  REQUIRE(room.world.run_until([&] { return room.lessons.taught > 50; }, 1min));
  std::optional<Expected<nodes::Teacher::Finished>> other;
  nodes::Teacher second(room.world.host(kSecond), room.options(),
                        {.opened = [](const LearnerState&) {},
                         .next = []() -> std::optional<nodes::Lesson> { return std::nullopt; },
                         .answered = [](const Learned&) {},
                         .lost = [](const Error&) {},
                         .over = [&](Expected<nodes::Teacher::Finished> r) { other = std::move(r); }});
  second.start();
  room.finish();
  room.check_same();
  REQUIRE(other.has_value());
  REQUIRE(!other->has_value());
  CHECK(other->error().what.starts_with("busy: node 'node1' obeys coordinator"));

  // P13: a node that does not list learning gets no message of it.
  sim::World& world = room.world;
  constexpr NodeId kOld{7};
  world.add(kOld, "old", room.profile);
  Puppet old(world, kOld, room.codec, Hello{.name = "old", .version = "0", .features = 0});
  auto options = room.options();
  options.node = {.id = kOld, .name = "old", .address = "sim://7"};
  room.teach(options, kSecond);
  room.finish();
  REQUIRE(!room.over->has_value());
  CHECK(room.over->error().what == "node 'old' runs a version that cannot learn");
  CHECK(old.all<Lease>().empty());
  CHECK(old.all<OpenLearner>().empty());
}

TEST_CASE("what is not for this node, out of order or no sample is refused, counted, and answered") {
  Desk desk;
  CHECK(desk.open(small_spec()).ok);
  // Another than the holder.
  desk.second->say(kNode, desk.sample(0), Channel::data);
  desk.second->say(kNode, KeepLearner{DeploymentId{1}, desk.epoch});
  desk.second->say(kNode, FetchLearner{DeploymentId{1}, desk.epoch, 0});
  desk.second->say(kNode, OpenLearner{DeploymentId{2}, desk.epoch, "x", 1, to_bytes(small_spec())});
  desk.world.run_for(5ms);
  CHECK(desk.refused(kNode, "not_holder") == 4);
  // Of an epoch or a deployment that is not there.
  Sample lost = desk.sample(0);
  lost.epoch = Epoch::of(1, 0);
  desk.say(lost);
  lost = desk.sample(0);
  lost.deployment = DeploymentId{9};
  desk.say(lost);
  CHECK(desk.refused(kNode, "unknown_deployment") == 2);
  CHECK(desk.puppet->all<Failed>().empty());
  // Out of order: a gap, then the same again.
  desk.say(desk.sample(1));
  desk.say(desk.sample(0));
  desk.say(desk.sample(0));
  CHECK(desk.refused(kNode, "out_of_order") == 2);
  CHECK(desk.puppet->all<Failed>().size() == 2);
  CHECK(desk.puppet->all<Learned>().size() == 1);
  // No sample: a question is answered as failed, and what comes behind it as usual.
  Sample question = desk.sample(5, false);
  question.packed.resize(3);
  desk.say(question);
  question = desk.sample(5, false);
  question.label = kClasses;
  desk.say(question);
  desk.say(desk.sample(5, false));
  CHECK(desk.refused(kNode, "bad_sample") == 2);
  CHECK(desk.puppet->all<Failed>().size() == 4);
  CHECK(desk.puppet->all<Learned>().size() == 2);
  // Something to learn from that is no sample ends the learner: what follows would learn from a gap.
  Sample bad = desk.sample(1);
  bad.label = kClasses;
  desk.say(bad);
  CHECK(!desk.puppet->all<LearnerState>().back().ok);
  desk.say(desk.sample(2));
  CHECK(desk.refused(kNode, "unknown_deployment") == 3);
  CHECK(desk.workers.at(kNode)->held_bytes() == 0);
}

TEST_CASE("no more samples wait than may be unanswered, however many are sent") {
  Desk desk;
  CHECK(desk.open(small_spec()).ok);
  for (std::uint64_t n = 0; n < 9; ++n) desk.say(desk.sample(n));
  // While the tenth's state is being written, everything waits.
  desk.puppet->say(kNode, desk.sample(9), Channel::data);
  for (std::uint64_t q = 0; q < 500; ++q) desk.puppet->say(kNode, desk.sample(q, false), Channel::data);
  desk.world.run_for(1s);
  CHECK(desk.refused(kNode, "too_many_samples") == 500 - kMaxSamplesWaiting);
  CHECK(desk.puppet->all<Learned>().size() == 10 + kMaxSamplesWaiting);
}

TEST_CASE("a learner is refused that is open, remembered with other settings, or too large for the node") {
  Desk desk({.memory_cap = 4 << 20});
  CHECK(desk.open(small_spec()).ok);
  CHECK(desk.open(small_spec(), "digits", DeploymentId{2}).error.what == "the learner 'digits' is open already");
  CHECK(desk.open(small_spec(), "other").error.what == "the deployment is here already");
  CHECK(desk.open({.sources = 4096, .neurons = 4096}, "large", DeploymentId{2})
            .error.what.starts_with("the learner may take "));
  for (std::uint64_t n = 0; n < 10; ++n) desk.say(desk.sample(n));
  desk.puppet->say(kNode, Retire{DeploymentId{1}, desk.epoch});
  auto spec = small_spec();
  spec.rule.seed = 99;
  CHECK(desk.open(spec).error.what.starts_with("the node remembers a learner of this name with other settings"));
  const auto state = desk.open(small_spec());
  CHECK(state.ok);
  CHECK(state.presentations == 10);
  // Its settings are bytes from outside.
  desk.puppet->say(kNode, OpenLearner{DeploymentId{3}, desk.epoch, "x", 1, Bytes(40, 7)});
  desk.world.run_for(5ms);
  CHECK(desk.puppet->all<LearnerState>().back().error.what == "not the settings of a learner");
}

TEST_CASE("a learner that is opened again while its last state is on its way to the disk waits for it") {
  Desk desk;
  CHECK(desk.open(small_spec()).ok);
  for (std::uint64_t n = 0; n < 10; ++n) desk.puppet->say(kNode, desk.sample(n), Channel::data);
  desk.world.run_for(100us);  // less than a write takes
  desk.puppet->say(kNode, Retire{DeploymentId{1}, desk.epoch});
  const auto state = desk.open(small_spec(), "digits", DeploymentId{2});
  CHECK(state.ok);
  CHECK(state.presentations == 10);
}

TEST_CASE("a damaged state is an error, not a guess") {
  Desk desk;
  desk.world.disk(kNode).replace("learner.digits", Bytes(100, 3), [](Expected<>) {});
  desk.world.run_for(5ms);
  CHECK(desk.open(small_spec()).error.where == "the learner 'digits' on node 'node1'");
}
