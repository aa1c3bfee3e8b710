#include "server/token.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jwt.h>
#include <memory>
#include <rapidjson/document.h>
#include <set>
#include <string>
#include <vector>

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;
using Subject = TokenRequest::Subject;

constexpr auto kNow = std::chrono::sys_seconds(1'700'000'000s);

TokenContext context() {
  return {"tokenKey", "rabbitmq", kNow, "the-id"};
}

TokenRequest user(const std::string& id) {
  return {.subject = Subject::User, .user = id, .app = "tilechat", .lifetime = 3600s};
}

// The claims of a token whose signature is right, as the broker sees them.
rapidjson::Document claims(const Result<std::string>& token, const std::string& key = "tokenKey") {
  rapidjson::Document document;
  document.SetObject();
  EXPECT_TRUE(token) << token.error().message;
  if (!token) return document;
  jwt_t* decoded = nullptr;
  const std::vector<unsigned char> bytes(key.begin(), key.end());
  const int failed =
      jwt_decode(&decoded, token->c_str(), bytes.data(), static_cast<int>(bytes.size()));
  EXPECT_EQ(failed, 0) << "the signature is wrong";
  if (failed != 0) return document;
  const std::unique_ptr<jwt_t, decltype(&jwt_free)> owner(decoded, &jwt_free);
  EXPECT_EQ(jwt_get_alg(decoded), JWT_ALG_HS256);
  const std::unique_ptr<char, decltype(&std::free)> json(jwt_get_grants_json(decoded, nullptr),
                                                         &std::free);
  document.Parse(json.get());
  return document;
}

std::vector<std::string> strings(const rapidjson::Value& list) {
  std::vector<std::string> all;
  for (const auto& item : list.GetArray()) all.emplace_back(item.GetString());
  return all;
}

TEST(Token, HasExactlyTheHeaderWithoutAKeyId) {
  const auto token = mint_token(user("ALICE"), context());
  ASSERT_TRUE(token);
  // base64url of {"alg":"HS256","typ":"JWT"}
  EXPECT_THAT(*token, StartsWith("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."));
}

TEST(Token, HasTheClaimsOfAUser) {
  const auto c = claims(mint_token(user("ALICE"), context()));
  EXPECT_STREQ(c["jti"].GetString(), "the-id");
  for (const char* name : {"sub", "client_id", "cid", "azp", "user_id"}) {
    EXPECT_STREQ(c[name].GetString(), "ALICE") << name;
  }
  EXPECT_STREQ(c["app_id"].GetString(), "tilechat");
  EXPECT_EQ(c["iat"].GetInt64(), 1'700'000'000);
  EXPECT_EQ(c["exp"].GetInt64(), 1'700'003'600);
  EXPECT_THAT(strings(c["aud"]), ElementsAre("rabbitmq", "ALICE"));
  EXPECT_STREQ(c["kid"].GetString(), "tiledesk-key");
  EXPECT_STREQ(c["tiledesk_api_roles"].GetString(), "user");
  EXPECT_EQ(c.MemberCount(), 13U);
}

TEST(Token, LetsAUserUseOnlyTheOwnTopics) {
  EXPECT_THAT(strings(claims(mint_token(user("ALICE"), context()))["scope"]),
              ElementsAre("rabbitmq.read:*/*/apps.tilechat.users.ALICE.*",
                          "rabbitmq.write:*/*/apps.tilechat.users.ALICE.*",
                          "rabbitmq.write:*/*/apps.tilechat.outgoing.users.ALICE.*",
                          "rabbitmq.configure:*/*/*"));
}

TEST(Token, AddsTopicsWithALeadingSlashOnRequest) {
  auto request = user("ALICE");
  request.slash_topics = true;
  EXPECT_THAT(
      strings(claims(mint_token(request, context()))["scope"]),
      ElementsAre("rabbitmq.read:*/*/apps.tilechat.users.ALICE.*",
                  "rabbitmq.write:*/*/apps.tilechat.users.ALICE.*",
                  "rabbitmq.write:*/*/apps.tilechat.outgoing.users.ALICE.*",
                  "rabbitmq.configure:*/*/*", "rabbitmq.read:*/*/.apps.tilechat.users.ALICE.*",
                  "rabbitmq.write:*/*/.apps.tilechat.users.ALICE.*"));
}

TEST(Token, GivesAUserTheAdminRoleOnRequest) {
  auto request = user("ALICE");
  request.admin_role = true;
  const auto c = claims(mint_token(request, context()));
  EXPECT_STREQ(c["tiledesk_api_roles"].GetString(), "admin");
  EXPECT_EQ(c["scope"].Size(), 4U) << "the role is the HTTP API's, the broker grants no more";
}

TEST(Token, LetsObserverAndAdminUseEverything) {
  for (const auto& [subject, id, role] : {std::tuple{Subject::Observer, "01-OBSERVER", "user"},
                                          {Subject::Admin, "100-APIADMIN", "admin"}}) {
    const auto c =
        claims(mint_token({.subject = subject, .app = "tilechat", .lifetime = 1h}, context()));
    EXPECT_STREQ(c["sub"].GetString(), id);
    EXPECT_STREQ(c["tiledesk_api_roles"].GetString(), role);
    EXPECT_THAT(strings(c["aud"]), ElementsAre("rabbitmq", id));
    EXPECT_THAT(strings(c["scope"]), ElementsAre("rabbitmq.read:*/*/*", "rabbitmq.write:*/*/*",
                                                 "rabbitmq.configure:*/*/*"));
  }
}

TEST(Token, UsesTheConfiguredKeyAndAudience) {
  auto own = context();
  own.key = "another key";
  own.audience = "broker2";
  const auto token = mint_token(user("ALICE"), own);
  EXPECT_THAT(strings(claims(token, "another key")["aud"]), ElementsAre("broker2", "ALICE"));
  jwt_t* decoded = nullptr;
  const std::string wrong = "tokenKey";
  EXPECT_NE(jwt_decode(&decoded, token->c_str(),
                       std::vector<unsigned char>(wrong.begin(), wrong.end()).data(),
                       static_cast<int>(wrong.size())),
            0)
      << "a token must not verify with another key";
  jwt_free(decoded);
}

TEST(Token, KeepsUnusualButValidIds) {
  const auto c = claims(mint_token(user("Zoë \"the\\cat\" 你"), context()));
  EXPECT_STREQ(c["sub"].GetString(), "Zoë \"the\\cat\" 你");
}

TEST(Token, RefusesIdsThatWouldReachOtherUsers) {
  for (const char* id : {"", "*", "A*", "a.b", "a/b", "#", "+", "%2a", "a\nb", "$x"}) {
    const auto token = mint_token(user(id), context());
    ASSERT_FALSE(token) << id;
    EXPECT_EQ(token.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(token.error().message, HasSubstr("user id")) << id;
  }
}

TEST(Token, RefusesTheIdOfAGroup) {
  for (const char* id : {"group-1", "support-group-1"}) {
    const auto token = mint_token(user(id), context());
    ASSERT_FALSE(token) << id;
    EXPECT_THAT(token.error().message, HasSubstr("group-"));
  }
}

TEST(Token, RefusesIdsThatLeaveNoRoomForAnother) {
  EXPECT_TRUE(mint_token(user(std::string(181 - 8, 'x')), context()));
  const auto token = mint_token(user(std::string(182 - 8, 'x')), context());
  ASSERT_FALSE(token);
  EXPECT_THAT(token.error().message, HasSubstr("182"));
}

TEST(Token, HasARandomIdOfVersion4) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto id = random_uuid();
    EXPECT_THAT(
        id, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 100U);
}

}  // namespace
}  // namespace chat21::server
