// One ZeroMQ socket on a Loop. ZMQ_FD is edge-like and tells of commands, not of messages, so the rule (design.md,
// section 6) lives here and nowhere else: ask for the events, serve, and as long as there is more, post ourselves; the
// same after each send. Knows nothing of peers or channels.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"
#include "transport/loop.hpp"

namespace syn::mq {

// libzmq's context: its I/O thread. Outlives its sockets.
class Context {
 public:
  Context();
  ~Context();  // waits for what the sockets' linger allows
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  void* handle() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

enum class Kind { router, dealer, reply, pair };
enum class Outcome { sent, busy, unreachable };

struct Incoming {
  std::string routing;  // router only: which connection
  std::uint8_t lead = 0;
  Bytes body;           // behind the lead byte
  std::string user_id;  // what ZAP said of the sender; empty without CURVE
  int fd = -1;          // the connection's descriptor, as the monitor reports it too
  bool whole = false;   // exactly one part, and not empty
};

class Socket {
 public:
  Socket(Context& context, Loop& loop, Kind kind);
  ~Socket();  // may be called from inside its own serve function
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void set(int option, int value);
  void set(int option, std::string_view value);
  void set(int option, ByteView value);
  // False: errno is libzmq's.
  bool bind(const std::string& address);
  bool connect(const std::string& address);
  std::string bound_address() const;
  // Reports this socket's events on `address` (inproc).
  void monitor(const std::string& address, int events);
  // Before whoever listens on `address` goes: libzmq's I/O thread would wait for it for ever, with all connections.
  void end_monitor();

  // One part: a lead byte, then the body. `routing` for a router, else empty. Never blocks.
  Outcome send(std::string_view routing, std::uint8_t lead, ByteView body);
  bool send_parts(const std::vector<Bytes>& parts);
  // The next message, if there is one. Parts behind the first are read and thrown away.
  std::optional<Incoming> receive();
  std::optional<std::vector<Bytes>> receive_parts();

  // `serve` is called on the loop whenever something may have happened, and again soon if it returns true ("there is
  // more"). Bounding its work a call is its own duty.
  void watch(std::move_only_function<bool()> serve);
  void poke();  // have `serve` called soon

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace syn::mq
