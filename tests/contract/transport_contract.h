// What every Transport promises (chat21/transport.h), as tests. A Transport is
// tested by giving the suite a world to put it in.
#pragma once

#include <cstddef>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "chat21/transport.h"

namespace chat21::testing {

struct Message {
  std::string routing_key, body;
  friend bool operator==(const Message&, const Message&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Message& message) {
    return out << message.routing_key << ": " << message.body;
  }
};

struct TransportLimits {
  std::size_t prefetch = 256;
  std::size_t max_body_bytes = 1U << 20U;
};

// One Transport, and the other side of it. Messages with routing keys "in.…" are
// delivered to the Transport; those with "out.…" that it publishes are kept.
class TransportWorld {
 public:
  virtual ~TransportWorld() = default;

  virtual Transport& transport() = 0;
  // Returns when the message is in the queue.
  virtual void offer(const Message& message) = 0;
  // What was published since the last call, in order.
  virtual std::vector<Message> published() = 0;
  // The connection breaks, after the other side has heard of what was settled;
  // the rest is offered again.
  virtual void disconnect() = 0;
};

struct TransportKind {
  std::string name;
  std::function<std::unique_ptr<TransportWorld>(const TransportLimits&)> make;
  friend std::ostream& operator<<(std::ostream& out, const TransportKind& kind) {
    return out << kind.name;
  }
};

class TransportContract : public ::testing::TestWithParam<TransportKind> {
 protected:
  struct Received {
    std::string routing_key, body;
    bool redelivered = false;
    std::size_t omitted = 0;
    Tag tag = 0;
  };

  void enter(const TransportLimits& limits = {}) { world_ = GetParam().make(limits); }
  TransportWorld& world() { return *world_; }
  Transport& transport() { return world_->transport(); }

  // Receives until something comes, also across a lost connection.
  std::vector<Delivery> receive_some();
  // Receives and settles until there are `count`.
  std::vector<Received> take(std::size_t count);
  void settle(const std::vector<Delivery>& deliveries);
  // Receives, and leaves what comes, until the transport says so.
  void receive_until_settled(Tag up_to);
  void receive_until_recovered();

 private:
  void receive_until(const std::function<bool()>& done);

  std::unique_ptr<TransportWorld> world_;
};

// A program with connection_test.cc must give this one its worlds as well.
class LostConnection : public TransportContract {};

inline std::vector<Message> messages_of(const std::vector<Delivery>& deliveries) {
  std::vector<Message> messages;
  for (const Delivery& delivery : deliveries) {
    messages.push_back({std::string(delivery.routing_key), std::string(delivery.body)});
  }
  return messages;
}

}  // namespace chat21::testing
