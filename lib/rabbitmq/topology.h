// The exchange, queues and bindings that the transport needs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chat21/rabbitmq.h"
#include "chat21/result.h"

#include "lib/rabbitmq/connection.h"

namespace chat21::rabbitmq {

struct DeclaredQueue {
  std::string name;            // that of an exclusive one may differ from what was asked for
  std::uint32_t messages = 0;  // that wait; those that are out do not count
  std::uint32_t consumers = 0;
};

// Declares what is missing; what is there stays as it is. Returns the queues as they are.
// Errors: Unavailable; InvalidArgument if something exists with other properties.
Result<std::vector<DeclaredQueue>> declare_topology(Connection& connection,
                                                    const RabbitmqOptions& options);

}  // namespace chat21::rabbitmq
