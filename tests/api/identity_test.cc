// Who may call, by tokens that libjwt made and by tokens that nobody should have made.
#include "server/api/identity.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jwt.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <random>
#include <string>
#include <vector>

#include "chat21/topic.h"

#include "server/token.h"
#include "tests/token/signing.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using tests::base64url;
using tests::sign;

constexpr auto kNow = std::chrono::sys_seconds(1'760'000'000s);
const TokenRules kRules{.key = "tokenKey", .audience = "rabbitmq"};

// Valid claims with some of them replaced, or left out if the value is empty.
std::string claims(const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  std::vector<std::pair<std::string, std::string>> all = {{"sub", R"("ann")"},
                                                          {"app_id", R"("tilechat")"},
                                                          {"exp", "1760003600"},
                                                          {"aud", R"(["rabbitmq","ann"])"},
                                                          {"tiledesk_api_roles", R"("user")"}};
  for (const auto& [name, value] : changes) {
    std::erase_if(all, [&name = name](const auto& claim) { return claim.first == name; });
    if (!value.empty()) all.emplace_back(name, value);
  }
  std::string text;
  for (const auto& [name, value] : all) {
    text += fmt::format(R"({}"{}":{})", text.empty() ? "" : ",", name, value);
  }
  return "{" + text + "}";
}

Result<Caller> identify_now(std::string_view token) {
  return identify(token, kRules, kNow);
}

void expect_refused(std::string_view token, std::string_view why) {
  const auto caller = identify_now(token);
  ASSERT_FALSE(caller) << why << ": " << token;
  EXPECT_EQ(caller.error().code, Error::Code::InvalidArgument);
  EXPECT_THAT(caller.error().message, HasSubstr("the token is refused: ")) << why;
}

TEST(Identity, IsThatOfAMintedToken) {
  const auto token = mint_token({.user = "ann", .app = "tilechat", .lifetime = 1h},
                                {"tokenKey", "rabbitmq", kNow, "the-id"});
  ASSERT_TRUE(token);
  const auto caller = identify_now(*token);
  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->user, "ann");
  EXPECT_EQ(caller->app, "tilechat");
  EXPECT_FALSE(caller->admin);
  EXPECT_THAT(caller->claims, HasSubstr(R"("jti":"the-id")"));
}

TEST(Identity, TakesTheTokenAsItIsOrAfterAScheme) {
  const std::string token = sign(claims());
  for (const char* scheme : {"", "Bearer ", "bearer ", "BEARER ", "JWT "}) {
    EXPECT_TRUE(identify_now(scheme + token)) << scheme;
  }
  for (const char* scheme : {" ", "Bearer", "Bearer  ", "JWT JWT ", "Basic ", "bearer: "}) {
    expect_refused(scheme + token, scheme);
  }
}

TEST(Identity, IsAdminByTheRole) {
  for (const char* role : {R"("admin")", R"(["admin"])", R"(["user","admin"])"}) {
    const auto caller = identify_now(sign(claims({{"tiledesk_api_roles", role}})));
    ASSERT_TRUE(caller) << role;
    EXPECT_TRUE(caller->admin) << role;
  }
  for (const char* role :
       {"", R"("user")", R"("Admin")", R"("admin,user")", R"(["user"])", R"([["admin"]])",
        R"([{"admin":"admin"}])", R"({"admin":true})", "true", R"(["x\"admin"])", "[]"}) {
    const auto caller = identify_now(sign(claims({{"tiledesk_api_roles", role}})));
    ASSERT_TRUE(caller) << role;
    EXPECT_FALSE(caller->admin) << role;
  }
}

TEST(Identity, IsForOurAudience) {
  for (const char* audience : {R"("rabbitmq")", R"(["rabbitmq"])", R"(["x",5,"rabbitmq"])"}) {
    EXPECT_TRUE(identify_now(sign(claims({{"aud", audience}})))) << audience;
  }
  for (const char* audience : {"", R"("rabbit")", R"("rabbitmq2")", R"(["ann"])", "[]", "5", "null",
                               R"([["rabbitmq"]])", R"({"rabbitmq":1})", R"("")"}) {
    expect_refused(sign(claims({{"aud", audience}})), audience);
  }
}

TEST(Identity, HoldsFromNbfUntilExp) {
  EXPECT_TRUE(identify_now(sign(claims({{"exp", "1760000001"}}))));
  EXPECT_TRUE(identify_now(sign(claims({{"exp", "1760000000.5"}}))));
  EXPECT_TRUE(identify_now(sign(claims({{"exp", "1e300"}}))));
  EXPECT_TRUE(identify_now(sign(claims({{"nbf", "1760000000"}}))));
  EXPECT_TRUE(identify_now(sign(claims({{"nbf", "-1"}}))));
  for (const char* expires :
       {"", "1760000000", "1759999999", "0", "-1", R"("1760003600")", "null", "true", "[]"}) {
    expect_refused(sign(claims({{"exp", expires}})), expires);
  }
  for (const char* not_before : {"1760000001", "1e300", R"("1750000000")", "null", "true"}) {
    expect_refused(sign(claims({{"nbf", not_before}})), not_before);
  }
}

TEST(Identity, HasIdsThatTopicsCanCarry) {
  for (const char* name : {"sub", "app_id"}) {
    for (const char* id : {"", R"("")", R"("a.b")", R"("a/b")", R"("*")", R"("#")", R"("+")",
                           R"("%2e")", R"("$x")", R"("a\nb")", "5", "null", R"(["ann"])"}) {
      expect_refused(sign(claims({{name, id}})), fmt::format("{}: {}", name, id));
    }
  }
  expect_refused(sign(claims({{"app_id", R"("observer")"}})), "the services' own");
  expect_refused(sign(claims({{"sub", R"("group-77")"}})), "who could read the group's timeline");
  const std::string longest(kMaxIds - 1 - std::string_view("tilechat").size(), 'x');
  EXPECT_TRUE(identify_now(sign(claims({{"sub", '"' + longest + '"'}}))));
  expect_refused(sign(claims({{"sub", '"' + longest + "x\""}})), "no topic has room");
  const auto caller = identify_now(sign(claims({{"sub", R"("Zoë \"the\\cat\" 你 ' OR 1=1 --")"}})));
  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->user, "Zoë \"the\\cat\" 你 ' OR 1=1 --");
}

TEST(Identity, NeedsTheRightKey) {
  expect_refused(sign(claims(), JWT_ALG_HS256, "another key"), "another key");
  expect_refused(sign(claims(), JWT_ALG_HS256, "tokenKe"), "a shorter key");
  // Without a key libjwt verifies nothing.
  for (const std::string& token : {sign(claims()), sign(claims(), JWT_ALG_NONE)}) {
    EXPECT_FALSE(identify(token, {.key = "", .audience = "rabbitmq"}, kNow));
  }
}

TEST(Identity, IsPinnedToOneAlgorithm) {
  expect_refused(sign(claims(), JWT_ALG_HS384), "HS384 with our key");
  expect_refused(sign(claims(), JWT_ALG_HS512), "HS512 with our key");
  expect_refused(sign(claims(), JWT_ALG_NONE), "unsigned");
}

TEST(Identity, NeedsASignatureHoweverTheHeaderIsWritten) {
  const std::string payload = base64url(claims());
  const std::string valid = sign(claims());
  const std::string signature = valid.substr(valid.rfind('.') + 1);
  for (const char* algorithm : {"none", "None", "NONE", "nOnE", "", "HS257", "hs256 ", "null"}) {
    const std::string header =
        base64url(fmt::format(R"({{"alg":"{}","typ":"JWT"}})", algorithm)) + "." + payload + ".";
    expect_refused(header, algorithm);
    expect_refused(header + signature, algorithm);
  }
  for (const char* header : {"{}", "[]", "null", R"({"alg":5})", R"({"alg":null})",
                             R"({"typ":"JWT"})", R"({"alg":["HS256"]})", "{", ""}) {
    expect_refused(base64url(header) + "." + payload + "." + signature, header);
    expect_refused(base64url(header) + "." + payload + ".", header);
  }
}

// Whoever configures the public key of an RSA pair as our key expects RS256; and
// whoever knows that key can make an HMAC with it. Neither is taken on the token's word.
TEST(Identity, RefusesRsaEvenIfTheKeyIsOne) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_RSA_gen(2048), &EVP_PKEY_free);
  ASSERT_TRUE(pair);
  const auto pem = [&](auto write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    write(out.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
  };
  const std::string public_key =
      pem([&](BIO* out) { ASSERT_EQ(PEM_write_bio_PUBKEY(out, pair.get()), 1); });
  const std::string private_key = pem([&](BIO* out) {
    ASSERT_EQ(PEM_write_bio_PrivateKey(out, pair.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  });
  const std::string token = sign(claims(), JWT_ALG_RS256, private_key);

  jwt_t* decoded = nullptr;
  const std::vector<unsigned char> bytes(public_key.begin(), public_key.end());
  ASSERT_EQ(jwt_decode(&decoded, token.c_str(), bytes.data(), static_cast<int>(bytes.size())), 0)
      << "the library alone would take it";
  jwt_free(decoded);

  EXPECT_FALSE(identify(token, {.key = public_key, .audience = "rabbitmq"}, kNow));
  expect_refused(token, "and with our key it is nothing at all");
}

TEST(Identity, DoesNotSurviveAnyChange) {
  const std::string token = sign(claims());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    expect_refused(changed, fmt::format("byte {} changed", i));
    expect_refused(token.substr(0, i), fmt::format("cut at {}", i));
  }
  for (const char* tail : {".", "=", "A", " ", "\n", "..", ".A"})
    expect_refused(token + tail, tail);
  expect_refused(token + std::string(1, '\0'), "a NUL byte");
  expect_refused(token + std::string(1, '\0') + "anything", "a NUL byte and more");
}

TEST(Identity, IsNotPutTogetherFromTwoTokens) {
  const std::string ann = sign(claims());
  const std::string root = sign(claims({{"tiledesk_api_roles", R"("admin")"}}));
  expect_refused(root.substr(0, root.rfind('.')) + ann.substr(ann.rfind('.')), "ann's signature");
}

TEST(Identity, NeedsAnObjectOfClaims) {
  const std::string head = base64url(R"({"alg":"HS256","typ":"JWT"})") + ".";
  for (const char* payload : {"", "[]", "5", "\"x\"", "{", "null"}) {
    expect_refused(head + base64url(payload) + ".AAAA", payload);
  }
  expect_refused("", "nothing");
  expect_refused("Bearer ", "a scheme and nothing");
  expect_refused(".", "a dot");
  expect_refused("..", "two dots");
  expect_refused(std::string(10000, '.'), "dots");
}

TEST(Identity, HasABound) {
  const auto padded = [](std::size_t bytes) {
    return sign(claims({{"padding", '"' + std::string(bytes, 'x') + '"'}}));
  };
  EXPECT_TRUE(identify_now(padded(5000)));
  const std::string long_token = padded(7000);
  ASSERT_GT(long_token.size(), 8192U);
  expect_refused(long_token, "too long, though signed");
  expect_refused(sign(claims({{"deep", std::string(200, '[') + std::string(200, ']')}})),
                 "nested too deep");
}

TEST(Identity, RefusesNoise) {
  std::mt19937 random(1);
  const std::string token = sign(claims());
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= \"{}\x80\xff";
  for (int i = 0; i < 3000; ++i) {
    std::string noise = i % 2 == 0 ? token : std::string(random() % 200, '.');
    const std::size_t changes = 1 + random() % 8;
    for (std::size_t j = 0; j < changes && !noise.empty(); ++j) {
      noise[random() % noise.size()] = kAlphabet[random() % kAlphabet.size()];
    }
    if (noise != token) expect_refused(noise, "noise");
  }
}

}  // namespace
}  // namespace chat21::server
