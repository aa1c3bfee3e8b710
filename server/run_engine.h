// What both engines do at start.
#pragma once

#include <chrono>
#include <memory>

#include "server/config.h"
#include "server/health.h"
#include "server/log.h"
#include "server/rest.h"

namespace chat21::server {

// What run() is made of, per engine: returns the exit status.
int run_rabbitmq(const Configuration& configuration, Log& log);
int run_embedded(const Configuration& configuration, Log& log);

// Errors: InvalidArgument, what only the transport knows to be wrong.
Result<> check_rabbitmq(const Configuration& configuration);

// For clients to take the answers to their last requests.
inline constexpr std::chrono::seconds kGoodbye{3};

}  // namespace chat21::server
