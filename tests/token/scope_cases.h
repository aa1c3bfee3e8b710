// What RabbitMQ 3.10 lets a client do whose token has certain scopes, written down once for the
// unit test of Rights and for the test that asks a broker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/token.h"

namespace chat21::tests {

struct ScopeCase {
  enum class Attempt : std::uint8_t { Connect, Publish, Subscribe };
  std::string why{};
  Attempt attempt{};
  std::string topic{};  // or filter, as MQTT clients write it
  std::vector<std::string> scopes{};
  bool allowed = false;
};

const std::vector<ScopeCase>& scope_cases();

// What Rights say to the attempt.
bool allowed_by(const Rights& rights, const ScopeCase& attempt);

// For messages of tests.
std::string describe(const ScopeCase& attempt);

}  // namespace chat21::tests
