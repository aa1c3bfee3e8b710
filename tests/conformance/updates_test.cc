// What docs/PROTOCOL.md says about receipts, conversation patches, archiving and
// presence.
#include <gmock/gmock.h>

#include "tests/support/routing.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kId = "5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11";

std::string receipt_for(std::string_view me, std::string_view conversation) {
  return "apps.tilechat.users." + std::string(me) + ".messages." + std::string(conversation) + "." +
         std::string(kId) + ".update";
}

class Receipts : public Routing {};
class Conversations : public Routing {};
class Presence : public Routing {};

TEST_F(Receipts, RaiseBothCopiesAndTellTheAuthor) {
  know_copy("u200", "u100", kId);
  arrive(receipt_for("u200", "u100"), R"({"status":200})");
  EXPECT_THAT(published(),
              ElementsAre(Published{
                  "apps.tilechat.users.u100.messages.u200.5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11"
                  ".clientupdated",
                  R"({"timelineOf":"u100","message_id":"5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11",)"
                  R"("status":250})"}));
  EXPECT_THAT(writes(), ElementsAre("raise u200/u100 5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11 200",
                                    "raise u100/u200 5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11 250",
                                    "raise u100/u100 5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11 250"));
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_THAT(events(), ElementsAre(Event::Kind::ReturnReceipt));
}

TEST_F(Receipts, InAGroupRaiseTheGroupsOwnCopy) {
  know_copy("u200", "group-77", kId);
  arrive(receipt_for("u200", "group-77"), R"({"status":200})");
  EXPECT_THAT(writes(),
              ElementsAre("raise u200/group-77 5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11 200",
                          "raise group-77/group-77 5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11 250"));
  EXPECT_THAT(published_keys(), ElementsAre("apps.tilechat.users.group-77.messages.u200."
                                            "5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11.clientupdated"));
}

// Only the message said that it went to a group (channel_type), the receipt does not.
TEST_F(Receipts, RaiseTheGroupsOwnCopyAlsoIfTheIdDoesNotSayGroup) {
  know_copy("u200", "team", kId);
  arrive(receipt_for("u200", "team"), R"({"status":200})");
  EXPECT_THAT(writes(),
              ::testing::Contains("raise team/team 5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11 250"));
}

TEST_F(Receipts, ToOneselfRaiseTheOnlyCopyToTheEnd) {
  know_copy("u200", "u200", kId);
  arrive(receipt_for("u200", "u200"), R"({"status":200})");
  EXPECT_THAT(writes(), ElementsAre("raise u200/u200 5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11 200",
                                    "raise u200/u200 5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11 250"));
}

TEST_F(Receipts, ForAMessageThatTheUserDoesNotHaveAreRefused) {
  arrive(receipt_for("u200", "u100"), R"({"status":200})");
  EXPECT_EQ(outcome(), Outcome::NotFound);
  EXPECT_THAT(writes(), IsEmpty());
  EXPECT_THAT(published_keys(), ElementsAre("observer.rejected.apps.tilechat"));
}

TEST_F(Receipts, UseTheAppOfTheAddress) {
  arrive("apps.other.users.u200.messages.u100.m1.update", R"({"status":200})");
  EXPECT_THAT(published_keys(), ElementsAre("observer.rejected.apps.other"));
}

TEST_F(Receipts, OtherThan200AreIgnored) {
  know_copy("u200", "u100", kId);
  for (const std::string_view status : {"150", "250", "0", "-100", "200.5", "1.9e308", "1e-400"}) {
    arrive(receipt_for("u200", "u100"), "{\"status\":" + std::string(status) + "}");
    EXPECT_EQ(outcome(), Outcome::Ignored) << status;
    EXPECT_THAT(published(), IsEmpty());
    EXPECT_THAT(writes(), IsEmpty());
  }
}

TEST_F(Receipts, Take200InEverySpellingOfTheNumber) {
  know_copy("u200", "u100", kId);
  for (const std::string_view status : {"200", "200.0", "2e2"}) {
    arrive(receipt_for("u200", "u100"), "{\"status\":" + std::string(status) + "}");
    EXPECT_EQ(outcome(), Outcome::Done) << status;
  }
}

TEST_F(Receipts, WithoutANumberAreMalformed) {
  know_copy("u200", "u100", kId);
  for (const std::string_view body : {"{}", R"({"status":"200"})", R"({"status":null})"}) {
    arrive(receipt_for("u200", "u100"), body);
    EXPECT_EQ(outcome(), Outcome::Malformed) << body;
  }
}

TEST_F(Conversations, ArePatchedByTheirOwner) {
  arrive("apps.tilechat.users.u200.conversations.u100.update", R"({"is_new":false})");
  EXPECT_THAT(published(), ElementsAre(Published{
                               "apps.tilechat.users.u200.conversations.u100.clientupdated",
                               R"({"is_new":false,"timelineOf":"u200","conversWith":"u100"})"}));
  EXPECT_THAT(writes(), ElementsAre("patch u200/u100 is_new=false"));
  EXPECT_EQ(outcome(), Outcome::Done);
}

TEST_F(Conversations, TakeOnlyKnownFieldsFromAPatch) {
  arrive("apps.tilechat.users.u200.conversations.u100.update",
         R"({"is_new":true,"archived":false,"text":"forged","timelineOf":"u9"})");
  EXPECT_THAT(published()[0].body,
              R"({"is_new":true,"archived":false,"timelineOf":"u200","conversWith":"u100"})");
  EXPECT_THAT(writes(), ElementsAre("patch u200/u100 is_new=true archived=false"));
}

TEST_F(Conversations, IgnoreAPatchWithoutAKnownField) {
  for (const std::string_view body : {"{}", R"({"text":"forged"})"}) {
    arrive("apps.tilechat.users.u200.conversations.u100.update", body);
    EXPECT_EQ(outcome(), Outcome::Ignored);
    EXPECT_THAT(published(), IsEmpty());
    EXPECT_THAT(writes(), IsEmpty());
  }
}

TEST_F(Conversations, RefuseAPatchOfTheWrongType) {
  for (const std::string_view body : {R"({"is_new":0})", R"({"archived":"true"})"}) {
    arrive("apps.tilechat.users.u200.conversations.u100.update", body);
    EXPECT_EQ(outcome(), Outcome::Malformed) << body;
    EXPECT_THAT(writes(), IsEmpty());
  }
}

TEST_F(Conversations, AreArchivedAndToldWhole) {
  know_conversation(
      "u200", "u100",
      R"({"_id":"a","text":"hi","timelineOf":"u200","archived":false,"is_new":true})");
  arrive("apps.tilechat.users.u200.conversations.u100.archive", "{}");
  constexpr std::string_view kArchived =
      R"({"_id":"a","text":"hi","timelineOf":"u200","is_new":true,"archived":true})";
  EXPECT_THAT(
      published(),
      ElementsAre(Published{"apps.tilechat.users.u200.conversations.u100.clientdeleted",
                            std::string(kArchived)},
                  Published{"apps.tilechat.users.u200.archived_conversations.u100.clientadded",
                            std::string(kArchived)}));
  EXPECT_THAT(writes(), ElementsAre("patch u200/u100 archived=true"));
  EXPECT_THAT(events(), ElementsAre(Event::Kind::ConversationArchived));
}

TEST_F(Conversations, AreArchivedWhateverTheBodySays) {
  know_conversation("u200", "u100", "{}");
  for (const std::string_view body : {"", "not json", "[]", R"({"action":"archive"})"}) {
    arrive("apps.tilechat.users.u200.conversations.u100.archive", body);
    EXPECT_EQ(outcome(), Outcome::Done) << body;
  }
}

TEST_F(Conversations, ThatDoNotExistAreNotArchived) {
  arrive("apps.tilechat.users.u200.conversations.u100.archive", "{}");
  EXPECT_EQ(outcome(), Outcome::NotFound);
  EXPECT_THAT(writes(), IsEmpty());
}

TEST_F(Presence, IsOnlyAnEvent) {
  arrive("apps.tilechat.users.u200.presence.client-1", R"({"connected":true})");
  EXPECT_THAT(events(), ElementsAre(Event::Kind::PresenceOnline));
  EXPECT_EQ(effects().events[0].user, "u200");
  EXPECT_EQ(effects().events[0].client, "client-1");
  EXPECT_THAT(published(), IsEmpty());
  EXPECT_THAT(writes(), IsEmpty());
  EXPECT_EQ(outcome(), Outcome::Done);
}

TEST_F(Presence, IsOfflineUnlessConnectedIsTrueInJavaScript) {
  for (const std::string_view body :
       {R"({"disconnected":true})", "{}", R"({"connected":false})", R"({"connected":0})"}) {
    arrive("apps.tilechat.users.u200.presence.client-1", body);
    EXPECT_THAT(events(), ElementsAre(Event::Kind::PresenceOffline)) << body;
  }
}

TEST_F(Presence, OfAClientCalledUpdateIsStillPresence) {
  arrive("apps.tilechat.users.u200.presence.update", R"({"connected":true})");
  EXPECT_THAT(events(), ElementsAre(Event::Kind::PresenceOnline));
}

}  // namespace
}  // namespace chat21::tests
