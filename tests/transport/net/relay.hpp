// A TCP relay on loopback that a test can cut: what is in flight is lost and both ends see the connection break. It
// runs on the loop that it is given and forwards everything else untouched.
#pragma once

#include <utility>  // before Asio: Boost 1.74 forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "transport/loop.hpp"

namespace syn {

class Relay {
  using Tcp = boost::asio::ip::tcp;
  using Code = boost::system::error_code;

 public:
  // target: "tcp://127.0.0.1:PORT"
  Relay(Loop& loop, const std::string& target)
      : context_(loop.context()),
        target_(boost::asio::ip::make_address("127.0.0.1"),
                static_cast<std::uint16_t>(std::stoul(target.substr(target.rfind(':') + 1)))),
        acceptor_(context_, Tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)) {
    accept();
  }
  ~Relay() { cut(); }

  std::string address() const { return text::cat("tcp://127.0.0.1:", acceptor_.local_endpoint().port()); }
  void cut() {
    for (const auto& pair : pairs_) pair->close();
    pairs_.clear();
  }
  std::size_t connections = 0;

 private:
  struct Pair : std::enable_shared_from_this<Pair> {
    explicit Pair(boost::asio::io_context& context) : near(context), far(context) {}
    void close() {
      Code ignored;
      near.close(ignored);
      far.close(ignored);
    }
    void pump(Tcp::socket& from, Tcp::socket& to, std::array<char, 65536>& buffer) {
      from.async_read_some(boost::asio::buffer(buffer),
                           [self = shared_from_this(), &from, &to, &buffer](Code e, std::size_t n) {
                             if (e) return self->close();
                             boost::asio::async_write(to, boost::asio::buffer(buffer.data(), n),
                                                      [self, &from, &to, &buffer](Code e2, std::size_t) {
                                                        if (e2) return self->close();
                                                        self->pump(from, to, buffer);
                                                      });
                           });
    }
    Tcp::socket near, far;
    std::array<char, 65536> up, down;
  };

  void accept() {
    auto pair = std::make_shared<Pair>(context_);
    acceptor_.async_accept(pair->near, [this, pair](Code e) {
      if (e) return;
      ++connections;
      pairs_.push_back(pair);
      pair->far.async_connect(target_, [pair](Code e2) {
        if (e2) return pair->close();
        pair->pump(pair->near, pair->far, pair->up);
        pair->pump(pair->far, pair->near, pair->down);
      });
      accept();
    });
  }

  boost::asio::io_context& context_;
  Tcp::endpoint target_;
  Tcp::acceptor acceptor_;
  std::vector<std::shared_ptr<Pair>> pairs_;
};

}  // namespace syn
