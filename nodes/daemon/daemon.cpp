#include "nodes/daemon/daemon.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "core/text.hpp"
#include "nodes/daemon/node_host.hpp"
#include "nodes/worker.hpp"
#include "transport/zmq_network.hpp"

namespace syn::daemon {

namespace {

// systemd's readiness protocol, sd_notify(3): one datagram to the socket that it names. Elsewhere it does nothing.
void notify_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (!path || (path[0] != '/' && path[0] != '@') || std::strlen(path) >= sizeof(sockaddr_un::sun_path)) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  if (path[0] == '@') address.sun_path[0] = '\0';  // an abstract socket
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  ::close(socket);
}

void say_ready(int fd, const std::string& address) {
  if (fd < 0) return;
  const std::string line = address + "\n";
  [[maybe_unused]] const ssize_t ignored = ::write(fd, line.data(), line.size());
  ::close(fd);
}

constexpr Duration kLinger = std::chrono::milliseconds(300);  // for the last goodbyes to leave

}  // namespace

Expected<int> check_daemon(const NodeConfig& config) {
  const auto keys = read_key_file(config.key_file);
  if (!keys) return fail(keys.error());
  for (const PeerConfig& peer : config.peers) {
    if (const auto key = from_z85(peer.key); !key)
      return fail({key.error().what, text::cat("the key of peer '", peer.name, "'"), key.error().todo});
  }
  return 0;
}

Expected<int> run_daemon(const NodeConfig& config, int ready_fd) {
  const auto keys = read_key_file(config.key_file);
  if (!keys) return fail(keys.error());
  Loop loop;
  auto node = NodeHost::open(loop, {.name = config.name,
                                    .keys = *keys,
                                    .listen = config.listen,
                                    .peers = config.peers,
                                    .state = config.state,
                                    .threads = config.threads,
                                    .log_format = config.log_format,
                                    .log_level = config.log_level});
  if (!node) return fail(node.error());
  Log& log = (*node)->host().log;
  nodes::Worker worker((*node)->host(), {.name = config.name, .version = SYN_VERSION, .memory_cap = config.memory});
  if (auto started = worker.start(); !started) return fail(started.error());
  (*node)->dial_known();

  int signals = 0;
  loop.on_signal({SIGTERM, SIGINT}, [&](int number) {
    log.event(Level::info, "stopping", {{"signal", number}, {"at_once", signals > 0}});
    if (++signals > 1) return loop.stop();
    notify_service_manager("STOPPING=1");
    worker.drain(config.drain, [&loop] { loop.stop(); });
  });
  log.event(
      Level::info, "ready",
      {{"address", (*node)->network().bound_address()}, {"peers", config.peers.size()}, {"version", SYN_VERSION}});
  say_ready(ready_fd, (*node)->network().bound_address());
  notify_service_manager("READY=1");
  loop.run();

  for (const auto& [reason, count] : worker.status().refused)
    log.event(Level::warn, "refused", {{"reason", reason}, {"count", count}});
  for (const auto& [reason, count] : (*node)->network().refused())
    log.event(Level::warn, "refused", {{"reason", reason}, {"count", count}});
  (*node)->network().close(kLinger);
  log.event(Level::info, "ended", {});
  return 0;
}

}  // namespace syn::daemon
