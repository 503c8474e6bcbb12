// A layer that learns on a daemon, as its users see it: the same bits in the simulator, over kill -9 of the daemon and
// of the tool itself, and on a node of a cluster.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/cli/answer.hpp"
#include "tests/report/markup.hpp"

using syn::test::Ended;
using syn::test::Folder;
using syn::test::Program;
using syn::test::synfire;
using Json = nlohmann::json;

namespace {

std::vector<std::string> learn(const std::string& images, std::vector<std::string> more = {}) {
  std::vector<std::string> words{"learn",        "--data",       "fashion-mnist", "--images", images,
                                 "--exam-every", "2000",         "--exam-images", "200",      "--neurons",
                                 "150",          "--keep-every", "300",           "--json"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<std::string> with_program(std::vector<std::string> words) {
  words.insert(words.begin(), syn::test::binary("synfire"));
  return words;
}

}  // namespace

TEST_CASE("a learner on a daemon, killed with kill -9 or not, and one in the simulator end at one state") {
  const Folder folder;
  const Json simulated = answer(synfire(learn("10000", {"--sim", "--kills", "4"})));
  CHECK(simulated["restarts"] == 4);
  CHECK(simulated["accuracy"].get<double>() > 0.6);
  CHECK(simulated["exams"].size() == 5);

  Program killed(with_program(learn("10000", {"--pids", folder / "pids"})));
  REQUIRE(killed.wait_for_error("after 2,000 images"));
  REQUIRE(::kill(static_cast<pid_t>(std::stoi(syn::test::read(folder / "pids"))), SIGKILL) == 0);
  const Json over_death = answer(killed.wait());
  CHECK(over_death["restarts"] == 1);
  for (const char* key : {"state_sha256", "exams", "accuracy", "images"})
    CHECK_MESSAGE(over_death[key] == simulated[key], key << ": " << over_death[key] << " " << simulated[key]);

  // The tool itself dies, and its daemon with it: the next run goes on from the folder.
  {
    Program tool(with_program(learn("10000", {"--state", folder / "memory"})));
    REQUIRE(tool.wait_for_error("after 2,000 images"));
    tool.signal(SIGKILL);
    tool.wait();
  }
  const Json later = answer(synfire(learn("10000", {"--state", folder / "memory", "-o", folder / "state"})));
  CHECK(later["went_on_from"].get<int>() >= 2000 - 2000 % 300);
  CHECK(later["went_on_from"].get<int>() < 10000);
  CHECK(later["state_sha256"] == simulated["state_sha256"]);
  CHECK(later["accuracy"] == simulated["accuracy"]);
  const Json inside = answer(synfire({"inspect", folder / "state", "--json"}));
  CHECK(inside["state_sha256"] == simulated["state_sha256"]);
  CHECK(inside["images"] == 10000);
  CHECK(inside["classes"].size() == 10);
  CHECK(syn::test::read(folder / "state") == syn::test::read(folder / "memory/node/values/learner.fashion-mnist"));
  const std::string half = folder.write("half", syn::test::read(folder / "state").substr(0, 5000));
  CHECK(answer(synfire({"inspect", half, "--json"}), 1)["error"]["where"] == half);

  // What it remembers is not taught again, and not with other settings.
  const Json again = answer(synfire(learn("10000", {"--state", folder / "memory"})));
  CHECK(again["went_on_from"] == 10000);
  CHECK(again["state_sha256"] == simulated["state_sha256"]);
  const Json other = answer(synfire(learn("10000", {"--state", folder / "memory", "--seed", "2"})), 1);
  CHECK(other["error"]["what"].get<std::string>().starts_with("the node remembers a learner of this name"));

  const int lock = ::open((folder / "memory/lock").c_str(), O_RDWR);
  REQUIRE(::flock(lock, LOCK_EX | LOCK_NB) == 0);
  CHECK(answer(synfire(learn("10000", {"--state", folder / "memory"})), 1)["error"]["what"] ==
        "another run learns in this folder");
  ::close(lock);
}

TEST_CASE("a node of a cluster learns, with reward, and the page shows what every neuron has found") {
  const Folder folder;
  const Ended made = synfire(
      {"keygen", "--mesh", folder / "mesh", "--nodes", "2", "--first-port", std::to_string(21400 + ::getpid() % 400)});
  REQUIRE_MESSAGE(made.code == 0, made.err);
  Program daemon({syn::test::binary("synfired"), folder / "mesh/node-2.toml"});
  REQUIRE(daemon.wait_for_error("ready"));
  ::setenv("XDG_STATE_HOME", (folder / "home").c_str(), 1);
  const std::vector<std::string> there{"--reward", "--cluster", folder / "mesh/cluster.toml", "--node",
                                       "node-2",   "--report",  folder / "page.html"};
  const Json on_node = answer(synfire(learn("4000", there)));
  CHECK(on_node["rewarded"] == true);
  CHECK(on_node["where"].get<std::string>().starts_with("node node-2"));
  CHECK(on_node["state_sha256"] == answer(synfire(learn("4000", {"--reward", "--sim"})))["state_sha256"]);
  const std::string html = syn::test::read(folder / "page.html");
  CHECK(syn::test::malformed(html) == "");
  CHECK(html.find("id=\"neurons\"") != std::string::npos);
  CHECK(daemon.running());
  const auto nobody = answer(synfire(learn("100", {"--cluster", folder / "mesh/cluster.toml", "--node", "node-9"})), 1);
  CHECK(nobody["error"]["what"] == "there is no node 'node-9'");
  ::unsetenv("XDG_STATE_HOME");
}

TEST_CASE("Ctrl-C ends a verb that learns with exit code 130, and no daemon is left") {
  const Folder folder;
  Program tool(with_program(learn("200000", {"--pids", folder / "pids"})));
  REQUIRE(tool.wait_for_error("after 2,000 images"));
  const auto daemon = static_cast<pid_t>(std::stoi(syn::test::read(folder / "pids")));
  CHECK(::kill(daemon, 0) == 0);
  tool.signal(SIGINT);
  const Json json = answer(tool.wait(), 130);
  CHECK(json["error"]["what"] == "interrupted");
  CHECK(::kill(daemon, 0) != 0);
}

TEST_CASE("learn: wrong use is told before anything starts") {
  CHECK(synfire({"learn"}).code == 2);
  CHECK(synfire(learn("0")).code == 2);
  CHECK(synfire(learn("10", {"--sim", "--state", "x"})).code == 2);
  CHECK(synfire(learn("10", {"--kills", "2"})).code == 2);
  CHECK(synfire(learn("10", {"--name", "../x"})).code == 2);
  CHECK(synfire({"learn", "--data", "nonsense"}).code == 1);
  CHECK(synfire(learn("10", {"--test-data", "idx:nowhere,nowhere"})).code == 1);
}
