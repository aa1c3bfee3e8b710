// What the server tells about itself.
#include <gmock/gmock.h>

#include "tests/api/world.h"

namespace chat21::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Service : public World {
 protected:
  server::HttpResponse at_root(std::string_view target, std::string_view token = {}) {
    return api.handle({.method = "GET",
                       .target = std::string(target),
                       .authorization = std::string(token),
                       .body = {}});
  }
};

TEST_F(Service, GreetsAnybody) {
  const auto response = at_root("/");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_THAT(response.body, StartsWith("Chat21 Http Server v. "));
}

TEST_F(Service, IsAliveWhateverIsWrong) {
  troubles["broker"] = "connection refused";
  const auto response = at_root("/health");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"status":"ok"})");
}

TEST_F(Service, IsReadyIfNothingIsWrong) {
  const auto response = at_root("/ready");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"status":"ok"})");
}

TEST_F(Service, SaysWhyItIsNotReady) {
  troubles["broker"] = "connection \"refused\"";
  troubles["store"] = "disk full";
  const auto response = at_root("/ready");
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(response.body, R"({"status":"not ready","reasons":{)"
                           R"("broker":"connection \"refused\"","store":"disk full"}})");
}

TEST_F(Service, ShowsTheClaimsOfAToken) {
  EXPECT_EQ(at_root("/verify").status, 403U);
  const auto response = at_root("/verify", as("ann"));
  EXPECT_EQ(response.status, 200U);
  const auto claims = json(response);
  EXPECT_STREQ(claims["sub"].GetString(), "ann");
  EXPECT_EQ(claims["exp"].GetInt64(), 1760003600);
  EXPECT_EQ(claims.MemberCount(), 13U) << "all of them";
}

TEST_F(Service, KeepsTheRootFreeOfTheBasePath) {
  for (const char* path : {"/verify", "/health", "/ready", "/"}) {
    EXPECT_EQ(ask("GET", path, as("ann")).status, 404U) << path;
  }
}

TEST_F(Service, HasAConstantVersionForClients) {
  EXPECT_EQ(ask("GET", "/tilechat/getInfo").status, 403U);
  EXPECT_EQ(ask("GET", "/tilechat/getInfo", as("ann")).body, R"({"v":"0.2.34.2"})");
  EXPECT_EQ(ask("GET", "/other/getInfo", as("ann")).status, 200U);
}

TEST_F(Service, DescribesItselfToAnybody) {
  const auto response = ask("GET", "/openapi.yaml");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.content_type, "application/yaml");
  EXPECT_THAT(response.body, StartsWith("openapi: 3."));
}

TEST_F(Service, LogsTheRouteAndNeitherIdsNorTokens) {
  const std::string token = as("ann-the-first");
  ask("GET", "/tilechat/ann-the-first/conversations?jwt=" + token);
  EXPECT_THAT(logged(),
              HasSubstr("method=GET path=\"/{app}/{user}/conversations\" status=200 us="));
  EXPECT_THAT(logged(), Not(HasSubstr("ann-the-first")));
  EXPECT_THAT(logged(), Not(HasSubstr(token)));
}

}  // namespace
}  // namespace chat21::tests
