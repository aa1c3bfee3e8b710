#include "tests/token/signing.h"

#include <array>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <vector>

namespace chat21::tests {

std::string sign(const std::string& claims, jwt_alg_t algorithm, const std::string& key) {
  jwt_t* made = nullptr;
  EXPECT_EQ(jwt_new(&made), 0);
  const std::unique_ptr<jwt_t, decltype(&jwt_free)> token(made, &jwt_free);
  EXPECT_EQ(jwt_add_grants_json(made, claims.c_str()), 0) << claims;
  const std::vector<unsigned char> bytes(key.begin(), key.end());
  const bool unsigned_token = algorithm == JWT_ALG_NONE;
  EXPECT_EQ(jwt_set_alg(made, algorithm, unsigned_token ? nullptr : bytes.data(),
                        unsigned_token ? 0 : static_cast<int>(bytes.size())),
            0);
  const std::unique_ptr<char, decltype(&std::free)> text(jwt_encode_str(made), &std::free);
  EXPECT_TRUE(text) << claims;
  return text ? text.get() : "";
}

std::string base64url(std::string_view text) {
  const std::vector<unsigned char> bytes(text.begin(), text.end());
  std::vector<unsigned char> encoded((text.size() + 2) / 3 * 4 + 1);
  const int size = EVP_EncodeBlock(encoded.data(), bytes.data(), static_cast<int>(bytes.size()));
  std::string out(encoded.begin(), encoded.begin() + size);
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string sign_raw(std::string_view header, std::string_view payload) {
  constexpr std::string_view kKey = "tokenKey";
  const std::string text = base64url(header) + '.' + base64url(payload);
  const std::vector<unsigned char> bytes(text.begin(), text.end());
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), kKey.data(), static_cast<int>(kKey.size()), bytes.data(), bytes.size(),
       mac.data(), &size);
  return text + '.' + base64url(std::string(mac.begin(), mac.begin() + size));
}

}  // namespace chat21::tests
