#include "transport/zmq_network.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <zmq.hpp>

#include "core/messages.hpp"
#include "core/text.hpp"
#include "tests/transport/net/mesh.hpp"
#include "tests/transport/net/relay.hpp"

using namespace syn;
using namespace std::chrono_literals;

namespace {

constexpr const char* kAny = "tcp://127.0.0.1:0";

// A server that can be dialled, and a pure client that it knows.
struct Pair {
  TestNode server, client;
  explicit Pair(bool plain = false) {
    REQUIRE(server.open({.bind = kAny, .peers = {client.listed()}, .plain = plain}));
    REQUIRE(client.open({.bind = "", .peers = {server.listed()}, .plain = plain}));
  }
  void dial() { client.network->dial(server.id(), server.network->bound_address()); }
  bool until(std::move_only_function<bool()> done) { return run_until({&server, &client}, std::move(done)); }
  void connect() {
    dial();
    REQUIRE(until([&] { return server.up && client.up; }));
  }
};

// A socket of somebody who is not one of us; `sent` counts what libzmq gave it.
struct Stranger {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  explicit Stranger() { socket.set(zmq::sockopt::linger, 0); }
  void speak_curve(const Key& server, const KeyPair& own) {
    socket.set(zmq::sockopt::curve_serverkey, to_z85(server));
    socket.set(zmq::sockopt::curve_publickey, to_z85(own.public_key));
    socket.set(zmq::sockopt::curve_secretkey, to_z85(own.secret_key));
  }
  void say(std::string_view lead, std::string_view body, zmq::send_flags flags = zmq::send_flags::none) {
    const std::string all = text::cat(lead, body);
    socket.send(zmq::buffer(all), flags | zmq::send_flags::dontwait);
  }
  bool heard_anything() {
    zmq::message_t message;
    return socket.recv(message, zmq::recv_flags::dontwait).has_value();
  }
};

std::string introduction_of(NodeId id) {
  std::string out = "SYN\x01";
  out.append(reinterpret_cast<const char*>(&id.value), sizeof id.value);
  return out;
}

}  // namespace

TEST_CASE("a client whose key is not listed gets nothing and is counted") {
  TestNode server, client;
  REQUIRE(server.open({.bind = kAny, .peers = {}}));
  REQUIRE(client.open({.bind = "", .peers = {server.listed()}}));
  client.network->dial(server.id(), server.network->bound_address());
  REQUIRE(run_until({&server, &client},
                    [&] { return server.refused("unlisted_key") >= 2 && client.refused("refused_by_peer") >= 2; }));
  CHECK_FALSE(client.up);
  CHECK_FALSE(server.up);
  CHECK(client.network->send(server.id(), Channel::control, {1}) == Sent::no_peer);

  server.network->list(client.listed());  // listed at last: its next attempt succeeds
  REQUIRE(run_until({&server, &client}, [&] { return server.up && client.up; }));
}

TEST_CASE("a client that expects another server's key does not connect, and both count it") {
  TestNode server, client, other;
  REQUIRE(server.open({.bind = kAny, .peers = {client.listed()}}));
  REQUIRE(client.open({.bind = "", .peers = {other.listed()}}));
  client.network->dial(other.id(), server.network->bound_address());
  REQUIRE(run_until({&server, &client},
                    [&] { return server.refused("handshake_foreign") + server.refused("handshake_broken") >= 2; }));
  CHECK_FALSE(client.up);
  CHECK_FALSE(server.up);
}

TEST_CASE("strangers without CURVE, or who list nobody, receive no application byte") {
  Pair pair;
  pair.connect();
  Stranger null;
  null.socket.connect(pair.server.network->bound_address());
  Stranger curve;
  curve.speak_curve(pair.server.keys.public_key, make_key_pair());
  curve.socket.connect(pair.server.network->bound_address());
  null.say("\xf0", introduction_of(pair.client.id()));
  curve.say("\xf0", introduction_of(pair.client.id()));
  REQUIRE(pair.until([&] {
    return pair.server.refused("unlisted_key") >= 1 &&
           pair.server.refused("handshake_foreign") + pair.server.refused("handshake_broken") >= 1;
  }));
  for (int i = 0; i < 10; ++i) CHECK(pair.server.network->send(pair.client.id(), Channel::data, {1}) == Sent::taken);
  REQUIRE(pair.until([&] { return pair.client.got.size() == 10; }));
  CHECK_FALSE(null.heard_anything());
  CHECK_FALSE(curve.heard_anything());
  CHECK(pair.server.generation == 1);
}

TEST_CASE("a listed peer cannot pass for another, nor speak before it has greeted, nor in several parts") {
  Pair pair;
  TestNode third;
  pair.server.network->list(third.listed());
  pair.connect();
  Stranger false_friend;  // listed, but says it is somebody else
  false_friend.speak_curve(pair.server.keys.public_key, third.keys);
  false_friend.socket.connect(pair.server.network->bound_address());
  false_friend.say({"\x00", 1}, "data before greeting");
  false_friend.say("\xf0", introduction_of(pair.client.id()));
  false_friend.say("\xf0", "nonsense");
  REQUIRE(pair.until([&] { return pair.server.refused("bad_greeting") == 1; }));
  CHECK(pair.server.refused("unlisted_peer") == 1);
  CHECK(pair.server.refused("not_connected") == 1);
  CHECK(pair.server.generation == 1);

  false_friend.say("\xf0", introduction_of(third.id()));  // now the truth
  false_friend.say({"\x01", 1}, "first part", zmq::send_flags::sndmore);
  false_friend.say({"\x01", 1}, "second part");
  false_friend.say("\x77", "no such channel");
  false_friend.say({"\x01", 1}, "fine");
  REQUIRE(pair.until([&] { return !pair.server.got.empty(); }));
  CHECK(pair.server.got[0].from == third.id());
  CHECK(pair.server.got[0].bytes == Bytes{'f', 'i', 'n', 'e'});
  CHECK(pair.server.refused("multipart") == 1);
  CHECK(pair.server.refused("unknown_channel") == 1);
}

TEST_CASE("a port in use is said, with what to do") {
  TestNode first, second;
  REQUIRE(first.open({.bind = kAny, .peers = {}}));
  const auto opened = second.open({.bind = first.network->bound_address(), .peers = {}});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().what == "cannot listen: Address already in use");
  CHECK(opened.error().where == first.network->bound_address());
  CHECK(opened.error().todo.find("another port") != std::string::npos);
  CHECK_FALSE(second.open({.bind = "nonsense", .peers = {}}).has_value());
}

TEST_CASE("a message longer than any frame ends the connection, not the node") {
  Pair pair;
  TestNode third;
  pair.server.network->list(third.listed());
  pair.connect();
  Stranger loud;
  loud.speak_curve(pair.server.keys.public_key, third.keys);
  loud.socket.set(zmq::sockopt::reconnect_ivl, -1);
  loud.socket.connect(pair.server.network->bound_address());
  loud.say("\xf0", introduction_of(third.id()));
  REQUIRE(pair.until([&] { return pair.server.changes == 2; }));
  loud.say({"\x01", 1}, std::string(kMaxFrameBytes + 5000, 'x'));
  REQUIRE(pair.until([&] { return pair.server.changes == 3; }));
  CHECK(pair.server.got.empty());
  CHECK(pair.client.network->send(pair.server.id(), Channel::data, {1}) == Sent::taken);
  REQUIRE(pair.until([&] { return pair.server.got.size() == 1; }));
}

TEST_CASE("nobody listening yet: the dialler tries again until somebody is there") {
  TestNode server, client;
  std::string address;
  {
    TestNode scout;  // finds a free port
    REQUIRE(scout.open({.bind = kAny, .peers = {}}));
    address = scout.network->bound_address();
  }
  REQUIRE(client.open({.bind = "", .peers = {server.listed()}}));
  client.network->dial(server.id(), address);
  run_until(
      {&client}, [] { return false; }, 150ms);
  CHECK_FALSE(client.up);
  REQUIRE(server.open({.bind = address, .peers = {client.listed()}}));
  CHECK(run_until({&server, &client}, [&] { return server.up && client.up; }));
}

TEST_CASE("of two nodes that can be dialled the lower key dials, whoever is asked") {
  TestNode one, two;
  TestNode& lower = one.id() < two.id() ? one : two;
  TestNode& higher = one.id() < two.id() ? two : one;
  REQUIRE(one.open({.bind = kAny, .peers = {two.listed()}}));
  REQUIRE(two.open({.bind = kAny, .peers = {one.listed()}}));
  Relay to_lower(lower.loop, lower.network->bound_address()), to_higher(higher.loop, higher.network->bound_address());
  higher.network->dial(lower.id(), to_lower.address());
  run_until(
      {&one, &two}, [] { return false; }, 100ms);
  CHECK(to_lower.connections == 0);
  lower.network->dial(higher.id(), to_higher.address());
  lower.network->dial(higher.id(), to_higher.address());  // asked twice, dialled once
  REQUIRE(run_until({&one, &two}, [&] { return one.up && two.up; }));
  CHECK(to_higher.connections == 1);
  CHECK(one.changes == 1);
  CHECK(two.changes == 1);
}

TEST_CASE("what cannot be dialled is counted") {
  Pair pair;
  TestNode unknown;
  pair.client.network->dial(unknown.id(), "tcp://127.0.0.1:1");
  CHECK(pair.client.refused("dial_unlisted") == 1);
  pair.client.network->dial(pair.server.id(), "not an address");
  REQUIRE(pair.until([&] { return pair.client.refused("bad_address") >= 1; }));
  pair.dial();  // the right address replaces the wrong one
  CHECK(pair.until([&] { return pair.server.up && pair.client.up; }));
}

TEST_CASE("plain text is for loopback only") {
  TestNode node;
  for (const char* bind : {"tcp://*:0", "tcp://0.0.0.0:0", "tcp://127.example.org:0", "tcp://10.0.0.1:7000"}) {
    const auto opened = node.open({.bind = bind, .peers = {}, .plain = true});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().what == "plain text is allowed on loopback only");
  }
  Pair pair(true);
  pair.client.network->dial(pair.server.id(), "tcp://10.0.0.1:7000");
  CHECK(pair.client.refused("dial_off_loopback") == 1);
  pair.connect();
}

TEST_CASE("keys that do not belong together are refused at the start") {
  TestNode node;
  node.keys.public_key[3] ^= 1;
  CHECK_FALSE(node.open({.bind = kAny, .peers = {}}).has_value());
}

TEST_CASE("a forgotten peer is not heard any more, whichever side dialled") {
  Pair pair;
  pair.connect();
  pair.server.network->forget(pair.client.id());
  CHECK(pair.server.network->send(pair.client.id(), Channel::data, {1}) == Sent::no_peer);
  CHECK(pair.client.network->send(pair.server.id(), Channel::data, {1}) == Sent::taken);
  REQUIRE(pair.until([&] { return !pair.client.up && pair.server.refused("unlisted_key") >= 1; }));
  CHECK(pair.server.got.empty());
  CHECK(pair.server.changes == 1);  // who forgets is not told

  pair.client.network->forget(pair.server.id());
  run_until(
      {&pair.server, &pair.client}, [] { return false; }, 100ms);
  CHECK(pair.client.network->send(pair.server.id(), Channel::data, {1}) == Sent::no_peer);
  pair.client.network->dial(pair.server.id(), pair.server.network->bound_address());
  CHECK(pair.client.refused("dial_unlisted") == 1);
}

TEST_CASE("an orderly close delivers what was taken, and the other side sees it end") {
  Pair pair;
  pair.connect();
  for (std::uint8_t i = 0; i < 20; ++i) {
    CHECK(pair.client.network->send(pair.server.id(), Channel::bulk, Bytes(100'000, i)) == Sent::taken);
  }
  run_until(
      {&pair.client}, [] { return false; }, 1ms);
  // The server reads on a thread of its own while the client blocks in close().
  std::jthread reader(
      [&] { run_until({&pair.server}, [&] { return pair.server.got.size() == 20 && !pair.server.up; }); });
  pair.client.network->close(5s);
  CHECK(pair.client.network->send(pair.server.id(), Channel::control, {1}) == Sent::no_peer);
  pair.client.network->dial(pair.server.id(), pair.server.network->bound_address());
  pair.client.network->close(5s);
  reader.join();
  REQUIRE(pair.server.got.size() == 20);
  for (std::uint8_t i = 0; i < 20; ++i) CHECK(pair.server.got[i].bytes == Bytes(100'000, i));
  CHECK_FALSE(pair.server.up);
}

TEST_CASE("a peer killed at any moment is seen as down, by the side that dialled and by the side that was dialled") {
  for (const bool kill_the_server : {true, false}) {
    CAPTURE(kill_the_server);
    TestNode survivor, victim;
    int line[2];  // the one that is dialled tells the other where
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, line) == 0);
    const auto live = [&](TestNode& node, TestNode& other, bool dialled, int fd) {
      char address[64] = {};
      if (!node.open({.bind = dialled ? kAny : "", .peers = {other.listed()}})) return false;
      if (dialled) {
        node.network->bound_address().copy(address, sizeof address - 1);
        return ::write(fd, address, sizeof address) == sizeof address;
      }
      if (::read(fd, address, sizeof address) != sizeof address) return false;
      node.network->dial(other.id(), address);
      return true;
    };
    const pid_t child = ::fork();  // before either has threads
    if (child == 0) {
      if (!live(victim, survivor, kill_the_server, line[1])) ::_exit(1);
      run_until(
          {&victim}, [] { return false; }, 60s);
      ::_exit(0);
    }
    REQUIRE(live(survivor, victim, !kill_the_server, line[0]));
    REQUIRE(run_until({&survivor}, [&] { return survivor.up; }));
    ::kill(child, SIGKILL);
    const auto killed = std::chrono::steady_clock::now();
    CHECK(run_until({&survivor}, [&] { return !survivor.up; }));
    MESSAGE(
        "seen after " << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - killed).count()
                      << " ms");
    CHECK(survivor.changes == 2);
    ::waitpid(child, nullptr, 0);
    ::close(line[0]);
    ::close(line[1]);
  }
}

TEST_CASE("a cap holds for each channel by itself, and one message always fits") {
  TestNode server, client;
  REQUIRE(server.open({.bind = kAny, .peers = {client.listed()}}));
  ZmqOptions options{.bind = "", .peers = {server.listed()}};
  options.queue_bytes = {1000, 1000, 1000, 1000};
  REQUIRE(client.open(std::move(options)));
  client.network->dial(server.id(), server.network->bound_address());
  REQUIRE(run_until({&server, &client}, [&] { return server.up && client.up; }));
  std::size_t taken = 0;
  const auto fill = [&](Channel channel) {
    Sent sent = Sent::taken;
    run_until({&client}, [&] {
      sent = client.network->send(server.id(), channel, Bytes(100'000));
      if (sent == Sent::taken) ++taken;
      return sent == Sent::full || taken > 5000;
    });
    return sent;
  };
  CHECK(fill(Channel::bulk) == Sent::full);
  CHECK(client.network->send(server.id(), Channel::control, Bytes(900)) == Sent::taken);
  CHECK(client.network->send(server.id(), Channel::control, Bytes(100)) == Sent::taken);
  CHECK(client.network->send(server.id(), Channel::control, Bytes(1)) == Sent::full);
  CHECK(client.network->send(server.id(), Channel::telemetry, Bytes(5000)) == Sent::taken);
  CHECK(run_until({&server, &client}, [&] { return server.got.size() == taken + 3; }));
}
