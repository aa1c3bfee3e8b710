// Tokens with the claims that a test wants, signed as their issuer signs them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace chat21::mosquitto {

struct TokenClaims {
  std::string user{};
  std::vector<std::string> scopes{};
  std::chrono::sys_seconds expires{};
  std::string audience = "rabbitmq";
  std::string key = "tokenKey";
};

std::string token_with(const TokenClaims& claims);

// The scopes of an ordinary user, also on topics with a leading slash.
std::vector<std::string> user_scopes(const std::string& user);

// A user's token that is valid for an hour, and a service's, which may do everything.
std::string user_token(const std::string& user);
std::string service_token();

}  // namespace chat21::mosquitto
