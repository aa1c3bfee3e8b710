// Requests that are broken at random, always in the same way: whatever arrives, the
// answer is one that the contract knows.
#include <array>
#include <gmock/gmock.h>
#include <map>
#include <random>
#include <set>

#include "server/api/routes.h"
#include "tests/api/world.h"

namespace chat21::tests {
namespace {

class Fuzz : public World {
 protected:
  void SetUp() override {
    know_group("group-1", "ann", {"ann", "bob"});
    send("ann", "bob", R"({"text":"hi"})");
    send("ann", "group-1", R"({"text":"hi"})");
  }

  std::size_t below(std::size_t end) { return random_() % end; }

  template <class Choices>
  std::string one_of(const Choices& choices) {
    return std::string(choices[below(std::size(choices))]);
  }

  std::string target() {
    const auto routes = server::routes();
    const server::Route& route = routes[below(routes.size())];
    std::string text = route.with_base ? "/api" : "";
    for (std::string_view rest = route.path; !rest.empty();) {
      const auto slash = rest.find('/', 1);
      const auto segment = rest.substr(1, slash - 1);
      rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
      text += '/';
      text += segment.starts_with('{') ? id(segment) : std::string(segment);
    }
    return text + one_of(kQueries);
  }

  std::string id(std::string_view placeholder) {
    if (below(4) == 0) return one_of(kIds);
    return placeholder == "{app}" ? "tilechat" : placeholder == "{group}" ? "group-1" : "ann";
  }

  // Bytes changed, inserted, removed and repeated.
  std::string broken(std::string text) {
    if (below(2) == 0) return text;
    for (std::size_t i = 1 + below(4); i > 0; --i) {
      const std::size_t at = below(text.size() + 1);
      switch (below(4)) {
        case 0:
          text.insert(at, 1, static_cast<char>(below(256)));
          break;
        case 1:
          text.erase(at, 1 + below(3));
          break;
        case 2:
          text.insert(at, text.substr(at / 2, 1 + below(8)));
          break;
        default:
          if (at < text.size()) text[at] = kSpecial[below(kSpecial.size())];
      }
    }
    return text;
  }

  static constexpr std::array<std::string_view, 8> kMethods = {"GET",   "POST", "PUT",     "DELETE",
                                                               "PATCH", "",     "OPTIONS", "HEAD"};
  static constexpr std::array<std::string_view, 12> kIds = {
      "group-1", "ann", "bob", "", "..", "%00", "%ff", "a%2Fb", "*", "archived", "'--", "observer"};
  static constexpr std::array<std::string_view, 9> kQueries = {
      "",           "",         "?limit=1",  "?limit=-1", "?before=x",
      "?after=%ff", "?cursor=", "?cursor=x", "?&&=&a"};
  static constexpr std::array<std::string_view, 9> kBodies = {
      "",
      "{}",
      "[]",
      R"({"sender_fullname":"A","recipient_id":"bob","recipient_fullname":"B","text":"hi"})",
      R"({"sender_fullname":"A","recipient_id":"group-1","recipient_fullname":"G","sender_id":"bob"})",
      R"({"group_name":"G","group_members":{"ann":1,"bob":1},"group_id":"group-2"})",
      R"({"member_id":"carol","members":{"ann":1},"attributes":{"a":[1,2]},"user_id":"bob"})",
      R"({"event_type":"message-delivered","delivered_to":["ann"],"data":{"app_id":"tilechat",)"
      R"("recipient":"ann","sender":"bob","text":"hi"}})",
      R"({"device_model":"x","platform":"ios","language":null})"};
  static constexpr std::string_view kSpecial = "/?%#&={}[]\":,\\.*+$ \t\n\0\x7f\xc2\xff";

 private:
  std::mt19937 random_{20261124};
};

TEST_F(Fuzz, GetsAnAnswerOfTheContract) {
  const std::array tokens = {as("ann"),
                             as("bob"),
                             as("eve"),
                             as_admin(),
                             token({.user = "ann", .app = "other"}),
                             std::string("x.y.z"),
                             std::string()};
  const std::set<unsigned> known = {200, 201, 204, 400, 401, 403, 404, 405, 422, 503, 504};
  std::map<unsigned, std::size_t> seen;
  for (int i = 0; i < 20000; ++i) {
    gateway.away = below(50) == 0;
    gateway.slow = below(50) == 0;
    const server::HttpRequest request{
        .method = below(3) == 0 ? one_of(kMethods) : broken("GET"),
        .target = broken(target()),
        .authorization = below(20) == 0 ? broken(as("ann")) : one_of(tokens),
        .body = broken(one_of(kBodies))};
    const auto response = api.handle(request);
    ++seen[response.status];
    ASSERT_TRUE(known.contains(response.status) || (gateway.away && response.status == 500U))
        << i << ": " << request.method << ' ' << request.target << ' ' << request.body << " -> "
        << response.status << ' ' << response.body;
    if (response.content_type.starts_with("application/json")) {
      ASSERT_TRUE(json(response).IsObject()) << request.target << response.body;
    }
    if (gateway.transport().published().size() > 10000) gateway.forget();
  }
  for (const unsigned status : {200U, 201U, 204U, 400U, 401U, 403U, 404U, 405U}) {
    EXPECT_GT(seen[status], 0U) << status << " was never met: the fuzz does not reach far";
  }
}

}  // namespace
}  // namespace chat21::tests
