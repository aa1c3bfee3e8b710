// Who calls: the JSON Web Token of a request, verified (RFC 7519, HS256 only).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "chat21/result.h"
#include "chat21/token.h"

namespace chat21::server {

struct Caller {
  std::string user;    // sub
  std::string app;     // app_id
  bool admin = false;  // tiledesk_api_roles
  std::string claims;  // the token's payload, a JSON object
};

// `token` may begin with "Bearer " or "JWT "; otherwise it is as verify_token() wants it, and
// its user and app are ids that topics can carry. Safe from any thread. Error (InvalidArgument):
// what is wrong, for the log; callers do not tell strangers.
Result<Caller> identify(std::string_view token, const TokenRules& rules,
                        std::chrono::sys_seconds now);

}  // namespace chat21::server
