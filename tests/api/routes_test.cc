// Which route answers, and in which order requests are checked.
#include "server/api/routes.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <gmock/gmock.h>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "chat21/topic.h"

#include "server/api/openapi.h"
#include "tests/api/world.h"

namespace chat21::tests {
namespace {

using server::HttpResponse;
using server::Route;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kUnauthorized = R"({"success":false,"msg":"Unauthorized."})";

class Routes : public World {};

void replace(std::string& text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), with);
}

// With valid ids for all braces.
std::string filled(std::string_view path, std::string_view app = "tilechat",
                   std::string_view user = "ann") {
  std::string text(path);
  replace(text, "{app}", app);
  replace(text, "{user}", user);
  replace(text, "{conversation}", "bob");
  replace(text, "{group}", "group-1");
  replace(text, "{member}", "bob");
  replace(text, "{instance}", "device-1");
  replace(text, "{other}", "bob");
  replace(text, "{token}", "secret");
  return text;
}

bool names(const Route& route, std::string_view placeholder) {
  return route.path.find(placeholder) != std::string_view::npos;
}

// "GET /api/{app}/groups" and so on, from the lines of docs/openapi.yaml that begin a path
// or an operation.
std::multiset<std::string> documented() {
  std::multiset<std::string> all;
  std::istringstream lines{std::string(server::openapi_yaml())};
  std::string path;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  /") && line.ends_with(':')) path = line.substr(2, line.size() - 3);
    for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
      std::string key = "    " + std::string(method) + ":";
      std::transform(key.begin(), key.end(), key.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (line == key) all.insert(std::string(method) + " " + path);
    }
  }
  return all;
}

TEST_F(Routes, AreTheOnesThatAreDocumented) {
  std::multiset<std::string> all;
  for (const Route& route : server::routes()) {
    const std::string_view base = route.with_base ? "/api" : "";
    all.insert(std::string(route.method) + " " + std::string(base) + std::string(route.path));
  }
  EXPECT_EQ(all, documented());
}

TEST_F(Routes, AnswerPreflightsBeforeTheyAskForAToken) {
  for (const char* target :
       {"/api/tilechat/ann/conversations", "/api/nothing/like/this", "/", "*", "/api/%zz", ""}) {
    const auto response =
        api.handle({.method = "OPTIONS", .target = target, .authorization = {}, .body = {}});
    EXPECT_EQ(response.status, 204U) << target;
    EXPECT_THAT(response.body, IsEmpty());
  }
}

TEST_F(Routes, SendTheHeadersThatBrowsersAskFor) {
  const auto headers = server::common_headers();
  const auto value = [&](std::string_view name) -> std::string {
    for (const auto& [key, text] : headers) {
      if (key == name) return text;
    }
    return {};
  };
  EXPECT_EQ(value("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(value("Access-Control-Allow-Headers"),
            "Origin, X-Requested-With, Content-Type, Accept, Authorization, X-XSRF-Token");
  EXPECT_EQ(value("Access-Control-Allow-Methods"), "GET, POST, PUT, DELETE, OPTIONS");
  EXPECT_EQ(value("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(value("Cache-Control"), "no-store");
}

TEST_F(Routes, AskForATokenFirst) {
  for (const Route& route : server::routes()) {
    if (route.access == Route::Access::Anyone) continue;
    options.base_path = route.with_base ? "/api" : "";
    for (const char* token : {"", "x.y.z", "Bearer "}) {
      const auto response = ask(route.method, filled(route.path, ".."), token, "not json");
      EXPECT_EQ(response.status, 403U) << route.method << route.path;
      EXPECT_EQ(response.body, kUnauthorized);
    }
  }
}

TEST_F(Routes, AskForATokenBeforeTheySayThatThereIsNoSuchRoute) {
  for (const char* target : {"/nothing", "/tilechat/ann/presence", "/tilechat/groups/a/b/c/d"}) {
    EXPECT_EQ(ask("GET", target).status, 403U);
    const auto response = ask("GET", target, as("ann"));
    EXPECT_EQ(response.status, 404U);
    EXPECT_EQ(response.body, R"({"success":false,"err":"Not found"})");
  }
  for (const char* method : {"PATCH", "get", "TRACE", "", "HEAD"}) {
    EXPECT_EQ(ask(method, "/tilechat/ann/conversations", as("ann")).status, 404U) << method;
  }
  EXPECT_EQ(ask("GET", "/test", as("ann")).status, 404U) << "/test is not for reproduction";
}

TEST_F(Routes, TakeTheTokenFromTheHeaderOrElseFromTheQuery) {
  const std::string path = "/tilechat/ann/conversations";
  const std::string ann = as("ann");
  for (const char* name : {"jwt", "JWT", "token"}) {
    EXPECT_EQ(ask("GET", path + "?" + name + "=" + ann).status, 200U) << name;
    EXPECT_EQ(ask("GET", path + "?" + name + "=Bearer%20" + ann).status, 200U) << name;
  }
  EXPECT_EQ(ask("GET", path + "?Token=" + ann).status, 403U);
  EXPECT_EQ(ask("GET", path + "?token=x&jwt=" + ann).status, 200U) << "jwt comes first";
  EXPECT_EQ(ask("GET", path + "?jwt=x&token=" + ann).status, 403U);
  EXPECT_EQ(ask("GET", path + "?jwt=" + ann, "x").status, 403U) << "the header wins";
  EXPECT_EQ(ask("GET", path + "?jwt=x", ann).status, 200U);
}

TEST_F(Routes, TurnExpiredTokensAway) {
  const std::string ann = as("ann");
  now += std::chrono::hours(1);
  EXPECT_EQ(ask("GET", "/tilechat/ann/conversations", ann).status, 403U);
}

TEST_F(Routes, TolerateOneTrailingSlash) {
  EXPECT_EQ(ask("GET", "/tilechat/ann/conversations/", as("ann")).status, 200U);
  EXPECT_EQ(ask("GET", "/tilechat/ann/conversations/?limit=1", as("ann")).status, 200U);
  EXPECT_EQ(ask("GET", "/tilechat/ann/conversations//", as("ann")).status, 405U)
      << "the conversation with nobody";
}

TEST_F(Routes, BeginWithTheBasePathExactly) {
  for (const char* target : {"/tilechat/getInfo", "/API/tilechat/getInfo", "/api2/tilechat/getInfo",
                             "//api/tilechat/getInfo", "/api/api/tilechat/getInfo"}) {
    const auto response =
        api.handle({.method = "GET", .target = target, .authorization = as("ann"), .body = {}});
    EXPECT_EQ(response.status, 404U) << target;
  }
  for (const char* base : {"", "/chat/api/v1", "/v1/"}) {
    options.base_path = base;
    const std::string target = base + std::string(*base == 0 ? "/" : "") + "tilechat/getInfo";
    const bool ends = std::string_view(base).ends_with('/') || *base == 0;
    const auto response =
        api.handle({.method = "GET",
                    .target = ends ? target : std::string(base) + "/tilechat/getInfo",
                    .authorization = as("ann"),
                    .body = {}});
    EXPECT_EQ(response.status, 200U) << target;
  }
}

TEST_F(Routes, ServeOneAppIfOneIsConfigured) {
  const std::string foreign = token({.user = "ann", .app = "other", .admin = true});
  const std::string body = R"({"group_name":"x","group_members":{}})";
  EXPECT_EQ(ask("POST", "/other/groups", foreign, body).status, 201U);
  gateway.forget();
  options.app = "tilechat";
  const auto refused = ask("POST", "/other/groups", foreign, body);
  EXPECT_EQ(refused.status, 401U);
  EXPECT_EQ(refused.body, "");
  EXPECT_EQ(ask("GET", "/other/ann/conversations", foreign).status, 401U);
  EXPECT_TRUE(gateway.taken.empty());
  EXPECT_EQ(ask("POST", "/tilechat/groups", as("ann"), body).status, 201U);
}

TEST_F(Routes, RefuseWronglyEncodedTargets) {
  for (const char* target : {"/%", "/%zz", "/%1", "/tilechat/getInfo?a=%", "/tilechat/%00%"}) {
    const auto response = ask("GET", target, as("ann"));
    EXPECT_EQ(response.status, 400U) << target;
    EXPECT_EQ(response.body,
              R"({"success":false,"err":"the path or the query is wrongly encoded"})");
  }
  for (const char* target : {"", "x", "ftp://other/api/tilechat/getInfo", "*"}) {
    const auto response =
        api.handle({.method = "GET", .target = target, .authorization = as("ann"), .body = {}});
    EXPECT_EQ(response.status, 400U) << target;
  }
}

TEST_F(Routes, TakeWordsBeforeIds) {
  send("ann", "archived", R"({"text":"hi"})");
  EXPECT_THAT(results(ask("GET", "/tilechat/ann/conversations/archived", as("ann")), "text"),
              IsEmpty())
      << "the list, not the conversation with somebody of that name";
  EXPECT_EQ(ask("GET", "/tilechat/ann/conversations/archived/messages", as("ann")).status, 200U);
}

TEST_F(Routes, ComparesTheApp) {
  for (const Route& route : server::routes()) {
    using Access = Route::Access;
    if (route.access == Access::Anyone || route.access == Access::Token) continue;
    const auto response = ask(route.method, filled(route.path, "other"), as_admin(), "not json");
    EXPECT_EQ(response.status, 401U) << route.method << route.path;
    EXPECT_EQ(response.body, route.refusal) << route.method << route.path;
  }
}

TEST_F(Routes, ComparesTheUser) {
  for (const Route& route : server::routes()) {
    if (!names(route, "{user}")) continue;
    const bool owner_only = route.access == Route::Access::Owner;
    EXPECT_TRUE(owner_only || route.access == Route::Access::User) << route.path;
    const auto path = filled(route.path, "tilechat", "ann");
    EXPECT_EQ(ask(route.method, path, as("eve")).status, 401U) << route.method << path;
    EXPECT_EQ(ask(route.method, path, token({.user = "ann", .app = "other"})).status, 401U) << path;
    EXPECT_NE(ask(route.method, path, as("ann")).status, 401U) << route.method << path;
    const auto by_admin = ask(route.method, path, as_admin()).status;
    EXPECT_EQ(by_admin == 401U, owner_only) << route.method << path << ' ' << by_admin;
  }
}

TEST_F(Routes, TellDevicesThatTheyAreNotTheirs) {
  const auto response = ask("POST", "/tilechat/ann/instances/d1", as("eve"), "{}");
  EXPECT_EQ(response.status, 401U);
  EXPECT_EQ(response.body, "Unauthorized.");
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
}

TEST_F(Routes, LetOnlyAdminsNotify) {
  const auto response = ask("POST", "/tilechat/notify", as("ann"), "{}");
  EXPECT_EQ(response.status, 403U);
  EXPECT_EQ(response.body, kUnauthorized);
  EXPECT_EQ(ask("POST", "/other/notify", as_admin(), "{}").status, 401U);
}

// --- Bodies -----------------------------------------------------------------------

TEST_F(Routes, RefuseBodiesThatAreNoObjects) {
  for (const Route& route : server::routes()) {
    if (route.body == Route::Body::None) continue;
    const std::string target = filled(route.path);
    const bool admin = route.access != Route::Access::Owner;
    const std::string who = admin ? as_admin() : as("ann");
    for (const std::string body :
         {"{", "[]", "5", "null", "\"x\"", "{}x", "{\"a\":}", "{'a':1}", "\xff", " "}) {
      const auto response = ask(route.method, target, who, body);
      EXPECT_EQ(response.status, 400U) << route.method << target << ' ' << body;
      EXPECT_THAT(response.body, HasSubstr(R"({"success":false,"err":"the body is refused: )"));
    }
    const auto without = ask(route.method, target, who, "");
    EXPECT_EQ(without.status == 400U, route.body == Route::Body::Object) << route.method << target;
  }
}

TEST_F(Routes, RefuseBodiesThatAreNestedTooDeep) {
  const std::string deep = R"({"a":)" + std::string(50000, '[') + std::string(50000, ']') + "}";
  const auto response = ask("POST", "/tilechat/messages", as("ann"), deep);
  EXPECT_EQ(response.status, 400U);
  EXPECT_THAT(response.body, HasSubstr("nested deeper"));
}

TEST_F(Routes, CheckTheAppBeforeTheBody) {
  EXPECT_EQ(ask("POST", "/other/messages", as("ann"), "{").status, 401U);
}

// --- Ids --------------------------------------------------------------------------

struct HostileId {
  std::string_view encoded, rule;
};

class HostileIds : public Routes, public ::testing::WithParamInterface<HostileId> {};

TEST_P(HostileIds, AreRefusedWhereverTheyStand) {
  const auto& [encoded, rule] = GetParam();
  struct Place {
    std::string_view method, before, after;
  };
  for (const auto& [method, before, after] : {
           Place{"GET", "/", "/ann/conversations"},
           Place{"GET", "/tilechat/", "/conversations"},
           Place{"GET", "/tilechat/", "/conversations/archived"},
           Place{"GET", "/tilechat/ann/conversations/", "/messages"},
           Place{"GET", "/tilechat/ann/archived_conversations/", "/"},
           Place{"DELETE", "/tilechat/conversations/", ""},
           Place{"DELETE", "/tilechat/", "/messages/timelines"},
           Place{"GET", "/tilechat/groups/", ""},
           Place{"DELETE", "/tilechat/groups/group-1/members/", ""},
           Place{"PUT", "/tilechat/ann/blocks/", ""},
           Place{"POST", "/", "/push/webhook/endpoint/x"},
       }) {
    if (encoded.empty() && after.empty()) continue;  // then it is a trailing slash
    if (encoded.empty() && after == "/") continue;
    const std::string target = std::string(before) + std::string(encoded) + std::string(after);
    const auto response = ask(method, target, as("ann"), "{}");
    EXPECT_EQ(response.status, 405U) << method << ' ' << target;
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_THAT(response.body, HasSubstr(std::string(rule))) << target;
    // Nothing of what a stranger sent comes back but the one character that a rule names.
    for (const char c : response.body) EXPECT_TRUE(c >= 0x20 && c < 0x7F) << target;
    EXPECT_THAT(response.body, Not(HasSubstr("<script"))) << target;
  }
  EXPECT_THAT(gateway.taken, IsEmpty());
}

const std::string kTooLong(183, 'x');

INSTANTIATE_TEST_SUITE_P(
    Api, HostileIds,
    ::testing::Values(
        HostileId{"", "is empty"}, HostileId{"..", "contains ."}, HostileId{"%2e%2e", "contains ."},
        HostileId{"a.b", "contains ."}, HostileId{"..%2f..%2fetc%2fpasswd", "contains ."},
        HostileId{"a%2Fb", "contains /"}, HostileId{"*", "contains *"},
        HostileId{"%2A", "contains *"}, HostileId{"+", "contains +"},
        HostileId{"%23", "contains #"}, HostileId{"%25", "contains %"},
        HostileId{"%252e", "contains %"}, HostileId{"$share", "begins with $"},
        HostileId{"a%00b", "control character"},
        HostileId{"a%0d%0aSet-Cookie:x", "control character"},
        HostileId{"%7f", "control character"}, HostileId{"%c2%85", "control character"},
        HostileId{"%ff", "not valid UTF-8"}, HostileId{"%c0%ae", "not valid UTF-8"},
        HostileId{"%ed%a0%80", "not valid UTF-8"}, HostileId{"%3Cscript%3E%2F", "contains /"},
        HostileId{kTooLong, "more than 182"}));

TEST_F(Routes, TakeAnyOtherIdAsItIs) {
  for (const std::string id : {"'%20OR%201=1%20--", "%22;DROP%20TABLE%20messages;--", "%5C", "a b",
                               "Zo%C3%AB", "%E4%BD%A0", "%3Cscript%3E", "{app}", "null", "-1"}) {
    const auto response = ask("GET", "/tilechat/ann/conversations/" + id + "/messages", as("ann"));
    EXPECT_EQ(response.status, 200U) << id;
    EXPECT_EQ(response.body, R"({"success":true,"result":[]})") << id;
  }
}

TEST_F(Routes, AddUpTheBytesOfTheIds) {
  const auto status = [&](std::size_t bytes) {
    return ask("GET", "/tilechat/ann/conversations/" + std::string(bytes, 'x'), as("ann")).status;
  };
  EXPECT_EQ(status(kMaxIds - 8 - 3), 200U);
  EXPECT_EQ(status(kMaxIds - 8 - 3 + 1), 405U);
}

TEST_F(Routes, AnswerSeveralAtTheSameTime) {
  constexpr int kThreads = 4;
  constexpr int kMessages = 25;
  const std::string body =
      R"({"sender_fullname":"A","recipient_id":"bob","recipient_fullname":"B"})";
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, token = as("user" + std::to_string(i))] {
      for (int j = 0; j < kMessages; ++j) {
        const auto sent = ask("POST", "/tilechat/messages/sync", token, body);
        const auto read = ask("GET", "/tilechat/bob/conversations", token);
        if (sent.status != 200U || read.status != 401U) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  const auto read = ask("GET", "/tilechat/bob/conversations", as("bob"));
  EXPECT_EQ(results(read, "conversWith").size(), std::size_t{kThreads});
  EXPECT_EQ(inbox("bob").size(), std::size_t{kThreads} * kMessages);
}

TEST_F(Routes, TakePushTokensForInstances) {
  const auto status = [&](const std::string& instance) {
    return ask("POST", "/tilechat/ann/instances/" + instance, as("ann"), "{}").status;
  };
  EXPECT_NE(status("fcm%3AAPA91b.x%2F%2B%25%23" + std::string(900, 'x')), 405U);
  EXPECT_EQ(status("a%0ab"), 405U);
  EXPECT_EQ(status("%ff"), 405U);
  EXPECT_EQ(status(std::string(1025, 'x')), 405U);
}

}  // namespace
}  // namespace chat21::tests
