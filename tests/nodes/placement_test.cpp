#include "nodes/placement.hpp"

#include <algorithm>

#include "snn/model_file.hpp"
#include "snn/rules.hpp"
#include "tests/nodes/mesh.hpp"

using namespace syn;
using namespace syn::testing;

namespace {

snn::Model model_of(snn::Code code = snn::Code::volley) {
  SeededRandom random(2);
  return five_layers(random, code, 8);
}
std::vector<nodes::PlanNode> machines(std::size_t n, const char* profile = "pi4") {
  std::vector<nodes::PlanNode> all;
  for (std::size_t i = 0; i < n; ++i) {
    all.push_back({{.id = NodeId{i + 1}, .name = text::cat("node", i + 1), .address = "sim://"}, device(profile)});
  }
  return all;
}
nodes::PlanOptions options() {
  return {.gateway = {.id = NodeId{99}, .name = "gateway", .address = {}},
          .gateway_device = device("this-machine"),
          .nodes = 0,
          .window_steps = 0,
          .in_flight = 0};
}
nodes::Planned planned(std::size_t n, snn::Code code = snn::Code::volley) {
  const auto model = model_of(code);
  auto p = nodes::plan(model, hash_of(model), machines(n), options());
  REQUIRE_MESSAGE(p.has_value(), p.error().what);
  return std::move(*p);
}

}  // namespace

TEST_CASE("any number of nodes from 1 to 12 gives a legal plan that uses all of them, in both codes") {
  for (const auto code : {snn::Code::volley, snn::Code::step}) {
    const auto model = model_of(code);
    for (std::size_t n = 1; n <= 12; ++n) {
      CAPTURE(n);
      const auto p = planned(n, code);
      CHECK(p.plan.shards.size() == n);
      CHECK(p.shards.size() == n);
      CHECK(nodes::check(p.plan, model).has_value());
      CHECK(p.plan.predicted_latency_us > 0);
      CHECK(p.plan.predicted_throughput > 0);
      CHECK(p.plan.predicted_wire_bytes > 0);
      CHECK(!p.plan.notes.empty());
    }
  }
}

TEST_CASE("the same question gets the same answer") {
  const auto a = planned(5), b = planned(5);
  CHECK(a.shards == b.shards);
  for (std::size_t s = 0; s < 5; ++s) CHECK(a.plan.shards[s].spec == b.plan.shards[s].spec);
  CHECK(a.plan.notes == b.plan.notes);
}

TEST_CASE("a plan that was tampered with is illegal, and it is said why") {
  const auto model = model_of();
  const auto whole = planned(3).plan;
  const auto why = [&](auto change) {
    auto plan = whole;
    change(plan);
    const auto ok = nodes::check(plan, model);
    REQUIRE(!ok);
    return ok.error().what;
  };
  const auto says = [](const std::string& what, const char* part) { return what.find(part) != std::string::npos; };
  CHECK(says(why([](Plan& p) { p.shards[0].pieces.clear(); }), "computed by nobody"));
  CHECK(says(why([](Plan& p) { p.shards[1].pieces.push_back(p.shards[0].pieces[0]); }), "computed twice"));
  CHECK(says(why([](Plan& p) { p.shards[0].pieces[0].channel_end = 99; }), "do not exist"));
  CHECK(says(why([](Plan& p) {
               for (auto& e : p.shards[1].spec.in) e.credit = 1;
             }),
             "differ"));
  CHECK(says(why([](Plan& p) { p.in_flight = 1000; }), "could deadlock"));
  CHECK(says(why([](Plan& p) {
               for (auto& e : p.shards[2].spec.out) e.carries_checksum = false;
             }),
             "checksum"));
  CHECK(says(why([](Plan& p) { p.shards[1].node = p.shards[0].node; }), "another node"));
  CHECK(says(why([](Plan& p) { p.shards[0].spec.out.pop_back(); }), ""));
  CHECK(says(why([](Plan& p) { p.shards.clear(); }), "without shards"));
}

TEST_CASE("the slow board gets less to do than the fast ones") {
  const auto model = model_of();
  // So slow at computing that nothing else counts.
  auto line = machines(3);
  for (auto& machine : line) machine.device.synops_per_us = 10, machine.device.updates_per_us = 1;
  line[1].device.synops_per_us = 1, line[1].device.updates_per_us = 0.1;
  const auto p = nodes::plan(model, hash_of(model), line, options());
  REQUIRE(p.has_value());
  std::map<NodeId, double> share;
  for (const auto& shard : p->plan.shards) {
    const auto& d = line[shard.node.value - 1].device;
    share[shard.node] = shard.predicted_us * d.synops_per_us;
  }
  CHECK(share[NodeId{2}] < std::min(share[NodeId{1}], share[NodeId{3}]));
}

TEST_CASE("a model that breaks a rule is refused like the engine refuses it, before anything is cut") {
  auto model = model_of();
  model.populations[3].shape.channels += 1;  // the pool of a layer with one channel less
  model.populations[3].amplitude.clear();
  const auto p = nodes::plan(model, hash_of(model), machines(2), options());
  REQUIRE(!p);
  CHECK(p.error().what.find("pooling cannot change the number of channels") != std::string::npos);
}

TEST_CASE("a model with too few channels for so many nodes is refused by name") {
  SeededRandom random(1);
  snn::testing::ModelBuilder b(random, {});
  const auto in = b.input({1, 1, 4});
  const auto out = b.readout(2);
  b.join(in, out, snn::Dense{snn::testing::random_weights(random, 8)});
  const auto model = b.take();
  CHECK(nodes::plan(model, hash_of(model), machines(1), options()).has_value());
  const auto p = nodes::plan(model, hash_of(model), machines(2), options());
  REQUIRE(!p);
  CHECK(p.error().what.find("cannot be cut into 2 shards") != std::string::npos);
  CHECK(!nodes::plan(model, hash_of(model), {}, options()));
}

TEST_CASE("what is recurrent stays on one node, whatever else is cut") {
  auto model = model_of(snn::Code::step);
  // Back from the last population that has the first one's height and width: all between them belongs together.
  const std::uint32_t to = 1;
  std::uint32_t from = to;
  for (std::uint32_t p = to; p < model.populations.size(); ++p) {
    const auto &a = model.populations[p].shape, &b = model.populations[to].shape;
    if (snn::fires(model.populations[p]) && a.height == b.height && a.width == b.width) from = p;
  }
  REQUIRE(snn::fires(model.populations[to]));
  const auto at = std::ranges::upper_bound(model.projections, to, {}, &snn::Projection::to);
  const auto channels = model.populations[from].shape.channels;
  model.projections.insert(at, {from, to, snn::OneToOne{0, std::vector<std::int32_t>(channels, -3)}, 1});
  REQUIRE(snn::check_rules(model).has_value());
  for (std::size_t n = 1; n <= 3; ++n) {
    CAPTURE(n);
    const auto p = nodes::plan(model, hash_of(model), machines(n), options());
    REQUIRE_MESSAGE(p.has_value(), p.error().what);
    CHECK(nodes::check(p->plan, model).has_value());
    int holders = 0;
    for (const Bytes& bytes : p->shards) {
      const auto shard = snn::read_model(bytes, "a shard");
      REQUIRE(shard.has_value());
      holders += std::ranges::any_of(shard->projections, [](const snn::Projection& q) { return q.from >= q.to; });
    }
    CHECK(holders == 1);
  }
}
