#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <jwt.h>
#include <memory>
#include <utility>

#include "chat21/json.h"
#include "chat21/token.h"
#include "chat21/topic.h"

namespace chat21 {
namespace {

using Type = JsonMember::Type;

// Ours have less than 1 KiB; what is longer is not worth the work of a signature.
constexpr std::size_t kMaxTokenBytes = 8U << 10U;

// The last second that the system's clock can tell: a comparison with its time, which
// counts nanoseconds, would overflow with a later one.
constexpr auto kLastSecond = std::chrono::floor<std::chrono::seconds>(
    std::chrono::sys_time<std::chrono::nanoseconds>::max());

Error refuse(std::string why) {
  return fail(Error::Code::InvalidArgument, "the token is refused: " + std::move(why));
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

std::vector<std::string> split_at_blanks(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (!word.empty()) words.emplace_back(word);
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return words;
}

// A list is an array of strings, or one string with blanks between (RFC 6749 §3.3).
std::vector<std::string> read_list(const JsonObject& claims, std::string_view name) {
  const JsonMember* claim = claims.find(name);
  if (claim == nullptr) return {};
  if (claim->is(Type::String)) return split_at_blanks(decode_string(*claim));
  return claim->is(Type::Array) ? decode_strings(*claim) : std::vector<std::string>();
}

std::string read_id(const JsonObject& claims, std::string_view name) {
  const JsonMember* claim = claims.find(name);
  if (claim == nullptr || !claim->is(Type::String)) return {};
  std::string id = decode_string(*claim);
  return validate_id(name, id) ? id : std::string();
}

Result<std::chrono::sys_seconds> read_expiry(const JsonObject& claims,
                                             std::chrono::sys_seconds now) {
  const JsonMember* claim = claims.find("exp");
  if (claim == nullptr || !claim->is(Type::Number)) return refuse("it has no exp");
  const double expires = std::ceil(decode_number(*claim));
  if (!(static_cast<double>(now.time_since_epoch().count()) < expires)) {
    return refuse("it has expired");
  }
  if (expires >= static_cast<double>(kLastSecond.time_since_epoch().count())) return kLastSecond;
  return std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(expires)));
}

Result<> check_not_before(const JsonObject& claims, std::chrono::sys_seconds now) {
  const JsonMember* claim = claims.find("nbf");
  if (claim == nullptr) return {};
  if (!claim->is(Type::Number)) return refuse("its nbf is not a number");
  if (!(decode_number(*claim) <= static_cast<double>(now.time_since_epoch().count()))) {
    return refuse("it is not valid yet");
  }
  return {};
}

}  // namespace

Result<Token> verify_token(std::string_view token, const TokenRules& rules,
                           std::chrono::sys_seconds now) {
  if (token.empty()) return refuse("there is none");
  if (token.size() > kMaxTokenBytes) return refuse("it is too long");
  if (token.find('\0') != std::string_view::npos) return refuse("it contains a NUL byte");
  auto text = verified_claims(std::string(token), rules.key);
  if (!text) return text.error();
  JsonObject claims;
  if (const auto parsed = claims.parse(*text); !parsed) {
    return refuse("its claims are refused: " + parsed.error().message);
  }
  const auto expires = read_expiry(claims, now);
  if (!expires) return expires.error();
  if (const auto begun = check_not_before(claims, now); !begun) return begun.error();
  const std::vector<std::string> audiences = read_list(claims, "aud");
  if (std::find(audiences.begin(), audiences.end(), rules.audience) == audiences.end()) {
    return refuse("it is for another audience");
  }
  return Token{.claims = *text,
               .user = read_id(claims, "sub"),
               .app = read_id(claims, "app_id"),
               .scopes = read_list(claims, "scope"),
               .expires = *expires};
}

}  // namespace chat21
