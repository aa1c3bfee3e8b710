// How this server reaches its broker.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "chat21/rabbitmq.h"
#include "chat21/result.h"
#include "chat21/transport.h"

#include "server/config.h"
#include "server/log.h"

namespace chat21::server {

// Without queues.
RabbitmqOptions rabbitmq_options(const Config& config);

// Where an MQTT client on this machine reaches the broker of the embedded engine.
std::string own_broker_host(const Config& config);

// The connection of a service: it publishes, and receives the observer's answers to its
// fences.
struct ServiceLink {
  std::unique_ptr<Transport> transport;
  // Of the transport, while it lives; from any thread. `wake` makes its receive() return,
  // `stop` every wait in it, for good.
  std::function<void()> wake;
  std::function<void()> stop;
};

// With the engine that is configured. Does not connect yet. `inbox` is an id of this
// link alone. Borrows `log`, and `config` as long as the transport lives.
// Errors: InvalidArgument.
Result<ServiceLink> make_service_link(const Config& config, const std::string& inbox, Log& log);

}  // namespace chat21::server
