// Tokens: who may connect to the broker and what it may do there.
//
// A JSON Web Token as RabbitMQ's OAuth2 backend and Chat21's HTTP API expect it;
// docs/PROTOCOL.md ("Tokens") has the claims and scopes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "chat21/result.h"

namespace chat21::server {

struct TokenRequest {
  enum class Subject : std::uint8_t {
    User,      // writes to the own subtree and reads the own inbox
    Observer,  // everything on the broker; for RABBITMQ_URI
    Admin,     // everything on the broker and in the HTTP API
  };
  Subject subject = Subject::User;
  std::string user{};  // of a User: the id
  std::string app{};
  bool admin_role = false;    // of a User: may act for others in the HTTP API
  bool slash_topics = false;  // of a User: also topics with a leading slash, as "/apps/..."
  std::chrono::seconds lifetime{};
};

struct TokenContext {
  std::string key;       // HMAC-SHA256
  std::string audience;  // the broker's resource_server_id
  std::chrono::sys_seconds now;
  std::string id;  // the token's own, unique: "jti"
};

std::chrono::seconds default_lifetime(TokenRequest::Subject subject);

// Errors: InvalidArgument (the ids), Internal (the library).
Result<std::string> mint_token(const TokenRequest& request, const TokenContext& context);

// A random UUID, for TokenContext::id.
std::string random_uuid();

}  // namespace chat21::server
