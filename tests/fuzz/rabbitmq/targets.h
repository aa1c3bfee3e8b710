// As core/targets.h.
#pragma once

#include <string_view>

namespace chat21::tests {

// Bytes: limits, then frames as rabbitmq-c would hand them out, in any order.
void fuzz_frames(std::string_view input);

// The broker's address.
void fuzz_uri(std::string_view input);

// Parts: a routing key and an app. Whether its observer's queues get it.
void fuzz_bindings(std::string_view input);

}  // namespace chat21::tests
