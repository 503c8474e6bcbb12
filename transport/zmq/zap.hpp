// The gate (ZeroMQ RFC 27): libzmq asks about every CURVE connection before its first application byte, and only
// listed public keys are let in. CURVE without it admits anyone who knows the server's key.
#pragma once

#include <optional>

#include "transport/keys.hpp"
#include "transport/zmq/socket.hpp"

namespace syn::mq {

inline constexpr std::string_view kZapDomain = "synfire";

class Zap {
 public:
  // `admits(key)` decides; an admitted connection's User-Id is the key's Z85. Make it before any socket that binds.
  Zap(Context& context, Loop& loop, std::move_only_function<bool(const Key&)> admits);

 private:
  bool serve();
  Socket reply_;
  std::move_only_function<bool(const Key&)> admits_;
};

}  // namespace syn::mq
