// Who is in a group, over HTTP: what everybody sees of it, message by message.
#include <gmock/gmock.h>
#include <string>
#include <vector>

#include "chat21/json.h"

#include "tests/api/group_world.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Members : public GroupWorld {
 protected:
  server::HttpResponse join(const std::string& who, const std::string& member) {
    return ask("POST", "/tilechat/groups/group-77/members", who,
               R"({"member_id":")" + member + R"("})");
  }
  server::HttpResponse set(const std::string& who, const std::string& members) {
    return ask("PUT", "/tilechat/groups/group-77/members", who, R"({"members":)" + members + "}");
  }
  server::HttpResponse leave(const std::string& who, const std::string& member) {
    return ask("DELETE", "/tilechat/groups/group-77/members/" + member, who);
  }
};

// --- Joining ------------------------------------------------------------------------------

TEST_F(Members, AllHearOfTheNewOneWhoGetsTheHistory) {
  know_group("group-77", "u100", {"u100", "u200"});
  say("u100", "group-77", "first");
  say("u200", "group-77", "second");
  gateway.forget();

  const auto response = join(as("u100"), "u300");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  for (const char* user : {"u100", "u200"}) {
    EXPECT_THAT(story(user), ElementsAre("update MEMBER_JOINED_GROUP",
                                         "MEMBER_JOINED_GROUP 150 User added to group"));
  }
  EXPECT_THAT(story("u300"), ElementsAre("update MEMBER_JOINED_GROUP",
                                         "MEMBER_JOINED_GROUP 150 User added to group",
                                         "history first", "history second"));
  EXPECT_THAT(members("group-77"), ElementsAre("u100", "u200", "u300"));
  EXPECT_EQ(group("group-77")["updatedOn"].GetInt64(), 1760000000456);
}

TEST_F(Members, PublishTheUpdateTheMessageAndTheHistoryInThisOrder) {
  know_group("group-77", "u100", {"u100"});
  say("u100", "group-77", "first");
  gateway.forget();
  join(as("u100"), "u300");
  EXPECT_THAT(taken_keys(),
              ElementsAre("apps.observer.tilechat.groups.update",
                          "apps.tilechat.outgoing.users.system.messages.group-77.outgoing",
                          "apps.observer.tilechat.users.u300.messages.group-77.delivered"));
  EXPECT_THAT(gateway.taken[0].body,
              HasSubstr(R"("members":{"u100":1,"u300":1},"updatedOn":1760000000456,)"
                        R"("notification":{"messagelabel":{"key":"MEMBER_JOINED_GROUP",)"
                        R"("parameters":{"member_id":"u300","fullname":"User Three",)"
                        R"("firstname":"User","lastname":"Three"}}}},)"
                        R"("notify_to":{"u100":1,"u300":1}})"));
  EXPECT_THAT(gateway.taken[1].body,
              HasSubstr(R"("text":"User added to group","timestamp":1760000000456)"));
}

TEST_F(Members, JoinInTheSameOrderIfTheObserverIsLate) {
  know_group("group-77", "u100", {"u100"});
  say("u100", "group-77", "first");
  gateway.forget();
  gateway.slow = true;
  EXPECT_EQ(join(as("u100"), "u300").status, 504U);
  gateway.resume();
  EXPECT_THAT(story("u300"),
              ElementsAre("update MEMBER_JOINED_GROUP",
                          "MEMBER_JOINED_GROUP 150 User added to group", "history first"));
}

TEST_F(Members, WithoutANameAreCalledByTheirId) {
  know_group("group-77", "u100", {"u100"});
  join(as("u100"), "u400");
  EXPECT_THAT(story("u400"), ElementsAre("update MEMBER_JOINED_GROUP",
                                         "MEMBER_JOINED_GROUP 150 u400 added to group"));
}

TEST_F(Members, GetHistoryThatIsMarkedAndRingsNoPhone) {
  know_group("group-77", "u100", {"u100"});
  struct Case {
    std::string sent, replayed;
  };
  for (const Case& one : {
           Case{"null", R"({"sendnotification":false})"},
           Case{"{}", R"({"sendnotification":false})"},
           Case{R"({"a" : 1.0,"sendnotification":true})",
                R"({"a" : 1.0,"sendnotification":false})"},
           Case{R"({"forcenotification":true})", R"({"forcenotification":true})"},
           Case{R"({"forcenotification":false})",
                R"({"forcenotification":false,"sendnotification":false})"},
           Case{R"("odd")", R"("odd")"},
       }) {
    send("u100", "group-77", R"({"text":"x","attributes":)" + one.sent + "}");
    gateway.forget();
    join(as("u100"), "u300");
    const auto shown = seen("u300");
    ASSERT_GE(shown.size(), 3U);
    EXPECT_THAT(shown.back(), StartsWith("messages.group-77.clientadded "));
    EXPECT_THAT(shown.back(), HasSubstr(R"("timelineOf":"group-77","conversWith":"group-77",)"
                                        R"("attributes":)" +
                                        one.replayed + R"(,"__history":"true","status":150})"));
    leave(as("u100"), "u300");
  }
}

TEST_F(Members, GetHistoryWithoutAttributesThatHasNone) {
  know_group("group-77", "u100", {"u100"});
  send("u100", "group-77", R"({"text":"bare"})");
  gateway.forget();
  join(as("u100"), "u300");
  EXPECT_THAT(seen("u300").back(), HasSubstr(R"("attributes":{"sendnotification":false})"));
}

TEST_F(Members, GetTheNewestTwoHundredMessagesOldestFirst) {
  know_group("group-77", "u100", {"u100"});
  for (int i = 0; i < 205; ++i) {
    now += std::chrono::milliseconds(1);
    say("u100", "group-77", std::to_string(i));
  }
  gateway.forget();
  join(as("u100"), "u300");
  const auto lines = story("u300");
  ASSERT_EQ(lines.size(), 2U + 200U);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(lines[2 + i], "history " + std::to_string(5 + i));
}

TEST_F(Members, KeepTheHistoryInTheirTimeline) {
  know_group("group-77", "u100", {"u100"});
  say("u100", "group-77", "first");
  join(as("u100"), "u300");
  const auto kept = ask("GET", "/tilechat/u300/conversations/group-77/messages", as("u300"));
  EXPECT_THAT(results(kept, "text"), ElementsAre("User added to group", "first"));
}

TEST_F(Members, AreNotAddedTwiceNorByAnybody) {
  know_group("group-77", "u100", {"u100", "u200"});
  struct Case {
    std::string who, member, body;
  };
  const std::string not_allowed =
      R"({"success":false,"err":{"success":false,"err":"Not allowed"},"http_status":405})";
  for (const Case& one : {
           Case{as("u200"), "u300", not_allowed},
           Case{as("u300"), "u300", not_allowed},
           Case{as("u200"), "u100", not_allowed},
           Case{as("u100"), "u200",
                R"({"success":false,"err":{"success":false,"err":"Already a member",)"
                R"("http_status":401},"http_status":405})"},
       }) {
    const auto refused = join(one.who, one.member);
    EXPECT_EQ(refused.status, 405U);
    EXPECT_EQ(refused.body, one.body);
  }
  EXPECT_THAT(gateway.taken, IsEmpty());
  EXPECT_EQ(join(as_admin(), "u300").status, 200U);
}

TEST_F(Members, GetNoHistoryThatTheObserverWouldDrop) {
  know_group("group-77", "u100", {"u100"});
  say("u100", "group-77", std::string(2000, 'x'));
  say("u100", "group-77", "short");
  gateway.forget();
  options.max_order_bytes = 2000;
  EXPECT_EQ(join(as("u100"), "u300").status, 200U);
  EXPECT_THAT(story("u300"),
              ElementsAre("update MEMBER_JOINED_GROUP",
                          "MEMBER_JOINED_GROUP 150 User added to group", "history short"));
}

TEST_F(Members, NeedAGroupThatExists) {
  const auto joined = join(as("u100"), "u300");
  EXPECT_EQ(joined.status, 405U);
  EXPECT_EQ(joined.body, R"({"success":false,"err":{"success":false,"err":"Not found",)"
                         R"("http_status":404},"http_status":405})");
  const auto left = leave(as("u100"), "u300");
  EXPECT_EQ(left.status, 405U);
  EXPECT_EQ(left.body, R"({"success":false,"err":"Not found","http_status":404})");
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Members, HaveValidIds) {
  know_group("group-77", "u100", {"u100"});
  const std::string path = "/tilechat/groups/group-77/members";
  for (const char* body : {"{}", R"({"member_id":""})", R"({"member_id":7})"}) {
    const auto refused = ask("POST", path, as("u100"), body);
    EXPECT_EQ(refused.status, 405U);
    EXPECT_EQ(refused.body, "member_id is mandatory!");
  }
  for (const std::string& id : {std::string("a.b"), std::string("a/../b"), std::string("#"),
                                std::string("a\\u0007"), std::string(200, 'x')}) {
    EXPECT_EQ(join(as("u100"), id).status, 405U) << id;
    EXPECT_EQ(set(as("u100"), R"({")" + id + R"(":1})").status, 405U) << id;
  }
  for (const char* body : {"{}", R"({"members":null})", R"({"members":["u1"]})"}) {
    const auto refused = ask("PUT", path, as("u100"), body);
    EXPECT_EQ(refused.status, 405U);
    EXPECT_EQ(refused.body, "members is mandatory");
  }
  EXPECT_THAT(gateway.taken, IsEmpty());
}

// --- Setting ------------------------------------------------------------------------------

TEST_F(Members, ThatAreSetSeeOnlyWhatConcernsThem) {
  know_group("group-77", "u100", {"u100", "u200"});
  say("u100", "group-77", "first");
  gateway.forget();
  const auto response = set(as("u100"), R"({"u100":1,"u300":1,"u400":1})");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  EXPECT_THAT(story("u100"),
              ElementsAre("update (no notification)", "MEMBER_JOINED_GROUP 150 User added to group",
                          "MEMBER_JOINED_GROUP 150 u400 added to group"));
  EXPECT_THAT(story("u200"), ElementsAre("update (no notification)"));
  EXPECT_THAT(story("u300"),
              ElementsAre("MEMBER_JOINED_GROUP 150 User added to group", "history first",
                          "MEMBER_JOINED_GROUP 150 u400 added to group"));
  EXPECT_THAT(story("u400"),
              ElementsAre("MEMBER_JOINED_GROUP 150 User added to group",
                          "MEMBER_JOINED_GROUP 150 u400 added to group", "history first"));
  EXPECT_THAT(members("group-77"), ElementsAre("u100", "u300", "u400"));
  EXPECT_EQ(group("group-77")["updatedOn"].GetInt64(), 1760000000456);
}

TEST_F(Members, MayBeRemovedAllAtOnceTheOwnerToo) {
  know_group("group-77", "u100", {"u100", "u200"});
  EXPECT_EQ(set(as("u100"), "{}").status, 200U);
  EXPECT_THAT(members("group-77"), IsEmpty());
  EXPECT_THAT(story("u200"), ElementsAre("update (no notification)"));
  EXPECT_STREQ(group("group-77")["owner"].GetString(), "u100");
}

TEST_F(Members, ThatAreTheSameAreNotSet) {
  know_group("group-77", "u100", {"u100", "u200"});
  const auto same = set(as("u100"), R"({"u200":1,"u100":1})");
  EXPECT_EQ(same.status, 405U);
  EXPECT_EQ(same.body,
            R"x({"err":{"message":"Same members in group, skipping setGroupMembers()"}})x");
  EXPECT_EQ(same.content_type, "application/json; charset=utf-8");
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Members, AreBoundedAndSoIsTheHistoryTheyGetTogether) {
  know_group("group-77", "u100", {"u100"});
  for (int i = 0; i < 30; ++i) say("u100", "group-77", std::to_string(i));
  gateway.forget();
  JsonWriter many;
  for (int i = 0; i < 2000; ++i) many.number("m" + std::to_string(i), 1);
  gateway.slow = true;  // the copies are not what this is about
  EXPECT_EQ(set(as("u100"), many.object()).status, 504U);
  EXPECT_THAT(gateway.taken, SizeIs(1 + 50 + 2000 * 10))
      << "the update, messages about 50 of them, history of 20,000 messages";
  settle();
  JsonWriter more;
  for (int i = 0; i < 5001; ++i) more.number(std::to_string(i), 1);
  const auto refused = set(as("u100"), more.object());
  EXPECT_EQ(refused.status, 405U);
  EXPECT_EQ(refused.body, "a group has at most 5000 members");
}

// --- Leaving ------------------------------------------------------------------------------

TEST_F(Members, WhoLeaveAreToldOnceAndTheOthersTwice) {
  know_group("group-77", "u100", {"u100", "u200", "u300"});
  const auto response = leave(as("u300"), "u300");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  EXPECT_THAT(story("u300"), ElementsAre("update MEMBER_LEFT_GROUP"));
  for (const char* user : {"u100", "u200"}) {
    EXPECT_THAT(story(user), ElementsAre("update MEMBER_LEFT_GROUP",
                                         "MEMBER_LEFT_GROUP 150 u300 removed from group"));
  }
  EXPECT_THAT(gateway.taken[0].body,
              HasSubstr(R"("notification":{"messagelabel":{"key":"MEMBER_LEFT_GROUP",)"
                        R"("parameters":{"member_id":"u300"}}})"));
  EXPECT_THAT(gateway.taken[1].body, HasSubstr(R"("messagelabel":{"key":"MEMBER_LEFT_GROUP",)"
                                               R"("parameters":{"member_id":"u300"}})"));
  EXPECT_THAT(members("group-77"), ElementsAre("u100", "u200"));
  EXPECT_EQ(group("group-77")["updatedOn"].GetInt64(), 1750000000000) << "leaving is no update";
}

TEST_F(Members, AreRemovedByThemselvesTheOwnerOrAnAdminOnly) {
  struct Case {
    std::string who, member;
    bool allowed;
  };
  for (const Case& one : {
           Case{as("u100"), "u300", true},
           Case{as("u300"), "u300", true},
           Case{as_admin(), "u300", true},
           Case{as("u100"), "u100", true},
           Case{as("u200"), "u300", false},
           Case{as("u200"), "u100", false},
           Case{as("u666"), "u300", false},
           Case{as("u666"), "u666", false},
           Case{as("u100"), "u666", false},
       }) {
    renew_group("group-77", "u100", {"u100", "u200", "u300"});
    gateway.forget();
    const auto response = leave(one.who, one.member);
    EXPECT_EQ(response.status, one.allowed ? 200U : 405U) << one.member;
    if (one.allowed) continue;
    EXPECT_EQ(response.body, R"({"success":false,"err":"Not found","http_status":404})");
    EXPECT_THAT(gateway.taken, IsEmpty());
  }
}

}  // namespace
}  // namespace chat21::tests
