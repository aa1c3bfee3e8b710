// Transport over RabbitMQ, AMQP 0-9-1 (rabbitmq-c 0.11 or later).
//
// Two connections, one to consume and one to publish, so that a broker that
// stops publishers for lack of memory or disk still takes our acknowledgements.
// Declares the durable queue, binds it, and declares again after every
// reconnect. Heartbeats are serviced inside receive() and publish(): call
// receive() at least every few seconds, also when there is nothing to do.
//
// Thread rule: one thread; stop() and wake() alone may be called from any thread or
// from a signal handler.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chat21/result.h"
#include "chat21/transport.h"

namespace chat21 {

// Members with {} may be left out of a designated initialiser without a warning.
struct RabbitmqOptions {
  // amqp://user:password@host:port/vhost?heartbeat=60, or amqps://. With
  // RabbitMQ's OAuth2 backend the password is the JWT and the user is ignored.
  // Default port 5672 (5671), vhost "/", heartbeat 10 s; heartbeat=0 is refused.
  std::string uri{};
  std::string exchange = "amq.topic";  // must exist, or is declared as a durable topic exchange

  struct Queue {
    std::string name{};
    std::vector<std::string> bindings{};  // patterns on the exchange
    // Exclusive: only for this connection, gone with it and with all that is in it;
    // under another name while somebody else has this one. Otherwise durable and shared.
    bool exclusive = false;
  };
  std::vector<Queue> queues{};  // none: only publishes

  // Deliveries taken and not settled. The queues share it evenly. Times
  // max_body_bytes it is what bodies may take of the memory.
  std::uint16_t prefetch = 256;
  std::size_t max_body_bytes = 1U << 20U;  // of a delivery; the rest of a larger body is dropped
  std::size_t confirm_window = 1000;       // publishes sent and not confirmed
  std::chrono::milliseconds connect_timeout{5000};
  // How long to wait for confirms while the broker does not say that it is
  // blocked; then the connection is given up and the batch is offered again.
  std::chrono::milliseconds publish_timeout{30000};
  std::chrono::milliseconds reconnect_max{10000};  // cap of the jittered exponential backoff

  std::string ca_file{};    // amqps: PEM of the trusted authorities; empty: the system's
  bool verify_peer = true;  // amqps: certificate and host name

  // Told when something changes: connected, lost, blocked. On the transport's thread.
  enum class Level : std::uint8_t { Info, Warning };
  std::function<void(Level, const std::string&)> log{};
};

// What an operator wants to see. Numbers since construction.
struct RabbitmqStats {
  std::uint64_t connects = 0;  // successful, the first included
  std::uint64_t delivered = 0;
  std::uint64_t redelivered = 0;
  std::uint64_t settled = 0;  // and acknowledged to the broker
  std::uint64_t published = 0;
  std::uint64_t confirmed = 0;
  bool connected = false;
  bool blocked = false;  // the broker has asked publishers to wait
};

class RabbitmqTransport : public Transport {
 public:
  // Makes receive(), publish() and every wait inside return soon, and consumes
  // no more: receive() hands out what has arrived before and then nothing. These
  // last ones can still be published and settled while the broker takes it.
  virtual void stop() noexcept = 0;
  // Makes a receive() that waits, or else the next one, return soon. An attempt to
  // connect, at most connect_timeout, is finished first.
  virtual void wake() noexcept = 0;
  virtual RabbitmqStats stats() const = 0;
};

// Checks the options; does not connect yet: that is done, and repeated, by
// receive(). Errors: InvalidArgument.
Result<std::unique_ptr<RabbitmqTransport>> make_rabbitmq_transport(RabbitmqOptions options);

// The queues of an observer for one app: "messages" and "persist" with the
// bindings of docs/PROTOCOL.md ("Queues").
RabbitmqOptions::Queue messages_queue(const std::string& app);
RabbitmqOptions::Queue persist_queue(const std::string& app);

}  // namespace chat21
