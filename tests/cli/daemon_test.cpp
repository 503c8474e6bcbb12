// synfired by itself: what it tells its service manager, its log, and how it ends.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program.hpp"

using syn::test::Ended;
using syn::test::Folder;
using syn::test::Program;
using syn::test::synfire;

namespace {

// A service manager's end of the readiness protocol.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifySocket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
  }
  std::string next() const {
    char buffer[256];
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
    return got < 0 ? "" : std::string(buffer, static_cast<std::size_t>(got));
  }

 private:
  int socket_;
};

std::string one_node(const Folder& folder, const std::string& port, const std::string& more) {
  REQUIRE(synfire({"keygen", "--mesh", folder / "mesh", "--nodes", "1", "--first-port", port}).code == 0);
  std::string config = syn::test::read(folder / "mesh/node-1.toml");
  const std::string log = "log = \"text\"\n";
  REQUIRE(config.find(log) != std::string::npos);
  config.replace(config.find(log), log.size(), more);
  return folder.write("mesh/node-1.toml", config);
}

}  // namespace

TEST_CASE("the daemon tells its service manager when it is ready and when it stops; its JSON log is JSON") {
  const Folder folder;
  const std::string config = one_node(folder, "17361", "log = \"json\"\n");
  const NotifySocket manager(folder / "notify");
  Program daemon({syn::test::binary("synfired"), config});
  CHECK(manager.next() == "READY=1");
  daemon.signal(SIGTERM);
  CHECK(manager.next() == "STOPPING=1");
  const Ended ended = daemon.wait(std::chrono::seconds(20));
  CHECK(ended.code == 0);
  std::istringstream lines(ended.err);
  std::size_t events = 0;
  for (std::string line; std::getline(lines, line); ++events) {
    CHECK_MESSAGE(nlohmann::json::parse(line, nullptr, false).is_object(), line);
  }
  CHECK(events >= 3);  // ready, stopping, ended
}

TEST_CASE("a second SIGTERM ends the daemon at once, whatever is in flight") {
  const Folder folder;
  const std::string config = one_node(folder, "17371", "log = \"text\"\n");
  const std::string model = folder / "student.syn";
  REQUIRE(synfire({"convert", std::string(SYN_SOURCE_DIR) + "/models/fashion-student.onnx", "--calibrate",
                   "fashion-mnist", "--steps", "4", "--calibration-images", "50", "-o", model})
              .code == 0);
  Program daemon({syn::test::binary("synfired"), config});
  REQUIRE(daemon.wait_for_error("ready"));
  Program run({syn::test::binary("synfire"), "run", model, "--cluster", folder / "mesh/cluster.toml", "--rate", "500",
               "--data", "fashion-mnist", "--json"});
  REQUIRE(run.wait_for_error("mesh of processes"));
  daemon.signal(SIGTERM);
  daemon.signal(SIGTERM);
  const Ended ended = daemon.wait(std::chrono::seconds(5));
  CHECK(ended.code == 0);
  CHECK_FALSE(ended.timed_out);
  CHECK(run.wait(std::chrono::seconds(60)).code == 1);
}

TEST_CASE("--check reads a configuration and its keys, and starts nothing") {
  const Folder folder;
  const std::string config = one_node(folder, "17381", "log = \"text\"\n");
  CHECK(Program({syn::test::binary("synfired"), config, "--check"}).wait(std::chrono::seconds(10)).code == 0);
  CHECK(Program({syn::test::binary("synfired"), folder / "mesh/cluster.toml", "--check"})
            .wait(std::chrono::seconds(10))
            .code == 2);
}
