#include "server/api/identity.h"

#include <algorithm>
#include <strings.h>
#include <utility>
#include <vector>

#include "chat21/json.h"
#include "chat21/topic.h"

namespace chat21::server {
namespace {

using Type = JsonMember::Type;

Error refuse(std::string why) {
  return fail(Error::Code::InvalidArgument, "the token is refused: " + std::move(why));
}

// In any case, as RFC 9110 §11.1 has it.
std::string_view without_scheme(std::string_view token) {
  for (const std::string_view scheme : {"bearer ", "jwt "}) {
    const bool has_scheme = token.size() >= scheme.size() &&
                            ::strncasecmp(token.data(), scheme.data(), scheme.size()) == 0;
    if (has_scheme) return token.substr(scheme.size());
  }
  return token;
}

// A claim that is a string, or an array of which one element is.
bool names(const JsonMember* claim, std::string_view text) {
  if (claim == nullptr) return false;
  if (claim->is(Type::String)) return decode_string(*claim) == text;
  if (!claim->is(Type::Array)) return false;
  const std::vector<std::string> all = decode_strings(*claim);
  return std::find(all.begin(), all.end(), text) != all.end();
}

Result<std::string> read_id(const JsonObject& claims, const char* name) {
  const JsonMember* claim = claims.find(name);
  if (claim == nullptr || !claim->is(Type::String)) {
    return refuse(std::string(name) + " is missing or not a string");
  }
  std::string id = decode_string(*claim);
  if (const auto valid = validate_id(name, id); !valid) return refuse(valid.error().message);
  return id;
}

Result<Caller> read_caller(const JsonObject& claims) {
  auto user = read_id(claims, "sub");
  if (!user) return user.error();
  auto app = read_id(claims, "app_id");
  if (!app) return app.error();
  if (*app == "observer") return refuse("app_id is observer, which the services' keys use");
  // It would be the owner of the group's own timeline.
  if (is_group_id(*user)) return refuse("sub is the id of a group");
  if (app->size() + user->size() >= kMaxIds) return refuse("no topic has room for its ids");
  Caller caller;
  caller.user = *std::move(user);
  caller.app = *std::move(app);
  caller.admin = names(claims.find("tiledesk_api_roles"), "admin");
  return caller;
}

}  // namespace

Result<Caller> identify(std::string_view token, const TokenRules& rules,
                        std::chrono::sys_seconds now) {
  auto verified = verify_token(without_scheme(token), rules, now);
  if (!verified) return verified.error();
  JsonObject claims;
  if (const auto parsed = claims.parse(verified->claims); !parsed) return parsed.error();
  auto caller = read_caller(claims);
  if (caller) caller->claims = std::move(verified->claims);
  return caller;
}

}  // namespace chat21::server
