// The Gateway over a Transport of its own, with one thread.
//
// How carry_out() knows that its messages were carried out: a Fence goes after them
// into the same queue, and the observer's answer to it arrives in an inbox of ours.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "chat21/transport.h"

#include "server/api/gateway.h"

namespace chat21::server {

struct BrokerGatewayOptions {
  std::string app{};
  std::string inbox{};  // an id of ours alone, part of the routing key of answers (fence_key)
  // Whether the broker lets services publish to their inboxes. If not, the observer must
  // be as near as the broker: it is asked instead whether messages are taken.
  bool inbox_is_open = true;
  std::chrono::milliseconds accept_timeout{10000};  // for the broker's confirm
  // For the observer, from then on; once it was late a moment only, until it answers.
  std::chrono::milliseconds carry_timeout{10000};
};

class BrokerGateway final : public Gateway {
 public:
  // Owns the transport: whatever arrives at `apps.{app}.users.{inbox}.fence.*` has to be
  // delivered by it. `wake` makes its receive() return, from any thread.
  BrokerGateway(BrokerGatewayOptions options, std::unique_ptr<Transport> transport,
                std::function<void()> wake);
  ~BrokerGateway() override;  // as stop()

  Result<> publish(std::vector<Outgoing> messages) override;
  Result<Done> carry_out(std::vector<Outgoing> messages) override;

  // Why it cannot publish now; empty if it can.
  std::string trouble() const;

  // Ends the thread. Those who wait leave at once: with Accepted who waits for the
  // observer alone, others with an error. A publish that the transport
  // has begun is waited for: a transport that has a stop() is stopped before.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat21::server
