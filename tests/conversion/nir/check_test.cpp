#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "conversion/nir/check.hpp"
#include "conversion/nir/lint.hpp"
#include "conversion/nir/read.hpp"
#include "tests/conversion/nir/graphs.hpp"

using namespace syn;
using namespace syn::testing;
using nir::Pair;
using nir::Shape;

namespace {

std::string refusal(const nir::Graph& graph) {
  const auto shapes = nir::check(graph);
  return shapes ? "" : shapes.error().where + ": " + shapes.error().what;
}
void says(const nir::Graph& graph, const std::string& part) {
  const std::string text = refusal(graph);
  CHECK_MESSAGE(text.find(part) != std::string::npos, text);
}
std::vector<std::string> backs(const nir::Graph& graph) {
  const auto shapes = nir::check(graph);
  REQUIRE_MESSAGE(shapes.has_value(), refusal(graph));
  std::vector<std::string> out;
  for (const auto& link : shapes->links) {
    if (link.back) out.push_back(shapes->places[link.from].name + ">" + shapes->places[link.to].name);
  }
  return out;
}
Shape output(const nir::Graph& graph, const std::string& name) {
  const auto shapes = nir::check(graph);
  REQUIRE_MESSAGE(shapes.has_value(), refusal(graph));
  for (const auto& place : shapes->places) {
    if (place.name == name) return place.out;
  }
  return {};
}

// input -> w -> lif -> output, and lif -> w_rec -> lif.
nir::Graph recurrent() {
  nir::Graph graph = chain({2}, {nir::Linear{filled({3, 2}, 1)}, lif({3})}, {3});
  graph.nodes["w_rec"].primitive = nir::Linear{filled({3, 3}, 1)};
  graph.edges.emplace_back("w_rec", "n1");
  graph.edges.emplace_back("n1", "w_rec");
  return graph;
}

}  // namespace

TEST_CASE("places come in order of evaluation and shapes meet, on random graphs") {
  SeededRandom random(5);
  for (int i = 0; i < 200; ++i) {
    const nir::Graph graph = random_graph(random);
    const auto shapes = nir::check(graph);
    REQUIRE_MESSAGE(shapes.has_value(), refusal(graph));
    for (const auto& link : shapes->links) {
      CHECK(shapes->places[link.from].out == shapes->places[link.to].in);
      const bool later = nir::delays(*shapes->places[link.from].node) || link.back;
      CHECK((later || link.from < link.to));
      if (link.back) CHECK(link.from >= link.to);
    }
    CHECK(shapes->inputs.size() == 1);
    CHECK(shapes->outputs.size() == 1);
  }
}

TEST_CASE("convolutions, pools and Flatten make the shapes that PyTorch makes") {
  const auto conv = [](Pair stride, Pair padding, Pair dilation, std::int64_t groups) {
    nir::Graph graph = chain({4, 9, 7},
                             {nir::Conv2d{.weight = filled({6, std::size_t(4 / groups), 3, 2}, 1),
                                          .stride = stride,
                                          .padding = {.size = padding},
                                          .dilation = dilation,
                                          .groups = groups,
                                          .bias = filled({6}, 0)},
                              nir::I{number(1)}},
                             {1});
    graph.edges.pop_back();
    graph.nodes["output"].primitive = nir::Output{{4, 9, 7}};
    graph.edges.emplace_back("input", "output");
    return output(graph, "n0");
  };
  CHECK(conv({1, 1}, {0, 0}, {1, 1}, 1) == Shape{6, 7, 6});
  CHECK(conv({2, 2}, {1, 1}, {1, 1}, 1) == Shape{6, 5, 4});
  CHECK(conv({1, 1}, {2, 1}, {2, 3}, 2) == Shape{6, 9, 6});
  CHECK(output(chain({2, 5, 5}, {nir::AvgPool2d{{2, 3}, {2, 1}, {0, 1}}}, {2, 2, 5}), "n0") == Shape{2, 2, 5});
  CHECK(output(chain({2, 5, 4}, {nir::Flatten{.input_type = {}, .start_dim = 0, .end_dim = {}}}, {40}), "n0") ==
        Shape{40});
  CHECK(output(chain({2, 5, 4}, {nir::Flatten{}}, {2, 20}), "n0") == Shape{2, 20});
  nir::Conv1d same{.weight = filled({3, 2, 4}, 1), .bias = filled({3}, 0)};
  same.padding.kind = nir::Padding<std::int64_t>::Kind::same;
  CHECK(output(chain({2, 9}, {same}, {3, 9}), "n0") == Shape{3, 9});
}

TEST_CASE("scalars and axes of one spread over the population") {
  CHECK(refusal(chain({2, 3}, {nir::LI{number(0.1), filled({2, 1}, 1), filled({3}, 0)}}, {2, 3})).empty());
  says(chain({2, 3}, {nir::LI{number(0.1), filled({2}, 1), number(0)}}, {2, 3}),
       "node 'n0': its r is 2, its input 2 x 3");
  const auto spread = nir::spread(tensor({2, 1}, {5, 7}), {2, 3});
  CHECK(spread == std::vector<double>{5, 5, 5, 7, 7, 7});
  CHECK(nir::spread(tensor({3}, {1, 2, 3}), {2, 3}) == std::vector<double>{1, 2, 3, 1, 2, 3});
}

TEST_CASE("the edge that closes a cycle carries the previous step") {
  CHECK(backs(recurrent()) == std::vector<std::string>{"w_rec>n1"});
  nir::Graph delayed = recurrent();
  delayed.nodes["w_rec"].primitive = nir::Delay{number(0.001)};
  CHECK(backs(delayed).empty());
  delayed.nodes["w_rec"].primitive = nir::Delay{number(0)};
  CHECK(backs(delayed) == std::vector<std::string>{"w_rec>n1"});
}

TEST_CASE("a recurrent pair in a subgraph is the same as flattened") {
  nir::Graph inner;
  inner.nodes["input"].primitive = nir::Input{{3}};
  inner.nodes["lif"].primitive = lif({3});
  inner.nodes["w_rec"].primitive = nir::Linear{filled({3, 3}, 1)};
  inner.nodes["output"].primitive = nir::Output{{3}};
  inner.edges = {{"w_rec", "lif"}, {"lif", "output"}, {"lif", "w_rec"}, {"input", "lif"}};
  const nir::Graph graph =
      chain({2}, {nir::Linear{filled({3, 2}, 1)}, nir::Subgraph{std::make_shared<const nir::Graph>(inner)}}, {3});
  CHECK(backs(graph) == std::vector<std::string>{"n1/w_rec>n1/lif"});
  CHECK(output(graph, "n1/output") == Shape{3});
}

TEST_CASE("what a graph has wrong is named") {
  nir::Graph dangling = recurrent();
  dangling.edges.emplace_back("n1", "nobody");
  says(dangling, "the edge 'n1' -> 'nobody' has an end, 'nobody', that is no node");
  nir::Graph unfed = recurrent();
  unfed.nodes["alone"].primitive = lif({3});
  says(unfed, "node 'alone': no edge leads to it");
  nir::Graph loop = recurrent();
  loop.nodes["a"].primitive = nir::Linear{filled({3, 3}, 1)};
  loop.nodes["b"].primitive = nir::Scale{number(2)};
  loop.edges.insert(loop.edges.end(), {{"n1", "a"}, {"a", "b"}, {"b", "a"}});
  says(loop, "that neither a neuron nor a Delay is in");
  nir::Graph island = recurrent();
  island.nodes["x"].primitive = lif({});
  island.nodes["y"].primitive = lif({});
  island.edges.insert(island.edges.end(), {{"x", "y"}, {"y", "x"}});
  says(island, "its shape cannot be told");
  nir::Graph into_input = recurrent();
  into_input.edges.emplace_back("n1", "input");
  says(into_input, "to this Input");
  nir::Graph from_output = recurrent();
  from_output.edges.emplace_back("output", "n1");
  says(from_output, "from this Output");
  nir::Graph no_output = recurrent();
  no_output.nodes.erase("output");
  says(no_output, "there is no Output");
  says(nir::Graph{}, "there is no Input");
  nir::Graph two_shapes = recurrent();
  two_shapes.edges.emplace_back("input", "n1");
  says(two_shapes, "node 'n1': its tau is 3, its input 2");
  nir::Graph joined = chain({2}, {nir::Linear{filled({3, 2}, 1)}, nir::I{number(1)}}, {3});
  joined.edges.emplace_back("input", "n1");
  says(joined, "gets 2");

  says(chain({4}, {nir::Linear{filled({3, 2}, 1)}}, {3}), "its input is 4, its weight takes 2");
  says(chain({2, 2}, {nir::Linear{filled({3, 4}, 1)}}, {3}), "a Flatten is missing");
  says(chain({2}, {nir::Linear{filled({6}, 1)}}, {3}), "not at least a matrix");
  says(chain({2}, {nir::Affine{filled({3, 2}, 1), filled({4}, 0)}}, {3}), "its bias is 4 for an output of 3");
  says(chain({2}, {nir::Linear{filled({3, 2}, 1)}}, {4}), "it states a shape of 4 and gets 3");
  says(chain({1 << 20, 1 << 20}, {nir::I{number(1)}}, {1}), "values are possible");
  says(chain({0}, {nir::I{number(1)}}, {0}), "values are possible");
  says(chain({3}, {nir::Flatten{}}, {3}), "the batch is not one of them");
  says(chain({2, 3}, {nir::Flatten{.input_type = Shape{3, 2}, .start_dim = 0}}, {6}), "states an input of 3 x 2");
  says(chain({2}, {nir::LI{number(0), number(1), number(0)}}, {2}), "its tau is 0 seconds");
  says(chain({2}, {nir::Delay{number(-1)}}, {2}), "its delay is -1 seconds");
  const auto conv = [](auto&& change) {
    nir::Conv2d node{.weight = filled({4, 2, 3, 3}, 1), .bias = filled({4}, 0)};
    change(node);
    return chain({2, 5, 5}, {node}, {4, 3, 3});
  };
  CHECK(refusal(conv([](auto&) {})).empty());
  says(conv([](auto& c) { c.stride = {0, 1}; }), "the stride 0");
  says(conv([](auto& c) { c.dilation = {3, 1}; }), "a window of 7 does not fit into 5");
  says(conv([](auto& c) { c.groups = 3; }), "cannot be cut into 3 groups");
  says(conv([](auto& c) { c.groups = 2; }), "its input has 2 channels, its weight takes 4");
  says(conv([](auto& c) { c.bias = filled({3}, 0); }), "its bias is 3 for 4 channels");
  says(conv([](auto& c) { c.input_shape = Pair{4, 5}; }), "it states an input of 4");
  says(conv([](auto& c) {
         c.padding.kind = nir::Padding<Pair>::Kind::same, c.stride = {2, 2};
       }),
       "no meaning with a stride");
  says(conv([](auto& c) { c.weight = filled({4, 2, 3}, 1); }), "3 axes instead of 4");
  says(chain({2, 5, 5}, {nir::SumPool2d{{6, 1}, {1, 1}, {0, 0}}}, {2, 1, 5}), "does not fit");
}

TEST_CASE("the lint names what a file leaves open") {
  nir::Graph graph = recurrent();
  graph.version.reset();
  std::get<nir::LIF>(graph.nodes["n1"].primitive).v_reset.reset();
  std::get<nir::LIF>(graph.nodes["n1"].primitive).r = filled({3}, 10);
  graph.edges.push_back(graph.edges.front());
  graph.nodes["unseen"].primitive = nir::CubaLI{number(1), number(1), number(1), number(0), {}};
  graph.edges.emplace_back("n1", "unseen");
  const auto shapes = nir::check(graph);
  REQUIRE(shapes.has_value());
  const auto remarks = nir::lint(graph, *shapes);
  const auto has = [&](const std::string& node, const std::string& part) {
    return std::any_of(remarks.begin(), remarks.end(),
                       [&](const auto& r) { return r.node == node && r.what.find(part) != std::string::npos; });
  };
  CHECK(has("", "dt is not in the file"));
  CHECK(has("", "the reset of 'n1'"));
  CHECK(has("", "initial state"));
  CHECK(has("", "version"));
  CHECK(has("", "listed twice"));
  CHECK(has("n1", "v_reset is missing"));
  CHECK(has("n1", "r is 10"));
  CHECK(has("unseen", "w_in is missing"));
  CHECK(has("unseen", "no edge leaves it"));
  CHECK(has("w_rec", "closes a cycle"));
  const nir::Graph plain = chain({2}, {nir::Linear{filled({2, 2}, 1)}}, {2});
  CHECK(nir::lint(plain, *nir::check(plain)).empty());
}

TEST_CASE("the lint does not call open what the metadata states") {
  nir::Graph graph = recurrent();
  const auto says = [&](const std::string& part) {
    const auto remarks = nir::lint(graph, *nir::check(graph));
    return std::ranges::any_of(remarks, [&](const auto& r) { return r.what.find(part) != std::string::npos; });
  };
  CHECK(says("the reset of"));
  CHECK(says("say --dialect and --dt"));
  graph.metadata["dt"] = {number(1e-3)};
  CHECK(says("say --dialect"));
  CHECK_FALSE(says("--dt"));
  graph.metadata["synfire.dialect"] = {syn::hdf5::Texts{.shape = {}, .values = {"norse"}}};
  CHECK_FALSE(says("--dialect"));
  CHECK_FALSE(says("the reset of"));
  graph.metadata.erase("dt");
  CHECK(says("say --dt"));
  CHECK(says("initial state"));
}
