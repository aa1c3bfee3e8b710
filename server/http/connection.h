// One connection of the HTTP server: reads requests, has them handled and sends the
// answers, one after the other. Runs on the thread of ServerCore::io alone.
#pragma once

// Before Boost's awaitable.hpp, which needs it and does not include it.
// clang-format off
#include <utility>
// clang-format on

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cstddef>
#include <memory>
#include <optional>

#include "server/http/message.h"
#include "server/http/server.h"

namespace chat21::server {

// What the connections of one server share; outlives them all.
struct ServerCore {
  HttpServerOptions options;
  HttpServer::Handler handler;
  std::optional<boost::asio::ssl::context> tls{};
  boost::asio::io_context io{1};  // all connections, one thread
  // Handlers, on the worker threads: what only reads, and what may have to wait.
  boost::asio::io_context reads{};
  boost::asio::io_context changes{};
  bool stopping = false;  // no further request is read; of the thread of `io`
  // From any thread:
  std::atomic<bool> aborted = false;  // nobody waits for answers any more
  std::atomic<std::size_t> pending_bytes = 0;
};

class Connection {
 public:
  virtual ~Connection() = default;

  // Ends with the connection. The object has to live until then.
  virtual boost::asio::awaitable<void> run() = 0;

  // Ends it now unless a request has arrived that is still to be answered.
  virtual void finish() = 0;
  virtual void close() = 0;
};

// A `refused` one is told that the server is busy, whatever it asks.
std::shared_ptr<Connection> make_connection(ServerCore& core, boost::asio::ip::tcp::socket socket,
                                            bool refused);

}  // namespace chat21::server
