// Groups over HTTP, message by message: created, read, renamed, given attributes, deleted.
#include <gmock/gmock.h>
#include <string>

#include "chat21/json.h"

#include "tests/api/group_world.h"

namespace chat21::tests {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Groups : public GroupWorld {
 protected:
  server::HttpResponse create(const std::string& who, const std::string& body) {
    return ask("POST", "/tilechat/groups", who, body);
  }
};

constexpr const char* kUpdates = "apps.observer.tilechat.groups.update";
constexpr const char* kInfos = "apps.tilechat.outgoing.users.system.messages.group-77.outgoing";

// --- Creation ---------------------------------------------------------------------------

TEST_F(Groups, AnswerTheNewGroup) {
  const auto response =
      create(as("u100"), R"({"group_name":"Support","group_id":"group-77",)"
                         R"("group_members":{"u300":1},"attributes":{"k" : 1.0}})");
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(response.body,
            R"({"success":true,"group":{"name":"Support","uid":"group-77","appId":"tilechat",)"
            R"("owner":"u100","members":{"u300":1,"u100":1},"createdOn":1760000000456,)"
            R"("updatedOn":1760000000456,"attributes":{"k" : 1.0}}})");
}

TEST_F(Groups, PublishTheGroupFirstThenWhatItsMembersRead) {
  create(as("u100"),
         R"({"group_name":"Support","group_id":"group-77","group_members":{"u300":1}})");
  EXPECT_THAT(taken_keys(), ElementsAre(kUpdates, kInfos, kInfos, kInfos));
  EXPECT_EQ(gateway.taken[0].body,
            R"({"group":{"name":"Support","uid":"group-77","appId":"tilechat","owner":"u100",)"
            R"("members":{"u300":1,"u100":1},"createdOn":1760000000456,)"
            R"("updatedOn":1760000000456},"notify_to":{}})");
  EXPECT_EQ(gateway.taken[1].body,
            R"({"type":"text","text":"Group created","timestamp":1760000000456,)"
            R"("channel_type":"group","sender_fullname":"System","sender":"system",)"
            R"("recipient_fullname":"Support","recipient":"group-77","attributes":{)"
            R"("subtype":"info","updateconversation":true,"messagelabel":{)"
            R"("key":"GROUP_CREATED","parameters":{"creator":"u100"}}}})");
  EXPECT_EQ(gateway.taken[2].body,
            R"({"type":"text","text":"User Three joined group on creation",)"
            R"("timestamp":1760000000456,"channel_type":"group","sender_fullname":"System",)"
            R"("sender":"system","recipient_fullname":"Support","recipient":"group-77",)"
            R"("attributes":{"subtype":"info","updateconversation":true,"messagelabel":{)"
            R"("key":"MEMBER_JOINED_GROUP","parameters":{"member_id":"u300",)"
            R"("fullname":"User Three","firstname":"User","lastname":"Three"}}}})");
}

TEST_F(Groups, ShowTheirMembersTheCreation) {
  create(as("u100"),
         R"({"group_name":"Support","group_id":"group-77","group_members":{"u300":1}})");
  for (const char* user : {"u100", "u300"}) {
    EXPECT_THAT(story(user),
                ElementsAre("GROUP_CREATED 150 Group created",
                            "MEMBER_JOINED_GROUP 150 User Three joined group on creation",
                            "MEMBER_JOINED_GROUP 150 u100 joined group on creation"));
    EXPECT_THAT(seen(user), Each(StartsWith("messages.group-77.clientadded ")));
  }
  EXPECT_THAT(members("group-77"), ElementsAre("u300", "u100"));
}

TEST_F(Groups, GetAnIdIfTheyBringNone) {
  const auto response = create(as("u100"), R"({"group_name":"Support","group_members":{}})");
  ASSERT_EQ(response.status, 201U);
  const std::string id = json(response)["group"]["uid"].GetString();
  EXPECT_THAT(id, MatchesRegex("group-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                               "[0-9a-f]{12}"));
  EXPECT_THAT(members(id), ElementsAre("u100"));
}

TEST_F(Groups, BelongToWhoCreatesThemUnlessAnAdminSaysOtherwise) {
  struct Case {
    std::string who, owner_field, owner, members;
  };
  for (const Case& one : {
           Case{as("u100"), "", "u100", "u300,u100"},
           Case{as("u100"), R"(,"group_owner":"u200")", "u100", "u300,u100"},
           Case{as_admin(), "", "root", "u300"},
           Case{as_admin(), R"(,"group_owner":"u200")", "u200", "u300"},
           Case{as("u100"), R"(,"group_owner":7)", "u100", "u300,u100"},
       }) {
    const auto response = create(
        one.who, R"({"group_name":"Support","group_members":{"u300":1})" + one.owner_field + "}");
    ASSERT_EQ(response.status, 201U) << response.body;
    const auto created = json(response);
    EXPECT_STREQ(created["group"]["owner"].GetString(), one.owner.c_str());
    std::string listed;
    for (const auto& member : created["group"]["members"].GetObject()) {
      if (!listed.empty()) listed += ',';
      listed += member.name.GetString();
    }
    EXPECT_EQ(listed, one.members) << one.owner_field;
  }
}

TEST_F(Groups, RefuseWhatIsMissingOrOdd) {
  const std::string long_id = "group-" + std::string(90, 'x');
  struct Case {
    std::string body, sentence;
  };
  for (const Case& one : {
           Case{R"({})", "group_name not present!"},
           Case{R"({"group_name":""})", "group_name not present!"},
           Case{R"({"group_name":7,"group_members":{}})", "group_name not present!"},
           Case{R"({"group_name":"x"})", "group_members not present!"},
           Case{R"({"group_name":"x","group_members":null})", "group_members not present!"},
           Case{R"({"group_name":"x","group_members":["u1"]})", "group_members not present!"},
           Case{R"({"group_name":"x","group_members":{},"group_id":7})", "group_id is not a text"},
           Case{R"({"group_name":"x","group_members":{},"group_id":"team-1"})",
                "group_id must contain \"group-\""},
           Case{R"({"group_name":"x","group_members":{},"group_id":"group-a.b"})",
                "group_id is no valid id, or too long"},
           Case{R"({"group_name":"x","group_members":{},"group_id":")" + long_id + "\"}",
                "group_id is no valid id, or too long"},
           Case{R"({"group_name":"x","group_members":{},"attributes":"x"})",
                "attributes must be an object"},
           Case{R"({"group_name":")" + std::string(1025, 'x') + R"(","group_members":{}})",
                "a group's name has at most 1024 bytes"},
       }) {
    const auto response = create(as("u100"), one.body);
    EXPECT_EQ(response.status, 405U) << one.body;
    EXPECT_EQ(response.body, one.sentence) << one.body;
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  }
  for (const char* id : {"", "a/b", "a.b", "*", "#", "$x", "a\\u0000b", "a\\nb"}) {
    const auto response = create(
        as("u100"), R"({"group_name":"x","group_members":{")" + std::string(id) + R"(":1}})");
    EXPECT_EQ(response.status, 405U) << id;
    EXPECT_THAT(response.body, StartsWith("a member of the group: ")) << id;
  }
  EXPECT_EQ(
      create(as_admin(), R"({"group_name":"x","group_members":{},"group_owner":"a.b"})").status,
      405U);
  EXPECT_EQ(create(as_admin(), R"({"group_name":"x","group_members":{},"group_owner":7})").body,
            "group_owner is not a text");
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Groups, RefuseAttributesThatAreTooDeepForTheObserver) {
  const auto deep = [](std::size_t levels) {
    return R"({"a":)" + std::string(levels, '[') + std::string(levels, ']') + '}';
  };
  const auto refused = create(as("u100"), R"({"group_name":"x","group_id":"group-77",)"
                                          R"("group_members":{},"attributes":)" +
                                              deep(126) + '}');
  EXPECT_EQ(refused.status, 405U) << "the request has 128 levels, the order one more";
  EXPECT_EQ(refused.body, "the group is refused: it is nested deeper than 128 levels");
  know_group("group-77", "u100", {"u100"});
  const std::string path = "/tilechat/groups/group-77/attributes";
  EXPECT_EQ(ask("PUT", path, as("u100"), R"({"attributes":)" + deep(123) + '}').status, 405U)
      << "the notification has them deeper still";
  EXPECT_THAT(gateway.taken, IsEmpty());
  EXPECT_EQ(ask("PUT", path, as("u100"), R"({"attributes":)" + deep(122) + '}').status, 200U);
  EXPECT_THAT(group("group-77")["attributes"]["a"].IsArray(), true);
}

TEST_F(Groups, HaveNotMoreMembersThanAMessageCanReach) {
  JsonWriter many;
  for (int i = 0; i < 5000; ++i) many.number(std::to_string(i), 1);
  const std::string body = R"({"group_name":"x","group_members":)" + many.object() + "}";
  const auto refused = create(as("u100"), body);
  EXPECT_EQ(refused.status, 405U) << "the caller is one more";
  EXPECT_EQ(refused.body, "a group has at most 5000 members");
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Groups, AnnounceOnlySoManyMembersThatTheirCopiesStayBounded) {
  JsonWriter many;
  for (int i = 0; i < 1000; ++i) many.number("m" + std::to_string(i), 1);
  gateway.slow = true;  // the copies are not what this is about
  create(as_admin(),
         R"({"group_name":"x","group_id":"group-77","group_members":)" + many.object() + "}");
  EXPECT_THAT(gateway.taken, SizeIs(2 + 100)) << "the group, its creation, 100,000 copies";
}

TEST_F(Groups, DoNotWaitForNamesForMoreThanTwoSeconds) {
  int asked = 0;
  contacts.asked = [&] {
    ++asked;
    now += std::chrono::milliseconds(500);
  };
  JsonWriter many;
  for (int i = 0; i < 50; ++i) many.number("m" + std::to_string(i), 1);
  create(as_admin(),
         R"({"group_name":"x","group_id":"group-77","group_members":)" + many.object() + "}");
  EXPECT_EQ(asked, 4);
  EXPECT_THAT(gateway.taken, SizeIs(2 + 50)) << "those after them are called by their ids";
  EXPECT_THAT(gateway.taken.back().body, HasSubstr("m49 joined group on creation"));
}

TEST_F(Groups, AreNotTakenOver) {
  know_group("group-77", "u100", {"u100", "u300"});
  const std::string body =
      R"({"group_name":"Mine","group_id":"group-77","group_members":{"u666":1}})";
  for (const std::string& who : {as("u666"), as("u300")}) {
    const auto refused = create(who, body);
    EXPECT_EQ(refused.status, 405U);
    EXPECT_EQ(refused.body, R"({"success":false,"err":"Not allowed"})");
  }
  EXPECT_THAT(gateway.taken, IsEmpty());
  EXPECT_THAT(members("group-77"), ElementsAre("u100", "u300"));
}

TEST_F(Groups, AreNotTakenOverBeforeTheyAreStored) {
  const std::string body = R"({"group_name":"x","group_id":"group-77","group_members":{}})";
  gateway.slow = true;
  EXPECT_EQ(create(as("u100"), body).status, 504U);
  EXPECT_EQ(create(as("u666"), body).status, 500U);
  gateway.resume();
  EXPECT_EQ(create(as("u666"), body).status, 405U);
  EXPECT_THAT(members("group-77"), ElementsAre("u100"));
}

TEST_F(Groups, WithAHistoryAreNotTakenOverEither) {
  const std::string body = R"({"group_name":"x","group_id":"group-77","group_members":{}})";
  say("u100", "group-77", "of a group that nobody has created");
  gateway.forget();
  const auto refused = create(as("u666"), body);
  EXPECT_EQ(refused.status, 405U);
  EXPECT_EQ(refused.body, R"({"success":false,"err":"Not allowed"})");
  EXPECT_THAT(gateway.taken, IsEmpty());
  EXPECT_EQ(create(as("u100"), body).status, 201U) << "who has written all of it";

  ASSERT_EQ(ask("DELETE", "/tilechat/groups/group-77", as_admin()).status, 200U);
  EXPECT_EQ(create(as("u666"), body).status, 405U) << "its messages are still there";
  EXPECT_EQ(create(as_admin(), body).status, 201U);
}

TEST_F(Groups, WithAHistoryAreNotTakenOverByWhoBuriesIt) {
  const std::string body = R"({"group_name":"x","group_id":"group-77","group_members":{}})";
  say("u100", "group-77", "a secret");
  const std::string noise(1'000'000, 'x');
  for (int i = 0; i < 10; ++i) say("u666", "group-77", noise);
  EXPECT_EQ(create(as("u666"), body).status, 405U) << "deeper than one page of history";
}

TEST_F(Groups, AreReplacedByTheirOwnerOrAnAdmin) {
  for (const std::string& who : {as("u100"), as_admin()}) {
    renew_group("group-77", "u100", {"u100", "u300"});
    EXPECT_EQ(create(who, R"({"group_name":"New","group_id":"group-77",)"
                          R"("group_members":{"u400":1},"group_owner":"u100"})")
                  .status,
              201U);
    EXPECT_STREQ(group("group-77")["name"].GetString(), "New");
    EXPECT_THAT(members("group-77"), Not(Contains("u300")));
  }
}

TEST_F(Groups, ReplaceAGroupThatWasChangedLaterByAnotherClock) {
  know_group("group-77", "u100", {"u100"});
  now = Time(std::chrono::milliseconds(1740000000000));
  create(as("u100"), R"({"group_name":"New","group_id":"group-77","group_members":{}})");
  const auto stored = group("group-77");
  EXPECT_STREQ(stored["name"].GetString(), "New");
  EXPECT_EQ(stored["updatedOn"].GetInt64(), 1750000000000);
}

// --- Reading ------------------------------------------------------------------------------

TEST_F(Groups, AreReadByMembersAndAdmins) {
  know_group("group-77", "u100", {"u100", "u300"});
  for (const std::string& who : {as("u100"), as("u300"), as_admin()}) {
    const auto read = ask("GET", "/tilechat/groups/group-77", who);
    EXPECT_EQ(read.status, 200U);
    const auto answer = json(read);
    EXPECT_TRUE(answer["success"].GetBool());
    EXPECT_STREQ(answer["result"]["uid"].GetString(), "group-77");
    EXPECT_TRUE(answer["result"].HasMember("_id"));
  }
  const auto refused = ask("GET", "/tilechat/groups/group-77", as("u666"));
  EXPECT_EQ(refused.status, 401U);
  EXPECT_EQ(refused.body, R"({"success":false,"err":"Permission denied"})");
  const auto unknown = ask("GET", "/tilechat/groups/group-78", as("u100"));
  EXPECT_EQ(unknown.status, 404U);
  EXPECT_EQ(unknown.body, R"({"success":false,"err":"Group doesn't exist"})");
}

TEST_F(Groups, OfAnotherAppAreNotThere) {
  know_group("group-77", "u100", {"u100"});
  EXPECT_EQ(ask("GET", "/tilechat/groups/group-77", token({.user = "u100", .app = "other"})).status,
            401U);
  EXPECT_EQ(ask("GET", "/other/groups/group-77", token({.user = "u100", .app = "other"})).status,
            404U);
}

TEST_F(Groups, NeverShowTheNotificationThatSomebodyStored) {
  const std::string body =
      R"({"uid":"group-77","appId":"tilechat","owner":"u100","members":{"u100":1},)"
      R"("notification":{"messagelabel":{"key":"X"}},"updatedOn":5})";
  ASSERT_TRUE(store.apply(std::vector<Write>{
      SaveGroup{.app = "tilechat", .group = "group-77", .body = body, .updated_on = 5}}));
  EXPECT_FALSE(group("group-77").HasMember("notification"));
}

// --- Changes --------------------------------------------------------------------------------

TEST_F(Groups, AreRenamedAndTheirMembersTold) {
  know_group("group-77", "u100", {"u100", "u300"});
  const auto response =
      ask("PUT", "/tilechat/groups/group-77", as("u100"), R"({"group_name":"New \"name\""})");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  for (const char* user : {"u100", "u300"}) {
    ASSERT_THAT(seen(user), SizeIs(1));
    EXPECT_THAT(seen(user)[0], StartsWith("groups.group-77.clientupdated "));
    EXPECT_THAT(seen(user)[0],
                HasSubstr(R"("notification":{"messagelabel":{"key":"DATA_UPDATED_GROUP",)"
                          R"("parameters":{"group_name":"New \"name\""}}})"));
  }
  const auto stored = group("group-77");
  EXPECT_STREQ(stored["name"].GetString(), "New \"name\"");
  EXPECT_EQ(stored["updatedOn"].GetInt64(), 1760000000456);
  EXPECT_EQ(stored["createdOn"].GetInt64(), 1750000000000);
  EXPECT_FALSE(stored.HasMember("notification"));
}

TEST_F(Groups, GetNewAttributesAsAWhole) {
  know_group("group-77", "u100", {"u100"});
  const std::string path = "/tilechat/groups/group-77/attributes";
  ask("PUT", path, as("u100"), R"({"attributes":{"a":1}})");
  EXPECT_EQ(ask("PUT", path, as("u100"), R"({"attributes":{"b" :2.50}})").body,
            R"({"success":true})");
  ASSERT_THAT(seen("u100"), SizeIs(2));
  EXPECT_THAT(seen("u100")[1], HasSubstr(R"("messagelabel":{"key":"ATTRIBUTES_UPDATED_GROUP",)"
                                         R"("parameters":{"attributes":{"b" :2.50}}})"));
  const auto stored = group("group-77");
  EXPECT_FALSE(stored["attributes"].HasMember("a"));
  EXPECT_EQ(stored["attributes"]["b"].GetDouble(), 2.5);
}

TEST_F(Groups, KeepFieldsThatWeDoNotKnow) {
  const std::string body =
      R"({"uid":"group-77","appId":"tilechat","owner":"u100","members":{"u100":1},)"
      R"("plan":{"x":[1.50,"\u00e9"]},"updatedOn":5})";
  ASSERT_TRUE(store.apply(std::vector<Write>{
      SaveGroup{.app = "tilechat", .group = "group-77", .body = body, .updated_on = 5}}));
  ask("PUT", "/tilechat/groups/group-77", as("u100"), R"({"group_name":"New"})");
  ask("PUT", "/tilechat/groups/group-77/attributes", as("u100"), R"({"attributes":{}})");
  ask("POST", "/tilechat/groups/group-77/members", as("u100"), R"({"member_id":"u200"})");
  ask("PUT", "/tilechat/groups/group-77/members", as("u100"), R"({"members":{"u200":1,"u300":1}})");
  ask("DELETE", "/tilechat/groups/group-77/members/u300", as("u100"));
  EXPECT_THAT(ask("GET", "/tilechat/groups/group-77", as_admin()).body,
              HasSubstr(R"("plan":{"x":[1.50,"\u00e9"]})"));
  EXPECT_THAT(members("group-77"), ElementsAre("u200"));
}

TEST_F(Groups, NeedNotSayWhoseAppTheyAre) {
  const std::string body = R"({"uid":"group-77","owner":"u100","members":{"u100":1}})";
  ASSERT_TRUE(store.apply(std::vector<Write>{
      SaveGroup{.app = "tilechat", .group = "group-77", .body = body, .updated_on = 0}}));
  EXPECT_EQ(ask("PUT", "/tilechat/groups/group-77", as("u100"), R"({"group_name":"New"})").status,
            200U);
  EXPECT_STREQ(group("group-77")["name"].GetString(), "New");
}

TEST_F(Groups, RefuseChangesWithoutContent) {
  know_group("group-77", "u100", {"u100"});
  const std::string path = "/tilechat/groups/group-77";
  for (const char* body :
       {"{}", R"({"group_name":""})", R"({"group_name":null})", R"({"group_name":{}})"}) {
    const auto response = ask("PUT", path, as("u100"), body);
    EXPECT_EQ(response.status, 405U);
    EXPECT_EQ(response.body, "group_name is mandatory");
  }
  EXPECT_EQ(ask("PUT", path + "/attributes", as("u100"), "{}").body, "attributes is mandatory");
  EXPECT_EQ(ask("PUT", path + "/attributes", as("u100"), R"({"attributes":null})").body,
            "attributes is mandatory");
  EXPECT_EQ(ask("PUT", path + "/attributes", as("u100"), R"({"attributes":[]})").body,
            "attributes must be an object");
  EXPECT_EQ(
      ask("PUT", path, as("u100"), R"({"group_name":")" + std::string(1025, 'x') + "\"}").body,
      "a group's name has at most 1024 bytes");
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Groups, AreDeletedAndTheirMembersTold) {
  know_group("group-77", "u100", {"u100", "u300"});
  const auto response = ask("DELETE", "/tilechat/groups/group-77", as("u100"));
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  EXPECT_THAT(taken_keys(), ElementsAre("apps.observer.tilechat.groups.delete"));
  EXPECT_THAT(story("u100"), ElementsAre("update GROUP_DELETED"));
  EXPECT_THAT(story("u300"), ElementsAre("update GROUP_DELETED"));
  EXPECT_THAT(seen("u300")[0], StartsWith("groups.group-77.clientupdated "));
  EXPECT_TRUE(group("group-77").IsNull());
}

TEST_F(Groups, CannotBeDeletedByAnybody) {
  know_group("group-77", "u100", {"u100", "u300"});
  const auto refused = ask("DELETE", "/tilechat/groups/group-77", as("u300"));
  EXPECT_EQ(refused.status, 401U);
  EXPECT_EQ(refused.body, R"({"success":false,"err":"Permission denied"})");
  const auto unknown = ask("DELETE", "/tilechat/groups/group-78", as("u300"));
  EXPECT_EQ(unknown.status, 404U);
  EXPECT_EQ(unknown.body, R"({"success":false,"err":"Group doesn't exist"})");
  EXPECT_THAT(gateway.taken, IsEmpty());
  EXPECT_EQ(ask("DELETE", "/tilechat/groups/group-77", as_admin()).status, 200U);
}

}  // namespace
}  // namespace chat21::tests
