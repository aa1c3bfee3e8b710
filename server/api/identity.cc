#include "server/api/identity.h"

#include <algorithm>
#include <cstdlib>
#include <jwt.h>
#include <memory>
#include <strings.h>
#include <utility>
#include <vector>

#include "chat21/json.h"
#include "chat21/topic.h"

namespace chat21::server {
namespace {

using Type = JsonMember::Type;

// Ours have less than 1 KiB; what is longer is not worth the work of a signature.
constexpr std::size_t kMaxTokenBytes = 8U << 10U;

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

// The claims of a token whose signature is right.
Result<std::string> verified_claims(const std::string& token, const std::string& key) {
  // Without a key the library would verify nothing.
  if (key.empty()) return refuse("there is no key to verify it with");
  const std::vector<unsigned char> bytes(key.begin(), key.end());
  jwt_t* opened = nullptr;
  const int error =
      jwt_decode(&opened, token.c_str(), bytes.data(), static_cast<int>(bytes.size()));
  const std::unique_ptr<jwt_t, decltype(&jwt_free)> jwt(opened, &jwt_free);
  if (error != 0) return refuse("it is broken, or its signature is wrong");
  // The token itself says how it is signed: whoever believes it takes a public key
  // for the key of an HMAC, or a missing signature for one.
  if (jwt_get_alg(jwt.get()) != JWT_ALG_HS256) return refuse("it is not signed with HS256");
  const std::unique_ptr<char, decltype(&std::free)> claims(jwt_get_grants_json(jwt.get(), nullptr),
                                                           &std::free);
  if (!claims) return refuse("its claims cannot be read");
  return std::string(claims.get());
}

// A claim that is a string, or an array of which one element is.
bool names(const JsonMember* claim, std::string_view text) {
  if (claim == nullptr) return false;
  if (claim->is(Type::String)) return decode_string(*claim) == text;
  if (!claim->is(Type::Array)) return false;
  const std::vector<std::string> all = decode_strings(*claim);
  return std::find(all.begin(), all.end(), text) != all.end();
}

Result<> check_times(const JsonObject& claims, std::chrono::sys_seconds now) {
  const auto seconds = static_cast<double>(now.time_since_epoch().count());
  const JsonMember* expires = claims.find("exp");
  if (expires == nullptr || !expires->is(Type::Number)) return refuse("it has no exp");
  if (!(seconds < decode_number(*expires))) return refuse("it has expired");
  const JsonMember* not_before = claims.find("nbf");
  if (not_before == nullptr) return {};
  if (!not_before->is(Type::Number)) return refuse("its nbf is not a number");
  if (!(decode_number(*not_before) <= seconds)) return refuse("it is not valid yet");
  return {};
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
  token = without_scheme(token);
  if (token.empty()) return refuse("there is none");
  if (token.size() > kMaxTokenBytes) return refuse("it is too long");
  if (token.find('\0') != std::string_view::npos) return refuse("it contains a NUL byte");
  auto text = verified_claims(std::string(token), rules.key);
  if (!text) return text.error();
  JsonObject claims;
  if (const auto parsed = claims.parse(*text); !parsed) {
    return refuse("its claims are refused: " + parsed.error().message);
  }
  if (const auto valid = check_times(claims, now); !valid) return valid.error();
  if (!names(claims.find("aud"), rules.audience)) return refuse("it is for another audience");
  auto caller = read_caller(claims);
  if (caller) caller->claims = *std::move(text);
  return caller;
}

}  // namespace chat21::server
