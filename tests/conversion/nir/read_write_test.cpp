#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "conversion/nir/check.hpp"
#include "conversion/nir/read.hpp"
#include "conversion/nir/write.hpp"
#include "tests/conversion/hdf5/library.hpp"
#include "tests/conversion/nir/graphs.hpp"

using namespace syn;
using namespace syn::testing;
using hdf5::Group;
using hdf5::Item;
using hdf5::Numbers;
using hdf5::Texts;

namespace {

Item word(const char* text) {
  return {Texts{.shape = {}, .values = {text}}};
}
Item ints(std::vector<std::size_t> shape, std::vector<double> values) {
  return {tensor(std::move(shape), std::move(values), hdf5::Element::int64)};
}
Group& inside(Item& item) {
  return std::get<Group>(item.value);
}

// input -> lif -> output, as a file has it; `lif` to be changed.
Group lif_file() {
  Group lif{{"type", word("LIF")},
            {"tau", {filled({3}, 0.02)}},
            {"r", {filled({3}, 1)}},
            {"v_leak", {filled({3}, 0)}},
            {"v_threshold", {filled({3}, 0.5)}}};
  Group nodes{{"input", {Group{{"type", word("Input")}, {"shape", ints({1}, {3})}}}},
              {"lif", {lif}},
              {"output", {Group{{"type", word("Output")}, {"shape", ints({1}, {3})}}}}};
  Group node{{"type", word("NIRGraph")},
             {"nodes", {nodes}},
             {"edges", {Texts{.shape = {2, 2}, .values = {"lif", "output", "input", "lif"}}}}};
  return {{"version", word("1.0.4")}, {"node", {node}}};
}
Group& lif_of(Group& file) {
  return inside(inside(inside(file["node"])["nodes"])["lif"]);
}
std::string refusal(const Group& file) {
  const auto graph = nir::read(hdf5::write(file), "a.nir");
  return graph ? "" : graph.error().where + ": " + graph.error().what;
}
bool says(const std::string& text, const std::string& part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("a written graph is read back the same, with what the Python package insists on filled in") {
  SeededRandom random(1);
  for (int i = 0; i < 200; ++i) {
    CAPTURE(i);
    const nir::Graph graph = random_graph(random);
    const auto bytes = nir::write(graph);
    REQUIRE_MESSAGE(bytes.has_value(), bytes.error().where, ": ", bytes.error().what);
    const auto again = nir::read(*bytes, "again");
    REQUIRE_MESSAGE(again.has_value(), again.error().where, ": ", again.error().what);
    const auto whole = nir::completed(graph);
    REQUIRE(whole.has_value());
    REQUIRE(*again == *whole);
    REQUIRE(*nir::completed(*whole) == *whole);
  }
}

TEST_CASE("the fields lie in the file as the Python package has them, seen by libhdf5") {
  nir::Graph graph =
      chain({2, 6, 6},
            {nir::Conv2d{.input_shape = {},
                         .weight = filled({4, 2, 3, 3}, 0.5),
                         .padding = {.kind = nir::Padding<nir::Pair>::Kind::zeros, .size = {1, 1}},
                         .bias = filled({4}, 0)},
             nir::SumPool2d{{2, 2}, {2, 2}, {0, 0}}, nir::Flatten{.input_type = {}, .start_dim = 0, .end_dim = -1},
             nir::Affine{filled({5, 36}, 0.1), filled({5}, 0)}, lif({5})},
            {5});
  graph.nodes["n4"].metadata["origin"] = word("here");
  const auto bytes = nir::write(graph);
  REQUIRE(bytes.has_value());
  Group file = library_read(*bytes);
  CHECK(file.size() == 2);
  CHECK(file["version"] == word("1.0.6"));
  Group& node = inside(file["node"]);
  CHECK(node["type"] == word("NIRGraph"));
  CHECK(std::get<Texts>(node["edges"].value).shape == std::vector<std::size_t>{6, 2});
  CHECK(std::get<Texts>(node["edges"].value).values[0] == "input");
  Group& nodes = inside(node["nodes"]);
  CHECK(inside(nodes["input"]) == Group{{"type", word("Input")}, {"shape", ints({3}, {2, 6, 6})}});
  CHECK(inside(nodes["n0"]) == Group{{"type", word("Conv2d")},
                                     {"input_shape", ints({2}, {6, 6})},
                                     {"weight", {filled({4, 2, 3, 3}, 0.5)}},
                                     {"stride", ints({2}, {1, 1})},
                                     {"padding", ints({2}, {1, 1})},
                                     {"dilation", ints({2}, {1, 1})},
                                     {"groups", ints({}, {1})},
                                     {"bias", {filled({4}, 0)}}});
  CHECK(inside(nodes["n1"]) == Group{{"type", word("SumPool2d")},
                                     {"kernel_size", ints({2}, {2, 2})},
                                     {"stride", ints({2}, {2, 2})},
                                     {"padding", ints({2}, {0, 0})}});
  CHECK(inside(nodes["n2"]) == Group{{"type", word("Flatten")},
                                     {"input_type", ints({3}, {4, 3, 3})},
                                     {"start_dim", ints({}, {0})},
                                     {"end_dim", ints({}, {-1})}});
  CHECK(inside(nodes["n4"]) == Group{{"type", word("LIF")},
                                     {"tau", {filled({5}, 0.01)}},
                                     {"r", {filled({5}, 1)}},
                                     {"v_leak", {filled({5}, 0)}},
                                     {"v_threshold", {filled({5}, 1)}},
                                     {"v_reset", {filled({5}, 0)}},
                                     {"metadata", {Group{{"origin", word("here")}}}}});
}

TEST_CASE("what the package has defaults for may be left out, and scalars stand for pairs") {
  Group file = lif_file();
  auto graph = nir::read(hdf5::write(file), "a.nir");
  REQUIRE_MESSAGE(graph.has_value(), graph.error().what);
  const auto& node = std::get<nir::LIF>(graph->nodes.at("lif").primitive);
  CHECK_FALSE(node.v_reset.has_value());
  CHECK(node.tau == filled({3}, 0.02));
  CHECK(nir::check(*graph).has_value());

  lif_of(file) = Group{{"type", word("AvgPool2d")},
                       {"kernel_size", ints({}, {2})},
                       {"stride", ints({1}, {2})},
                       {"padding", ints({}, {0})}};
  graph = nir::read(hdf5::write(file), "a.nir");
  REQUIRE_MESSAGE(graph.has_value(), graph.error().what);
  const auto& pool = std::get<nir::AvgPool2d>(graph->nodes.at("lif").primitive);
  CHECK(pool.kernel_size == nir::Pair{2, 2});
  CHECK(pool.padding == nir::Pair{0, 0});
}

TEST_CASE("what a file has wrong is named") {
  const auto with = [](auto&& change) {
    Group file = lif_file();
    change(file);
    return refusal(file);
  };
  const auto lif_with = [&](auto&& change) { return with([&](Group& file) { change(lif_of(file)); }); };
  says(with([](Group& f) { f.erase("node"); }), "no group 'node'");
  says(with([](Group& f) { inside(f["node"]).erase("edges"); }), "'edges' is missing");
  says(with([](Group& f) { inside(f["node"]).erase("nodes"); }), "'nodes' is missing");
  says(with([](Group& f) { inside(f["node"])["edges"] = ints({2}, {1, 2}); }), "no pairs of names");
  says(with([](Group& f) { inside(f["node"])["type"] = word("LIF"); }), "single 'LIF'");
  says(lif_with([](Group& n) { n["type"] = word("Izhikevich"); }), "a.nir, node 'lif': the type 'Izhikevich'");
  says(lif_with([](Group& n) { n.erase("type"); }), "'type' is missing");
  says(lif_with([](Group& n) { n.erase("tau"); }), "node 'lif': the field 'tau' is missing");
  says(lif_with([](Group& n) { n["gain"] = n["tau"]; }), "'gain' is unknown");
  says(lif_with([](Group& n) { n["r"] = {filled({3}, std::nan(""))}; }), "'r' has NaN at index 0");
  says(lif_with([](Group& n) { n["r"] = {filled({3}, HUGE_VAL)}; }), "'r' has an infinite number");
  says(lif_with([](Group& n) { n["r"] = word("1"); }), "'r' is no array");
  says(lif_with([](Group& n) { n = {{"type", word("Input")}, {"shape", ints({1}, {1e12})}}; }), "no size");
  says(lif_with([](Group& n) { n = {{"type", word("Input")}, {"shape", {tensor({1}, {2.5})}}}; }), "no size");
}

TEST_CASE("the published files are read, and written and read again to the same graph") {
  const std::filesystem::path folder = SYN_SOURCE_DIR "/../shared/data/nir";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("skipped: ../shared/data/nir is not here");
    return;
  }
  for (const char* name : {"lif_norse.nir", "cnn_sinabs.nir", "braille_noDelay_noBias_subtract.nir"}) {
    CAPTURE(std::string(name));
    const auto graph = nir::read(folder / name);
    REQUIRE_MESSAGE(graph.has_value(), graph.error().where, ": ", graph.error().what);
    const auto shapes = nir::check(*graph);
    REQUIRE_MESSAGE(shapes.has_value(), shapes.error().where, ": ", shapes.error().what);
    const auto bytes = nir::write(*graph);
    REQUIRE(bytes.has_value());
    CHECK(nir::read(*bytes, "again") == *graph);  // complete as published, v_reset apart
  }
  const auto cnn = nir::read(folder / "cnn_sinabs.nir");
  CHECK(cnn->nodes.size() == 15);
  CHECK(std::get<nir::Conv2d>(cnn->nodes.at("0").primitive).stride == nir::Pair{2, 2});
  const auto braille = nir::read(folder / "braille_noDelay_noBias_subtract.nir");
  CHECK(braille->nodes.contains("lif1.w_rec"));
}
