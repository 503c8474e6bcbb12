#include "transport/zmq/tcp.hpp"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>

namespace syn::mq {

namespace {

std::optional<std::uint64_t> cookie_of(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return std::nullopt;
  return cookie;
}

}  // namespace

Tcp::Tcp(int fd) : fd_(fd), cookie_(cookie_of(fd)) {}

bool Tcp::still_there() const {
  return cookie_.has_value() && cookie_of(fd_) == cookie_;
}

std::optional<std::uint64_t> Tcp::bytes_read() const {
  if (!still_there()) return std::nullopt;
  tcp_info info{};
  socklen_t size = sizeof info;
  int waiting = 0;
  constexpr std::size_t kNeeded = offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
  // What has arrived first: whatever comes between the two calls then makes the answer too small, never too large.
  if (::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < kNeeded ||
      ::ioctl(fd_, SIOCINQ, &waiting) != 0) {
    return std::nullopt;
  }
  const auto arrived = static_cast<std::uint64_t>(info.tcpi_bytes_received);
  const auto unread = static_cast<std::uint64_t>(waiting);
  return arrived > unread ? arrived - unread : 0;
}

void Tcp::hang_up() const {
  if (still_there()) ::shutdown(fd_, SHUT_RDWR);
}

}  // namespace syn::mq
