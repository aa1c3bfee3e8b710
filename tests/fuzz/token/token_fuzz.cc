#include <chrono>
#include <string>

#include "chat21/json.h"
#include "chat21/token.h"
#include "chat21/topic.h"

#include "tests/fuzz/input.h"
#include "tests/fuzz/token/targets.h"
#include "tests/token/signing.h"

namespace chat21::tests {
namespace {

constexpr auto kNow = std::chrono::sys_seconds(std::chrono::seconds(1'760'000'000));

void check(const Token& token) {
  promise(token.expires > kNow, "a token that has run out is refused");
  JsonObject claims;
  promise(claims.parse(token.claims).has_value(), "claims are an object");
  promise(token.user.empty() || validate_id("user", token.user), "a user is an id");
  promise(token.app.empty() || validate_id("app", token.app), "an app is an id");
  promise(token.claims.size() <= 8192 && token.scopes.size() <= 8192, "a token is short");
}

}  // namespace

void fuzz_token(std::string_view input) {
  const TokenRules rules{.key = "tokenKey", .audience = "rabbitmq"};
  if (!input.starts_with('{')) {
    // Nobody finds a signature by trying. The seeds are signed with other keys.
    promise(!verify_token(input, rules, kNow), "a forged token is refused");
    return;
  }
  const std::string_view header = take_until(input, kBetweenParts);
  const std::string token = sign_raw(header, input);
  const auto verified = verify_token(token, rules, kNow);
  if (!verified) {
    return promise(verified.error().code == Error::Code::InvalidArgument, "a refusal says why");
  }
  check(*verified);
  promise(!verify_token(token, {.key = "otherKey", .audience = "rabbitmq"}, kNow),
          "another key does not verify it");
  // Nobody waits for the end of the clock.
  const bool ends = verified->expires < kNow + std::chrono::years(100);
  promise(!ends || !verify_token(token, rules, verified->expires), "it is over when it expires");
  promise(!verify_token(token.substr(0, token.size() - 1), rules, kNow), "a part is refused");
}

}  // namespace chat21::tests
