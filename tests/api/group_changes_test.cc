// What all changes of a group share: who may make them, what is answered when something
// is away or late, and what happens to two at the same time.
#include <gmock/gmock.h>
#include <string>
#include <thread>
#include <vector>

#include "tests/api/group_world.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAreArray;

struct Change {
  const char* method;
  const char* target;
  const char* body;
  const char* refusal;  // of somebody who is no owner
  const char* unknown;  // without the group
};

constexpr const char* kUnauthorized = R"({"err":{"message":"Unauthorized"}})";
constexpr const char* kNotFound = R"({"err":{"message":"Not found"}})";

const std::vector<Change>& changes() {
  static const std::vector<Change> all = {
      {"PUT", "", R"({"group_name":"New"})", kUnauthorized, kNotFound},
      {"PUT", "/attributes", R"({"attributes":{}})", kUnauthorized, kNotFound},
      {"PUT", "/members", R"({"members":{"u100":1}})", kUnauthorized, kNotFound},
      {"POST", "/members", R"({"member_id":"u900"})",
       R"({"success":false,"err":{"success":false,"err":"Not allowed"},"http_status":405})",
       R"({"success":false,"err":{"success":false,"err":"Not found","http_status":404},)"
       R"("http_status":405})"},
      {"DELETE", "/members/u100", "", R"({"success":false,"err":"Not found","http_status":404})",
       R"({"success":false,"err":"Not found","http_status":404})"},
  };
  return all;
}

class Changes : public GroupWorld {
 protected:
  server::HttpResponse ask_for(const Change& change, const std::string& who,
                               const std::string& app = "tilechat") {
    return ask(change.method, "/" + app + "/groups/group-77" + change.target, who, change.body);
  }
};

TEST_F(Changes, AreForTheOwnerAndAdmins) {
  for (const Change& change : changes()) {
    for (const std::string& who : {as("u100"), as_admin()}) {
      renew_group("group-77", "u100", {"u100", "u200"});
      EXPECT_EQ(ask_for(change, who).status, 200U) << change.method << change.target;
    }
    renew_group("group-77", "u100", {"u100", "u200"});
    gateway.forget();
    for (const std::string& who : {as("u200"), as("u666")}) {
      const auto refused = ask_for(change, who);
      EXPECT_EQ(refused.status, 405U) << change.method << change.target;
      EXPECT_EQ(refused.body, change.refusal);
    }
    EXPECT_EQ(ask_for(change, "").status, 403U);
    const std::string foreign = token({.user = "u100", .app = "other", .admin = true});
    EXPECT_EQ(ask_for(change, foreign).status, 401U);
    const auto unknown = ask_for(change, foreign, "other");
    EXPECT_EQ(unknown.status, 405U);
    EXPECT_EQ(unknown.body, change.unknown) << "the other app's group-77 is another group";
    EXPECT_THAT(gateway.taken, IsEmpty());
  }
}

TEST_F(Changes, SayWhenTheStoreOrTheBrokerIsAway) {
  renew_group("group-77", "u100", {"u100", "u200"});
  for (const Change& change : changes()) {
    store_away = true;
    const auto unread = ask_for(change, as("u100"));
    EXPECT_EQ(unread.status, 503U) << change.method << change.target;
    EXPECT_THAT(unread.body, Not(HasSubstr("secret")));
    store_away = false;
    gateway.away = true;
    const auto unsent = ask_for(change, as("u100"));
    EXPECT_EQ(unsent.status, 503U) << change.method << change.target;
    EXPECT_THAT(unsent.body, Not(HasSubstr("10.0.0.7")));
    gateway.away = false;
  }
  EXPECT_THAT(gateway.taken, IsEmpty());
  gateway.away = true;
  EXPECT_EQ(ask("POST", "/tilechat/groups", as("u100"), R"({"group_name":"x","group_members":{}})")
                .status,
            500U);
}

TEST_F(Changes, SayWhenTheObserverIsLateAndHappenAllTheSame) {
  for (const Change& change : changes()) {
    renew_group("group-77", "u100", {"u100", "u200"});
    gateway.slow = true;
    EXPECT_EQ(ask_for(change, as("u100")).status, 504U) << change.method << change.target;
    gateway.resume();
    settle();
  }
}

TEST_F(Changes, AreRefusedIfTheObserverWouldDropThem) {
  for (const Change& change : changes()) {
    renew_group("group-77", "u100", {"u100", "u200"});
    options.max_order_bytes = 100;
    const auto refused = ask_for(change, as("u100"));
    EXPECT_EQ(refused.status, 405U) << change.method << change.target;
    EXPECT_EQ(refused.body, "the group is too large for the observer");
    EXPECT_THAT(gateway.taken, IsEmpty());
  }
  EXPECT_EQ(ask("DELETE", "/tilechat/groups/group-77", as("u100")).status, 405U);
}

TEST_F(Changes, WaitForEarlierOnesThatAreLate) {
  know_group("group-77", "u100", {"u100"});
  const std::string path = "/tilechat/groups/group-77/members";
  gateway.slow = true;
  EXPECT_EQ(ask("POST", path, as("u100"), R"({"member_id":"u300"})").status, 504U);
  gateway.forget();
  const auto early = ask("POST", path, as("u100"), R"({"member_id":"u400"})");
  EXPECT_EQ(early.status, 503U);
  EXPECT_EQ(early.body, R"({"success":false,"err":"an earlier change is not carried out yet"})");
  EXPECT_THAT(gateway.taken, IsEmpty());
  gateway.resume();
  EXPECT_EQ(ask("POST", path, as("u100"), R"({"member_id":"u400"})").status, 200U);
  EXPECT_THAT(members("group-77"), ElementsAre("u100", "u300", "u400"));
}

TEST_F(Changes, WaitForThoseBeforeThatTheBrokerMayHaveTaken) {
  know_group("group-77", "u100", {"u100"});
  gateway.away = true;
  EXPECT_EQ(ask("DELETE", "/tilechat/groups/group-77", as("u100")).status, 503U);
  gateway.away = false;
  gateway.slow = true;
  EXPECT_EQ(ask("DELETE", "/tilechat/groups/group-77", as("u100")).status, 503U);
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Changes, WaitForThoseOfAProcessThatWasHereBefore) {
  know_group("group-78", "u100", {"u100"});
  gateway.slow = true;
  EXPECT_EQ(ask("DELETE", "/tilechat/groups/group-78", as("u100")).status, 503U);
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Changes, ReportADocumentThatIsNone) {
  for (const char* odd : {R"({"uid":"group-77","members":["u100"]})", R"({"uid":"group-77"})",
                          R"({"members":{"u100":1}})"}) {
    ASSERT_TRUE(store.apply(std::vector<Write>{
        SaveGroup{.app = "tilechat", .group = "group-77", .body = odd, .updated_on = 0}}));
    for (const Change& change : changes())
      EXPECT_EQ(ask_for(change, as_admin()).status, 503U) << odd;
    EXPECT_EQ(ask("GET", "/tilechat/groups/group-77", as_admin()).status, 503U);
  }
}

TEST_F(Changes, DoNotWaitForEverForOthersOfTheSameGroup) {
  know_group("group-77", "u100", {"u100"});
  const std::string rename = R"({"group_name":"x"})";
  server::HttpResponse renamed, created;
  gateway.before_answer = [&] {
    std::jthread([&] {
      renamed = ask("PUT", "/tilechat/groups/group-77", as("u100"), rename);
      created = ask("POST", "/tilechat/groups", as("u100"),
                    R"({"group_id":"group-77","group_name":"x","group_members":{}})");
    }).join();
  };
  EXPECT_EQ(ask("PUT", "/tilechat/groups/group-77", as("u100"), rename).status, 200U);
  EXPECT_EQ(renamed.status, 503U);
  EXPECT_EQ(created.status, 503U);
  EXPECT_EQ(ask("PUT", "/tilechat/groups/group-77", as("u100"), rename).status, 200U);
}

TEST_F(Changes, AtTheSameTimeLoseNothing) {
  know_group("group-77", "u100", {"u100"});
  constexpr int kThreads = 4;
  constexpr int kEach = 10;
  const std::string owner = as("u100");
  std::vector<std::string> all = {"u100"};
  for (int i = 0; i < kThreads * kEach; ++i) all.push_back("m" + std::to_string(i));
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          const auto joined =
              ask("POST", "/tilechat/groups/group-77/members", owner,
                  R"({"member_id":"m)" + std::to_string(thread * kEach + i) + R"("})");
          EXPECT_EQ(joined.status, 200U);
        }
      });
    }
  }
  EXPECT_THAT(members("group-77"), UnorderedElementsAreArray(all));
}

}  // namespace
}  // namespace chat21::tests
