// How this server reaches its broker.
#pragma once

#include "chat21/rabbitmq.h"

#include "server/config.h"

namespace chat21::server {

// Without queues.
RabbitmqOptions broker_options(const Config& config);

}  // namespace chat21::server
