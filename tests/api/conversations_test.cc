// Archiving a conversation, and forgetting those of a group.
#include <gmock/gmock.h>

#include "tests/api/world.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Published = testing::MemoryTransport::Published;

constexpr std::string_view kSuccess = R"({"success":true})";
constexpr std::string_view kDenied = R"({"success":false,"err":"Permission denied"})";

class Archiving : public World {
 protected:
  void SetUp() override {
    send("ann", "bob", R"({"text":"hi"})");
    gateway.forget();
  }
  std::vector<std::string> archived(const std::string& user) {
    return results(ask("GET", "/tilechat/" + user + "/archived_conversations", as_admin()),
                   "conversWith");
  }
};

TEST_F(Archiving, IsDoneWhenTheAnswerIsThere) {
  const auto response = ask("DELETE", "/tilechat/conversations/bob", as("ann"));
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(response.body, kSuccess);
  EXPECT_THAT(gateway.taken,
              ElementsAre(Published{"apps.tilechat.users.ann.conversations.bob.archive",
                                    R"({"action":"archive"})"}));
  EXPECT_THAT(archived("ann"), ElementsAre("bob"));
  EXPECT_THAT(archived("bob"), IsEmpty());
  EXPECT_THAT(inbox("ann"),
              ElementsAre(Field(&Published::routing_key,
                                "apps.tilechat.users.ann.conversations.bob.clientdeleted"),
                          Field(&Published::routing_key,
                                "apps.tilechat.users.ann.archived_conversations.bob.clientadded")));
}

TEST_F(Archiving, IsDoneByAdminsForOthers) {
  const std::string body = R"({"user_id":"bob"})";
  EXPECT_EQ(ask("DELETE", "/tilechat/conversations/ann", as_admin(), body).status, 201U);
  EXPECT_THAT(archived("bob"), ElementsAre("ann"));
}

TEST_F(Archiving, IgnoresWhomOthersName) {
  for (const char* body : {R"({"user_id":"bob"})", R"({"user_id":5})", R"({"user_id":"*"})"}) {
    EXPECT_EQ(ask("DELETE", "/tilechat/conversations/ann", as("eve"), body).status, 201U) << body;
    EXPECT_EQ(gateway.taken.back().routing_key,
              "apps.tilechat.users.eve.conversations.ann.archive");
  }
  EXPECT_THAT(archived("bob"), IsEmpty());
}

TEST_F(Archiving, TakesAnAdminWhoNamesNobodyForThemselves) {
  for (const char* body : {"", "{}", R"({"user_id":""})", R"({"user_id":null})"}) {
    EXPECT_EQ(ask("DELETE", "/tilechat/conversations/bob", as_admin(), body).status, 201U);
    EXPECT_EQ(gateway.taken.back().routing_key,
              "apps.tilechat.users.root.conversations.bob.archive");
  }
}

TEST_F(Archiving, ChecksWhomAnAdminNames) {
  for (const char* user : {R"("*")", R"("a.b")", R"("\u0000")", "5", "{}", "true"}) {
    const auto response = ask("DELETE", "/tilechat/conversations/bob", as_admin(),
                              std::string(R"({"user_id":)") + user + "}");
    EXPECT_EQ(response.status, 405U) << user;
    EXPECT_THAT(response.body, HasSubstr("user")) << user;
  }
  const std::string long_id(170, 'x');
  EXPECT_EQ(ask("DELETE", "/tilechat/conversations/bobby", as_admin(),
                R"({"user_id":")" + long_id + R"("})")
                .status,
            405U);
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Archiving, AnswersForTheIdsOfCallerAndConversationTogether) {
  const std::string user(160, 'u');
  EXPECT_EQ(ask("DELETE", "/tilechat/conversations/" + std::string(14, 'c'), as(user)).status,
            201U);
  EXPECT_EQ(ask("DELETE", "/tilechat/conversations/" + std::string(15, 'c'), as(user)).status,
            405U);
}

TEST_F(Archiving, IsPromisedOnceTheBrokerHasIt) {
  gateway.slow = true;
  EXPECT_EQ(ask("DELETE", "/tilechat/conversations/bob", as("ann")).status, 201U);
  EXPECT_THAT(archived("ann"), IsEmpty());
  gateway.resume();
  EXPECT_THAT(archived("ann"), ElementsAre("bob"));
}

TEST_F(Archiving, FailsWithoutABroker) {
  gateway.away = true;
  const auto response = ask("DELETE", "/tilechat/conversations/bob", as("ann"));
  EXPECT_EQ(response.status, 500U);
  EXPECT_FALSE(json(response)["success"].GetBool());
  EXPECT_THAT(response.body, Not(HasSubstr("10.0.0.7")));
  EXPECT_THAT(logged(), HasSubstr("10.0.0.7"));
}

TEST_F(Archiving, OfAConversationThatIsNotThereChangesNothing) {
  EXPECT_EQ(ask("DELETE", "/tilechat/conversations/nobody", as("ann")).status, 201U);
  EXPECT_THAT(archived("ann"), IsEmpty());
}

// --- Forgetting -------------------------------------------------------------------

class Forgetting : public World {
 protected:
  void SetUp() override {
    know_group("group-1", "ann", {"ann", "bob"});
    send("ann", "group-1", R"({"text":"hi"})");
    send("ann", "bob", R"({"text":"private"})");
    gateway.forget();
  }
  std::size_t count(const std::string& target, const std::string& user) {
    return results(ask("GET", "/tilechat/" + user + target, as(user)), "text").size();
  }
  const std::string conversations = "/tilechat/group-1/conversations/timelines";
  const std::string messages = "/tilechat/group-1/messages/timelines";
};

TEST_F(Forgetting, RemovesTheConversationsOfAGroupFromAllTimelines) {
  for (const char* user : {"ann", "bob"}) ASSERT_EQ(count("/conversations", user), 2U);
  const auto response = ask("DELETE", conversations, as("ann"));
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, kSuccess);
  for (const char* user : {"ann", "bob"}) {
    EXPECT_EQ(count("/conversations", user), 1U) << user;
    EXPECT_EQ(count("/conversations/group-1/messages", user), 1U) << "messages stay";
  }
  EXPECT_THAT(inbox("bob"), IsEmpty()) << "nobody is told";
}

TEST_F(Forgetting, RemovesTheMessagesOfAGroupFromAllTimelines) {
  for (const char* user : {"ann", "bob"}) {
    ASSERT_EQ(count("/conversations/group-1/messages", user), 1U);
  }
  const auto response = ask("DELETE", messages, as_admin());
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, kSuccess);
  for (const char* user : {"ann", "bob"}) {
    EXPECT_EQ(count("/conversations/group-1/messages", user), 0U) << user;
  }
  EXPECT_EQ(count("/conversations/bob/messages", "ann"), 1U);
}

TEST_F(Forgetting, OrdersOneThingOfTheObserver) {
  ask("DELETE", conversations, as("ann"));
  ask("DELETE", messages, as("ann"));
  EXPECT_THAT(
      gateway.taken,
      ElementsAre(
          Published{"apps.observer.tilechat.conversations.delete", R"({"conversation":"group-1"})"},
          Published{"apps.observer.tilechat.messages.delete", R"({"conversation":"group-1"})"}));
}

TEST_F(Forgetting, IsForTheOwnerAndAdmins) {
  for (const std::string& target : {conversations, messages}) {
    for (const char* user : {"bob", "eve"}) {
      const auto response = ask("DELETE", target, as(user));
      EXPECT_EQ(response.status, 401U) << target << user;
      EXPECT_EQ(response.body, kDenied);
    }
    EXPECT_EQ(ask("DELETE", target, token({.user = "ann", .app = "other"})).status, 401U);
  }
  EXPECT_THAT(gateway.taken, IsEmpty());
  EXPECT_EQ(ask("DELETE", conversations, as("ann")).status, 200U);
  EXPECT_EQ(ask("DELETE", conversations, as_admin()).status, 200U);
}

TEST_F(Forgetting, OfWhatIsNoGroupIsForAdmins) {
  for (const char* target :
       {"/tilechat/bob/messages/timelines", "/tilechat/group-9/conversations/timelines"}) {
    EXPECT_EQ(ask("DELETE", target, as("ann")).status, 401U) << target;
    EXPECT_EQ(ask("DELETE", target, as("bob")).status, 401U) << target;
    EXPECT_EQ(ask("DELETE", target, as_admin()).status, 200U) << target;
  }
}

TEST_F(Forgetting, SaysWhatIsAway) {
  store_away = true;
  const auto unread = ask("DELETE", messages, as("ann"));
  EXPECT_EQ(unread.status, 405U);
  EXPECT_EQ(unread.body, R"({"success":false,"err":"the store is away"})");
  store_away = false;
  gateway.away = true;
  const auto unpublished = ask("DELETE", messages, as("ann"));
  EXPECT_EQ(unpublished.status, 405U);
  EXPECT_FALSE(json(unpublished)["success"].GetBool());
}

TEST_F(Forgetting, IsNotClaimedBeforeItIsDone) {
  gateway.slow = true;
  const auto response = ask("DELETE", messages, as("ann"));
  EXPECT_EQ(response.status, 504U);
  EXPECT_EQ(response.body, R"({"success":false,"err":"accepted, but not carried out in time"})");
}

TEST_F(Forgetting, IsDoneForOneAfterTheOther) {
  server::HttpResponse other;
  gateway.before_answer = [&] {
    other = ask("DELETE", "/tilechat/group-78/conversations/timelines", as_admin());
  };
  EXPECT_EQ(ask("DELETE", "/tilechat/group-77/messages/timelines", as_admin()).status, 200U);
  EXPECT_EQ(other.status, 503U);
  EXPECT_EQ(ask("DELETE", "/tilechat/group-78/conversations/timelines", as_admin()).status, 200U);
}

}  // namespace
}  // namespace chat21::tests
