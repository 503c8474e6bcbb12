#include "cli/learn_mesh.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

#include "cli/executables.hpp"
#include "cli/mesh_parts.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "nodes/daemon/config.hpp"
#include "nodes/daemon/node_host.hpp"
#include "nodes/daemon/trial_mesh.hpp"
#include "transport/zmq_network.hpp"

namespace syn::cli {

namespace fs = std::filesystem;

namespace {

constexpr Duration kStartLimit = std::chrono::seconds(20);
constexpr Duration kStopGrace = std::chrono::seconds(3);
constexpr Duration kLook = std::chrono::milliseconds(50);  // how often it is asked whether the child has ended

// One run at a time in a folder: two daemons would overwrite each other's states. The lock ends with the process.
class FolderLock {
 public:
  FolderLock() = default;
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }
  static Expected<FolderLock> take(const fs::path& folder) {
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    FolderLock lock;
    lock.file_ = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock.file_ < 0) return fail("the folder cannot be used", folder.string(), "check that it can be written");
    if (::flock(lock.file_, LOCK_EX | LOCK_NB) != 0)
      return fail("another run learns in this folder", folder.string(), "wait for it, or use another --state");
    return lock;
  }

 private:
  int file_ = -1;
};

struct Place {
  std::optional<daemon::ScratchFolder> scratch;
  FolderLock lock;
  fs::path config;  // of the daemon to start; empty: it runs already
  std::optional<daemon::Children> child;
  NodeEntry node;
  daemon::PeerConfig peer;
  KeyPair gateway_key;
  std::string gateway_name = "gateway";
  fs::path gateway_state;
  std::string where;
};

// Keys and configurations are new in every run and go with it; what stays in the folder is what the daemon and this end
// remember.
Expected<Place> place_here(const LearnMesh& mesh) {
  const std::string program = executable("synfired");
  if (!fs::exists(program))
    return fail("the daemon synfired is not beside synfire", program, "build it: cmake --build --preset release");
  Place place;
  auto scratch = daemon::ScratchFolder::make("synfire-learn-");
  if (!scratch) return fail(scratch.error());
  const auto files =
      daemon::write_trial_mesh(scratch->path(), 1, 0, {.log_level = Level::warn, .drain = std::chrono::seconds(2)});
  if (!files) return fail(files.error());
  const fs::path memory = mesh.state.empty() ? scratch->path() : fs::absolute(mesh.state);
  auto lock = FolderLock::take(memory);
  if (!lock) return fail(lock.error());
  place.lock = std::move(*lock);
  auto config = daemon::read_node_config(files->nodes[0]);
  if (!config) return fail(config.error());
  config->state = memory / "node";
  const std::string toml = daemon::write_node_config(*config);
  if (auto written =
          write_file(files->nodes[0].string(), {reinterpret_cast<const std::uint8_t*>(toml.data()), toml.size()});
      !written)
    return fail(written.error());
  place.scratch.emplace(std::move(*scratch));
  const auto key = read_key_file(files->gateway_key);
  if (!key) return fail(key.error());
  const auto node_key = from_z85(files->public_keys[0]);
  if (!node_key) return fail(node_key.error());
  place.config = files->nodes[0];
  place.gateway_key = *key;
  place.gateway_state = memory / "gateway";
  place.node = {.id = node_id(*node_key), .name = files->names[0], .address = ""};
  place.peer = {files->names[0], files->public_keys[0], ""};
  place.where = text::cat("daemon ", place.node.name, " on this machine");
  return place;
}

Expected<Place> place_in_cluster(const LearnMesh& mesh) {
  const auto config = daemon::read_cluster_config(mesh.cluster);
  if (!config) return fail(config.error());
  if (config->gateway_key_file.empty())
    return fail("[gateway] has no key", mesh.cluster,
                "make one (synfire keygen -o gateway.key), list its public key at every node, and name it here");
  const auto key = read_key_file(config->gateway_key_file);
  if (!key) return fail(key.error());
  for (const auto& node : config->nodes) {
    if (!mesh.node.empty() && node.name != mesh.node) continue;
    if (node.key.empty() || node.address.empty()) {
      return fail(text::cat("node '", node.name, "' has no ", node.key.empty() ? "key" : "address"), mesh.cluster,
                  "both are needed; see docs/operating.md");
    }
    const auto node_key = from_z85(node.key);
    if (!node_key) return fail({node_key.error().what, text::cat("the key of node '", node.name, "'"), ""});
    Place place;
    place.gateway_key = *key;
    place.gateway_name = config->gateway_name;
    place.gateway_state = state_home() / config->gateway_name;
    place.node = {.id = node_id(*node_key), .name = node.name, .address = node.address};
    place.peer = {node.name, node.key, node.address};
    place.where = text::cat("node ", node.name, ", ", node.address);
    return place;
  }
  return fail(mesh.node.empty() ? std::string("there is no node") : text::cat("there is no node '", mesh.node, "'"),
              mesh.cluster, "name one of its [[node]]s");
}

Expected<> start_child(Place& place, const LearnMesh& mesh) {
  place.child.emplace();
  if (auto started = place.child->start(executable("synfired"), place.node.name, place.config); !started)
    return fail(started.error());
  if (auto ready = place.child->wait_until_ready(kStartLimit); !ready) return fail(ready.error());
  place.node.address = place.child->all().front().address;
  return write_pids(mesh.pids_file, *place.child);
}

class Run {
 public:
  Run(Loop& loop, daemon::NodeHost& host, Place& place, const LearnMesh& mesh, nodes::TeacherOptions options,
      Course& course, const std::function<void(const Learned&)>& shows, Terminal& terminal)
      : loop_(loop),
        clock_(host.host().clock),
        place_(place),
        mesh_(mesh),
        terminal_(terminal),
        teacher_(host.host(), std::move(options),
                 {.opened =
                      [this, &course](const LearnerState& state) {
                        if (!began_) began_ = clock_.now();
                        course.opened(state);
                      },
                  .next = [&course] { return course.next(); },
                  .answered =
                      [this, &shows](const Learned& learned) {
                        last_ = clock_.now();
                        shows(learned);
                      },
                  .lost = [this](const Error& why) { terminal_.line(why.what); },
                  .over =
                      [this](Expected<nodes::Teacher::Finished> result) {
                        over_ = std::move(result);
                        // One more turn, so that the lease has been given back when the loop ends.
                        end_ = clock_.call_in(std::chrono::milliseconds(1), [this] { loop_.stop(); });
                      }}) {}

  Expected<LearnedOn> operator()() {
    teacher_.start();
    if (place_.child) look();
    loop_.run();
    if (trouble_) return fail(*trouble_);
    if (!over_) return fail("interrupted", place_.where, "run it again: it goes on from what is durable");
    if (!*over_) return fail(over_->error());
    LearnedOn result{.finished = std::move(**over_), .where = place_.where, .restarts = restarts_};
    if (began_) result.seconds = static_cast<double>((last_ - *began_).count()) * 1e-9;
    const Status status = teacher_.status();
    result.bytes_sent = status.bytes_sent;
    result.messages_sent = status.messages_sent;
    return result;
  }

 private:
  // A child that was killed is started again; one that was only deaf for a while will be heard of by its teacher.
  void look() {
    look_ = clock_.call_in(kLook, [this] { look(); });
    const std::string how = place_.child->ended(place_.node.name);
    if (how.empty()) return;
    terminal_.line(text::cat("its daemon has ended (", how, "): it is started again and goes on from its store"));
    if (auto started = start_child(place_, mesh_); !started) {
      trouble_ = started.error();
      return loop_.stop();
    }
    ++restarts_;
    teacher_.moved(place_.node.address);
  }

  Loop& loop_;
  Clock& clock_;
  Place& place_;
  const LearnMesh& mesh_;
  Terminal& terminal_;
  nodes::Teacher teacher_;
  std::optional<Instant> began_;
  Instant last_;
  std::uint32_t restarts_ = 0;
  std::optional<Expected<nodes::Teacher::Finished>> over_;
  std::optional<Error> trouble_;
  Timer look_, end_;
};

}  // namespace

Expected<LearnedOn> learn_on_daemon(const LearnMesh& mesh, nodes::TeacherOptions options, Course& course,
                                    const std::function<void(const Learned&)>& shows, Terminal& terminal) {
  const SignalsReturned signals_returned;
  Loop loop;
  bool interrupted = false;
  // From here on a signal waits for the loop, so that the child and its folder are always tidied up.
  loop.on_signal({SIGINT, SIGTERM}, [&](int) {
    interrupted = true;
    loop.stop();
  });
  auto place = mesh.cluster.empty() ? place_here(mesh) : place_in_cluster(mesh);
  if (!place) return fail(place.error());
  if (!place->config.empty()) {
    if (auto started = start_child(*place, mesh); !started) return fail(started.error());
  }
  auto host = daemon::NodeHost::open(loop, {.name = place->gateway_name,
                                            .keys = place->gateway_key,
                                            .listen = "",
                                            .peers = {place->peer},
                                            .state = place->gateway_state});
  if (!host) return fail(host.error());
  options.name = place->gateway_name;
  options.version = SYN_VERSION;
  options.node = place->node;
  Expected<LearnedOn> result = fail("", "", "");
  {
    Run run(loop, **host, *place, mesh, std::move(options), course, shows, terminal);
    result = run();
  }
  (*host)->network().close(std::chrono::milliseconds(100));
  if (place->child) place->child->stop(interrupted ? std::chrono::milliseconds(500) : kStopGrace);
  if (interrupted) throw Interrupted{};
  return result;
}

}  // namespace syn::cli
