// MQTT over WebSocket (MQTT 3.1.1 §6, RFC 6455): every connection is passed on, byte for
// byte, to a broker that listens for MQTT over TCP.
//
// One thread for all connections. A side that does not read stops the other: nothing but
// one buffer for each direction waits here. Silence is the broker's business, which knows
// the keep-alive of a client.
//
// Sub-protocols: mqtt and mqttv3.1, and none at all, as with RabbitMQ. The client is told
// 1000 when the broker closes, 1001 when the bridge is destroyed, 1003 for a text message,
// 1009 for a message that is too long, 1011 when the connection to the broker breaks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "chat21/result.h"

namespace chat21::server {

struct WebSocketOptions {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  std::uint16_t port = 0;             // 0: any that is free
  std::string path = "/ws";           // others are answered with 404
  std::string certificate_file{};     // PEM; with a key: wss only
  std::string key_file{};
  std::string broker_address = "127.0.0.1";  // numeric
  std::uint16_t broker_port = 1883;
  std::size_t max_connections = 10000;        // more are answered with 503
  std::size_t max_message_bytes = 2U << 20U;  // of one WebSocket message of a client
  // From the connection to the end of the handshake, and for the broker to accept.
  std::chrono::milliseconds handshake_timeout{10000};
  // For a client to take one buffer, 16 kB. One that does not read any more is not told by
  // its broker that it is disconnected: that would have to pass through the same buffer.
  std::chrono::milliseconds stall_timeout{60000};
  // Told about what an operator should see (no request of a stranger is worth a line).
  std::function<void(const std::string&)> log{};
};

class WebSocketBridge {
 public:
  // Listens once it returns. The broker need not be there: without it, handshakes are
  // answered with 503. Errors: InvalidArgument (addresses, files), Unavailable (the port is
  // taken).
  static Result<std::unique_ptr<WebSocketBridge>> start(WebSocketOptions options);

  // Closes all connections, and waits at most two seconds for clients and broker to agree.
  ~WebSocketBridge();
  WebSocketBridge(const WebSocketBridge&) = delete;
  WebSocketBridge& operator=(const WebSocketBridge&) = delete;

  std::uint16_t port() const;

 private:
  class Impl;
  explicit WebSocketBridge(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat21::server
