#include "transport/zmq/socket.hpp"

#include <utility>  // before Asio: Boost 1.74 forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>
#include <zmq.hpp>

#include "core/assert.hpp"

namespace syn::mq {

namespace asio = boost::asio;

struct Context::Impl {
  zmq::context_t context{1};
};
Context::Context() : impl_(std::make_unique<Impl>()) {}
Context::~Context() = default;
void* Context::handle() const {
  return impl_->context.handle();
}

struct Socket::Impl : std::enable_shared_from_this<Impl> {
  Impl(void* context, Loop& l, int type)
      : loop(l), router(type == ZMQ_ROUTER), handle(zmq_socket(context, type)), descriptor(l.context()) {
    SYN_ASSERT(handle != nullptr, zmq_strerror(errno));
    int fd = -1;
    std::size_t size = sizeof fd;
    SYN_ASSERT(zmq_getsockopt(handle, ZMQ_FD, &fd, &size) == 0);
    descriptor.assign(fd);
  }

  void close() {
    if (handle == nullptr) return;
    descriptor.release();  // it is libzmq's: stop waiting, do not close
    zmq_close(std::exchange(handle, nullptr));
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](const boost::system::error_code& error) {
                            const auto self = weak.lock();
                            if (!error && self && self->handle != nullptr) self->run(true);
                          });
  }
  void post() {
    if (std::exchange(posted, true)) return;
    loop.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->posted = false;
      if (self->handle != nullptr) self->run(false);
    });
  }
  // While the wait is pending a second one must not be started: only the wait's own handler renews it.
  void run(bool renew) {
    int events = 0;
    std::size_t size = sizeof events;
    zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size);  // for its effect: libzmq works off its commands
    const bool more = serve();
    if (handle == nullptr) return;  // destroyed by what it served
    if (more) post();
    if (renew) wait();
  }

  Loop& loop;
  const bool router;
  void* handle;
  asio::posix::stream_descriptor descriptor;
  std::move_only_function<bool()> serve;
  bool posted = false;
};

namespace {

int type_of(Kind kind) {
  switch (kind) {
    case Kind::router:
      return ZMQ_ROUTER;
    case Kind::dealer:
      return ZMQ_DEALER;
    case Kind::reply:
      return ZMQ_REP;
    case Kind::pair:
      return ZMQ_PAIR;
  }
  return -1;
}

ByteView view(const zmq::message_t& m) {
  return {m.data<std::uint8_t>(), m.size()};
}

bool receive_part(void* handle, zmq::message_t& out) {
  for (;;) {
    if (zmq_msg_recv(out.handle(), handle, ZMQ_DONTWAIT) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

std::string property(const zmq::message_t& m, const char* name) {
  const char* const value = zmq_msg_gets(const_cast<zmq_msg_t*>(m.handle()), name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Socket::Socket(Context& context, Loop& loop, Kind kind)
    : impl_(std::make_shared<Impl>(context.handle(), loop, type_of(kind))) {}
Socket::~Socket() {
  impl_->close();
}

void Socket::set(int option, int value) {
  const int done = zmq_setsockopt(impl_->handle, option, &value, sizeof value);
  SYN_ASSERT(done == 0, option, value, zmq_strerror(errno));
}
void Socket::set(int option, std::string_view value) {
  const int done = zmq_setsockopt(impl_->handle, option, value.data(), value.size());
  SYN_ASSERT(done == 0, option, zmq_strerror(errno));
}
void Socket::set(int option, ByteView value) {
  const int done = zmq_setsockopt(impl_->handle, option, value.data(), value.size());
  SYN_ASSERT(done == 0, option, zmq_strerror(errno));
}

bool Socket::bind(const std::string& address) {
  return zmq_bind(impl_->handle, address.c_str()) == 0;
}
bool Socket::connect(const std::string& address) {
  return zmq_connect(impl_->handle, address.c_str()) == 0;
}

std::string Socket::bound_address() const {
  char buffer[256];
  std::size_t size = sizeof buffer;
  if (zmq_getsockopt(impl_->handle, ZMQ_LAST_ENDPOINT, buffer, &size) != 0 || size == 0) return {};
  return {buffer, size - 1};
}

void Socket::monitor(const std::string& address, int events) {
  const int done = zmq_socket_monitor(impl_->handle, address.c_str(), events);
  SYN_ASSERT(done == 0, zmq_strerror(errno));
}

void Socket::end_monitor() {
  zmq_socket_monitor(impl_->handle, nullptr, 0);
}

Outcome Socket::send(std::string_view routing, std::uint8_t lead, ByteView body) {
  const auto outcome = [] {
    SYN_ASSERT(errno == EAGAIN || errno == EHOSTUNREACH || errno == EINTR, zmq_strerror(errno));
    return errno == EHOSTUNREACH ? Outcome::unreachable : Outcome::busy;
  };
  // A router takes the first part only if it can take the whole message, so the second never fails for want of room.
  if (!routing.empty() && zmq_send(impl_->handle, routing.data(), routing.size(), ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
    return outcome();
  }
  zmq::message_t message(body.size() + 1);
  auto* const at = message.data<std::uint8_t>();
  at[0] = lead;
  if (!body.empty()) std::memcpy(at + 1, body.data(), body.size());
  if (zmq_msg_send(message.handle(), impl_->handle, ZMQ_DONTWAIT) < 0) return outcome();
  return Outcome::sent;
}

bool Socket::send_parts(const std::vector<Bytes>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const int more = i + 1 < parts.size() ? ZMQ_SNDMORE : 0;
    if (zmq_send(impl_->handle, parts[i].data(), parts[i].size(), ZMQ_DONTWAIT | more) < 0) return false;
  }
  return true;
}

std::optional<Incoming> Socket::receive() {
  Incoming out;
  zmq::message_t part;
  if (!receive_part(impl_->handle, part)) return std::nullopt;
  if (impl_->router) {
    out.routing.assign(part.data<char>(), part.size());
    if (!part.more()) return out;
    if (!receive_part(impl_->handle, part)) return out;
  }
  if (part.size() > 0 && !part.more()) {
    out.whole = true;
    out.lead = view(part)[0];
    const ByteView body = view(part).subspan(1);
    out.body.assign(body.begin(), body.end());
  }
  out.user_id = property(part, "User-Id");
  out.fd = zmq_msg_get(part.handle(), ZMQ_SRCFD);
  while (part.more() && receive_part(impl_->handle, part)) {}
  return out;
}

std::optional<std::vector<Bytes>> Socket::receive_parts() {
  std::vector<Bytes> out;
  zmq::message_t part;
  do {
    if (!receive_part(impl_->handle, part)) return std::nullopt;
    if (out.size() < 16) out.emplace_back(view(part).begin(), view(part).end());
  } while (part.more());
  return out;
}

void Socket::watch(std::move_only_function<bool()> serve) {
  SYN_ASSERT(!impl_->serve);
  impl_->serve = std::move(serve);
  impl_->wait();
  impl_->post();
}

void Socket::poke() {
  impl_->post();
}

}  // namespace syn::mq
