// What happens to a socket's connections, as events on the loop (libzmq's socket monitor).
#pragma once

#include "transport/zmq/socket.hpp"

namespace syn::mq {

enum class Happened {
  accepted,           // somebody has connected to us; fd
  attached,           // we have connected to somebody; fd
  connected,          // handshake done
  disconnected,       // fd says which connection
  not_connected,      // the attempt failed: nobody listens there
  handshake_broken,   // the other side went away, or is not one of us
  handshake_foreign,  // not CURVE, or for another server's key
  handshake_refused   // ZAP said no: this end's ZAP on a router, the other end's on a dealer
};

class Monitor {
 public:
  // Call before the socket binds or connects. Destroy before the socket.
  Monitor(Context& context, Loop& loop, Socket& watched, std::move_only_function<void(Happened, int fd)> fn);
  ~Monitor();
  // Delivers what is waiting, now; up to `most` events. True: there may be more.
  bool drain(unsigned most);

 private:
  Socket& watched_;
  Socket pair_;
  std::move_only_function<void(Happened, int)> fn_;
};

}  // namespace syn::mq
