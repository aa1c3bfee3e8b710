// The two kinds of streams that a server reads from, and what differs between them.
#pragma once

// Before Boost's awaitable.hpp, which needs it and does not include it.
// clang-format off
#include <utility>
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

namespace chat21::server {

using Tcp = boost::asio::ip::tcp::socket;
using Tls = boost::beast::ssl_stream<Tcp>;

inline Tcp& socket_of(Tcp& stream) {
  return stream;
}
inline Tcp& socket_of(Tls& stream) {
  return stream.next_layer();
}

// Agrees on what is spoken, as the server.
inline boost::asio::awaitable<boost::system::error_code> greet(Tcp&) {
  co_return boost::system::error_code();
}
inline boost::asio::awaitable<boost::system::error_code> greet(Tls& stream) {
  boost::system::error_code failure;
  co_await stream.async_handshake(boost::asio::ssl::stream_base::server,
                                  boost::asio::redirect_error(boost::asio::use_awaitable, failure));
  co_return failure;
}

inline boost::asio::awaitable<void> say_goodbye(Tcp&) {
  co_return;
}
inline boost::asio::awaitable<void> say_goodbye(Tls& stream) {
  boost::system::error_code ignored;  // the client may have left
  co_await stream.async_shutdown(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace chat21::server
