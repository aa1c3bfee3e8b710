// The command without a name: build the store and the transport that are
// configured, and observe.
#pragma once

#include "chat21/result.h"

#include "server/config.h"

namespace chat21::server {

// Whether a server with this configuration could start. Does not connect and
// does not open the store. Errors: InvalidArgument.
Result<> check_configuration(const Configuration& configuration);

// Returns the exit status.
int run(const Configuration& configuration);

}  // namespace chat21::server
