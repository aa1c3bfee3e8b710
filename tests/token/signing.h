// Tokens made for tests, also such as nobody should make.
#pragma once

#include <jwt.h>
#include <string>
#include <string_view>

namespace chat21::tests {

// By libjwt. Fails the test that asks if the claims are no JSON object.
std::string sign(const std::string& claims, jwt_alg_t algorithm = JWT_ALG_HS256,
                 const std::string& key = "tokenKey");

// base64url without padding (RFC 7515 §2).
std::string base64url(std::string_view text);

// HS256 of any header and payload, with "tokenKey".
std::string sign_raw(std::string_view header, std::string_view payload);

}  // namespace chat21::tests
