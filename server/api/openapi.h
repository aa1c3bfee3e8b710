// docs/openapi.yaml, built in.
#pragma once

#include <string_view>

namespace chat21::server {

std::string_view openapi_yaml();

}  // namespace chat21::server
