// The mesh as its users see it: real daemons, real sockets, and what happens when one of them goes.
#include <doctest/doctest.h>
#include <signal.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/cli/answer.hpp"

using syn::test::Ended;
using syn::test::Folder;
using syn::test::Program;
using syn::test::synfire;
using Json = nlohmann::json;

namespace {

const std::string kStudent = std::string(SYN_SOURCE_DIR) + "/models/fashion-student.onnx";

// The student in a code with T steps; converted once.
const std::string& converted(const std::string& code, int steps) {
  static const Folder folder;
  static std::map<std::pair<std::string, int>, std::string> made;
  std::string& path = made[{code, steps}];
  if (path.empty()) {
    path = folder / (code + std::to_string(steps) + ".syn");
    const Ended ended = synfire({"convert", kStudent, "--calibrate", "fashion-mnist", "--steps", std::to_string(steps),
                                 "--code", code, "--calibration-images", "100", "-o", path});
    REQUIRE_MESSAGE(ended.code == 0, ended.err);
  }
  return path;
}

bool alive(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

std::vector<pid_t> pids_in(const std::string& path) {
  std::istringstream lines(syn::test::read(path));
  std::vector<pid_t> pids;
  for (pid_t pid; lines >> pid;) pids.push_back(pid);
  return pids;
}

// A mesh of daemons that were started by hand, from files that `keygen --mesh` wrote.
struct Mesh {
  explicit Mesh(int nodes, int first_port) {
    const Ended made = synfire({"keygen", "--mesh", folder / "mesh", "--nodes", std::to_string(nodes), "--first-port",
                                std::to_string(first_port)});
    REQUIRE_MESSAGE(made.code == 0, made.err);
    for (int i = 1; i <= nodes; ++i) {
      daemons.push_back(std::make_unique<Program>(std::vector<std::string>{syn::test::binary("synfired"), config(i)}));
    }
    for (const auto& daemon : daemons) REQUIRE(daemon->wait_for_error("ready"));
  }
  std::string config(int node) const { return folder / ("mesh/node-" + std::to_string(node) + ".toml"); }
  std::string cluster() const { return folder / "mesh/cluster.toml"; }

  Folder folder;
  std::vector<std::unique_ptr<Program>> daemons;
};

}  // namespace

TEST_CASE("eval, run and sim give one digest, for both codes, any T and any number of nodes") {
  for (const char* code : {"volley", "step"}) {
    for (const int steps : {4, 8, 32}) {
      const std::string& model = converted(code, steps);
      const std::vector<std::string> data{"--data", "fashion-mnist", "--limit", "12", "--json"};
      const auto with = [&](std::vector<std::string> words) {
        words.insert(words.end(), data.begin(), data.end());
        return answer(synfire(words));
      };
      const Json alone = with({"eval", model});
      for (const char* nodes : {"1", "2", "3", "5"}) {
        const Json mesh = with({"run", model, "--nodes", nodes});
        const Json simulated = with({"sim", model, "--nodes", nodes, "--seed", "7"});
        for (const Json& other : {mesh, simulated}) {
          for (const char* key : {"digest", "spike_digest", "correct", "spikes_per_inference", "events_per_inference",
                                  "synops_per_inference"}) {
            CHECK_MESSAGE(other[key] == alone[key], code << " T=" << steps << " nodes=" << nodes << " " << key << ": "
                                                         << other[key] << " " << alone[key]);
          }
          CHECK(other["results"] == 12);
          CHECK(other["lost"] == 0);
          CHECK(other["duplicated"] == 0);
          CHECK(other["wire_bytes_per_inference"].get<double>() > 0);
        }
      }
    }
  }
}

TEST_CASE("windows of any number of steps give the same bits") {
  const std::string& model = converted("step", 8);
  std::set<std::string> digests;
  for (const char* window : {"1", "3", "8"}) {
    const Json mesh = answer(synfire(
        {"run", model, "--nodes", "3", "--window", window, "--data", "fashion-mnist", "--limit", "10", "--json"}));
    digests.insert(mesh["digest"].get<std::string>() + mesh["spike_digest"].get<std::string>());
  }
  CHECK(digests.size() == 1);
}

TEST_CASE("the simulator twice with one seed gives one event log, another seed another") {
  const std::string& model = converted("volley", 8);
  const auto hash = [&](const char* seed) {
    return answer(synfire({"sim", model, "--nodes", "3", "--seed", seed, "--data", "fashion-mnist", "--limit", "20",
                           "--json"}))["event_log_hash"]
        .get<std::string>();
  };
  const std::string first = hash("1");
  CHECK(first.size() == 64);
  CHECK(first == hash("1"));
  CHECK(first != hash("2"));
}

TEST_CASE("a daemon that is killed: every accepted inference has one outcome, and the node is named") {
  const Folder folder;
  Program run({syn::test::binary("synfire"), "run", converted("volley", 8), "--nodes", "3", "--data", "fashion-mnist",
               "--pids", folder / "pids", "--json"});
  REQUIRE(run.wait_for_error("mesh of processes"));
  const auto pids = pids_in(folder / "pids");
  REQUIRE(pids.size() == 3);
  ::kill(pids[1], SIGKILL);
  const Json json = answer(run.wait(std::chrono::seconds(60)), 1);
  CHECK(json["accepted"] == json["results"].get<int>() + json["errors"].get<int>());
  CHECK(json["errors"].get<int>() > 0);  // as fast as admitted: something is always in flight
  CHECK(json["accepted"].get<int>() + json["not_accepted"].get<int>() == 10000);
  CHECK(json["lost"] == 0);
  CHECK(json["error"].dump().find("node-2") != std::string::npos);
  for (const pid_t pid : pids) CHECK_FALSE(alive(pid));
}

TEST_CASE("Ctrl-C ends a run with exit code 130 and no daemon is left") {
  const Folder folder;
  Program run({syn::test::binary("synfire"), "run", converted("volley", 8), "--nodes", "2", "--rate", "50", "--data",
               "fashion-mnist", "--pids", folder / "pids", "--json"});
  REQUIRE(run.wait_for_error("mesh of processes"));
  const auto pids = pids_in(folder / "pids");
  REQUIRE(pids.size() == 2);
  run.signal(SIGINT);
  const Ended ended = run.wait(std::chrono::seconds(20));
  CHECK(answer(ended, 130)["error"]["what"] == "interrupted");
  for (const pid_t pid : pids) CHECK_FALSE(alive(pid));
}

TEST_CASE("daemons started by hand serve one run after another, and end when told") {
  Mesh mesh(2, 17311);
  for (int again = 0; again < 2; ++again) {
    const Json json = answer(synfire({"run", converted("volley", 8), "--cluster", mesh.cluster(), "--data",
                                      "fashion-mnist", "--limit", "20", "--json"}));
    CHECK(json["results"] == 20);
  }
  for (const auto& daemon : mesh.daemons) daemon->signal(SIGTERM);
  for (const auto& daemon : mesh.daemons) {
    const Ended ended = daemon->wait(std::chrono::seconds(20));
    CHECK(ended.code == 0);
    CHECK_FALSE(ended.timed_out);
  }
}

TEST_CASE("SIGTERM finishes what is in flight; what comes after is an explicit error") {
  Mesh mesh(2, 17321);
  Program run({syn::test::binary("synfire"), "run", converted("volley", 8), "--cluster", mesh.cluster(), "--rate",
               "200", "--data", "fashion-mnist", "--limit", "2000", "--json"});
  REQUIRE(run.wait_for_error("mesh of processes"));
  mesh.daemons[0]->signal(SIGTERM);
  const Ended daemon = mesh.daemons[0]->wait(std::chrono::seconds(30));
  CHECK(daemon.code == 0);
  const Json json = answer(run.wait(std::chrono::seconds(60)), 1);
  CHECK(json["accepted"] == json["results"].get<int>() + json["errors"].get<int>());
  CHECK(json["lost"] == 0);
  CHECK(json["error"].dump().find("node-1") != std::string::npos);
}

TEST_CASE("a port in use is one clear message and exit code 2") {
  Mesh mesh(1, 17331);
  const Ended second = Program({syn::test::binary("synfired"), mesh.config(1)}).wait(std::chrono::seconds(20));
  CHECK(second.code == 2);
  CHECK(second.err.find("17331") != std::string::npos);
  CHECK_FALSE(second.timed_out);
}

TEST_CASE("a gateway without a listed key gets nothing, and is counted") {
  Mesh mesh(1, 17341);
  const Folder other;
  REQUIRE(synfire({"keygen", "-o", other / "stranger.key"}).code == 0);
  std::string cluster = syn::test::read(mesh.cluster());
  const std::string own = "gateway.key";
  cluster.replace(cluster.find(own), own.size(), other / "stranger.key");
  const Ended ended = synfire({"run", converted("volley", 8), "--cluster", other.write("c.toml", cluster), "--data",
                               "fashion-mnist", "--limit", "5", "--json"},
                              std::chrono::seconds(60));
  const Json json = answer(ended, 1);
  CHECK(json["error"].dump().find("node-1") != std::string::npos);
  mesh.daemons[0]->signal(SIGTERM);
  const Ended daemon = mesh.daemons[0]->wait(std::chrono::seconds(20));
  CHECK(daemon.code == 0);
  CHECK_MESSAGE(daemon.err.find("refused") != std::string::npos, daemon.err);
}

TEST_CASE("a wrong daemon configuration is exit code 2 with the line") {
  const Folder folder;
  const auto start = [&](const std::string& toml) {
    return Program({syn::test::binary("synfired"), folder.write("n.toml", toml)}).wait(std::chrono::seconds(10));
  };
  const Ended broken = start("name = \"a\"\nlisten = ");
  CHECK(broken.code == 2);
  CHECK(broken.err.find("line 2") != std::string::npos);
  const Ended unknown = start("name = \"a\"\nlisten = \"tcp://127.0.0.1:0\"\nkey = \"k\"\nstate = \"s\"\nspeed = 1\n");
  CHECK(unknown.code == 2);
  CHECK(unknown.err.find("speed") != std::string::npos);
  const Ended no_key = start("name = \"a\"\nlisten = \"tcp://127.0.0.1:0\"\nkey = \"none.key\"\nstate = \"s\"\n");
  CHECK(no_key.code == 2);
  CHECK(no_key.err.find("none.key") != std::string::npos);
  CHECK(Program({syn::test::binary("synfired")}).wait().code == 2);
}
