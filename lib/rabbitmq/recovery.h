// Whether everything has come again that was out on earlier connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/rabbitmq/topology.h"

namespace chat21::rabbitmq {

// RabbitMQ puts what a connection has not acknowledged back to the front of the queue,
// marked redelivered, when it notices that the connection is gone. So the first delivery
// that is not marked ends the repeats, unless somebody else still consumes from the queue:
// our last connection perhaps, which the broker takes for alive until it has missed its
// heartbeats. Until then the queue is looked at again and again: asked how many messages
// and consumers it has.
//
// A broker that was killed marks all that it had, handed out or not. So one more that is
// marked than can have been out ends the repeats, too.
//
// An answer may overtake deliveries that the queue has sent before. But those come before
// the answer to the next look.
//
// One case is not seen: who has only stopped to consume holds deliveries and is not counted.
class Recovery {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // At most `prefetch` deliveries of a queue are out at a time, on this connection and on
  // those before.
  explicit Recovery(std::size_t prefetch) : prefetch_(prefetch) {}

  // The queues are declared, and not yet consumed from.
  void begin(std::span<const DeclaredQueue> queues, Time now, std::chrono::seconds heartbeat);
  // The connection is lost.
  void forget();

  // A delivery of this queue, as counted in begin(), is there, marked as the broker has
  // marked it. None of them: it is passed over.
  void arrived(std::size_t queue, bool redelivered);

  // The name of a queue to look at now, if there is one; looked() is to follow.
  std::optional<std::string_view> look(Time now);
  bool is_looking() const { return looking_; }
  void looked(std::uint32_t messages, std::uint32_t consumers, Time now);

  // All that was out has arrived. Without further deliveries this takes a few looks.
  bool complete() const { return begun_ && incomplete_ == queues_.size(); }

 private:
  enum class Stage : std::uint8_t {
    Held,     // somebody else may hold deliveries
    Free,     // nobody does, but what was sent before may still be under way
    Repeats,  // repeats come first
    Empty,    // all has been sent
    Done
  };
  struct Queue {
    std::string name;
    Stage stage = Stage::Held;
    std::size_t repeats = 0;  // that have arrived
  };
  void skip_done();

  std::size_t prefetch_;
  std::vector<Queue> queues_;
  std::size_t incomplete_ = 0;  // the first that is
  bool begun_ = false;
  bool looking_ = false;
  std::size_t looked_at_ = 0;
  Time next_look_{};
  Time zombies_end_{};
};

}  // namespace chat21::rabbitmq
