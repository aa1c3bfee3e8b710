// Rights against the RabbitMQ that they stand in for: the same tokens, the same attempts.
#include <array>
#include <cstdlib>
#include <gtest/gtest.h>
#include <random>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include "chat21/json.h"

#include "tests/integration/mosquitto_client.h"
#include "tests/token/scope_cases.h"
#include "tests/token/signing.h"

namespace chat21::tests {
namespace {

using Attempt = ScopeCase::Attempt;

const TokenRules kRules{.key = "tokenKey", .audience = "rabbitmq"};

std::string json_list(const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& value : values) {
    list += list.empty() ? '[' : ',';
    append_json_string(list, value);
  }
  return list.empty() ? "[]" : list + ']';
}

// `aud` and `scope` are JSON texts; what is empty is left out.
std::string token_of(const std::string& scope, const std::string& aud = R"(["rabbitmq"])") {
  JsonWriter claims;
  claims.text("sub", "ann").number("exp", 4102444800);  // 2100
  if (!scope.empty()) claims.json("scope", scope);
  if (!aud.empty()) claims.json("aud", aud);
  return sign(claims.object());
}

Rights rights_of(const std::string& token) {
  const auto verified = verify_token(
      token, kRules, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  return verified ? Rights(verified->scopes, kRules.audience) : Rights();
}

// The rights to the queues that RabbitMQ makes for a client, and to no topic.
std::vector<std::string> with_queues(std::vector<std::string> scopes) {
  for (const char* permission : {"configure", "read", "write"}) {
    scopes.push_back(std::string("rabbitmq.") + permission + ":*/mqtt-subscription-*");
  }
  return scopes;
}

class ScopesAtBroker : public ::testing::Test {
 protected:
  // Whether RabbitMQ lets a client with this token do it.
  bool allowed(const std::string& token, Attempt attempt, const std::string& topic = "") {
    const std::string id =
        "scopes-" + std::to_string(::getpid()) + '-' + std::to_string(++clients_);
    try {
      MosquittoClient client(id, token, port_);
      if (attempt == Attempt::Publish) return client.publish(topic, "{}", 1);
      if (attempt == Attempt::Subscribe) return client.subscribe(topic, 1);
      return true;
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(attempt, Attempt::Connect) << error.what();
      return false;
    }
  }

 private:
  static int port() {
    const char* port = std::getenv("CHAT21_TEST_MQTT_PORT");
    if (port == nullptr) {
      throw std::runtime_error(
          "CHAT21_TEST_MQTT_PORT is not set: run ./test.sh, "
          "which starts a broker");
    }
    return std::stoi(port);
  }

  int port_ = port();
  int clients_ = 0;
};

TEST_F(ScopesAtBroker, AllowWhatRightsAllow) {
  for (const ScopeCase& one : scope_cases()) {
    const bool connecting = one.attempt == Attempt::Connect;
    const std::string token =
        token_of(json_list(connecting ? one.scopes : with_queues(one.scopes)));
    const bool at_broker = allowed(token, one.attempt, one.topic);
    EXPECT_EQ(allowed_by(rights_of(token), one), at_broker) << describe(one);
    EXPECT_EQ(one.allowed, at_broker) << describe(one);
  }
}

// The table has what one thinks of. A pattern made out of its topic matches often enough.
TEST_F(ScopesAtBroker, AllowWhatRightsAllowAlsoAtRandom) {
  constexpr std::array<std::string_view, 10> kLetters = {"a",  "a", "b", "*",   "*",
                                                         "**", ".", "+", "%61", "%"};
  int matching = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    ScopeCase one{.why = "seed " + std::to_string(seed), .attempt = Attempt::Publish};
    std::string pattern;
    for (std::uint64_t left = 1 + random() % 6; left > 0; --left) {
      const char letter = "aab/ "[random() % 5];
      one.topic += letter;
      const bool keep = random() % 2 == 0;
      pattern += keep ? std::string(1, letter == '/' ? '.' : letter)
                      : std::string(kLetters.at(random() % kLetters.size()));
    }
    one.scopes = {"rabbitmq.write:*/*/" + pattern};
    const std::string token = token_of(json_list(with_queues(one.scopes)));
    const bool at_broker = allowed(token, one.attempt, one.topic);
    EXPECT_EQ(allowed_by(rights_of(token), one), at_broker) << describe(one);
    matching += at_broker ? 1 : 0;
  }
  EXPECT_GT(matching, 50);
  EXPECT_LT(matching, 450);
}

TEST_F(ScopesAtBroker, ComeInAnyFormThatRabbitmqTakes) {
  for (const char* scope : {R"("rabbitmq.read:*/*/*")", R"("openid  rabbitmq.read:*/*/* ")",
                            R"("openid,rabbitmq.read:*/*/*")", R"("")", "[]", "", "null", "5",
                            R"({"rabbitmq.read:*/*/*":1})", R"([["rabbitmq.read:*/*/*"]])"}) {
    const std::string token = token_of(scope);
    EXPECT_EQ(rights_of(token).connect(), allowed(token, Attempt::Connect)) << scope;
  }
}

TEST_F(ScopesAtBroker, AreForTheAudienceThatRabbitmqTakes) {
  const std::string scope = R"(["rabbitmq.read:*/*/*"])";
  for (const char* aud :
       {R"(["rabbitmq"])", R"(["ann","rabbitmq"])", R"("rabbitmq")", R"("ann rabbitmq")",
        R"(["ann rabbitmq"])", R"("ann,rabbitmq")", R"("RabbitMQ")", R"(["ann"])",
        R"([5,"rabbitmq"])", R"([["rabbitmq"]])", R"({"rabbitmq":1})", "5", "null", "[]", ""}) {
    const std::string token = token_of(scope, aud);
    EXPECT_EQ(rights_of(token).connect(), allowed(token, Attempt::Connect)) << aud;
  }
}

}  // namespace
}  // namespace chat21::tests
