// Publishes and the broker's confirms.
#pragma once

#include <amqp.h>
#include <cstddef>
#include <cstdint>

#include "chat21/effects.h"
#include "chat21/rabbitmq.h"
#include "chat21/result.h"

#include "lib/rabbitmq/confirm_window.h"
#include "lib/rabbitmq/connection.h"

namespace chat21::rabbitmq {

class Publisher final : public FrameSink {
 public:
  explicit Publisher(const RabbitmqOptions& options)
      : options_(options), window_(options.confirm_window) {}

  // Asks for confirms.
  Result<> start(Connection& connection);
  // The connection is gone, and with it what it would have confirmed.
  void forget() { window_.restart(); }

  // Sends one message, persistent. Waits as long as the socket is full.
  // REQUIRES: !full()
  Result<> send(Connection& connection, const Publish& publish);

  Result<> take(const amqp_frame_t& frame) override;

  bool full() const { return window_.full(); }
  std::size_t unconfirmed() const { return window_.unconfirmed(); }
  std::uint64_t published() const { return published_; }
  std::uint64_t confirmed() const { return confirmed_; }

 private:
  Result<> take_ack(const amqp_basic_ack_t& ack);

  const RabbitmqOptions& options_;
  ConfirmWindow window_;
  std::uint64_t published_ = 0;
  std::uint64_t confirmed_ = 0;
};

}  // namespace chat21::rabbitmq
