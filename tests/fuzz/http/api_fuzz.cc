#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "chat21/json.h"

#include "tests/api/world.h"
#include "tests/fuzz/http/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {
namespace {

constexpr std::size_t kMostRequests = 8;

// The world of the API's tests, without a test around it.
class Asked : public World {
 public:
  Asked() {
    know_group("group-1", "ann", {"ann", "bob"});
    send("ann", "bob", R"({"text":"hi"})");
    send("ann", "group-1", R"({"text":"hi"})");
  }

  void ask(std::string_view request) {
    const unsigned byte = take_byte(request);
    std::string_view line = take_until(request, kBetweenParts);
    const std::string_view method = take_until(line, ' ');
    gateway.away = (byte & 0x80U) != 0;
    gateway.slow = (byte & 0x40U) != 0;
    store_away = (byte & 0x20U) != 0;
    check(api.handle({.method = std::string(method),
                      .target = std::string(line),
                      .authorization = tokens()[byte % tokens().size()],
                      .body = std::string(request)}));
    background.drain();
    for (const auto& published : gateway.taken) {
      JsonObject body;
      promise(body.parse(published.body).has_value(), "what the API publishes is a JSON object");
    }
    gateway.forget();
  }

 private:
  void TestBody() override {}

  const std::array<std::string, 6>& tokens() const {
    static const std::array kTokens = {
        as("ann"),    as("bob"), as_admin(), as("eve"), token({.user = "ann", .app = "other"}),
        std::string()};
    return kTokens;
  }

  void check(const server::HttpResponse& response) const {
    static const std::set<unsigned> kKnown = {200, 201, 204, 400, 401, 403, 404,
                                              405, 413, 422, 500, 503, 504};
    promise(kKnown.contains(response.status), "an answer is one of the contract");
    promise(response.status != 500 || gateway.away || store_away, "it is not our fault");
    promise(response.body.find("/secret/") == std::string::npos &&
                response.body.find("10.0.0.7") == std::string::npos,
            "an answer tells strangers nothing about our machines");
    if (!response.content_type.starts_with("application/json") || response.body.empty()) return;
    JsonObject body;
    promise(body.parse(response.body).has_value(), "an answer is a JSON object");
  }
};

}  // namespace

void fuzz_api(std::string_view input) {
  // What the world finds wrong is a finding, too.
  GTEST_FLAG_SET(break_on_failure, true);
  Asked world;
  std::size_t requests = 0;
  for (const std::string_view request : split(input, kBetweenItems)) {
    if (++requests > kMostRequests) break;
    world.ask(request);
  }
}

}  // namespace chat21::tests
