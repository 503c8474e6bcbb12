// Tells a connection on which a message never ends. libzmq gives a message out when its last part is there and buffers
// the parts until then, whatever the high-water marks and MAXMSGSIZE say; so a peer that always promises one more part
// fills our memory. But while it does, nothing else can come over that connection: bytes go in and no message comes
// out. Both are counted here.
//
//   delivered()  for each message that came out
//   look()       now and then: has more gone in, since a message came out, than one message may have?
//   endless()    asked when the socket has been emptied after look(): then it was no message that lay there complete
//
// One message and one batch of libzmq's may be read and not yet out, so the limit is above both.
#pragma once

#include <algorithm>
#include <utility>

#include "core/messages.hpp"
#include "transport/zmq/tcp.hpp"

namespace syn::mq {

class Flow {
 public:
  static constexpr std::uint64_t kMost = 2 * kMaxFrameBytes;
  // Heartbeats are bytes without a message: some 90 a second, looked at five times a second.
  static constexpr std::uint64_t kHeartbeats = 25;

  Flow() = default;
  explicit Flow(Tcp tcp) : tcp_(tcp) {}

  void delivered() {
    delivered_ = true;
    suspect_ = false;
  }
  void look() {
    const auto now = tcp_.bytes_read();
    if (!now) return;
    from_ = std::exchange(delivered_, false) ? *now : std::min(from_ + kHeartbeats, *now);
    suspect_ = *now - from_ > kMost;
  }
  bool endless() const { return suspect_; }
  const Tcp& tcp() const { return tcp_; }

 private:
  Tcp tcp_;
  std::uint64_t from_ = 0;
  bool delivered_ = false, suspect_ = false;
};

}  // namespace syn::mq
