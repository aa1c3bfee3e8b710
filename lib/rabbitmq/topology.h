// The exchange, queues and bindings that the transport needs.
#pragma once

#include <string>
#include <vector>

#include "chat21/rabbitmq.h"
#include "chat21/result.h"

#include "lib/rabbitmq/connection.h"

namespace chat21::rabbitmq {

// Declares what is missing; what is there stays as it is. Returns the names of the
// queues, of which an exclusive one may differ from what was asked for. Errors:
// Unavailable; InvalidArgument if something exists with other properties.
Result<std::vector<std::string>> declare_topology(Connection& connection,
                                                  const RabbitmqOptions& options);

}  // namespace chat21::rabbitmq
