// A delivery that is known to have become a message before: docs/GUARANTEES.md.
#include <gmock/gmock.h>

#include "tests/support/routing.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

constexpr std::string_view kKey = "apps.tilechat.outgoing.users.u100.messages.u200.outgoing";
constexpr std::string_view kToGroup = "apps.tilechat.outgoing.users.u100.messages.group-1.outgoing";
constexpr std::string_view kDraft = R"({"text":"hi","attributes":{"n" : 1.0}})";

class OfferedAgain : public Routing {
 protected:
  // Becomes a message that the Store has from then on.
  void become_message(std::string_view key, std::string_view draft = kDraft) {
    arrive(key, draft);
    ASSERT_EQ(outcome(), Outcome::Done);
    id_ = message_id();
    for (const Publish& publish : effects().publishes) {
      first_.push_back({std::string(publish.routing_key), std::string(publish.body)});
    }
    know_message(id_, std::get<SaveMessage>(effects().writes.front()).body);
    now += std::chrono::minutes(1);
  }
  void offer_again(std::string_view key, std::string_view draft = kDraft) {
    arrive(Delivery{
        .tag = 9, .routing_key = key, .body = draft, .redelivered = true, .known_as = id_});
  }

  std::string id_;
  std::vector<Published> first_;
};

TEST_F(OfferedAgain, IsTheMessageThatItHasBecome) {
  become_message(kKey);
  offer_again(kKey);
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_THAT(writes(), IsEmpty());
  EXPECT_THAT(effects().births, IsEmpty());
  EXPECT_THAT(published(), ElementsAreArray(first_));
  EXPECT_THAT(events(), ElementsAre(Event::Kind::MessageDelivered, Event::Kind::MessageSent));
}

TEST_F(OfferedAgain, ReachesAllMembersOfAGroup) {
  know_group("group-1", R"({"members":{"u100":1,"u200":1}})");
  become_message(kToGroup);
  offer_again(kToGroup);
  EXPECT_THAT(writes(), IsEmpty());
  EXPECT_THAT(published(), ElementsAreArray(first_));
  EXPECT_EQ(published().size(), 3U);
}

TEST_F(OfferedAgain, IsANewMessageIfTheStoreDoesNotHaveIt) {
  id_ = "0199c82c-0000-7000-8000-000000000000";
  offer_again(kKey);
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_NE(message_id(), id_);
  EXPECT_EQ(writes().size(), 5U);
}

// The ledger knows it by a hash of its bytes only.
TEST_F(OfferedAgain, IsANewMessageIfTheStoreHasAnotherOne) {
  become_message(kKey);
  offer_again(kKey, R"({"text":"ho","attributes":{"n" : 1.0}})");
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_NE(message_id(), id_);
  EXPECT_EQ(writes().size(), 5U);
  become_message(kKey, R"({"text":"to another"})");
  offer_again("apps.tilechat.outgoing.users.u100.messages.u300.outgoing",
              R"({"text":"to another"})");
  EXPECT_EQ(writes().size(), 5U);
}

TEST_F(OfferedAgain, IsBornOnce) {
  arrive(Delivery{.tag = 7, .routing_key = kKey, .body = kDraft});
  EXPECT_THAT(effects().births, ElementsAre(Birth{7, message_id()}));
}

TEST_F(OfferedAgain, NeedsNoLedgerIfItsSenderKnowsItByAnId) {
  arrive(kKey, R"({"client_message_id":"c1"})");
  EXPECT_THAT(effects().births, IsEmpty());
}

TEST_F(OfferedAgain, WhatIsRefusedIsNotBorn) {
  arrive(kKey, "broken");
  EXPECT_THAT(effects().births, IsEmpty());
  arrive("apps.tilechat.users.u100.presence.c1", R"({"connected":true})");
  EXPECT_THAT(effects().births, IsEmpty());
}

TEST_F(OfferedAgain, WhatIsNoMessageAsksForNone) {
  const Delivery receipt{.tag = 1,
                         .routing_key = "apps.tilechat.users.u100.messages.u200.m1.update",
                         .body = R"({"status":200})",
                         .redelivered = true,
                         .known_as = "m2"};
  std::vector<Record> records;
  router().needs({&receipt, 1}, records);
  EXPECT_THAT(records, ElementsAre(Record::copy("tilechat", "u100", "u200", "m1")));
}

TEST_F(OfferedAgain, WhatNobodyCanCarryOutIsKeptAndSaid) {
  effects().clear();
  router().set_aside({.tag = 3, .routing_key = kKey, .body = kDraft}, "it kills", now, effects());
  EXPECT_THAT(writes(), ElementsAre("set-aside " + std::string(kKey) + " " + std::string(kDraft) +
                                    " because it kills"));
  EXPECT_THAT(effects().settled, ElementsAre(Settle{3, Outcome::SetAside}));
  EXPECT_THAT(events(), ElementsAre(Event::Kind::Rejected));
  EXPECT_EQ(detail(), "it kills");
  EXPECT_THAT(published_keys(), ElementsAre("observer.rejected.apps.tilechat"));
}

}  // namespace
}  // namespace chat21::tests
