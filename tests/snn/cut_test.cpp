#include "snn/cut.hpp"

#include <doctest/doctest.h>

#include <map>

#include "interpreter.hpp"
#include "random_models.hpp"
#include "snn/cost.hpp"
#include "snn/engine.hpp"
#include "snn/model_file.hpp"

namespace syn::snn {
namespace {

using namespace testing;

// Random legal pieces: every computed population is cut at random channels, pooled ones sometimes left to follow.
std::vector<std::vector<Piece>> random_pieces(Random& random, const Model& model, std::uint32_t shards) {
  std::vector<std::vector<Piece>> pieces(shards);
  for (std::uint32_t p = 0; p < model.populations.size(); ++p) {
    const Population& population = model.populations[p];
    if (std::holds_alternative<Source>(population.kind)) continue;
    if (std::holds_alternative<Pooled>(population.kind)) {
      const Projection* into = nullptr;
      for (const Projection& projection : model.projections)
        if (projection.to == p) into = &projection;
      const bool of_input = std::holds_alternative<Source>(model.populations[into->from].kind);
      if (of_input) pieces[random.below(shards)].push_back({p, 0, population.shape.channels});
      if (of_input || random.below(2) == 0) continue;
    }
    const std::uint32_t channels = population.shape.channels;
    const bool whole = std::holds_alternative<Readout>(population.kind) || random.below(3) == 0;
    for (std::uint32_t begin = 0; begin < channels;) {
      const std::uint32_t end =
          whole ? channels : begin + 1 + static_cast<std::uint32_t>(random.below(channels - begin));
      pieces[random.below(shards)].push_back({p, begin, end});
      begin = end;
    }
  }
  return pieces;
}

// Pooling of the input slices nothing only if every pool behind it stays whole: such models are cut by whole pools.
bool pools_of_input_are_whole(const Model& model) {
  for (const Projection& projection : model.projections)
    if (std::holds_alternative<Source>(model.populations[projection.from].kind) &&
        std::holds_alternative<Pooled>(model.populations[projection.to].kind))
      return false;
  return true;
}

struct Result {
  std::vector<std::int32_t> potentials;
  std::uint64_t checksum = 0, spikes = 0;
};

// Runs the shards by hand, window by window, whenever all that one reads is there.
Result run_shards(const CutModel& cut, const std::vector<Count>& pixels, std::uint32_t rows,
                  std::uint32_t window_rows) {
  Result result;
  std::vector<Engine> engines;
  for (const Model& shard : cut.shards) {
    auto engine = Engine::make(shard);
    REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
    engines.push_back(std::move(*engine));
  }
  std::vector<State> states(engines.size());
  for (std::uint32_t first = 0; first < rows; first += window_rows) {
    const std::uint32_t n = std::min(window_rows, rows - first);
    std::map<std::string, std::vector<Count>> there{{"input", pixels}};
    std::vector<bool> done(engines.size());
    for (std::size_t finished = 0; finished < engines.size();) {
      const std::size_t before = finished;
      for (std::size_t s = 0; s < engines.size(); ++s) {
        if (done[s]) continue;
        Window window;
        window.rows = n;
        bool ready = true;
        for (const Population& p : cut.shards[s].populations)
          if (std::holds_alternative<Source>(p.kind)) {
            ready = ready && there.contains(p.name);
            if (ready) window.in.push_back(there[p.name]);
          }
        if (!ready) continue;
        engines[s].run(states[s], window);
        std::size_t out = 0;
        for (const std::string& name : cut.shards[s].outputs)
          if (!std::holds_alternative<Readout>(
                  cut.shards[s].populations[static_cast<std::size_t>(find(cut.shards[s], name))].kind))
            there[name] = window.out[out++];
        if (!window.potentials.empty()) result.potentials = window.potentials;
        result.checksum += window.checksum;
        result.spikes += window.spikes;
        done[s] = true;
        ++finished;
      }
      REQUIRE(finished > before);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("shards of any legal cut give the whole model's bits, and their checksums add up") {
  SeededRandom random(31);
  int compared = 0, sliced = 0, late = 0, back = 0;
  for (int round = 0; round < 600; ++round) {
    CAPTURE(round);
    const Code code = static_cast<Code>(round % 3);
    const bool more = code == Code::step && round % 2 == 0;
    const Model model = random_model(random, {.code = code,
                                              .steps = pick(random, 1, 8),
                                              .pixel_padding = round % 3 == 0,
                                              .leaky = more,
                                              .late = more && round % 4 == 0});
    const auto pieces = random_pieces(random, model, pick(random, 1, 4));
    const auto cut_model = cut(model, pieces);
    if (!cut_model) {  // the only legal reasons for these pieces
      const bool empty = cut_model.error().what.starts_with("nothing that shard");
      const bool pooled_input =
          cut_model.error().what.find("must stay whole") != std::string::npos && !pools_of_input_are_whole(model);
      const bool circle = cut_model.error().what.find("would wait for ever") != std::string::npos;
      CHECK_MESSAGE((empty || pooled_input || circle), cut_model.error().what);
      continue;
    }
    const auto pixels = random_counts(random, model.populations[0].shape.neurons(), 255, 50);
    const std::vector<std::vector<std::vector<Count>>> inputs(model.rows(), {pixels});
    const Interpreted expected = interpret(model, inputs);
    const Result result = run_shards(*cut_model, pixels, model.rows(), pick(random, 1, 3));
    ++compared;
    late += std::ranges::any_of(model.projections, [](const Projection& p) { return p.delay > 0; });
    back += std::ranges::any_of(model.projections, [](const Projection& p) { return p.from >= p.to; });
    for (const Cut& c : cut_model->cuts) sliced += c.population.ends_with(']');
    CHECK(result.potentials == expected.potentials);
    CHECK(result.checksum == expected.checksum);
    CHECK(result.spikes == expected.spikes);
    for (const Model& shard : cut_model->shards) {
      const auto read = read_model(write_model(shard), "a shard");
      REQUIRE(read.has_value());
      CHECK(*read == shard);
    }
  }
  CHECK(compared > 60);
  CHECK(sliced > 60);
  CHECK(late > 10);
  CHECK(back > 5);
}

TEST_CASE("a cut that leaves out, doubles or slices what it must not is refused by name") {
  SeededRandom random(32);
  ModelBuilder b(random, {});
  const auto in = b.input({4, 4, 1});
  const auto [conv, shape] = b.conv(in, 8);
  const auto hidden = b.neurons(shape, 1000);
  b.join(in, hidden, conv);
  const auto out = b.readout(3);
  b.join(hidden, out, Dense{random_weights(random, std::size_t{shape.neurons()} * 3)});
  const Model model = b.take();
  const auto refusal = [&](std::vector<std::vector<Piece>> pieces) {
    const auto cut_model = cut(model, pieces);
    return cut_model ? std::string() : cut_model.error().what;
  };
  CHECK(refusal({{{1, 0, 8}, {2, 0, 3}}}) == "");
  CHECK(refusal({{{1, 0, 4}}, {{1, 4, 8}, {2, 0, 3}}}) == "");
  CHECK(refusal({{{1, 0, 4}}, {{1, 5, 8}, {2, 0, 3}}}) == "channel 4 of 'if1' is in no shard");
  CHECK(refusal({{{1, 0, 5}}, {{1, 4, 8}, {2, 0, 3}}}) == "channel 4 of 'if1' is covered twice");
  CHECK(refusal({{{1, 0, 8}, {2, 0, 1}}, {{2, 1, 3}}}).find("slices the readout") != std::string::npos);
  CHECK(refusal({{{0, 0, 1}, {1, 0, 8}, {2, 0, 3}}}).find("is a source") != std::string::npos);
  CHECK(refusal({{{1, 0, 9}, {2, 0, 3}}}).find("channels 0 to 9 of 8") != std::string::npos);
  CHECK(refusal({{{1, 0, 4}}, {{1, 4, 8}, {2, 0, 3}}, {}}).find("shard 2") != std::string::npos);
  CHECK(refusal({{{7, 0, 1}}}).find("not there") != std::string::npos);
  CHECK(refusal({{{1, 0, 8}, {2, 0, 3}}, {}}).find("shard 1") != std::string::npos);
}

TEST_CASE("shards that read each other are refused") {
  SeededRandom random(35);
  ModelBuilder b(random, {});
  const auto in = b.input({1, 1, 4});
  const auto first = b.neurons({1, 1, 4}, 1000), second = b.neurons({1, 1, 4}, 1000), out = b.readout(3);
  b.join(in, first, Dense{random_weights(random, 16)});
  b.join(first, second, Dense{random_weights(random, 16)});
  b.join(second, out, Dense{random_weights(random, 12)});
  const auto cut_model =
      cut(b.take(), std::vector<std::vector<Piece>>{{{1, 0, 2}, {2, 0, 2}, {3, 0, 3}}, {{1, 2, 4}, {2, 2, 4}}});
  REQUIRE_FALSE(cut_model.has_value());
  CHECK(cut_model.error().what ==
        "shard 0 reads 'if1[2:4]' of shard 1, and shards that read each other would wait for ever: keep what "
        "is recurrent in one");
}

TEST_CASE("a slice of a one-to-one target reads only the channels that feed it, from every shard that has some") {
  SeededRandom random(36);
  ModelBuilder b(random, {.branches = false});
  const auto in = b.input({2, 2, 1});
  const auto first = b.neurons({2, 2, 4}, 1000), second = b.neurons({2, 2, 6}, 1000), out = b.readout(3);
  b.join(in, first, Conv{.weights = random_weights(random, 4)});
  const OneToOne one{.shift = 1, .multiplier = {10, 11, 12, 13}};  // into channels 1 to 4
  b.join(first, second, one);
  b.join(second, out, Dense{random_weights(random, 72)});
  const auto cut_model = cut(b.take(), std::vector<std::vector<Piece>>{{{1, 0, 3}},  // 3 feeds the last
                                                                       {{1, 3, 4}},
                                                                       {{2, 0, 3}},
                                                                       {{2, 3, 5}},
                                                                       {{2, 5, 6}, {3, 0, 3}}});
  REQUIRE_MESSAGE(cut_model.has_value(), cut_model.error().what);
  const auto ones = [&](std::size_t shard) {
    std::vector<std::tuple<std::string, std::int32_t, std::vector<std::int32_t>>> all;
    const Model& m = cut_model->shards[shard];
    for (const Projection& p : m.projections)
      if (const auto* o = std::get_if<OneToOne>(&p.connection))
        all.emplace_back(m.populations[p.from].name, o->shift, o->multiplier);
    return all;
  };
  using Multiplier = std::vector<std::int32_t>;
  CHECK(ones(2) == decltype(ones(2)){{"if1[0:2]", 1, Multiplier{10, 11}}});
  CHECK(ones(3) == decltype(ones(3)){{"if1[2:3]", 0, Multiplier{12}}, {"if1[3:4]", 1, Multiplier{13}}});
  // Nothing feeds channel 5: it is paced by a projection that connects nothing.
  CHECK(ones(4) == decltype(ones(4)){{"if1[0:2]", -4, Multiplier{10, 11}}});
  for (const Model& shard : cut_model->shards) CHECK(Engine::make(shard).has_value());
}

TEST_CASE("a population that several shards read crosses to each of them") {
  SeededRandom random(37);
  ModelBuilder b(random, {.branches = false});
  const auto in = b.input({3, 3, 1});
  const Conv same{.kernel_height = 3, .kernel_width = 3, .pad_top = 1, .pad_left = 1, .weights = {}};
  const auto layer = [&](std::uint32_t from) {
    const auto to = b.neurons({3, 3, 4}, 1000);
    Conv conv = same;
    conv.weights = random_weights(random, std::size_t{9} * b.shape(from).channels * 4);
    b.join(from, to, conv);
    return to;
  };
  const auto first = layer(in), second = layer(first), third = layer(second);
  b.join(first, third, b.one_to_one(first, 0));
  const auto out = b.readout(3);
  b.join(third, out, Dense{random_weights(random, 108)});
  const auto cut_model =
      cut(b.take(), std::vector<std::vector<Piece>>{{{1, 0, 4}}, {{2, 0, 4}}, {{3, 0, 4}, {4, 0, 3}}});
  REQUIRE(cut_model.has_value());
  std::vector<std::tuple<std::uint32_t, std::uint32_t, std::string>> crossing;
  for (const Cut& c : cut_model->cuts) crossing.emplace_back(c.from_shard, c.to_shard, c.population);
  CHECK(crossing == decltype(crossing){
                        {0, 1, "if1"}, {0, 2, "if1"}, {1, 2, "if2"}, {2, kGateway, "readout"}, {kGateway, 0, "input"}});
}

TEST_CASE("cuts say what crosses and are in order, the gateway last") {
  SeededRandom random(33);
  ModelBuilder b(random, {.code = Code::step, .steps = 4});
  const auto in = b.input({4, 4, 1});
  const auto [conv, shape] = b.conv(in, 8);
  const auto hidden = b.neurons(shape, 1000);
  b.join(in, hidden, conv);
  const auto out = b.readout(3);
  b.join(hidden, out, Dense{random_weights(random, std::size_t{shape.neurons()} * 3)});
  const auto cut_model = cut(b.take(), std::vector<std::vector<Piece>>{{{1, 0, 6}}, {{1, 6, 8}, {2, 0, 3}}});
  REQUIRE(cut_model.has_value());
  REQUIRE(cut_model->cuts.size() == 4);
  const auto& cuts = cut_model->cuts;
  CHECK(cuts[0] == Cut{0, 1, "if1[0:6]", shape.positions() * 6, 1, false, false, 7.5, 3.75});
  CHECK(cuts[1] == Cut{1, kGateway, "readout", 3, 1, true, false, 10, 5});
  CHECK(cuts[2] == Cut{kGateway, 0, "input", 16, 255, false, true, 10, 5});
  CHECK(cuts[3] == Cut{kGateway, 1, "input", 16, 255, false, true, 10, 5});
}

TEST_CASE("predicted costs equal what the engine counts when every neuron fires as predicted") {
  SeededRandom random(34);
  ModelBuilder b(random, {.code = Code::volley, .steps = 4});
  const auto in = b.input({5, 5, 2});
  const auto [conv, shape] = b.conv(in, 8);
  const auto hidden = b.neurons(shape, 1000);
  b.join(in, hidden, conv);
  const auto out = b.readout(3);
  b.join(hidden, out, Dense{random_weights(random, std::size_t{shape.neurons()} * 3)});
  Model model = b.take();
  auto engine = Engine::make(model);
  REQUIRE(engine.has_value());
  State state;
  Window window;
  window.in.push_back(std::vector<Count>(50, 200));
  model.populations[1].mean_events = 0;
  const Work work = engine->run(state, window);
  model.populations[0].mean_events = 50;
  const auto predicted = costs(model);
  CHECK(predicted[0] == Cost{});
  CHECK(predicted[1].work.neuron_updates == shape.neurons());
  CHECK(predicted[1].work.synaptic_operations <= work.synaptic_operations);
  model.populations[1].mean_events = static_cast<double>(window.events);
  const double both =
      static_cast<double>(costs(model)[1].work.synaptic_operations + costs(model)[2].work.synaptic_operations);
  CHECK(both == doctest::Approx(static_cast<double>(work.synaptic_operations)).epsilon(0.05));
  CHECK(share_of(predicted[1], 2, 8).work.neuron_updates == shape.neurons() / 4);
}

TEST_CASE("where every neuron of a source fires, the predicted work of every kind of projection is exact") {
  SeededRandom random(38);
  for (int round = 0; round < 20; ++round) {
    ModelBuilder b(random, {});
    const auto in = b.input({5, 6, 3});
    const auto [conv, shape] = b.conv(in, 4);
    const auto hidden = b.neurons(round % 2 == 0 ? shape : Shape{5, 6, 4}, 1000);
    const auto shift = static_cast<std::int32_t>(random.below(4)) - 1;
    if (round % 2 == 0) b.join(in, hidden, b.depthwise(in, conv, shift));
    if (round % 2 == 0) b.join(in, hidden, conv);
    if (round % 2 == 1) b.join(in, hidden, b.one_to_one(in, shift));
    b.join(hidden, b.readout(2), Dense{std::vector<std::int8_t>(2 * b.shape(hidden).neurons())});  // no work: zeros
    Model model = b.take();
    model.populations[0].mean_events = 90;
    auto engine = Engine::make(model);
    REQUIRE(engine.has_value());
    State state;
    Window window;
    window.in.push_back(std::vector<Count>(90, 200));
    CHECK(engine->run(state, window).synaptic_operations == costs(model)[1].work.synaptic_operations);
  }
}

}  // namespace syn::snn
