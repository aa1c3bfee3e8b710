// One connection of a WebSocket client and its own one to the broker. Runs on the thread
// of BridgeCore::io alone.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/http/streams.h"
#include "server/websocket/bridge.h"

namespace chat21::server {

// What the connections of one bridge share; outlives them all.
struct BridgeCore {
  WebSocketOptions options;
  boost::asio::ip::tcp::endpoint broker{};
  std::optional<boost::asio::ssl::context> tls{};
  boost::asio::io_context io{1};  // all connections, one thread
  // Told whenever the broker could not be reached.
  std::function<void(const std::string&)> broker_is_away{};
};

class BridgedConnection {
 public:
  virtual ~BridgedConnection() = default;

  // Ends with the connection. The object has to live until then.
  virtual boost::asio::awaitable<void> run() = 0;

  // Closes what has missed a deadline. Called again and again: one timer for ten thousand
  // connections.
  virtual void check(std::chrono::steady_clock::time_point now) = 0;

  // Ends it soon, and tells the client that the server goes away.
  virtual void leave() = 0;
  virtual void close() = 0;
};

// A `refused` one is told that the server is busy, whatever it asks.
std::shared_ptr<BridgedConnection> make_bridged_connection(BridgeCore& core, Tcp socket,
                                                           bool refused);

}  // namespace chat21::server
