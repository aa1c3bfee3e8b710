// What a token must be, by tokens of libjwt and by tokens that nobody should have made. What
// the REST API asks beyond that: tests/api/identity_test.cc.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string>
#include <utility>
#include <vector>

#include "chat21/token.h"
#include "chat21/topic.h"

#include "tests/token/signing.h"

namespace chat21::tests {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kNow = std::chrono::sys_seconds(1'760'000'000s);
const TokenRules kRules{.key = "tokenKey", .audience = "rabbitmq"};
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

// Valid claims with some of them replaced, or left out if the value is empty.
std::string claims(const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  std::vector<std::pair<std::string, std::string>> all = {
      {"sub", R"("ann")"},
      {"app_id", R"("tilechat")"},
      {"exp", "1760003600"},
      {"aud", R"(["rabbitmq","ann"])"},
      {"scope", R"(["rabbitmq.read:*/*/a.*","openid"])"}};
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

Result<Token> verify(std::string_view token) {
  return verify_token(token, kRules, kNow);
}

// The token with these claims, which must be right.
Token accepted(const std::string& claims) {
  auto token = verify(sign(claims));
  EXPECT_TRUE(token) << claims << ": " << (token ? "" : token.error().message);
  return token ? *std::move(token) : Token();
}

void expect_refused(std::string_view token, std::string_view why, const std::string& because = "") {
  const auto verified = verify(token);
  ASSERT_FALSE(verified) << why;
  EXPECT_EQ(verified.error().code, Error::Code::InvalidArgument);
  EXPECT_THAT(verified.error().message, HasSubstr("the token is refused: " + because)) << why;
}

TEST(VerifyToken, ReadsTheClaims) {
  const Token token = accepted(claims());
  EXPECT_EQ(token.user, "ann");
  EXPECT_EQ(token.app, "tilechat");
  EXPECT_THAT(token.scopes, ElementsAre("rabbitmq.read:*/*/a.*", "openid"));
  EXPECT_EQ(token.expires, kNow + 1h);
  EXPECT_THAT(token.claims, HasSubstr(R"("sub":"ann")"));
}

TEST(VerifyToken, LeavesOutIdsThatAreNone) {
  for (const char* id : {"", R"("")", R"("a.b")", R"("*")", R"("a\nb")", "5", "null", R"(["a"])",
                         R"({"a":1})", "true"}) {
    EXPECT_EQ(accepted(claims({{"sub", id}})).user, "") << id;
    EXPECT_EQ(accepted(claims({{"sub", id}})).app, "tilechat") << id;
    EXPECT_EQ(accepted(claims({{"app_id", id}})).app, "") << id;
    EXPECT_EQ(accepted(claims({{"app_id", id}})).user, "ann") << id;
  }
  EXPECT_EQ(accepted(claims({{"sub", R"("Zo\u00eb 你")"}})).user, "Zoë 你");
}

TEST(VerifyToken, ReadsScopesInBothForms) {
  const auto scopes = [](const char* value) { return accepted(claims({{"scope", value}})).scopes; };
  EXPECT_THAT(scopes(R"(["a b","c",""])"), ElementsAre("a b", "c", ""));
  EXPECT_THAT(scopes(R"("a b")"), ElementsAre("a", "b"));
  EXPECT_THAT(scopes(R"("  a   b ")"), ElementsAre("a", "b"));
  EXPECT_THAT(scopes(R"("a\tb,c")"), ElementsAre("a\tb,c"));
  EXPECT_THAT(scopes(R"(["a",5,null,["b"],{"c":"d"},"e"])"), ElementsAre("a", "e"));
  for (const char* none : {"", R"("")", R"("   ")", "[]", "null", "5", "true", R"({"a":"b"})"}) {
    EXPECT_THAT(scopes(none), IsEmpty()) << none;
  }
}

TEST(VerifyToken, IsForOurAudience) {
  for (const char* audience : {R"("rabbitmq")", R"(["rabbitmq"])", R"(["x",5,"rabbitmq"])",
                               R"("ann rabbitmq")", R"(" rabbitmq  ann")"}) {
    accepted(claims({{"aud", audience}}));
  }
  for (const char* audience :
       {"", R"("rabbit")", R"("rabbitmq2")", R"("RabbitMQ")", R"("ann,rabbitmq")", R"(["ann"])",
        R"(["ann rabbitmq"])", "[]", "5", "null", "true", R"([["rabbitmq"]])", R"({"rabbitmq":1})",
        R"("")", R"([""])", R"(["rabbitmq\n"])"}) {
    expect_refused(sign(claims({{"aud", audience}})), audience, "it is for another audience");
  }
  const TokenRules nobody{.key = "tokenKey", .audience = ""};
  for (const char* audience : {"", R"("")", R"("  ")", "[]"}) {
    EXPECT_FALSE(verify_token(sign(claims({{"aud", audience}})), nobody, kNow)) << audience;
  }
}

TEST(VerifyToken, HoldsFromNbfUntilExp) {
  const auto expires = [](const char* exp) { return accepted(claims({{"exp", exp}})).expires; };
  EXPECT_EQ(expires("1760000001"), kNow + 1s);
  EXPECT_EQ(expires("1760000000.5"), kNow + 1s);
  EXPECT_EQ(expires("1.760000001e9"), kNow + 1s);
  for (const char* exp : {"", "1760000000", "1759999999.9", "1760000000.0", "0", "-1", "-1e300",
                          R"("1760003600")", "null", "true", "[]", "[1760003600]", "{}"}) {
    expect_refused(sign(claims({{"exp", exp}})), exp);
  }
  for (const char* begun : {"1760000000", "1760000000.0", "-1", "0", "-1e300"}) {
    accepted(claims({{"nbf", begun}}));
  }
  for (const char* later : {"1760000000.5", "1760000001", "1e300", R"("1750000000")", "null"}) {
    expect_refused(sign(claims({{"nbf", later}})), later);
  }
}

// Whoever waits for the end of a token computes with it.
TEST(VerifyToken, EndsWhenTheClockCanTell) {
  const auto last =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::time_point::max());
  for (const char* exp : {"9223372036", "9223372037", "9223372036854775807", "9223372036854775808",
                          "18446744073709551615", "1e19", "1e300"}) {
    const auto verified = verify(sign_raw(kHeader, claims({{"exp", exp}})));
    if (!verified) continue;  // more than libjwt reads
    EXPECT_EQ(verified->expires, last) << exp;
    EXPECT_GT(std::chrono::system_clock::time_point(verified->expires), kNow) << exp;
  }
  EXPECT_EQ(accepted(claims({{"exp", "1e300"}})).expires, last);
  EXPECT_EQ(accepted(claims({{"exp", "9223372036854775807"}})).expires, last);
}

TEST(VerifyToken, NeedsTheKey) {
  expect_refused(sign(claims(), JWT_ALG_HS256, "another key"), "another key");
  expect_refused(sign(claims(), JWT_ALG_HS256, "tokenKe"), "a shorter key");
  // Without a key libjwt verifies nothing.
  for (const std::string& token : {sign(claims()), sign(claims(), JWT_ALG_NONE)}) {
    const auto verified = verify_token(token, {.key = "", .audience = "rabbitmq"}, kNow);
    ASSERT_FALSE(verified);
    EXPECT_THAT(verified.error().message, HasSubstr("there is no key"));
  }
  const std::string nul("token\0Key", 9);
  const std::string token = sign(claims(), JWT_ALG_HS256, nul);
  EXPECT_TRUE(verify_token(token, {.key = nul, .audience = "rabbitmq"}, kNow));
  EXPECT_FALSE(verify_token(token, {.key = "token", .audience = "rabbitmq"}, kNow));
}

TEST(VerifyToken, IsPinnedToOneAlgorithm) {
  expect_refused(sign(claims(), JWT_ALG_HS384), "HS384", "it is not signed with HS256");
  expect_refused(sign(claims(), JWT_ALG_HS512), "HS512", "it is not signed with HS256");
  expect_refused(sign(claims(), JWT_ALG_NONE), "unsigned");
  const std::string valid = sign(claims());
  const std::string signature = valid.substr(valid.rfind('.'));
  for (const char* algorithm : {"none", "None", "NONE", "", "HS257", "hs256 ", "RS256", "ES256"}) {
    const std::string header = fmt::format(R"({{"alg":"{}","typ":"JWT"}})", algorithm);
    expect_refused(sign_raw(header, claims()), algorithm);
    const std::string head = base64url(header) + '.' + base64url(claims());
    expect_refused(head, algorithm);
    expect_refused(head + '.', algorithm);
    expect_refused(head + signature, algorithm);
  }
  for (const char* header : {"{}", "[]", "null", "5", R"({"alg":5})", R"({"alg":null})",
                             R"({"alg":["HS256"]})", R"({"typ":"JWT"})", "{", "", "\xff\xfe"}) {
    expect_refused(sign_raw(header, claims()), header);
  }
}

std::string pem(const EVP_PKEY* pair, bool secret) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  const int written =
      secret ? PEM_write_bio_PrivateKey(out.get(), pair, nullptr, nullptr, 0, nullptr, nullptr)
             : PEM_write_bio_PUBKEY(out.get(), pair);
  EXPECT_EQ(written, 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

// libjwt alone would verify it: the token says that our key is a public one.
TEST(VerifyToken, RefusesRsaEvenIfTheKeyIsOne) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_RSA_gen(2048), &EVP_PKEY_free);
  ASSERT_TRUE(pair);
  const std::string token = sign(claims(), JWT_ALG_RS256, pem(pair.get(), true));
  const auto verified =
      verify_token(token, {.key = pem(pair.get(), false), .audience = "rabbitmq"}, kNow);
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, HasSubstr("it is not signed with HS256"));
  expect_refused(token, "with our key it is nothing at all");
}

TEST(VerifyToken, NeedsThreeParts) {
  const std::string token = sign(claims());
  const std::size_t first = token.find('.');
  const std::size_t second = token.rfind('.');
  for (const std::string& broken :
       {std::string(), std::string("."), std::string(".."), std::string("..."),
        token.substr(0, second), token.substr(0, first), token.substr(first + 1),
        token.substr(second), token + '.', '.' + token, token + ".A", token + '=', token + ' ',
        ' ' + token, "Bearer " + token, token.substr(0, first) + token.substr(first + 1),
        token.substr(0, first) + '.' + token.substr(first), std::string(8000, '.')}) {
    expect_refused(broken, broken);
  }
}

TEST(VerifyToken, IsShortAndText) {
  const auto padded = [](std::size_t bytes) {
    return sign(claims({{"padding", '"' + std::string(bytes, 'x') + '"'}}));
  };
  EXPECT_TRUE(verify(padded(5000)));
  expect_refused(padded(7000), "9 kB, though signed", "it is too long");
  expect_refused(padded(75'000), "100 kB, though signed", "it is too long");
  expect_refused(std::string(100'000, 'A'), "100 kB of nothing", "it is too long");
  const std::string token = sign(claims());
  expect_refused(token + std::string(1, '\0'), "a NUL byte", "it contains a NUL byte");
  expect_refused(token + std::string("\0x", 2), "a NUL byte and more", "it contains a NUL byte");
  std::string binary;
  for (int i = 1; i < 256; ++i) binary += static_cast<char>(i);
  expect_refused(binary, "every byte");
  expect_refused(binary + '.' + binary + '.' + binary, "every byte, in three parts");
}

TEST(VerifyToken, HasAnObjectOfClaims) {
  for (const char* payload : {"", "[]", "5", "\"x\"", "{", "null", "{}{}", "\xff",
                              R"({"a":"\xff"})", R"({"exp":1760003600,"aud":"rabbitmq",})"}) {
    expect_refused(sign_raw(kHeader, payload), payload);
  }
  EXPECT_TRUE(verify(sign_raw(kHeader, claims())));
  // Of two the last counts, as for RabbitMQ.
  const std::string twice = R"({"exp":1,"exp":1760003600,"aud":"x","aud":"rabbitmq"})";
  EXPECT_TRUE(verify(sign_raw(kHeader, twice)));
  expect_refused(sign_raw(kHeader, R"({"aud":"rabbitmq","exp":1760003600,"exp":1})"), "expired");
}

TEST(VerifyToken, IsNotDeep) {
  for (const std::size_t depth : {std::size_t{200}, std::size_t{2900}}) {
    const std::string deep = std::string(depth, '[') + std::string(depth, ']');
    expect_refused(sign_raw(kHeader, claims({{"deep", deep}})), "arrays");
    expect_refused(sign_raw(kHeader, claims({{"scope", deep}})), "arrays as scopes");
  }
  std::string objects;
  for (int i = 0; i < 900; ++i) objects += R"({"a":)";
  expect_refused(sign_raw(kHeader, claims({{"deep", objects + "1" + std::string(900, '}')}})),
                 "objects");
}

}  // namespace
}  // namespace chat21::tests
