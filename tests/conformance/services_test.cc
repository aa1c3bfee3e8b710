// What docs/PROTOCOL.md says about the services' topics: delivered, persist,
// groups.update, groups.delete. The other orders are in orders_test.cc.
#include <gmock/gmock.h>
#include <utility>

#include "tests/support/routing.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Delivered : public Routing {};
class Persist : public Routing {};
class GroupUpdates : public Routing {};
class GroupDeletes : public Routing {};

constexpr std::string_view kHistory =
    R"({"_id":"665f","timelineOf":"group-77","conversWith":"group-77","message_id":"m1",)"
    R"("text":"old","timestamp":1750000000000,"app_id":"tilechat","__history":"true","status":150})";

TEST_F(Delivered, ReachesTheMembersInboxUnchangedAndItsTimeline) {
  arrive("apps.observer.tilechat.users.u300.messages.group-77.delivered", kHistory);
  EXPECT_THAT(published(),
              ElementsAre(Published{"apps.tilechat.users.u300.messages.group-77.clientadded",
                                    std::string(kHistory)}));
  EXPECT_THAT(writes(), ElementsAre("copy u300/group-77 m1 150 "
                                    R"({"message_id":"m1","text":"old","timestamp":1750000000000,)"
                                    R"("__history":"true","app_id":"tilechat"})",
                                    "last u300/group-77 m1 at 1750000000000"));
  EXPECT_THAT(events(), ElementsAre(Event::Kind::MessageDelivered));
}

TEST_F(Delivered, TakesTheTimeFromAVersion7IdBeforeAnyOther) {
  arrive("apps.observer.tilechat.users.u300.messages.group-77.delivered",
         R"({"message_id":"0199c82c-0000-7000-8000-000000000000","timestamp":5,"status":150})");
  EXPECT_THAT(writes().back(), ::testing::EndsWith("at 1759999950848"));
}

TEST_F(Delivered, DoesNotTrustATimeInTheFuture) {
  arrive("apps.observer.tilechat.users.u300.messages.group-77.delivered",
         R"({"message_id":"m1","timestamp":99999999999999,"status":150})");
  EXPECT_THAT(writes().back(), ::testing::EndsWith("at 1760000000456"));
  arrive("apps.observer.tilechat.users.u300.messages.group-77.delivered",
         R"({"message_id":"ffffffff-ffff-7fff-8000-000000000000","status":150})");
  EXPECT_THAT(writes().back(), ::testing::EndsWith("at 1760000000456"));
}

TEST_F(Delivered, RefusesAnyStatusBut150) {
  for (const std::string_view status : {"100", "\"150\"", "null", "250"}) {
    arrive("apps.observer.tilechat.users.u300.messages.group-77.delivered",
           R"({"message_id":"m1","status":)" + std::string(status) + "}");
    EXPECT_EQ(outcome(), Outcome::Malformed) << status;
    EXPECT_THAT(writes(), IsEmpty());
  }
}

TEST_F(Persist, WritesWhatAnotherObserverHasDelivered) {
  arrive(
      "apps.observer.tilechat.users.u200.messages.u100.persist",
      R"({"_id":"1","message_id":"m1","text":"x","app_id":"forged","timestamp":5,"status":150})");
  EXPECT_THAT(writes(), ElementsAre(R"(message ID {"message_id":"ID","text":"x","timestamp":5,)"
                                    R"("app_id":"tilechat"})",
                                    "copy u200/u100 ID 150", "last u200/u100 ID at 5"));
  EXPECT_THAT(published(), IsEmpty());
}

TEST_F(Persist, LeavesTheConversationAloneIfTheMessageAsksForIt) {
  arrive("apps.observer.tilechat.users.u200.messages.u100.persist",
         R"({"message_id":"m1","status":100,"attributes":{"updateconversation":false}})");
  EXPECT_EQ(writes().size(), 2U);
}

TEST_F(Persist, RefusesWhatHasNoUsableIdOrStatus) {
  struct Case {
    std::string_view body;
    Outcome outcome;
  };
  for (const Case& one : {
           Case{R"({"status":100})", Outcome::Malformed},
           Case{R"({"message_id":7,"status":100})", Outcome::Malformed},
           Case{R"({"message_id":"","status":100})", Outcome::InvalidId},
           Case{R"({"message_id":"a.b","status":100})", Outcome::InvalidId},
           Case{R"({"message_id":"0123456789012345678901234567890123456","status":100})",
                Outcome::InvalidId},
           Case{R"({"message_id":"m1"})", Outcome::Malformed},
           Case{R"({"message_id":"m1","status":120})", Outcome::Malformed},
       }) {
    arrive("apps.observer.tilechat.users.u200.messages.u100.persist", one.body);
    EXPECT_EQ(outcome(), one.outcome) << one.body;
    EXPECT_THAT(writes(), IsEmpty());
  }
}

constexpr std::string_view kGroup =
    R"({"_id":"665f","uid":"group-77","name":"Support","appId":"tilechat","owner":"u100",)"
    R"("members":{"u100":1,"u200":1},"updatedOn":1760000000000,"notification":{"k":1}})";

TEST_F(GroupUpdates, ReachEverybodyToNotifyAndAreKept) {
  arrive("apps.observer.tilechat.groups.update",
         R"({"group":)" + std::string(kGroup) + R"(,"notify_to":{"u100":1,"u300":1}})");
  EXPECT_THAT(published(),
              ElementsAre(Published{"apps.tilechat.users.u100.groups.group-77.clientupdated",
                                    std::string(kGroup)},
                          Published{"apps.tilechat.users.u300.groups.group-77.clientupdated",
                                    std::string(kGroup)}));
  EXPECT_THAT(writes(),
              ElementsAre(R"(group group-77 {"uid":"group-77","name":"Support","appId":"tilechat",)"
                          R"("owner":"u100","members":{"u100":1,"u200":1},)"
                          R"("updatedOn":1760000000000} at 1760000000000)"));
  EXPECT_THAT(events(), ElementsAre(Event::Kind::GroupUpdated));
}

TEST_F(GroupUpdates, ByAUserAreRefused) {
  arrive("apps.tilechat.users.u100.groups.update",
         R"({"group":)" + std::string(kGroup) + R"(,"notify_to":{"u900":1}})");
  EXPECT_EQ(outcome(), Outcome::UnknownTopic);
  EXPECT_THAT(writes(), IsEmpty());
  EXPECT_THAT(published_keys(), ElementsAre("observer.rejected.apps.tilechat"));
}

TEST_F(GroupUpdates, AreRefusedUnlessWhole) {
  struct Case {
    std::string_view body;
    Outcome outcome;
  };
  // In the group's own timeline it stands twice.
  const std::string too_long =
      R"({"group":{"uid":")" + std::string(88, 'g') + R"(","members":{}},"notify_to":{}})";
  for (const Case& one : {
           Case{"{}", Outcome::Malformed},
           Case{R"({"group":5,"notify_to":{}})", Outcome::Malformed},
           Case{R"({"group":{"members":{}},"notify_to":{}})", Outcome::Malformed},
           Case{R"({"group":{"uid":5,"members":{}},"notify_to":{}})", Outcome::Malformed},
           Case{R"({"group":{"uid":"group.1","members":{}},"notify_to":{}})", Outcome::InvalidId},
           Case{R"({"group":{"uid":"group-1"},"notify_to":{}})", Outcome::Malformed},
           Case{R"({"group":{"uid":"group-1","members":{}}})", Outcome::Malformed},
           Case{R"({"group":{"uid":"group-1","members":{}},"notify_to":[]})", Outcome::Malformed},
           Case{R"({"group":{"uid":"group-1","members":{"a.b":1}},"notify_to":{}})",
                Outcome::InvalidId},
           Case{R"({"group":{"uid":"group-1","members":{}},"notify_to":{"":1}})",
                Outcome::InvalidId},
           Case{R"({"group":{"uid":"group-1","appId":"other","members":{}},"notify_to":{}})",
                Outcome::Malformed},
           Case{R"({"group":{"uid":"group-1","appId":5,"members":{}},"notify_to":{}})",
                Outcome::Malformed},
           Case{R"({"group":{"uid":"","members":{}},"notify_to":{}})", Outcome::InvalidId},
           Case{too_long, Outcome::InvalidId},
       }) {
    arrive("apps.observer.tilechat.groups.update", one.body);
    EXPECT_EQ(outcome(), one.outcome) << one.body << ": " << detail();
    EXPECT_THAT(writes(), IsEmpty());
    EXPECT_THAT(published_keys(), ElementsAre("observer.rejected.apps.tilechat"));
  }
}

TEST_F(GroupUpdates, AreAsOldAsTheySay) {
  for (const auto& [written, meant] :
       {std::pair{"1760000000000.9", "1760000000000"}, std::pair{"-5", "-5"},
        std::pair{"9e15", "9000000000000000"}, std::pair{"1e16", "0"}, std::pair{"-1e300", "0"},
        std::pair{"1.9e308", "0"}, std::pair{"\"5\"", "0"}}) {
    arrive("apps.observer.tilechat.groups.update",
           R"({"group":{"uid":"group-1","members":{},"updatedOn":)" + std::string(written) +
               R"(},"notify_to":{}})");
    EXPECT_THAT(writes(), ElementsAre(::testing::EndsWith("} at " + std::string(meant))))
        << written;
  }
}

TEST_F(GroupUpdates, CountForTheNextMessageOfTheSameBatch) {
  const std::vector<Published> batch = {
      {"apps.observer.tilechat.groups.update",
       R"({"group":)" + std::string(kGroup) + R"(,"notify_to":{}})"},
      {"apps.tilechat.outgoing.users.u100.messages.group-77.outgoing", "{}"}};
  EXPECT_EQ(arrive_together(batch), 1U);
}

TEST_F(GroupUpdates, DoNotHoldUpMessagesToOthers) {
  const std::vector<Published> batch = {
      {"apps.observer.tilechat.groups.update",
       R"({"group":)" + std::string(kGroup) + R"(,"notify_to":{}})"},
      {"apps.tilechat.outgoing.users.u100.messages.group-78.outgoing", "{}"},
      {"apps.tilechat.outgoing.users.u100.messages.u200.outgoing", "{}"}};
  EXPECT_EQ(arrive_together(batch), 3U);
}

constexpr std::string_view kDelete = "apps.observer.tilechat.groups.delete";

TEST_F(GroupDeletes, ReachEverybodyToNotifyAndRemoveTheGroup) {
  arrive(kDelete, R"({"group":)" + std::string(kGroup) + R"(,"notify_to":{"u100":1,"u300":1}})");
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_THAT(published(),
              ElementsAre(Published{"apps.tilechat.users.u100.groups.group-77.clientupdated",
                                    std::string(kGroup)},
                          Published{"apps.tilechat.users.u300.groups.group-77.clientupdated",
                                    std::string(kGroup)}));
  EXPECT_THAT(writes(), ElementsAre("remove-group group-77 at 1760000000000"));
  ASSERT_THAT(events(), ElementsAre(Event::Kind::GroupDeleted));
  const Event& event = effects().events.front();
  EXPECT_EQ(event.app, "tilechat");
  EXPECT_EQ(event.conversation, "group-77");
  EXPECT_EQ(event.routing_key, kDelete);
  EXPECT_EQ(event.body, kGroup);
}

TEST_F(GroupDeletes, NeedNoMembers) {
  arrive(kDelete, R"({"group":{"uid":"group-1","updatedOn":5},"notify_to":{}})");
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_THAT(writes(), ElementsAre("remove-group group-1 at 5"));
  EXPECT_THAT(published(), IsEmpty());
}

TEST_F(GroupDeletes, AreRefusedUnlessTheySayWhichGroupAndWhen) {
  struct Case {
    std::string_view body;
    Outcome outcome;
    std::string_view detail;
  };
  for (const Case& one : {
           Case{"[]", Outcome::Malformed, "the body is refused: not a JSON object"},
           Case{"{}", Outcome::Malformed, "group is missing or not an object"},
           Case{R"({"group":{"updatedOn":5},"notify_to":{}})", Outcome::Malformed,
                "group.uid is missing or not a string"},
           Case{R"({"group":{"uid":"a.b","updatedOn":5},"notify_to":{}})", Outcome::InvalidId,
                "group.uid contains ."},
           Case{R"({"group":{"uid":"group-1"},"notify_to":{}})", Outcome::Malformed,
                "group.updatedOn is missing or not a time"},
           Case{R"({"group":{"uid":"group-1","updatedOn":"5"},"notify_to":{}})", Outcome::Malformed,
                "group.updatedOn is missing or not a time"},
           Case{R"({"group":{"uid":"group-1","updatedOn":1e16},"notify_to":{}})",
                Outcome::Malformed, "group.updatedOn is missing or not a time"},
           Case{R"({"group":{"uid":"group-1","updatedOn":5}})", Outcome::Malformed,
                "notify_to is missing or not an object"},
           Case{R"({"group":{"uid":"group-1","updatedOn":5},"notify_to":{"#":1}})",
                Outcome::InvalidId, "a member of the group: user contains #"},
           Case{R"({"group":{"uid":"group-1","updatedOn":5,"appId":"b"},"notify_to":{}})",
                Outcome::Malformed, "group.appId is not the app of the topic"},
       }) {
    arrive(kDelete, one.body);
    EXPECT_EQ(outcome(), one.outcome) << one.body;
    EXPECT_EQ(detail(), one.detail) << one.body;
    EXPECT_THAT(writes(), IsEmpty());
    EXPECT_THAT(published_keys(), ElementsAre("observer.rejected.apps.tilechat"));
  }
}

TEST_F(GroupDeletes, CountForTheNextMessageOfTheSameBatch) {
  know_group("group-77", kGroup);
  const std::vector<Published> batch = {
      {std::string(kDelete), R"({"group":)" + std::string(kGroup) + R"(,"notify_to":{}})"},
      {"apps.tilechat.outgoing.users.u100.messages.group-77.outgoing", "{}"}};
  EXPECT_EQ(arrive_together(batch), 1U);
}

TEST_F(GroupDeletes, DoNotHoldUpMessagesToOthers) {
  const std::vector<Published> batch = {
      {std::string(kDelete), R"({"group":)" + std::string(kGroup) + R"(,"notify_to":{}})"},
      {"apps.tilechat.outgoing.users.u100.messages.group-78.outgoing", "{}"}};
  EXPECT_EQ(arrive_together(batch), 2U);
}

}  // namespace
}  // namespace chat21::tests
