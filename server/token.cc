#include "server/token.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <jwt.h>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "chat21/json.h"
#include "chat21/topic.h"

namespace chat21::server {
namespace {

using Code = Error::Code;
using Subject = TokenRequest::Subject;

constexpr std::string_view kObserverId = "01-OBSERVER";
constexpr std::string_view kAdminId = "100-APIADMIN";

std::string_view subject_id(const TokenRequest& request) {
  switch (request.subject) {
    case Subject::Observer:
      return kObserverId;
    case Subject::Admin:
      return kAdminId;
    case Subject::User:
      break;
  }
  return request.user;
}

std::string_view role(const TokenRequest& request) {
  const bool admin =
      request.subject == Subject::Admin || (request.subject == Subject::User && request.admin_role);
  return admin ? "admin" : "user";
}

std::vector<std::string> user_scopes(const TokenRequest& request) {
  const std::string& app = request.app;
  const std::string& user = request.user;
  std::vector<std::string> scopes = {
      fmt::format("rabbitmq.read:*/*/apps.{}.users.{}.*", app, user),
      fmt::format("rabbitmq.write:*/*/apps.{}.users.{}.*", app, user),
      fmt::format("rabbitmq.write:*/*/apps.{}.outgoing.users.{}.*", app, user),
      "rabbitmq.configure:*/*/*",
  };
  if (request.slash_topics) {
    // "/apps/..." is ".apps..." for the broker.
    scopes.push_back(fmt::format("rabbitmq.read:*/*/.apps.{}.users.{}.*", app, user));
    scopes.push_back(fmt::format("rabbitmq.write:*/*/.apps.{}.users.{}.*", app, user));
  }
  return scopes;
}

std::vector<std::string> scopes(const TokenRequest& request) {
  if (request.subject == Subject::User) {
    return user_scopes(request);
  }
  return {"rabbitmq.read:*/*/*", "rabbitmq.write:*/*/*", "rabbitmq.configure:*/*/*"};
}

Result<> check(const TokenRequest& request) {
  if (auto valid = validate_id("the app id", request.app); !valid) {
    return valid;
  }
  if (request.subject != Subject::User) {
    return {};
  }
  if (auto valid = validate_id("the user id", request.user); !valid) {
    return valid;
  }
  if (is_group_id(request.user)) {
    return fail(Code::InvalidArgument,
                "the user id contains 'group-', which marks the ids of groups");
  }
  if (request.app.size() + request.user.size() >= kMaxIds) {
    return fail(Code::InvalidArgument,
                fmt::format("app id and user id together must have less than {} bytes, so that "
                            "topics fit",
                            kMaxIds));
  }
  return {};
}

template <class List>
std::string json_list(const List& values) {
  std::string list;
  for (const std::string_view value : values) {
    list += list.empty() ? '[' : ',';
    append_json_string(list, value);
  }
  return list + ']';
}

Result<std::string> sign(const std::string& claims, const std::string& key) {
  jwt_t* made = nullptr;
  if (const int error = jwt_new(&made); error != 0) {
    return fail(Code::Internal, fmt::format("cannot make a token: {}", std::strerror(error)));
  }
  const std::unique_ptr<jwt_t, decltype(&jwt_free)> token(made, &jwt_free);
  if (const int error = jwt_add_grants_json(token.get(), claims.c_str()); error != 0) {
    return fail(Code::Internal,
                fmt::format("cannot set the claims of a token: {}", std::strerror(error)));
  }
  const std::vector<unsigned char> bytes(key.begin(), key.end());
  const int set =
      jwt_set_alg(token.get(), JWT_ALG_HS256, bytes.data(), static_cast<int>(bytes.size()));
  if (set != 0) {
    return fail(Code::Internal, fmt::format("cannot use the key: {}", std::strerror(set)));
  }
  const std::unique_ptr<char, decltype(&std::free)> encoded(jwt_encode_str(token.get()),
                                                            &std::free);
  if (!encoded) {
    return fail(Code::Internal, fmt::format("cannot sign a token: {}", std::strerror(errno)));
  }
  return std::string(encoded.get());
}

}  // namespace

std::chrono::seconds default_lifetime(Subject subject) {
  // Services run unattended, and an expired token stops them; people log in again.
  return subject == Subject::User ? std::chrono::days(30) : std::chrono::days(365);
}

Result<std::string> mint_token(const TokenRequest& request, const TokenContext& context) {
  if (const auto valid = check(request); !valid) {
    return fail(valid.error());
  }
  const std::string_view id = subject_id(request);
  const std::int64_t now = context.now.time_since_epoch().count();
  JsonWriter claims;
  claims.text("jti", context.id).text("sub", id).json("scope", json_list(scopes(request)));
  for (const char* name : {"client_id", "cid", "azp", "user_id"}) {
    claims.text(name, id);
  }
  claims.text("app_id", request.app)
      .number("iat", now)
      .number("exp", now + request.lifetime.count())
      .json("aud", json_list(std::array{std::string_view(context.audience), id}))
      .text("kid", "tiledesk-key")
      .text("tiledesk_api_roles", role(request));
  return sign(claims.object(), context.key);
}

std::string random_uuid() {
  std::random_device random;
  const auto bits = [&random] { return (std::uint64_t{random()} << 32U) | random(); };
  const std::uint64_t high = (bits() & ~0xF000ULL) | 0x4000ULL;               // version 4
  const std::uint64_t low = (bits() & ~(0b11ULL << 62U)) | (0b10ULL << 62U);  // variant of RFC 9562
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU,
                     high & 0xFFFFU, low >> 48U, low & 0xFFFFFFFFFFFFULL);
}

}  // namespace chat21::server
