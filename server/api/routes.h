// All routes of the REST API: START HERE. docs/openapi.yaml describes them for clients,
// and a test holds the two against each other.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "server/api/call.h"
#include "server/api/services.h"

namespace chat21::server {

struct Route {
  enum class Access : std::uint8_t {
    Anyone,  // no token
    Token,   // any valid token
    App,     // of this app
    User,    // of this app, and this user or an admin
    Owner,   // of this app, and this user
    Admin,   // of this app, and an admin
  };
  enum class Body : std::uint8_t { None, Optional, Object };

  std::string_view method;
  std::string_view path;  // with {app}, {user}, ...: names of PathIds
  Access access;
  Body body;
  HttpResponse (*handle)(Services&, const Call&);
  bool with_base = true;  // below ApiOptions::base_path
  // The text of the 401 for those who may not; most have none.
  std::string_view refusal{};
};

std::span<const Route> routes();

}  // namespace chat21::server
