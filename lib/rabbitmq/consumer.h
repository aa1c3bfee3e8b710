// Deliveries: from frames to what receive() returns, and their acknowledgement.
#pragma once

#include <amqp.h>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "chat21/delivery.h"
#include "chat21/rabbitmq.h"
#include "chat21/result.h"

#include "lib/rabbitmq/connection.h"
#include "lib/rabbitmq/recovery.h"
#include "lib/rabbitmq/topology.h"

namespace chat21::rabbitmq {

// Copies bodies out of rabbitmq-c's buffers, so that those can be reused while
// deliveries wait to be settled; its own buffers it reuses as well, there is no
// allocation per delivery once they have grown.
class Consumer final : public FrameSink {
 public:
  explicit Consumer(const RabbitmqOptions& options);

  // Asks for deliveries from these queues.
  Result<> start(Connection& connection, std::span<const DeclaredQueue> queues);
  // Asks for no more. Those that are under way still arrive.
  Result<> cancel(Connection& connection);
  // The connection is gone, and with it all deliveries.
  void forget();

  Result<> take(const amqp_frame_t& frame) override;

  // Some are not settled.
  bool ready() const { return arrived_ > 0; }
  // All that are not settled, perhaps none. Those handed out before count as redelivered.
  std::span<const Delivery> hand_out();

  // Errors: Unavailable: lost with an earlier connection. Internal: not handed
  // out, or settled before.
  Result<> check_handed_out(std::span<const Settle> settled);
  // REQUIRES: check_handed_out()
  Result<> settle(Connection& connection, std::span<const Settle> settled);

  // Asks the broker what settled_up_to() and recovered() have to know, if it is not being
  // asked already. Does not wait for the answers: they come as frames.
  Result<> ask(Connection& connection);
  // As Transport has them.
  Tag settled_up_to() const { return settled_up_to_; }
  bool recovered() const { return recovered_; }

  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t redelivered() const { return redelivered_; }
  std::uint64_t settled() const { return settled_; }

 private:
  struct Held {
    Tag tag = 0;
    std::string routing_key;
    std::string body;
    std::uint64_t body_size = 0;  // as announced; the body may be cut
    std::size_t queue = 0;
    bool redelivered = false;
    bool settled = false;
  };
  // Which frame comes next.
  enum class Expecting : std::uint8_t { Method, Header, Body };

  Held& held(std::size_t position) { return ring_[(first_ + position) % ring_.size()]; }
  std::size_t queue_of(std::string_view consumer_tag) const;
  Result<> take_method(const amqp_method_t& method);
  Result<> take_deliver(const amqp_basic_deliver_t& deliver);
  Result<> take_header(std::uint64_t body_size);
  Result<> take_body(std::string_view fragment);
  void complete();
  void release(Held& delivery);

  const RabbitmqOptions& options_;

  // The deliveries of this connection that are not settled, in order of
  // arrival: those handed out, those that wait, and one that is arriving.
  std::vector<Held> ring_;
  std::size_t first_ = 0;
  std::size_t handed_out_ = 0;
  std::size_t arrived_ = 0;  // complete, handed out or not
  Expecting expecting_ = Expecting::Method;
  std::uint64_t body_received_ = 0;

  // The broker counts deliveries from 1 on every connection; tags go on.
  Tag before_connection_ = 0;
  Tag last_tag_ = 0;

  // RabbitMQ answers no acknowledgement. But it carries out one thing after the other, so
  // whatever it answers comes after the acknowledgements before the question. A broker that
  // is killed within the next moments may forget them all the same, since it writes them to
  // its disk later: then it offers the deliveries again, marked redelivered.
  Tag acknowledged_ = 0;
  Tag asked_ = 0;  // the question under way came after these; 0: there is none
  Tag settled_up_to_ = 0;

  Recovery recovery_{options_.prefetch};
  bool recovered_ = false;  // as of the last hand_out()

  std::vector<std::string> consumer_tags_;  // in the order of the queues
  std::vector<Delivery> batch_;
  std::uint64_t delivered_ = 0;
  std::uint64_t redelivered_ = 0;
  std::uint64_t settled_ = 0;
};

}  // namespace chat21::rabbitmq
