// Accepts connections, for any server of this process.
#pragma once

// Before Boost's awaitable.hpp, which needs it and does not include it.
// clang-format off
#include <utility>
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "chat21/result.h"

namespace chat21::server {

// All but the constructor and open() on the thread of `io`, which outlives it.
class Listener {
 public:
  // `kind` of connections, in complaints: "HTTP".
  Listener(boost::asio::io_context& io, std::string kind)
      : io_(io), kind_(std::move(kind)), acceptor_(io) {}

  // A numeric address; port 0: any that is free. Errors: InvalidArgument (the address),
  // Unavailable (the port is taken).
  Result<> open(const std::string& address, std::uint16_t port);
  std::uint16_t port() const { return port_; }

  // Hands over every connection, without delay for small packets. Ends after close().
  // `complain` is told, not more often than once a minute, why none can be accepted.
  boost::asio::awaitable<void> accept_all(std::function<void(boost::asio::ip::tcp::socket)> welcome,
                                          std::function<void(const std::string&)> complain);
  void close();

 private:
  boost::asio::io_context& io_;
  const std::string kind_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  bool closed_ = false;
};

}  // namespace chat21::server
