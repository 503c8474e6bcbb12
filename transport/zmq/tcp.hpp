// What libzmq does not tell about a connection, and cannot do to it: how many bytes it has read from it, and to end it
// alone. Both ask the kernel, by the descriptor that the socket monitor reports. The descriptor is libzmq's: it is
// never closed, read or written here, and the kernel's cookie tells a connection from a later one of the same number.
// Linux; where the kernel does not answer (not TCP, or already over) nothing happens.
#pragma once

#include <cstdint>
#include <optional>

namespace syn::mq {

class Tcp {
 public:
  Tcp() = default;
  explicit Tcp(int fd);
  // Bytes taken out of the kernel's buffer since the connection was made.
  std::optional<std::uint64_t> bytes_read() const;
  // Both ends see it end now. libzmq then frees what it holds of it and reports it disconnected, as ever.
  void hang_up() const;

 private:
  bool still_there() const;
  int fd_ = -1;
  std::optional<std::uint64_t> cookie_;
};

}  // namespace syn::mq
