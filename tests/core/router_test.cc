// What the Router promises about batches; what it does with each topic is in
// tests/conformance.
#include <gmock/gmock.h>

#include "tests/support/routing.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;

class Batches : public Routing {};

constexpr std::string_view kToUser = "apps.tilechat.outgoing.users.u100.messages.u200.outgoing";
constexpr std::string_view kArchive = "apps.tilechat.users.u200.conversations.u100.archive";

std::vector<Record> needs_of(const Router& router, std::string_view key, std::string_view body) {
  const Delivery delivery{.tag = 1, .routing_key = key, .body = body};
  std::vector<Record> records;
  router.needs({&delivery, 1}, records);
  return records;
}

TEST_F(Batches, GiveEqualBytesForEqualSeedAndTime) {
  const auto route = [](std::uint64_t seed) {
    Router router({.seed = seed});
    const Delivery delivery{.tag = 1, .routing_key = kToUser, .body = R"({"text":"x"})"};
    Effects effects;
    EXPECT_EQ(router.route({&delivery, 1}, {}, kNow, effects), 1U);
    return std::string(effects.publishes.at(0).body);
  };
  EXPECT_EQ(route(1), route(1));
  EXPECT_NE(route(1), route(2));
}

TEST_F(Batches, KeepTheOrderOfTheDeliveries) {
  EXPECT_EQ(arrive_together({{std::string(kToUser), R"({"n":1})"},
                             {std::string(kToUser), R"({"n":2})"},
                             {std::string(kToUser), R"({"n":3})"}}),
            3U);
  ASSERT_EQ(effects().settled.size(), 3U);
  EXPECT_LT(effects().settled[0].tag, effects().settled[1].tag);
  EXPECT_LT(effects().settled[1].tag, effects().settled[2].tag);
  std::string ids;
  for (const Write& write : effects().writes) {
    const auto* message = std::get_if<SaveMessage>(&write);
    if (message == nullptr) continue;
    EXPECT_GT(message->message_id, ids);
    ids = message->message_id;
  }
}

TEST_F(Batches, StopShortBeforeAnArchiveOfAConversationThatTheyChanged) {
  EXPECT_EQ(arrive_together({{std::string(kToUser), "{}"}, {std::string(kArchive), ""}}), 1U);
  EXPECT_EQ(effects().settled.size(), 1U);
}

// If publishing the message fails, it is published again to the members of then.
TEST_F(Batches, StopShortBeforeAChangeOfAGroupThatGetsAMessage) {
  know_group("group-1", R"({"members":{"u100":1,"u200":1}})");
  EXPECT_EQ(arrive_together({{"apps.tilechat.outgoing.users.u100.messages.group-1.outgoing", "{}"},
                             {"apps.observer.tilechat.groups.update",
                              R"({"group":{"uid":"group-1","members":{}},"notify_to":{}})"}}),
            1U);
}

TEST_F(Batches, StopShortBeforeTheReceiptForAMessageThatTheySaved) {
  EXPECT_EQ(
      arrive_together({{"apps.observer.tilechat.users.u200.messages.u100.persist",
                        R"({"message_id":"m1","status":150})"},
                       {"apps.tilechat.users.u200.messages.u100.m1.update", R"({"status":200})"}}),
      1U);
}

TEST_F(Batches, StopShortBeforeAnArchiveWhoseLastMessageWasRaised) {
  know_copy("u200", "u100", "m1");
  know_conversation("u200", "u100", "{}");
  EXPECT_EQ(
      arrive_together({{"apps.tilechat.users.u200.messages.u100.m1.update", R"({"status":200})"},
                       {std::string(kArchive), ""}}),
      1U);
}

// Such a copy raises the status of a message that may be the conversation's last.
TEST_F(Batches, StopShortBeforeAnArchiveWhoseLastMessageWasSavedAgain) {
  know_conversation("u200", "u100", "{}");
  EXPECT_EQ(arrive_together(
                {{"apps.observer.tilechat.users.u200.messages.u100.persist",
                  R"({"message_id":"m1","status":200,"attributes":{"updateconversation":false}})"},
                 {std::string(kArchive), ""}}),
            1U);
}

TEST_F(Batches, StopShortWhenTheirEffectsHaveEnoughBytes) {
  options.max_effect_bytes = 10000;
  const Published message{std::string(kToUser), R"({"text":")" + std::string(2000, 'x') + "\"}"};
  EXPECT_EQ(arrive_together({message, message, message, message}), 2U);
}

TEST_F(Batches, StopShortWhenTheyHaveEnoughEffects) {
  options.max_effects = 14;
  const Published message{std::string(kToUser), "{}"};
  EXPECT_EQ(arrive_together({message, message, message, message}), 2U);
}

TEST_F(Batches, AlwaysDecideAtLeastOneDelivery) {
  options.max_effects = 1;
  know_conversation("u200", "u100", "{}");
  EXPECT_EQ(arrive_together({{std::string(kArchive), ""}, {std::string(kArchive), ""}}), 1U);
}

TEST_F(Batches, GiveEachDeliveryItsOwnFact) {
  know_group("group-1", R"({"members":{"a":1}})");
  know_group("group-2", R"({"members":{"b":1}})");
  const std::string to = "apps.tilechat.outgoing.users.u.messages.group-";
  EXPECT_EQ(arrive_together({{to + "1.outgoing", "{}"},
                             {std::string(kToUser), "{}"},
                             {to + "3.outgoing", "broken"},
                             {"apps.tilechat.outgoing.users.#.messages.group-4.outgoing", "{}"},
                             {to + "2.outgoing", "{}"}}),
            5U);
  EXPECT_THAT(
      published_keys(),
      ::testing::AllOf(::testing::Contains("apps.tilechat.users.a.messages.group-1.clientadded"),
                       ::testing::Contains("apps.tilechat.users.b.messages.group-2.clientadded")));
}

TEST_F(Batches, GiveEachDeliveryItsTwoFacts) {
  know_group("group-1", R"({"members":{"a":1}})");
  know_group("group-2", R"({"members":{"b":1}})");
  know_sent("u", "c1",
            R"({"client_message_id":"c1","message_id":"m1","sender":"u",)"
            R"("recipient":"group-2","app_id":"tilechat","timestamp":5})");
  const std::string to = "apps.tilechat.outgoing.users.u.messages.";
  EXPECT_EQ(arrive_together({{to + "group-1.outgoing", R"({"client_message_id":"c3"})"},
                             {to + "v.outgoing", R"({"client_message_id":"c2"})"},
                             {to + "v.outgoing", "{}"},
                             {to + "group-2.outgoing", R"({"client_message_id":"c1"})"},
                             {to + "group-1.outgoing", "{}"}}),
            5U);
  EXPECT_THAT(published_keys(),
              ElementsAre("apps.tilechat.users.a.messages.group-1.clientadded",
                          "apps.tilechat.users.group-1.messages.group-1.clientadded",
                          "apps.tilechat.users.v.messages.u.clientadded",
                          "apps.tilechat.users.u.messages.v.clientadded",
                          "apps.tilechat.users.v.messages.u.clientadded",
                          "apps.tilechat.users.u.messages.v.clientadded",
                          "apps.tilechat.users.b.messages.group-2.clientadded",
                          "apps.tilechat.users.group-2.messages.group-2.clientadded",
                          "apps.tilechat.users.a.messages.group-1.clientadded",
                          "apps.tilechat.users.group-1.messages.group-1.clientadded"));
  EXPECT_THAT(published()[6].body, ::testing::HasSubstr(R"("message_id":"m1")"));
}

TEST_F(Batches, StopShortBeforeAMessageThatTheySavedUnderTheSameId) {
  const Published message{std::string(kToUser), R"({"client_message_id":"c1"})"};
  const Published another{std::string(kToUser), R"({"client_message_id":"c2"})"};
  const Published of_another{"apps.tilechat.outgoing.users.u300.messages.u200.outgoing",
                             message.body};
  const Published plain{std::string(kToUser), "{}"};
  EXPECT_EQ(arrive_together({message, plain, another, of_another, plain, message, plain}), 5U);
}

TEST_F(Batches, AskWhatWasSentOnlyWhereADraftNamesAnId) {
  const Record group = Record::group("tilechat", "u200");
  const Record sent = Record::sent("tilechat", "u100", "c1");
  EXPECT_THAT(needs_of(router(), kToUser, R"({"client_message_id":"c1"})"), ElementsAre(sent));
  EXPECT_THAT(needs_of(router(), kToUser, R"({"client_message_id":"c1","channel_type":"group"})"),
              ElementsAre(group, sent));
  // Escapes may spell a group, too.
  for (const std::string_view body :
       {R"({"\u0063lient_message_i\u0064":"c1"})", R"({"client\u005Fmessage_id":"c1"})",
        R"({"client_me\u0073\u0073age_id":"c1"})"}) {
    EXPECT_THAT(needs_of(router(), kToUser, body), ElementsAre(group, sent)) << body;
  }
  for (const std::string_view body :
       {"{}", R"({"text":"client_message_id"})", R"({"a":{"client_message_id":"c1"}})",
        R"({"client_message_id":""})", R"({"client_message_id":5})",
        R"({"client_message_id":"c1")"}) {
    EXPECT_THAT(needs_of(router(), kToUser, body), ElementsAre()) << body;
  }
  EXPECT_THAT(needs_of(router(), "apps.observer.tilechat.users.u1.messages.u2.persist",
                       R"({"client_message_id":"c1"})"),
              ElementsAre());
}

TEST_F(Batches, NeedOnlyWhatTheyMayUse) {
  EXPECT_THAT(needs_of(router(), kToUser, R"({"channel_type":"direct"})"), ElementsAre());
  EXPECT_THAT(needs_of(router(), kToUser, R"({"channel_type":"group"})"),
              ElementsAre(Record::group("tilechat", "u200")));
  EXPECT_THAT(needs_of(router(), kToUser, R"({"channel_type":"\u0067roup"})"),
              ElementsAre(Record::group("tilechat", "u200")));
  EXPECT_THAT(needs_of(router(), kArchive, ""),
              ElementsAre(Record::of_conversation("tilechat", "u200", "u100")));
  EXPECT_THAT(needs_of(router(), "apps.a.users.u2.messages.u1.m1.update", ""),
              ElementsAre(Record::copy("a", "u2", "u1", "m1")));
  EXPECT_THAT(needs_of(router(), "apps.a.users.u2.presence.c", ""), ElementsAre());
  EXPECT_THAT(needs_of(router(), "nonsense", ""), ElementsAre());
}

}  // namespace
}  // namespace chat21::tests
