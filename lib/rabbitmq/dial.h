// A TCP connection, made with a deadline and without missing a stop().
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "chat21/result.h"

#include "lib/rabbitmq/stop_signal.h"

namespace chat21::rabbitmq {

// Tries every address of the host; rabbitmq-c gives up at the first one that
// does not answer. Returns a non-blocking socket, which the caller closes. The
// resolver itself has no deadline: it blocks as long as the system's does.
Result<int> dial(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout,
                 const StopSignal& stop);

}  // namespace chat21::rabbitmq
