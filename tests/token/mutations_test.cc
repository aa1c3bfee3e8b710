// Tokens and scopes broken at random places, in ways that a seed repeats.
#include "tests/support/mutations.h"

#include <array>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/token/scope_cases.h"
#include "tests/token/signing.h"

namespace chat21::tests {
namespace {

constexpr auto kNow = std::chrono::sys_seconds(std::chrono::seconds(1'760'000'000));
const TokenRules kRules{.key = "tokenKey", .audience = "rabbitmq"};
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";
constexpr std::string_view kClaims =
    R"({"jti":"1","sub":"ann","app_id":"tilechat","exp":1760003600,"nbf":1,"iat":1,)"
    R"("aud":["rabbitmq","ann"],"scope":["rabbitmq.read:*/*/apps.t.users.ann.*",)"
    R"("rabbitmq.write:%2F/amq.topic/apps.t.users.ann.*"],"a":{"b":[1.5e3,null,"\u00e9"]}})";

constexpr std::array<std::string_view, 24> kTokens = {
    "{",    "}",   "[",         "]",       "\"",       ":",        ",",          "\\",
    "null", "1e9", "\\u0000",   "\\ud800", "\xFF",     "*",        "/",          "%",
    "%2F",  ".",   "rabbitmq.", "read:",   "\"exp\":", "\"aud\":", "\"scope\":", "-"};

class Mutations {
 public:
  explicit Mutations(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

  std::string of(std::string text) { return mutate(random_, std::move(text), {.tokens = kTokens}); }

 private:
  std::mt19937_64 random_;
};

TEST(Mutations, OfATokenAreRefused) {
  const std::string token = sign_raw(kHeader, kClaims);
  ASSERT_TRUE(verify_token(token, kRules, kNow));
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const std::string changed = Mutations(seed).of(token);
    if (changed == token) continue;
    EXPECT_FALSE(verify_token(changed, kRules, kNow)) << "seed " << seed;
  }
}

// Signed by somebody who does not know what he signs.
TEST(Mutations, OfTheClaimsAreReadOrRefused) {
  int verified = 0;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Mutations mutations(seed);
    const auto token =
        verify_token(sign_raw(kHeader, mutations.of(std::string(kClaims))), kRules, kNow);
    if (!token) continue;
    ++verified;
    EXPECT_GT(token->expires, kNow);
    EXPECT_LT(token->scopes.size(), 1000U);
    EXPECT_TRUE(token->claims.starts_with('{'));
    const Rights rights(token->scopes, kRules.audience);
    EXPECT_FALSE(!rights.connect() && rights.allow(Permission::Read, "apps.t.users.ann.x"));
  }
  EXPECT_GT(verified, 1000);
}

// Slow and plain: where a star may end is tried out, as RabbitMQ does not.
bool matches_with_backtracking(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '*') {
    return !text.empty() && text.front() == pattern.front() &&
           matches_with_backtracking(text.substr(1), pattern.substr(1));
  }
  for (std::size_t taken = 0; taken <= text.size(); ++taken) {
    if (matches_with_backtracking(text.substr(taken), pattern.substr(1))) return true;
  }
  return false;
}

// A star that takes as little as it can allows less than it might, never more.
TEST(Mutations, OfPatternsAllowNoMoreThanTheySay) {
  int allowed = 0;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Mutations mutations(seed);
    std::string topic;
    std::string pattern;
    for (std::size_t left = 1 + mutations.below(10); left > 0; --left) {
      topic += "ab."[mutations.below(3)];
      pattern += mutations.below(2) == 0 ? topic.back() : "ab.**"[mutations.below(5)];
    }
    const std::vector<std::string> scopes = {"rabbitmq.read:*/*/" + pattern};
    if (!Rights(scopes, "rabbitmq").allow(Permission::Read, topic)) continue;
    ++allowed;
    EXPECT_TRUE(matches_with_backtracking(topic, pattern)) << pattern << " for " << topic;
  }
  EXPECT_GT(allowed, 1000);
}

TEST(Mutations, OfScopesNeedTheirPrefix) {
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Mutations mutations(seed);
    const ScopeCase& one = scope_cases().at(mutations.below(scope_cases().size()));
    std::vector<std::string> scopes;
    for (const std::string& scope : one.scopes) scopes.push_back(mutations.of(scope));
    const Rights rights(scopes, "rabbitmq");
    bool prefixed = false;
    for (const std::string& scope : scopes) prefixed |= scope.starts_with("rabbitmq.");
    EXPECT_TRUE(!allowed_by(rights, one) || (prefixed && rights.connect())) << describe(one);
  }
}

}  // namespace
}  // namespace chat21::tests
