// As core/targets.h.
#pragma once

#include <string_view>

namespace chat21::tests {

// The target of a request.
void fuzz_target(std::string_view input);

// The head of a request that may become a WebSocket.
void fuzz_handshake(std::string_view input);

// Items are requests to the API, one after the other. Parts of one: a byte for who asks,
// method and target with a blank between, and the body.
void fuzz_api(std::string_view input);

}  // namespace chat21::tests
