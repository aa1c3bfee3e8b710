// The exchange, queues and bindings that the transport needs.
#pragma once

#include "chat21/rabbitmq.h"
#include "chat21/result.h"

#include "lib/rabbitmq/connection.h"

namespace chat21::rabbitmq {

// Declares what is missing; what is there stays as it is. Errors: Unavailable;
// InvalidArgument if something exists with other properties.
Result<> declare_topology(Connection& connection, const RabbitmqOptions& options);

}  // namespace chat21::rabbitmq
