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

namespace chat21::rabbitmq {

// Copies bodies out of rabbitmq-c's buffers, so that those can be reused while
// deliveries wait to be settled; its own buffers it reuses as well, there is no
// allocation per delivery once they have grown.
class Consumer final : public FrameSink {
 public:
  explicit Consumer(const RabbitmqOptions& options);

  // Asks for deliveries from these queues, which must be declared.
  Result<> start(Connection& connection, std::span<const std::string> queues);
  // Asks for no more. Those that are under way still arrive.
  Result<> cancel(Connection& connection);
  // The connection is gone, and with it all deliveries.
  void forget();

  Result<> take(const amqp_frame_t& frame) override;

  // Some are not settled.
  bool ready() const { return arrived_ > 0; }
  // All that are not settled. Those handed out before count as redelivered.
  std::span<const Delivery> hand_out();

  // Errors: Unavailable: lost with an earlier connection. Internal: not handed
  // out, or settled before.
  Result<> check_handed_out(std::span<const Settle> settled);
  // REQUIRES: check_handed_out()
  Result<> settle(Connection& connection, std::span<const Settle> settled);

  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t redelivered() const { return redelivered_; }
  std::uint64_t settled() const { return settled_; }

 private:
  struct Held {
    Tag tag = 0;
    std::string routing_key;
    std::string body;
    std::uint64_t body_size = 0;  // as announced; the body may be cut
    bool redelivered = false;
    bool settled = false;
  };
  // Which frame comes next.
  enum class Expecting : std::uint8_t { Method, Header, Body };

  Held& held(std::size_t position) { return ring_[(first_ + position) % ring_.size()]; }
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

  std::vector<std::string> consumer_tags_;
  std::vector<Delivery> batch_;
  std::uint64_t delivered_ = 0;
  std::uint64_t redelivered_ = 0;
  std::uint64_t settled_ = 0;
};

}  // namespace chat21::rabbitmq
