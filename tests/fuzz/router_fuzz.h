// One delivery of a stranger, through the whole core.
#pragma once

#include <string_view>

namespace chat21::tests {

// `input` is a routing key, a line feed, and a body. Aborts with a message if the
// Router breaks a promise: every delivery is settled exactly once, published keys
// fit and stay inside the app, published bodies are JSON objects, ids are valid.
void route_stranger(std::string_view input);

}  // namespace chat21::tests
