// What docs/PROTOCOL.md says about outgoing messages: this arrives, that is
// published and written.
#include <gmock/gmock.h>

#include "tests/support/routing.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kDraft =
    R"({"text":"hi there","type":"text","recipient_fullname":"User Two",)"
    R"("sender_fullname":"User One","attributes":null,"metadata":null,"channel_type":"direct"})";

constexpr std::string_view kStamped =
    R"({"text":"hi there","type":"text","recipient_fullname":"User Two",)"
    R"("sender_fullname":"User One","attributes":null,"metadata":null,"channel_type":"direct",)"
    R"("message_id":"ID","sender":"u100","recipient":"u200","app_id":"tilechat",)"
    R"("timestamp":1760000000456)";

std::string stamped(std::string_view end) {
  return std::string(kStamped) + std::string(end);
}

std::string to(std::string_view recipient) {
  return "apps.tilechat.outgoing.users.u100.messages." + std::string(recipient) + ".outgoing";
}

std::string inbox(std::string_view owner, std::string_view conversation) {
  return "apps.tilechat.users." + std::string(owner) + ".messages." + std::string(conversation) +
         ".clientadded";
}

class Direct : public Routing {};
class ToGroup : public Routing {};

TEST_F(Direct, ReachesBothInboxesAndBothTimelines) {
  arrive(to("u200"), kDraft);

  EXPECT_THAT(published(),
              ElementsAre(Published{inbox("u200", "u100"), stamped(",\"status\":150}")},
                          Published{inbox("u100", "u200"), stamped(",\"status\":100}")}));
  EXPECT_THAT(writes(), ElementsAre("message ID " + stamped("}"), "copy u200/u100 ID 150",
                                    "last u200/u100 ID at 1760000000456", "copy u100/u200 ID 100",
                                    "last u100/u200 ID at 1760000000456"));
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_THAT(events(), ElementsAre(Event::Kind::MessageDelivered, Event::Kind::MessageSent));
}

TEST_F(Direct, KeepsUnknownFieldsNumbersAndNullsByteForByte) {
  constexpr std::string_view kOdd =
      R"("a" : 1.0,"b":12345678901234567890,"c":1e-400,"d":null,"e":[1, 2.50],"f":"é\u00e9\/")";
  arrive(to("u200"), "{ " + std::string(kOdd) + " }");

  const std::string body = body_for(inbox("u200", "u100"));
  for (const std::string_view member :
       {R"("a" : 1.0)", R"("b":12345678901234567890)", R"("c":1e-400)", R"("d":null)",
        R"("e":[1, 2.50])", R"("f":"é\u00e9\/")"}) {
    EXPECT_THAT(body, HasSubstr(std::string(member)));
  }
}

TEST_F(Direct, StampsAnEmptyDraft) {
  arrive(to("u200"), "{}");
  EXPECT_EQ(body_for(inbox("u200", "u100")),
            R"({"message_id":"ID","sender":"u100","recipient":"u200","app_id":"tilechat",)"
            R"("timestamp":1760000000456,"status":150})");
}

TEST_F(Direct, TakesTheIdentityFromTheAddressNeverFromTheBody) {
  arrive(to("u200"),
         R"({"sender":"u999","\u0073ender":"u998","recipient":"u999","message_id":"mine",)"
         R"("app_id":"other","status":300,"text":"x"})");
  const std::string body = body_for(inbox("u200", "u100"));
  EXPECT_EQ(body, R"({"text":"x","message_id":"ID","sender":"u100","recipient":"u200",)"
                  R"("app_id":"tilechat","timestamp":1760000000456,"status":150})");
}

TEST_F(Direct, KeepsATimestampThatIsTrueInJavaScript) {
  arrive(to("u200"), R"({"timestamp":1500000000000})");
  EXPECT_THAT(body_for(inbox("u200", "u100")), HasSubstr(R"({"timestamp":1500000000000,)"));
  arrive(to("u200"), R"({"timestamp":"2020-01-01"})");
  EXPECT_THAT(body_for(inbox("u200", "u100")), HasSubstr(R"({"timestamp":"2020-01-01",)"));
}

TEST_F(Direct, StampsTheTimeWhereTheTimestampIsFalseInJavaScript) {
  for (const std::string_view value : {"0", "null", "false", "\"\"", "0.0", "-0", "0e9"}) {
    arrive(to("u200"), "{\"timestamp\":" + std::string(value) + "}");
    EXPECT_THAT(body_for(inbox("u200", "u100")),
                HasSubstr(R"("app_id":"tilechat","timestamp":1760000000456,)"))
        << value;
  }
}

TEST_F(Direct, OrdersConversationsByTheServersTimeNotTheSenders) {
  arrive(to("u200"), R"({"timestamp":99999999999999})");
  EXPECT_THAT(writes(), ::testing::Contains("last u200/u100 ID at 1760000000456"));
}

// Else a conversation would not show what its history lists first.
TEST_F(Direct, OrdersConversationsAsItsIdsWhenTheClockStepsBack) {
  arrive(to("u200"), "{}");
  now -= std::chrono::hours(1);
  arrive(to("u200"), "{}");
  EXPECT_THAT(writes(), ::testing::Contains("last u200/u100 ID at 1760000000456"));
  EXPECT_THAT(body_for(inbox("u200", "u100")), HasSubstr("\"timestamp\":1759996400456,"));
}

TEST_F(Direct, DoesNotStoreWhatDiffersPerCopy) {
  arrive(to("u200"), R"({"text":"x","_id":"1","timelineOf":"u9","conversWith":"u8"})");
  EXPECT_THAT(body_for(inbox("u200", "u100")), HasSubstr(R"("timelineOf":"u9")"));
  EXPECT_THAT(writes().front(), Not(HasSubstr("timelineOf")));
  EXPECT_THAT(writes().front(), Not(HasSubstr("conversWith")));
  EXPECT_THAT(writes().front(), Not(HasSubstr("_id\":\"1")));
}

TEST_F(Direct, LeavesTheConversationsAloneIfTheSenderAsksForIt) {
  arrive(to("u200"), R"({"attributes":{"updateconversation":false}})");
  EXPECT_THAT(writes(), ElementsAre(HasSubstr("message ID"), "copy u200/u100 ID 150",
                                    "copy u100/u200 ID 100"));
  EXPECT_EQ(published().size(), 2U);
}

TEST_F(Direct, UpdatesTheConversationsForEveryOtherValueOfUpdateconversation) {
  for (const std::string_view value : {"true", "0", "null", "\"false\""}) {
    arrive(to("u200"), R"({"attributes":{"updateconversation":)" + std::string(value) + "}}");
    EXPECT_EQ(writes().size(), 5U) << value;
  }
}

TEST_F(Direct, DeliversAMessageToOneselfTwice) {
  arrive(to("u100"), "{}");
  EXPECT_THAT(published_keys(), ElementsAre(inbox("u100", "u100"), inbox("u100", "u100")));
  EXPECT_THAT(published()[0].body, HasSubstr("\"status\":100"));
  EXPECT_THAT(published()[1].body, HasSubstr("\"status\":150"));
}

TEST_F(Direct, UsesTheAppOfTheAddressEverywhere) {
  arrive("apps.other.outgoing.users.u100.messages.u200.outgoing", "{}");
  EXPECT_THAT(published_keys(), ElementsAre("apps.other.users.u200.messages.u100.clientadded",
                                            "apps.other.users.u100.messages.u200.clientadded"));
  EXPECT_EQ(std::get<SaveMessage>(effects().writes.front()).app, "other");
}

TEST_F(Direct, EscapesIdsThatNeedItInJson) {
  arrive(R"(apps.tilechat.outgoing.users.u"1.messages.u\2.outgoing)", "{}");
  EXPECT_THAT(body_for(R"(apps.tilechat.users.u\2.messages.u"1.clientadded)"),
              HasSubstr(R"("sender":"u\"1","recipient":"u\\2")"));
}

TEST_F(Direct, IsDeliveredInTheFormInWhichItWasSent) {
  struct Case {
    std::string_view sent, recipient, sender;
  };
  for (const Case& one : {
           Case{"apps.tilechat.users.u100.messages.u200.outgoing",
                "apps.tilechat.users.u200.messages.u100.clientadded",
                "apps.tilechat.users.u100.messages.u200.clientadded"},
           Case{"apps.tilechat.users.u100.u200.messages.outgoing",
                "apps.tilechat.users.u200.u100.messages.clientadded",
                "apps.tilechat.users.u100.u200.messages.clientadded"},
           Case{".apps.tilechat.users.u100.u200.messages.outgoing",
                ".apps.tilechat.users.u200.u100.messages.clientadded",
                ".apps.tilechat.users.u100.u200.messages.clientadded"},
       }) {
    arrive(one.sent, "{}");
    EXPECT_THAT(published_keys(), ElementsAre(one.recipient, one.sender));
    EXPECT_EQ(writes().size(), 5U);
  }
}

TEST_F(ToGroup, ReachesTheMembersOfAnInlineGroupTheGroupAndTheSender) {
  arrive(to("group-77"),
         R"({"text":"hello","channel_type":"group","group":{"members":{"u200":1,"u300":1}}})");

  constexpr std::string_view kSent =
      R"({"text":"hello","channel_type":"group","message_id":"ID","sender":"u100",)"
      R"("recipient":"group-77","app_id":"tilechat","timestamp":1760000000456,)"
      R"("group":{"uid":"group-77","members":{"u200":1,"u300":1,"group-77":1,"u100":1}})";
  const std::string delivered = std::string(kSent) + ",\"status\":150}";
  EXPECT_THAT(published(), ElementsAre(Published{inbox("u200", "group-77"), delivered},
                                       Published{inbox("u300", "group-77"), delivered},
                                       Published{inbox("group-77", "group-77"),
                                                 std::string(kSent) + ",\"status\":100}"},
                                       Published{inbox("u100", "group-77"), delivered}));
  EXPECT_THAT(writes(),
              ElementsAre("message ID " + std::string(kSent) + "}", "copy u200/group-77 ID 150",
                          "last u200/group-77 ID at 1760000000456", "copy u300/group-77 ID 150",
                          "last u300/group-77 ID at 1760000000456", "copy group-77/group-77 ID 100",
                          "last group-77/group-77 ID at 1760000000456", "copy u100/group-77 ID 150",
                          "last u100/group-77 ID at 1760000000456"));
  EXPECT_THAT(events(), ElementsAre(Event::Kind::MessageDelivered, Event::Kind::MessageDelivered,
                                    Event::Kind::MessageSent, Event::Kind::MessageDelivered));
}

TEST_F(ToGroup, PrefersTheInlineGroupToTheKnownOne) {
  know_group("group-77", R"({"uid":"group-77","members":{"u900":1}})");
  arrive(to("group-77"), R"({"group":{"members":{"u200":1}}})");
  EXPECT_THAT(published_keys(),
              ElementsAre(inbox("u200", "group-77"), inbox("group-77", "group-77"),
                          inbox("u100", "group-77")));
}

TEST_F(ToGroup, ReachesTheMembersOfAKnownGroupAndItsTimeline) {
  know_group("group-77", R"({"uid":"group-77","members":{"u100":1,"u200":1}})");
  arrive(to("group-77"), R"({"text":"hello"})");
  EXPECT_THAT(published_keys(), ElementsAre(inbox("u100", "group-77"), inbox("u200", "group-77"),
                                            inbox("group-77", "group-77")));
  EXPECT_THAT(body_for(inbox("u100", "group-77")), HasSubstr("\"status\":150"));
  EXPECT_THAT(body_for(inbox("group-77", "group-77")), HasSubstr("\"status\":100"));
  EXPECT_THAT(body_for(inbox("u100", "group-77")), Not(HasSubstr("\"group\":")));
}

TEST_F(ToGroup, PassesOverAStoredMemberWhoCannotBeAddressed) {
  know_group("group-77", R"({"members":{"u.1":1,"":1,"u200":1,"#":1}})");
  arrive(to("group-77"), "{}");
  EXPECT_THAT(published_keys(),
              ElementsAre(inbox("u200", "group-77"), inbox("group-77", "group-77")));
}

TEST_F(ToGroup, TakesADamagedStoredGroupForUnknown) {
  for (const std::string_view document : {"", "{", "[]", "{}", R"({"members":["u200"]})"}) {
    know_group("group-77", document);
    arrive(to("group-77"), "{}");
    EXPECT_THAT(published_keys(),
                ElementsAre(inbox("u100", "group-77"), inbox("group-77", "group-77")))
        << document;
  }
}

TEST_F(ToGroup, GivesNoCopyToASenderWhoIsNoMember) {
  know_group("group-77", R"({"uid":"group-77","members":{"u200":1}})");
  arrive("apps.tilechat.outgoing.users.system.messages.group-77.outgoing", "{}");
  EXPECT_THAT(published_keys(),
              ElementsAre(inbox("u200", "group-77"), inbox("group-77", "group-77")));
}

TEST_F(ToGroup, ReachesTheSenderAndTheTimelineOfAnUnknownGroup) {
  arrive(to("group-77"), "{}");
  EXPECT_THAT(published_keys(),
              ElementsAre(inbox("u100", "group-77"), inbox("group-77", "group-77")));
}

TEST_F(ToGroup, SkipsOnlyTheHiddenMember) {
  know_group("group-77", R"({"members":{"u1":1,"u2":1,"u3":1}})");
  arrive(to("group-77"), R"({"attributes":{"hiddenFor":"u2"}})");
  EXPECT_THAT(published_keys(), ElementsAre(inbox("u1", "group-77"), inbox("u3", "group-77"),
                                            inbox("group-77", "group-77")));
  EXPECT_THAT(writes(), Not(::testing::Contains(HasSubstr("u2/group-77"))));
}

TEST_F(ToGroup, CannotBeHiddenFromItsOwnTimeline) {
  know_group("group-77", R"({"members":{"u1":1}})");
  arrive(to("group-77"), R"({"attributes":{"hiddenFor":"group-77"}})");
  EXPECT_THAT(published_keys(),
              ElementsAre(inbox("u1", "group-77"), inbox("group-77", "group-77")));
}

TEST_F(ToGroup, GoesByTheChannelTypeWhereTheIdDoesNotSayGroup) {
  know_group("team", R"({"members":{"u200":1}})");
  for (const std::string_view type : {R"("group")", R"("\u0067roup")"}) {
    arrive(to("team"), "{\"channel_type\":" + std::string(type) + "}");
    EXPECT_THAT(published_keys(), ElementsAre(inbox("u200", "team"), inbox("team", "team")));
  }
}

TEST_F(ToGroup, GoesByTheIdWhateverTheChannelTypeSays) {
  know_group("support-group-1", R"({"members":{"u200":1}})");
  arrive(to("support-group-1"), R"({"channel_type":"direct"})");
  EXPECT_THAT(published_keys(), ElementsAre(inbox("u200", "support-group-1"),
                                            inbox("support-group-1", "support-group-1")));
}

TEST_F(ToGroup, TakesADirectMessageThatOnlyMentionsAGroupForDirect) {
  know_group("u200", R"({"members":{"u300":1}})");
  arrive(to("u200"), R"({"text":"group","group":{"members":{"u400":1}}})");
  EXPECT_THAT(published_keys(), ElementsAre(inbox("u200", "u100"), inbox("u100", "u200")));
  EXPECT_THAT(body_for(inbox("u200", "u100")), HasSubstr(R"("group":{"members":{"u400":1}})"));
}

TEST_F(ToGroup, TakesAFalseInlineGroupForNone) {
  know_group("group-77", R"({"members":{"u200":1}})");
  for (const std::string_view value : {"null", "false", "0", "\"\""}) {
    arrive(to("group-77"), "{\"group\":" + std::string(value) + "}");
    EXPECT_THAT(published_keys(),
                ElementsAre(inbox("u200", "group-77"), inbox("group-77", "group-77")))
        << value;
  }
}

TEST_F(ToGroup, IsDeliveredInTheReadmeForm) {
  know_group("group-77", R"({"members":{"u200":1}})");
  arrive("apps.tilechat.users.u100.group-77.messages.outgoing", "{}");
  EXPECT_THAT(published_keys(),
              ElementsAre("apps.tilechat.users.u200.group-77.messages.clientadded",
                          "apps.tilechat.users.group-77.group-77.messages.clientadded"));
}

TEST_F(ToGroup, DoesNotDeliverTwiceToAMemberListedTwice) {
  arrive(to("group-77"),
         R"({"group":{"members":{"u2":1,"\u0075\u0032":1,"u100":1,"group-77":1}}})");
  EXPECT_THAT(published_keys(),
              ::testing::UnorderedElementsAre(inbox("u2", "group-77"), inbox("u100", "group-77"),
                                              inbox("group-77", "group-77")));
}

// --- Policies ---

class Refuse final : public Policy {
 public:
  std::string_view name() const override { return "refuse"; }
  Verdict review(const Message& message, Time) override {
    if (message.recipient != "u200") return Verdict::allow();
    return Verdict::deny("blocked", "the recipient has blocked you");
  }
};

TEST_F(Direct, IsRefusedByAPolicyAndTheSenderIsTold) {
  Refuse refuse;
  policies = {&refuse};
  arrive(to("u200"), R"({"text":"x"})");
  EXPECT_EQ(outcome(), Outcome::Denied);
  EXPECT_THAT(writes(), IsEmpty());
  ASSERT_EQ(published().size(), 2U);
  EXPECT_THAT(
      published()[0].routing_key,
      ::testing::MatchesRegex("apps.tilechat.users.u100.messages.u200.[0-9a-f-]*.clientupdated"));
  EXPECT_THAT(published()[0].body, HasSubstr(R"("status":-100,"reason":"blocked")"));
  EXPECT_EQ(published()[1].routing_key, "observer.rejected.apps.tilechat");
  EXPECT_EQ(detail(), "refuse: blocked: the recipient has blocked you");

  arrive(to("u300"), "{}");
  EXPECT_EQ(outcome(), Outcome::Done);
}

}  // namespace
}  // namespace chat21::tests
