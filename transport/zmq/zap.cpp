#include "transport/zmq/zap.hpp"

#include <zmq.h>

#include <algorithm>

#include "core/assert.hpp"

namespace syn::mq {

namespace {

constexpr unsigned kMostATurn = 16;  // strangers must not hold up the loop

Bytes bytes_of(std::string_view s) {
  return {s.begin(), s.end()};
}

}  // namespace

Zap::Zap(Context& context, Loop& loop, std::move_only_function<bool(const Key&)> admits)
    : reply_(context, loop, Kind::reply), admits_(std::move(admits)) {
  reply_.set(ZMQ_LINGER, 0);
  const bool bound = reply_.bind("inproc://zeromq.zap.01");
  SYN_ASSERT(bound, zmq_strerror(errno));
  reply_.watch([this] { return serve(); });
}

// Request: version, request id, domain, address, routing id, mechanism, credentials.
// Answer: version, request id, status code, status text, user id, metadata.
bool Zap::serve() {
  for (unsigned i = 0; i < kMostATurn; ++i) {
    const auto request = reply_.receive_parts();
    if (!request) return false;
    const auto part = [&](std::size_t n) { return n < request->size() ? (*request)[n] : Bytes(); };
    std::string user;
    if (part(0) == bytes_of("1.0") && part(2) == bytes_of(kZapDomain) && part(5) == bytes_of("CURVE") &&
        part(6).size() == std::tuple_size_v<Key>) {
      Key key;
      std::ranges::copy(part(6), key.begin());
      if (admits_(key)) user = to_z85(key);
    }
    const bool ok = !user.empty();
    reply_.send_parts({bytes_of("1.0"),
                       part(1),
                       bytes_of(ok ? "200" : "400"),
                       bytes_of(ok ? "OK" : "not listed"),
                       bytes_of(user),
                       {}});
  }
  return true;
}

}  // namespace syn::mq
