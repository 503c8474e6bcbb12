// What strangers and bad members do to a node, on real sockets: the mesh goes on, memory and descriptors stay bounded,
// and it is counted (P5, P6).
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <iterator>
#include <thread>
#include <zmq.hpp>

#include "core/messages.hpp"
#include "core/text.hpp"
#include "tests/transport/net/mesh.hpp"
#include "tests/transport/net/raw_client.hpp"

using namespace syn;
using namespace std::chrono_literals;

namespace {

constexpr const char* kAny = "tcp://127.0.0.1:0";

std::string introduction_of(NodeId id) {
  std::string out = "\xf0SYN\x01";
  out.append(reinterpret_cast<const char*>(&id.value), sizeof id.value);
  return out;
}
std::string on_channel(Channel channel, std::string_view body) {
  return text::cat(static_cast<char>(channel), body);
}
std::size_t descriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

// A server with an honest client, and the keys of a second member who is not.
struct House {
  TestNode server, client, bad;
  explicit House(ZmqOptions options = {}) {
    options.bind = kAny;
    options.peers = {client.listed(), bad.listed()};
    const bool plain = options.plain;
    REQUIRE(server.open(std::move(options)));
    REQUIRE(client.open({.bind = "", .peers = {server.listed()}, .plain = plain}));
    client.network->dial(server.id(), address());
    REQUIRE(until([&] { return server.up && client.up; }));
    // From here on the server hears of both members; what is told of the honest one is counted apart.
    server.network->on_peer([this](NodeId id, PeerState state, std::uint64_t generation) {
      server.generation = generation;
      if (id == client.id()) ++of_client;
      if (id == bad.id()) bad_up = state == PeerState::up;
    });
  }
  const std::string& address() const { return server.network->bound_address(); }
  bool until(std::move_only_function<bool()> done) { return run_until({&server, &client}, std::move(done)); }
  // Still one and the same connection, and it carries messages both ways.
  void honest_ones_go_on() {
    const std::size_t before = server.got.size(), client_before = client.got.size();
    CHECK(client.network->send(server.id(), Channel::data, {1, 2}) == Sent::taken);
    CHECK(server.network->send(client.id(), Channel::data, {3}) == Sent::taken);
    CHECK(until([&] { return server.got.size() > before && client.got.size() > client_before; }));
    CHECK(server.got.back().from == client.id());
    CHECK(of_client == 0);
    CHECK(client.changes == 1);
  }
  int of_client = 0;
  bool bad_up = false;
};

void as_member(zmq::socket_t& socket, const TestNode& server, const TestNode& who) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::curve_serverkey, to_z85(server.keys.public_key));
  socket.set(zmq::sockopt::curve_publickey, to_z85(who.keys.public_key));
  socket.set(zmq::sockopt::curve_secretkey, to_z85(who.keys.secret_key));
}

// Runs `attack` on a thread while the nodes' loops run, until it returns.
template <class Attack>
void under(House& house, Attack attack) {
  std::atomic<bool> finished = false;
  std::jthread thread([&] {
    attack();
    finished = true;
  });
  CHECK(run_until(
      {&house.server, &house.client}, [&] { return finished.load(); }, 280s));
}

}  // namespace

TEST_CASE("a member whose message never ends is cut after a few megabytes, and nobody else notices") {
  for (const std::size_t part : {std::size_t{60'000}, std::size_t{1'000'000}, std::size_t{200}}) {
    CAPTURE(part);
    House house({.shun = 10min});
    std::atomic<bool> greeted = false;
    std::uint64_t sent = 0;
    under(house, [&] {
      RawClient raw(house.address());
      greeted =
          raw.handshake_curve(house.server.keys.public_key, house.bad.keys) && raw.say(introduction_of(house.bad.id()));
      const std::string bytes(part, 'x');
      // Ten times what a look's time can bring on a fast machine; the socket's end stops it.
      while (greeted && raw.sent() < 1'000'000'000 && raw.say(bytes, true)) {}
      sent = raw.sent();
    });
    REQUIRE(greeted);
    CHECK(sent < 1'000'000'000);
    MESSAGE("parts of " << part << " bytes: ended after " << static_cast<double>(sent) / 1e6 << " MB");
    REQUIRE(house.until([&] { return house.server.refused("endless_message") == 1 && !house.bad_up; }));
    CHECK(house.server.got.empty());
    house.honest_ones_go_on();
    // Its key is not let in for a while.
    under(house, [&] {
      RawClient again(house.address());
      CHECK_FALSE(again.handshake_curve(house.server.keys.public_key, house.bad.keys));
    });
    CHECK(house.server.refused("shunned") >= 1);
  }
}

TEST_CASE("a member that was dialled and never ends its message is cut, and dialled again later") {
  // The roles are turned round: the bad one listens, speaking ZMTP by hand, and an honest node dials it.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&at), size) == 0);
  REQUIRE(::listen(listener, 4) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  TestNode honest, bad;
  REQUIRE(honest.open({.bind = "", .peers = {bad.listed()}, .shun = 50ms, .plain = true}));
  std::atomic<int> rounds = 0;
  std::jthread server([&] {
    while (rounds < 2) {  // a connection that ends before its handshake is none of them: the next one is waited for
      const int fd = ::accept(listener, nullptr, nullptr);
      if (fd < 0) return;
      RawClient raw(RawClient::Adopt{fd});
      std::string welcome = introduction_of(bad.id());
      welcome[0] = '\xf1';
      if (raw.handshake_null("ROUTER") && !raw.read_frame().empty() && raw.say(welcome)) {
        const std::string bytes(100'000, 'x');
        while (raw.sent() < 1'000'000'000 && raw.say(bytes, true)) {}
        if (raw.sent() < 1'000'000'000) ++rounds;
      }
    }
  });
  honest.network->dial(bad.id(), text::cat("tcp://127.0.0.1:", ntohs(at.sin_port)));
  CHECK(run_until(
      {&honest}, [&] { return rounds == 2; }, 60s));
  CHECK(run_until({&honest}, [&] { return !honest.up; }));
  CHECK(honest.refused("endless_message") == 2);
  CHECK(honest.generation == 2);
  honest.network->close({});
  ::shutdown(listener, SHUT_RDWR);
  ::close(listener);
}

TEST_CASE("long messages, many at once, are no endless one") {
  House house;
  std::size_t taken = 0;
  house.until([&] {
    while (taken < 60 &&
           house.client.network->send(house.server.id(), Channel::bulk, Bytes(kMaxFrameBytes)) == Sent::taken) {
      ++taken;
    }
    return taken == 60 && house.server.got.size() == 60;
  });
  CHECK(house.server.got.size() == 60);
  CHECK(house.server.refused("endless_message") == 0);
  house.honest_ones_go_on();
}

TEST_CASE("three hundred half-open connections cost a bounded number of descriptors, and the mesh goes on") {
  House house;
  const std::size_t before = descriptors();
  under(house, [&] {
    // Each holds one descriptor here and, as long as the server keeps it, one there.
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 300; ++i) {
      crowd.push_back(std::make_unique<RawClient>(house.address()));
      if (i % 2 == 0) crowd.back()->write(RawClient::greeting("CURVE").substr(0, static_cast<std::size_t>(i) % 64));
    }
    std::size_t alive = crowd.size();
    while (alive > 64 || descriptors() > before + crowd.size() + 64 + 8) {  // a few pass through while we count
      alive = 0;
      for (auto& one : crowd) alive += one->ended() ? 0 : 1;
      std::this_thread::yield();
    }
  });
  CHECK(house.server.refused("too_many_strangers") >= 100);
  house.honest_ones_go_on();
  // One who comes into the crowd is served as ever.
  TestNode late;
  house.server.network->list(late.listed());
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (int i = 0; i < 60; ++i) crowd.push_back(std::make_unique<RawClient>(house.address()));
  REQUIRE(late.open({.bind = "", .peers = {house.server.listed()}}));
  late.network->dial(house.server.id(), house.address());
  CHECK(run_until({&house.server, &house.client, &late}, [&] { return late.up; }));
  CHECK(house.until([&] {  // and the silent ones go when their time is over
    for (auto& one : crowd) {
      if (!one->ended()) return false;
    }
    return true;
  }));
}

TEST_CASE("who sends its handshake byte by byte is ended when the handshake's time is over") {
  House house;
  under(house, [&] {
    RawClient slow(house.address());
    // A greeting, and a command of a megabyte that is as long as a frame may be.
    slow.write(RawClient::greeting("CURVE") + std::string("\6\0\0\0\0\0\x10\0\0", 9));
    while (!slow.ended() && slow.write("x")) std::this_thread::yield();
  });
  CHECK(house.until(
      [&] { return house.server.refused("handshake_broken") + house.server.refused("handshake_foreign") >= 1; }));
  house.honest_ones_go_on();
}

TEST_CASE("a member that never greets is sent away") {
  House house;
  zmq::context_t context{1};
  zmq::socket_t silent(context, zmq::socket_type::dealer);  // libzmq's, so that it answers heartbeats
  as_member(silent, house.server, house.bad);
  silent.connect(house.address());
  CHECK(house.until([&] { return house.server.refused("no_greeting") >= 1; }));
  house.honest_ones_go_on();
}

TEST_CASE("a frame that claims a terabyte takes no memory, before the handshake and after it") {
  House house;
  const std::string huge = std::string("\6\0\0\1\0\0\0\0\0", 9);  // a command of 2^40 bytes
  under(house, [&] {
    RawClient stranger(house.address());
    CHECK(stranger.greet("CURVE"));
    stranger.write(huge + std::string(100, 'x'));
    while (!stranger.ended()) std::this_thread::yield();
    RawClient member(house.address());
    CHECK(member.handshake_curve(house.server.keys.public_key, house.bad.keys));
    member.say(introduction_of(house.bad.id()));
    member.write(std::string("\2\0\0\1\0\0\0\0\0", 9) + std::string(100, 'x'));
    while (!member.ended()) std::this_thread::yield();
  });
  CHECK(house.until([&] { return !house.bad_up; }));
  CHECK(house.server.got.empty());
  house.honest_ones_go_on();
}

TEST_CASE("NULL, PLAIN and unknown mechanisms are strangers: counted, told nothing, and ended") {
  for (const char* mechanism : {"NULL", "PLAIN", "GSSAPI", ""}) {
    CAPTURE(mechanism);
    House house;
    std::string answer;
    under(house, [&] {
      RawClient raw(house.address());
      raw.greet(mechanism);
      raw.write(RawClient::frame(std::string(mechanism) == "PLAIN" ? std::string("\5HELLO\1a\1b") : "\5READY",
                                 RawClient::kCommand));
      raw.say(introduction_of(house.client.id()));
      answer = raw.read(1);  // nothing: the connection ends
    });
    CHECK(answer.empty());
    CHECK(house.until(
        [&] { return house.server.refused("handshake_foreign") + house.server.refused("handshake_broken") >= 1; }));
    CHECK(house.server.got.empty());
    house.honest_ones_go_on();
  }
}

TEST_CASE("a wrong server key and an unlisted key are turned away by hand-made clients, too") {
  House house;
  const KeyPair nobody = make_key_pair();
  under(house, [&] {
    RawClient wrong(house.address());
    CHECK_FALSE(wrong.handshake_curve(nobody.public_key, house.bad.keys));
    RawClient unlisted(house.address());
    CHECK_FALSE(unlisted.handshake_curve(house.server.keys.public_key, nobody));
  });
  CHECK(house.until([&] {
    return house.server.refused("unlisted_key") == 1 &&
           house.server.refused("handshake_foreign") + house.server.refused("handshake_broken") >= 1;
  }));
  house.honest_ones_go_on();
}

TEST_CASE("a member that takes another's routing id receives none of its frames") {
  House house;
  TestNode victim;
  house.server.network->list(victim.listed());
  const auto member = [&](zmq::socket_t& socket, const TestNode& who) {
    as_member(socket, house.server, who);
    socket.set(zmq::sockopt::routing_id, "the same");
    socket.connect(house.address());
    const std::string greeting = introduction_of(who.id());
    socket.send(zmq::buffer(greeting), zmq::send_flags::dontwait);
  };
  const auto heard = [](zmq::socket_t& socket) {
    std::vector<std::string> all;
    zmq::message_t message;
    while (socket.recv(message, zmq::recv_flags::dontwait)) all.push_back(message.to_string());
    return all;
  };
  zmq::context_t context{1};
  zmq::socket_t first(context, zmq::socket_type::dealer), thief(context, zmq::socket_type::dealer);
  member(first, victim);
  REQUIRE(house.until([&] { return house.server.network->send(victim.id(), Channel::data, {7}) == Sent::taken; }));
  member(thief, house.bad);
  std::vector<std::string> to_first, to_thief;
  for (std::uint8_t i = 0; i < 50; ++i) {
    CHECK(house.server.network->send(victim.id(), Channel::data, {i}) == Sent::taken);
  }
  REQUIRE(house.until([&] {
    for (auto& one : heard(first)) to_first.push_back(std::move(one));
    for (auto& one : heard(thief)) to_thief.push_back(std::move(one));
    return to_first.size() == 52;  // the welcome, and the frames
  }));
  // Only a welcome of its own may have come to it.
  for (const std::string& one : to_thief) CHECK(one[0] == '\xf1');
  house.honest_ones_go_on();
}

TEST_CASE("a key that is dropped loses its connection at once, and only that one") {
  House house;
  std::atomic<bool> joined = false, over = false;
  std::jthread member([&] {
    RawClient raw(house.address());
    joined = raw.handshake_curve(house.server.keys.public_key, house.bad.keys) &&
             raw.say(introduction_of(house.bad.id())) && !raw.read_frame().empty();
    while (joined && !raw.ended()) raw.say(on_channel(Channel::data, "still here"));
    over = true;
  });
  REQUIRE(house.until([&] { return house.bad_up && joined; }));
  house.server.got.clear();
  house.server.network->forget(house.bad.id());
  CHECK(house.until([&] { return over.load(); }));
  for (const auto& got : house.server.got) CHECK(got.from == house.client.id());
  house.honest_ones_go_on();
  under(house, [&] {
    RawClient again(house.address());
    CHECK_FALSE(again.handshake_curve(house.server.keys.public_key, house.bad.keys));
  });
}

TEST_CASE("a member that keeps sending what makes no sense is cut, counted by reason, and may come back later") {
  House house({.shun = 100ms});
  const auto nonsense = [&] {
    RawClient raw(house.address());
    if (!raw.handshake_curve(house.server.keys.public_key, house.bad.keys) ||
        !raw.say(introduction_of(house.bad.id())) || raw.read_frame().empty()) {
      return false;
    }
    for (int i = 0; i < 200 && raw.is_open(); ++i) {
      if (i % 2 == 0) raw.say("first of two", true);
      raw.say("\x77no such channel");
    }
    while (!raw.ended()) std::this_thread::yield();
    return true;
  };
  bool heard = false;
  under(house, [&] { heard = nonsense(); });
  REQUIRE(heard);
  CHECK(house.until([&] { return !house.bad_up; }));
  CHECK(house.server.refused("multipart") == 8);
  CHECK(house.server.refused("unknown_channel") == 8);
  house.honest_ones_go_on();
  bool came_back = false;
  under(house, [&] {
    while (!(came_back = nonsense())) std::this_thread::yield();
  });
  CHECK(came_back);
}

TEST_CASE("who is cut by its user hears of it as down, not inline, and can come back when its time is over") {
  House house({.shun = 50ms});
  int downs = 0, ups = 0;
  bool inside = false;
  house.server.network->on_peer([&](NodeId, PeerState state, std::uint64_t) {
    CHECK_FALSE(inside);
    ++(state == PeerState::up ? ups : downs);
  });
  house.server.network->on_receive([&](NodeId from, Channel, Bytes) {
    inside = true;
    house.server.network->cut(from);
    CHECK(house.server.network->send(from, Channel::data, {1}) == Sent::no_peer);
    inside = false;
  });
  CHECK(house.client.network->send(house.server.id(), Channel::data, {1}) == Sent::taken);
  REQUIRE(house.until([&] { return downs == 1 && ups == 1 && house.client.up && house.client.generation == 2; }));
}

TEST_CASE("a second connection of one member ends the first, so that a member has one") {
  House house;
  under(house, [&] {
    std::vector<std::unique_ptr<RawClient>> own;
    for (int i = 0; i < 20; ++i) {
      own.push_back(std::make_unique<RawClient>(house.address()));
      CHECK(own.back()->handshake_curve(house.server.keys.public_key, house.bad.keys));
      CHECK(own.back()->say(introduction_of(house.bad.id())));
      CHECK_FALSE(own.back()->read_frame().empty());
    }
    for (int i = 0; i < 19; ++i) {
      while (!own[static_cast<std::size_t>(i)]->ended()) std::this_thread::yield();
    }
    CHECK_FALSE(own.back()->ended());
  });
  house.honest_ones_go_on();
}
