// NIR files on the command line: inspected, run, converted and exported.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "conversion/data/npy.hpp"
#include "conversion/nir/write.hpp"
#include "tests/cli/program.hpp"
#include "tests/conversion/nir/graphs.hpp"

using namespace syn;
using namespace syn::testing;
using syn::test::Ended;
using syn::test::Folder;
using syn::test::synfire;
using Json = nlohmann::json;

namespace {

void put(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}
std::string put_graph(const Folder& folder, const nir::Graph& graph) {
  const auto bytes = nir::write(graph);
  REQUIRE_MESSAGE(bytes.has_value(), bytes.error().what);
  put(folder / "net.nir", *bytes);
  return folder / "net.nir";
}
Json answer(const Ended& ended) {
  REQUIRE_MESSAGE(ended.code == 0, ended.out, ended.err);
  return Json::parse(ended.out);
}

// input -> w -> lif -> output, and lif -> w_rec -> lif.
nir::Graph recurrent() {
  SeededRandom random(5);
  nir::Tensor weight = random_tensor(random, {4, 3});
  for (double& w : weight.values) w = std::abs(w);  // its input is positive: it shall spike
  nir::Graph graph = chain({3}, {nir::Linear{weight}, lif({4})}, {4});
  graph.nodes["w_rec"].primitive = nir::Linear{random_tensor(random, {4, 4})};
  graph.edges.insert(graph.edges.end(), {{"n1", "w_rec"}, {"w_rec", "n1"}});
  return graph;
}
std::string put_input(const Folder& folder, std::vector<std::size_t> shape) {
  std::size_t size = 1;
  for (const std::size_t dim : shape) size *= dim;
  std::vector<float> x(size);
  SeededRandom random(6);
  for (float& v : x) v = static_cast<float>(random.below(100));
  put(folder / "X.npy", data::write_npy(shape, std::span<const float>(x)));
  return folder / "X.npy";
}

}  // namespace

TEST_CASE("a NIR file runs on the command line, converted or not, exported and read again, to the same values") {
  const Folder folder;
  const std::string net = put_graph(folder, recurrent()), x = put_input(folder, {2, 30, 3});
  const Json json = answer(synfire({"infer", net, "--dialect", "norse", "--dt", "1e-3", "--input", x, "--output",
                                    folder / "Y.npy", "--record", folder / "R.npz", "--json"}));
  CHECK(json["samples"] == 2);
  CHECK(json["steps"] == 30);
  CHECK(json["rules"]["dialect"] == "norse");
  CHECK(json["recorded"] == Json({"n1.spikes", "n1.potential"}));
  const auto y = data::read_npy(std::filesystem::path(folder / "Y.npy"));
  REQUIRE(y.has_value());
  CHECK(y->shape == std::vector<std::size_t>{2, 30, 4});
  CHECK(std::count(y->values.begin(), y->values.end(), 1.0f) > 5);
  CHECK(test::read(folder / "R.npz").starts_with("PK"));

  answer(synfire({"convert", net, "--dialect", "norse", "--dt", "1e-3", "-o", folder / "net.syn", "--json"}));
  answer(synfire({"infer", folder / "net.syn", "--input", x, "--output", folder / "Z.npy", "--json"}));
  CHECK(test::read(folder / "Z.npy") == test::read(folder / "Y.npy"));
  CHECK(answer(synfire({"inspect", folder / "net.syn", "--json"}))["profile"] == "float");

  answer(synfire({"export", folder / "net.syn", "-o", folder / "again.nir", "--json"}));
  answer(synfire({"infer", folder / "again.nir", "--dialect", "norse", "--dt", "1e-3", "--input", x, "--output",
                  folder / "Z.npy", "--json"}));
  CHECK(test::read(folder / "Z.npy") == test::read(folder / "Y.npy"));
}

TEST_CASE("bench times sequences whole and step by step, on every instruction set, and says what a stream would cost") {
  const Folder folder;
  const std::string net = put_graph(folder, recurrent()), x = put_input(folder, {2, 30, 3});
  answer(synfire({"convert", net, "--dialect", "norse", "--dt", "1e-3", "-o", folder / "net.syn", "--json"}));
  Json totals;
  for (const char* target : {"", "plain"}) {
    const Json json =
        answer(synfire({"bench", folder / "net.syn", "--input", x, "--target", target, "--repeat", "2", "--json"}));
    CHECK(json["samples"] == 2);
    CHECK(json["steps"] == 30);
    CHECK(json["whole_us"] > 0);
    CHECK(json["stepped_us"] > 0);
    CHECK(json["live_share_of_a_core"] > 0);
    CHECK(json["output_totals"].size() == 4);
    if (totals.is_null()) totals = json["output_totals"];
    CHECK(json["output_totals"] == totals);
  }
  const Ended ended = synfire({"bench", net, "--dialect", "norse", "--dt", "1e-3", "--input", x});
  CHECK(ended.code == 0);
  CHECK(ended.out.find("of a core for a live stream") != std::string::npos);

  const auto refused = [&](std::vector<std::string> words, const char* why) {
    words.insert(words.begin(), "bench");
    const Ended said = synfire(words);
    CHECK_MESSAGE(said.code == 2, said.err);
    CHECK_MESSAGE(said.err.find(why) != std::string::npos, said.err);
  };
  refused({folder / "net.syn"}, "--input");
  refused({folder / "net.syn", "--data", "mnist", "--input", x}, "neither --data");
  refused({folder / "net.syn", "--input", x, "--dialect", "norse"}, "NIR");
  CHECK(synfire({"bench", folder / "net.syn", "--input", x, "--target", "abacus"}).code == 1);
}

TEST_CASE("inspect shows a NIR file's nodes and what it leaves open") {
  const Folder folder;
  const Json json = answer(synfire({"inspect", put_graph(folder, recurrent()), "--json"}));
  CHECK(json["kind"] == "nir");
  CHECK(json["nodes"].size() == 5);
  CHECK(json["remarks"].dump().find("dt is not in the file") != std::string::npos);
  CHECK(json["remarks"].dump().find("closes a cycle") != std::string::npos);
  const Ended told = synfire({"inspect", folder / "net.nir"});
  CHECK(told.out.find("What the file leaves open:") != std::string::npos);
}

TEST_CASE("what a NIR run lacks or has too much of is named") {
  const Folder folder;
  const std::string net = put_graph(folder, recurrent()), x = put_input(folder, {2, 30, 3});
  const auto says = [](const Ended& ended, int code, const std::string& part) {
    CHECK(ended.code == code);
    CHECK_MESSAGE(ended.err.find(part) != std::string::npos, ended.err);
  };
  says(synfire({"infer", net, "--input", x, "--output", folder / "Y.npy"}), 2, "give --dt SECONDS");
  says(synfire({"infer", net, "--dialect", "brian", "--dt", "1", "--input", x, "--output", folder / "Y.npy"}), 2,
       "brian");
  says(synfire({"infer", net, "--dt", "1e-3", "--input", put_input(folder, {2, 30, 4}), "--output", folder / "Y.npy"}),
       1, "samples x steps x 3");
  says(synfire({"convert", net, "--dt", "1e-3", "--calibrate", "fashion-mnist", "-o", folder / "n.syn"}), 2,
       "not calibrated");
  says(synfire({"eval", net, "--data", "fashion-mnist"}), 1, "sequences");
  says(synfire({"export", std::string(SYN_SOURCE_DIR) + "/models/fashion-student.onnx", "-o", folder / "n.nir"}), 1,
       "no spiking model");
  put(folder / "bad.nir", Bytes{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n', 0, 1});
  says(synfire({"inspect", folder / "bad.nir"}), 1, "addresses of 0 bytes");
  says(synfire({"inspect", folder.write("text.nir", "hello")}), 1, "not a NIR file");
  says(synfire({"inspect", folder.write("text.syn", "hello")}), 1, "not a spiking model");
}

TEST_CASE("the published LIF trace comes out of the command line") {
  const std::filesystem::path shared = SYN_SOURCE_DIR "/../shared/data/nir";
  if (!std::filesystem::exists(shared)) {
    MESSAGE("skipped: ../shared/data/nir is not here");
    return;
  }
  const Folder folder;
  std::vector<float> input, spikes;
  std::ifstream file(shared / "lif_norse.csv");
  for (std::string line; std::getline(file, line);) {
    input.push_back(std::stof(line));
    spikes.push_back(std::stof(line.substr(line.rfind(',') + 1)));
  }
  REQUIRE(input.size() == 1000);
  put(folder / "X.npy", data::write_npy(std::vector<std::size_t>{1, 1000, 1}, std::span<const float>(input)));
  answer(synfire({"infer", (shared / "lif_norse.nir").string(), "--dialect", "norse", "--dt", "1e-4", "--input",
                  folder / "X.npy", "--output", folder / "Y.npy", "--record", folder / "R.npz", "--json"}));
  const auto y = data::read_npy(std::filesystem::path(folder / "Y.npy"));
  REQUIRE(y.has_value());
  CHECK(y->shape == std::vector<std::size_t>{1, 1000, 1});
  CHECK(y->values == spikes);
}

TEST_CASE("a NIR network becomes an integer model that runs, with a report of how far it is from float") {
  const Folder folder;
  const std::string net = put_graph(folder, recurrent()), x = put_input(folder, {2, 30, 3});
  const Json converted =
      answer(synfire({"convert", net, "--dt", "1e-3", "--integer", "--input", x, "-o", folder / "net.syn", "--json"}));
  CHECK(converted["steps"] == 30);
  CHECK(converted["samples"] == 2);
  REQUIRE(converted["populations"].size() == 1);
  const Json& lif = converted["populations"][0];
  CHECK(lif["alone"]["spikes_float"] > 10);
  CHECK(lif["whole"]["coincidence"] > 0.8);
  CHECK(lif["potential_error"] <= lif["potential_bound"]);
  CHECK(lif["bound_share"] <= 1);
  CHECK(converted["outputs"][0]["samples"] == 2);
  // The same again of the float model's file, to the same bytes.
  REQUIRE(synfire({"convert", net, "--dt", "1e-3", "-o", folder / "float.syn"}).code == 0);
  const Json again = answer(
      synfire({"convert", folder / "float.syn", "--integer", "--input", x, "-o", folder / "again.syn", "--json"}));
  CHECK(again["hash"] == converted["hash"]);
  const Json inferred =
      answer(synfire({"infer", folder / "net.syn", "--input", x, "--output", folder / "Y.npy", "--json"}));
  const auto y = data::read_npy(std::filesystem::path(folder / "Y.npy"));
  REQUIRE(y.has_value());
  CHECK(y->shape == std::vector<std::size_t>{2, 30, 4});
  float spikes = 0;
  for (const float v : y->values) spikes += v;
  CHECK(inferred["spikes"] == static_cast<std::uint64_t>(spikes));
  CHECK(converted["populations"][0]["whole"]["spikes_integer"] == static_cast<std::uint64_t>(spikes));
  CHECK(synfire({"inspect", folder / "net.syn"}).code == 0);

  CHECK(synfire({"convert", net, "--dt", "1e-3", "--integer", "-o", folder / "no.syn"}).code == 2);  // no steps
  CHECK(synfire({"convert", net, "--dt", "1e-3", "--input", x, "-o", folder / "no.syn"}).code == 2);
  const Ended late = synfire(
      {"convert", net, "--dialect", "spyx", "--dt", "1e-3", "--integer", "--steps", "5", "-o", folder / "no.syn"});
  CHECK(late.code == 1);
  CHECK(late.err.find("a step late") != std::string::npos);
  CHECK(synfire({"eval", folder / "net.syn", "--data", "fashion-mnist", "--limit", "1"}).code == 1);
}
