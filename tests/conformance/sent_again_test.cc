// What docs/PROTOCOL.md says about client_message_id: the same id of the same sender
// is the same message, however often it is sent.
#include <gmock/gmock.h>

#include "tests/support/routing.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kDraft =
    R"({"text":"hi","client_message_id":"c1","attributes":{"n" : 1.0}})";

std::string to(std::string_view recipient) {
  return "apps.tilechat.outgoing.users.u100.messages." + std::string(recipient) + ".outgoing";
}

class Refuse final : public Policy {
 public:
  std::string_view name() const override { return "refuse"; }
  Verdict review(const Message&, Time) override {
    return Verdict::deny("blocked", "the recipient has blocked you");
  }
};

class SentAgain : public Routing {
 protected:
  // Sends the first message of u100 under c1; the Store knows it from then on.
  void send_first(std::string_view recipient = "u200", std::string_view draft = kDraft) {
    arrive(to(recipient), draft);
    ASSERT_EQ(outcome(), Outcome::Done);
    first_id_ = message_id();
    for (const Publish& publish : effects().publishes) {
      first_.push_back({std::string(publish.routing_key), std::string(publish.body)});
    }
    const auto& saved = std::get<SaveMessage>(effects().writes.front());
    know_sent(saved.sender, saved.client_message_id, saved.body);
    now += std::chrono::minutes(1);
  }

  void expect_the_first_again() {
    EXPECT_EQ(outcome(), Outcome::Done);
    EXPECT_THAT(writes(), IsEmpty());
    EXPECT_THAT(published(), ::testing::ElementsAreArray(first_));
  }

  void expect_conflict() {
    EXPECT_EQ(outcome(), Outcome::Conflict);
    EXPECT_THAT(writes(), IsEmpty());
    EXPECT_THAT(events(), ElementsAre(Event::Kind::Rejected));
    EXPECT_EQ(detail(), R"(the sender has sent another message with the client_message_id "c1")");
    ASSERT_EQ(published().size(), 2U);
    EXPECT_THAT(published()[0].body,
                MatchesRegex(R"(.*"message_id":"[0-9a-f-]*","status":-100,"reason":"conflict",)"
                             R"("detail":"the sender .*","client_message_id":"c1".)"));
    EXPECT_THAT(published()[0].body, Not(HasSubstr(first_id_)));
    EXPECT_EQ(published()[1].routing_key, "observer.rejected.apps.tilechat");
    EXPECT_THAT(published()[1].body, StartsWith(R"({"reason":"conflict",)"));
  }

  std::string first_id_;
  std::vector<Published> first_;  // the first message as it was published
};

TEST_F(SentAgain, IsStoredUnderItsSenderAndIdTheFirstTime) {
  arrive(to("u200"), kDraft);
  EXPECT_THAT(writes().front(), StartsWith("message ID {"));
  EXPECT_THAT(writes().front(), ::testing::EndsWith("} sent by u100 as c1"));
  EXPECT_EQ(writes().size(), 5U);
  EXPECT_THAT(published()[0].body, HasSubstr(R"("client_message_id":"c1")"));

  arrive(to("u200"), "{}");
  EXPECT_THAT(writes().front(), Not(HasSubstr("sent by")));
}

TEST_F(SentAgain, IsPublishedUnderItsFirstIdAndNotWritten) {
  send_first();
  arrive(to("u200"), kDraft);
  expect_the_first_again();
  EXPECT_THAT(events(), ElementsAre(Event::Kind::MessageDelivered, Event::Kind::MessageSent));
  EXPECT_EQ(effects().events[0].message_id, first_id_);
}

TEST_F(SentAgain, IsTheSameInAnyOrderOfItsMembersAndWithOtherSpace) {
  send_first();
  arrive(to("u200"), R"( { "client_message\u005fid":"c1", "attributes":{"n" : 1.0},"text":"hi" })");
  expect_the_first_again();
}

TEST_F(SentAgain, IsTheSameWhateverStandsWhereTheServerStamps) {
  send_first();
  arrive(to("u200"),
         R"({"text":"hi","client_message_id":"c1","attributes":{"n" : 1.0},)"
         R"("message_id":"mine","sender":"u9","recipient":"u8","app_id":"x",)"
         R"("status":300,"timestamp":0,"_id":"1","timelineOf":"u7","conversWith":"u6"})");
  expect_the_first_again();
}

TEST_F(SentAgain, KeepsItsTimestamp) {
  constexpr std::string_view kTimed = R"({"client_message_id":"c1","timestamp":1500000000000})";
  send_first("u200", kTimed);
  arrive(to("u200"), kTimed);
  expect_the_first_again();
  arrive(to("u200"), R"({"client_message_id":"c1","timestamp":1500000000001})");
  expect_conflict();
}

TEST_F(SentAgain, ReachesTheGroupAgain) {
  know_group("group-77", R"({"members":{"u100":1,"u200":1}})");
  send_first("group-77");
  EXPECT_EQ(first_.size(), 3U);
  arrive(to("group-77"), kDraft);
  expect_the_first_again();
}

TEST_F(SentAgain, ReachesAGroupThatTheSenderBringsAlongAgain) {
  send_first("group-77", R"({"client_message_id":"c1","group":{"members":{"u200":1}}})");
  arrive(to("group-77"), R"({"group":{"members":{"u200":1}},"client_message_id":"c1"})");
  expect_the_first_again();
  arrive(to("group-77"), R"({"client_message_id":"c1","group":{"members":{"u300":1}}})");
  expect_conflict();
}

TEST_F(SentAgain, IsHiddenFromTheSameMemberAgain) {
  know_group("group-77", R"({"members":{"u200":1,"u300":1}})");
  constexpr std::string_view kHidden =
      R"({"client_message_id":"c1","attributes":{"hiddenFor":"u200"}})";
  send_first("group-77", kHidden);
  EXPECT_EQ(first_.size(), 2U);
  arrive(to("group-77"), kHidden);
  expect_the_first_again();
}

TEST_F(SentAgain, IsDeliveredInTheFormInWhichItIsSentAgain) {
  send_first();
  arrive("apps.tilechat.users.u100.u200.messages.outgoing", kDraft);
  EXPECT_THAT(published_keys(), ElementsAre("apps.tilechat.users.u200.u100.messages.clientadded",
                                            "apps.tilechat.users.u100.u200.messages.clientadded"));
  EXPECT_THAT(published()[0].body, HasSubstr(first_id_));
}

TEST_F(SentAgain, IsRefusedIfItIsAnotherMessage) {
  send_first();
  for (const std::string_view draft :
       {R"({"text":"ho","client_message_id":"c1","attributes":{"n" : 1.0}})",
        R"({"text":"hi","client_message_id":"c1","attributes":{"n" : 1.00}})",
        R"({"text":"hi","client_message_id":"c1"})",
        R"({"text":"hi","client_message_id":"c1","attributes":{"n" : 1.0},"type":"text"})",
        R"({"text":"hi","client_message_id":"c1","attributes":{"n" : 1.0},"timestamp":1})"}) {
    SCOPED_TRACE(draft);
    arrive(to("u200"), draft);
    expect_conflict();
    EXPECT_THAT(published_keys()[0], StartsWith("apps.tilechat.users.u100.messages.u200."));
  }
}

TEST_F(SentAgain, IsRefusedIfItGoesToSomebodyElse) {
  send_first();
  arrive(to("u300"), kDraft);
  expect_conflict();
  arrive(to("group-77"), kDraft);
  expect_conflict();
}

TEST_F(SentAgain, IsAnotherMessageIfAnotherSends) {
  send_first();
  arrive("apps.tilechat.outgoing.users.u300.messages.u200.outgoing", kDraft);
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_EQ(writes().size(), 5U);
}

// Escapes are no other way to write an id: it is compared as it stands.
TEST_F(SentAgain, IsAnotherMessageIfTheIdIsWrittenInAnotherWay) {
  send_first();
  arrive(to("u200"), R"({"text":"hi","client_message_id":"c\u0031"})");
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_EQ(writes().size(), 5U);
}

TEST_F(SentAgain, IsRefusedIfWhatIsStoredIsDamaged) {
  send_first();
  for (const std::string_view stored : {"", "{", "[]", R"({"text":"hi"})", R"({"message_id":5})"}) {
    SCOPED_TRACE(stored);
    know_sent("u100", "c1", stored);
    arrive(to("u200"), kDraft);
    expect_conflict();
  }
}

TEST_F(SentAgain, NeedsAnIdOfOneTo64BytesOfText) {
  struct Case {
    std::string value, why;
  };
  const std::string longest = "\"" + std::string(64, 'x') + "\"";
  for (const auto& [value, why] :
       {Case{"null", "client_message_id is not a string"},
        Case{"5", "client_message_id is not a string"},
        Case{R"(["c1"])", "client_message_id is not a string"},
        Case{R"("")", "client_message_id is empty"},
        Case{"\"" + std::string(65, 'x') + "\"", "client_message_id has 65 bytes, more than 64"}}) {
    arrive(to("u200"), "{\"client_message_id\":" + value + "}");
    EXPECT_EQ(outcome(), Outcome::Malformed) << value;
    EXPECT_EQ(detail(), why);
    EXPECT_THAT(writes(), IsEmpty());
    EXPECT_EQ(published().size(), 1U) << "nobody is told but who looks at the rejected";
  }
  arrive(to("u200"), "{\"client_message_id\":" + longest + "}");
  EXPECT_EQ(outcome(), Outcome::Done);
}

TEST_F(SentAgain, IsReviewedByThePoliciesAgainAndTheSenderIsToldTheId) {
  send_first();
  Refuse refuse;
  policies = {&refuse};
  forget_router();
  arrive(to("u200"), kDraft);
  EXPECT_EQ(outcome(), Outcome::Denied);
  EXPECT_THAT(published()[0].body, HasSubstr(R"("reason":"blocked",)"));
  EXPECT_THAT(published()[0].body, ::testing::EndsWith(R"(,"client_message_id":"c1"})"));
}

}  // namespace
}  // namespace chat21::tests
