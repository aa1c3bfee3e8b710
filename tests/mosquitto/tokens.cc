#include "tests/mosquitto/tokens.h"

#include <cstdlib>
#include <jwt.h>
#include <memory>
#include <stdexcept>

namespace chat21::mosquitto {
namespace {

void check(int failed) {
  if (failed != 0) throw std::runtime_error("libjwt refuses to make a token");
}

std::string json_array(const std::vector<std::string>& texts) {
  std::string json;
  for (const std::string& text : texts) json += (json.empty() ? "\"" : ",\"") + text + '"';
  return '[' + json + ']';
}

std::string valid_token(const std::string& user, std::vector<std::string> scopes) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return token_with(
      {.user = user, .scopes = std::move(scopes), .expires = now + std::chrono::hours(1)});
}

}  // namespace

std::string token_with(const TokenClaims& claims) {
  jwt_t* made = nullptr;
  check(jwt_new(&made));
  const std::unique_ptr<jwt_t, decltype(&jwt_free)> token(made, &jwt_free);
  const std::vector<unsigned char> key(claims.key.begin(), claims.key.end());
  check(jwt_set_alg(made, JWT_ALG_HS256, key.data(), static_cast<int>(key.size())));
  if (!claims.user.empty()) check(jwt_add_grant(made, "sub", claims.user.c_str()));
  check(jwt_add_grant(made, "app_id", "tilechat"));
  check(jwt_add_grant_int(made, "exp", claims.expires.time_since_epoch().count()));
  const std::string json =
      R"({"aud":[")" + claims.audience + R"("],"scope":)" + json_array(claims.scopes) + '}';
  check(jwt_add_grants_json(made, json.c_str()));
  const std::unique_ptr<char, decltype(&std::free)> text(jwt_encode_str(made), &std::free);
  if (!text) throw std::runtime_error("libjwt cannot sign");
  return text.get();
}

std::vector<std::string> user_scopes(const std::string& user) {
  const std::string own = "apps.tilechat.users." + user + ".*";
  return {"rabbitmq.read:*/*/" + own,
          "rabbitmq.write:*/*/" + own,
          "rabbitmq.write:*/*/apps.tilechat.outgoing.users." + user + ".*",
          "rabbitmq.configure:*/*/*",
          "rabbitmq.read:*/*/." + own,
          "rabbitmq.write:*/*/." + own};
}

std::string user_token(const std::string& user) {
  return valid_token(user, user_scopes(user));
}

std::string service_token() {
  return valid_token("service",
                     {"rabbitmq.read:*/*/*", "rabbitmq.write:*/*/*", "rabbitmq.configure:*/*/*"});
}

}  // namespace chat21::mosquitto
