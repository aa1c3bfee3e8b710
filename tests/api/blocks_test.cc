// The list of those whom a user has blocked.
#include <gmock/gmock.h>

#include "tests/api/world.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Published = testing::MemoryTransport::Published;

constexpr std::string_view kBlocked = R"({"success":true,"result":{"blocked":true}})";
constexpr std::string_view kNotBlocked = R"({"success":true,"result":{"blocked":false}})";

class Blocks : public World {
 protected:
  server::HttpResponse block(const std::string& other) {
    return ask("PUT", "/tilechat/ann/blocks/" + other, as("ann"));
  }
  std::vector<std::string> blocked() {
    return results(ask("GET", "/tilechat/ann/blocks", as("ann")), "user_id");
  }
  std::string state(const std::string& other) {
    return ask("GET", "/tilechat/ann/blocks/" + other, as("ann")).body;
  }
};

TEST_F(Blocks, AreSavedReadAndRemoved) {
  EXPECT_EQ(state("bob"), kNotBlocked);
  const auto saved = block("bob");
  EXPECT_EQ(saved.status, 200U);
  EXPECT_EQ(saved.body, kBlocked);
  EXPECT_EQ(state("bob"), kBlocked);
  EXPECT_THAT(blocked(), ElementsAre("bob"));
  const auto removed = ask("DELETE", "/tilechat/ann/blocks/bob", as("ann"));
  EXPECT_EQ(removed.status, 200U);
  EXPECT_EQ(removed.body, kNotBlocked);
  EXPECT_EQ(state("bob"), kNotBlocked);
  EXPECT_THAT(blocked(), IsEmpty());
}

TEST_F(Blocks, MayBeSavedAndRemovedTwice) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(block("bob").body, kBlocked);
  EXPECT_THAT(blocked(), ElementsAre("bob"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ask("DELETE", "/tilechat/ann/blocks/bob", as("ann")).body, kNotBlocked);
  }
}

TEST_F(Blocks, AreOrderedOfTheObserver) {
  block("bob");
  ask("DELETE", "/tilechat/ann/blocks/bob", as("ann"));
  const std::string body = R"({"user_id":"ann","blocked_id":"bob"})";
  EXPECT_THAT(gateway.taken, ElementsAre(Published{"apps.observer.tilechat.blocks.save", body},
                                         Published{"apps.observer.tilechat.blocks.remove", body}));
}

TEST_F(Blocks, AreListedInTheOrderOfIdsPageByPage) {
  for (const char* other : {"dave", "bob", "carol"}) block(other);
  EXPECT_THAT(blocked(), ElementsAre("bob", "carol", "dave"));
  const auto first = ask("GET", "/tilechat/ann/blocks?limit=2", as("ann"));
  EXPECT_THAT(results(first, "user_id"), ElementsAre("bob", "carol"));
  const std::string next = json(first)["next"].GetString();
  const auto second = ask("GET", "/tilechat/ann/blocks?limit=2&cursor=" + next, as("ann"));
  EXPECT_THAT(results(second, "user_id"), ElementsAre("dave"));
  EXPECT_FALSE(json(second).HasMember("next"));
}

TEST_F(Blocks, BelongToOneUser) {
  block("bob");
  EXPECT_EQ(ask("GET", "/tilechat/bob/blocks", as("bob")).body, R"({"success":true,"result":[]})");
  for (const char* method : {"GET", "PUT", "DELETE"}) {
    EXPECT_EQ(ask(method, "/tilechat/ann/blocks/bob", as("bob")).status, 401U) << method;
    EXPECT_EQ(ask(method, "/tilechat/ann/blocks/bob", as_admin()).status, 200U) << method;
  }
}

TEST_F(Blocks, AreNotOfOneself) {
  const auto response = block("ann");
  EXPECT_EQ(response.status, 405U);
  EXPECT_EQ(response.body, "nobody can block themselves");
  EXPECT_EQ(state("ann"), kNotBlocked);
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Blocks, AreNotClaimedBeforeTheyAreSaved) {
  gateway.slow = true;
  EXPECT_EQ(block("bob").status, 504U);
  EXPECT_EQ(state("bob"), kNotBlocked);
  gateway.resume();
  EXPECT_EQ(state("bob"), kBlocked);
}

TEST_F(Blocks, CannotBeSavedWithoutABroker) {
  gateway.away = true;
  EXPECT_EQ(block("bob").status, 503U);
  EXPECT_EQ(ask("DELETE", "/tilechat/ann/blocks/bob", as("ann")).status, 503U);
}

}  // namespace
}  // namespace chat21::tests
