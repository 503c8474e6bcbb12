// A TCP client that speaks as much ZMTP 3 (ZeroMQ RFC 23) and CurveZMQ (RFC 26) as it takes to misuse them: libzmq's
// own sockets would never send half a message. Blocks; use it on a thread of its own while the node's loop runs.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>

#include "core/types.hpp"
#include "transport/keys.hpp"

namespace syn {

class RawClient {
 public:
  // address: "tcp://127.0.0.1:PORT"
  explicit RawClient(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};  // bounds a failing test
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    open_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  struct Adopt {
    int fd;
  };
  explicit RawClient(Adopt accepted) : fd_(accepted.fd), open_(true) {}
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool is_open() const { return open_; }
  std::uint64_t sent() const { return sent_; }  // bytes that the kernel took

  // True if the other side has ended the connection, now; never blocks.
  bool ended() {
    pollfd poll{fd_, POLLIN, 0};
    while (::poll(&poll, 1, 0) > 0) {
      char byte[4096];
      if (::recv(fd_, byte, sizeof byte, 0) <= 0) return true;
    }
    return false;
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return open_ = false;
      sent_ += static_cast<std::uint64_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return open_;
  }
  std::string read(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t have = 0; have < size;) {
      const auto n = ::recv(fd_, out.data() + have, size - have, 0);
      if (n <= 0) {
        open_ = false;
        return {};
      }
      have += static_cast<std::size_t>(n);
    }
    return out;
  }

  // ---- ZMTP
  static std::string greeting(std::string_view mechanism) {
    std::string out("\xff\0\0\0\0\0\0\0\0\x7f\3\0", 12);
    out += mechanism;
    out.resize(64, '\0');
    return out;
  }
  static std::string frame(std::string_view body, std::uint8_t flags) {
    std::string out;
    const std::size_t size = body.size();
    out += static_cast<char>(flags | (size > 255 ? kLong : 0));
    for (int shift = size > 255 ? 56 : 0; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
    return out.append(body);
  }
  static constexpr std::uint8_t kMore = 1, kLong = 2, kCommand = 4;

  bool greet(std::string_view mechanism) { return write(greeting(mechanism)) && read(64).size() == 64; }
  std::string read_frame() {
    const std::string head = read(2);
    if (head.empty()) return {};
    std::uint64_t size = static_cast<std::uint8_t>(head[1]);
    if (head[0] & kLong) {
      const std::string rest = read(7);
      for (const char c : rest) size = size << 8 | static_cast<std::uint8_t>(c);
    }
    return size <= 1 << 21 ? read(size) : std::string();
  }
  // Ready to send and be heard, without encryption.
  bool handshake_null(std::string_view kind = "DEALER") {
    return greet("NULL") && write(frame("\5READY" + metadata(kind), kCommand)) && !read_frame().empty();
  }

  // ---- CURVE, as a client that knows the server's key
  bool handshake_curve(const Key& server, const KeyPair& own) {
    if (!greet("CURVE")) return false;
    std::array<std::uint8_t, 32> transient_public, transient_secret;
    crypto_box_keypair(transient_public.data(), transient_secret.data());
    const std::string hello = std::string("\5HELLO\1", 7) + std::string(73, '\0') + text(transient_public) +
                              counter(1) +
                              box(std::string(64, '\0'), "CurveZMQHELLO---" + counter(1), server, transient_secret);
    if (!write(frame(hello, kCommand))) return false;
    const std::string welcome = read_frame();
    if (welcome.size() != 168) return false;
    std::string opened(128, '\0');
    const std::string nonce = "WELCOME-" + welcome.substr(8, 16);
    if (crypto_box_open_easy(bytes(opened), bytes(welcome) + 24, 144, bytes(nonce), server.data(),
                             transient_secret.data()) != 0) {
      return false;
    }
    Key server_transient;
    std::memcpy(server_transient.data(), opened.data(), 32);
    const std::string vouch_nonce(16, 'v');
    const std::string vouch =
        box(text(transient_public) + text(server), "VOUCH---" + vouch_nonce, server_transient, own.secret_key);
    const std::string initiate = "\10INITIATE" + opened.substr(32) + counter(2) +
                                 box(text(own.public_key) + vouch_nonce + vouch + metadata(),
                                     "CurveZMQINITIATE" + counter(2), server_transient, transient_secret);
    if (!write(frame(initiate, kCommand)) || read_frame().substr(0, 6) != "\5READY") return false;
    if (crypto_box_beforenm(shared_.data(), server_transient.data(), transient_secret.data()) != 0) return false;
    return encrypted_ = true;
  }

  // One part of a message.
  bool say(std::string_view part, bool more = false) {
    if (!encrypted_) return write(frame(part, more ? kMore : 0));
    const std::string plain = std::string(1, more ? '\1' : '\0') + std::string(part);
    const std::string number = counter(++count_);
    const std::string nonce = "CurveZMQMESSAGEC" + number;
    std::string sealed(plain.size() + crypto_box_MACBYTES, '\0');
    crypto_box_easy_afternm(bytes(sealed), bytes(plain), plain.size(), bytes(nonce), shared_.data());
    return write(frame("\7MESSAGE" + number + sealed, 0));
  }

 private:
  static std::uint8_t* bytes(std::string& s) { return reinterpret_cast<std::uint8_t*>(s.data()); }
  static const std::uint8_t* bytes(const std::string& s) { return reinterpret_cast<const std::uint8_t*>(s.data()); }
  static std::string text(const Key& key) { return {reinterpret_cast<const char*>(key.data()), key.size()}; }
  static std::string counter(std::uint64_t n) {
    std::string out;
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
    return out;
  }
  static std::string metadata(std::string_view kind = "DEALER") {  // six letters
    return std::string("\13Socket-Type\0\0\0\6", 16).append(kind).append("\10Identity\0\0\0\0", 13);
  }
  static std::string box(const std::string& plain, const std::string& nonce, const Key& to, const Key& from_secret) {
    std::string out(plain.size() + crypto_box_MACBYTES, '\0');
    if (crypto_box_easy(bytes(out), bytes(plain), plain.size(), bytes(nonce), to.data(), from_secret.data()) != 0) {
      return {};
    }
    return out;
  }

  int fd_;
  bool open_ = false, encrypted_ = false;
  std::atomic<std::uint64_t> sent_ = 0;
  std::uint64_t count_ = 2;
  std::array<std::uint8_t, crypto_box_BEFORENMBYTES> shared_{};
};

}  // namespace syn
