// What each Write does and what its guard keeps it from doing.
#include <string>

#include "tests/contract/store_subjects.h"

namespace chat21::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;

class StoreWrites : public StoreContract {
 protected:
  Write sent(std::string_view id, std::string_view sender, std::string_view client_message_id,
             std::string_view app = kAda.app) {
    return words_.sent(id, sender, client_message_id, app);
  }
};
INSTANTIATE_TEST_SUITE_P(Every, StoreWrites, ::testing::ValuesIn(every_store()), name_of);

// --- SaveMessage, SaveCopy --------------------------------------------------

TEST_P(StoreWrites, ShowsAMessageInTheFieldsOfTheProtocol) {
  apply({SaveMessage{"tilechat", "m1", R"({"text":"hi","attributes":null,"n":1.50})"},
         copy(kAda, "m1", Status::Sent)});
  const Documents shown = messages(kAda);
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_THAT(shown[0], HasSubstr(R"("timelineOf":"ada")"));
  EXPECT_THAT(shown[0], HasSubstr(R"("conversWith":"bob")"));
  EXPECT_THAT(shown[0], HasSubstr(R"("status":100)"));
  EXPECT_THAT(shown[0], HasSubstr(R"("text":"hi","attributes":null,"n":1.50)"));
  EXPECT_THAT(shown[0], HasSubstr(R"("_id":")"));
}

TEST_P(StoreWrites, ShowsOneBodyInTheTimelineOfEach) {
  apply(
      {words_.message("m1"), copy(kAda, "m1", Status::Sent), copy(kBob, "m1", Status::Delivered)});
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
  EXPECT_THAT(messages(kBob), ElementsAre(words_.shown(kBob, "m1", Status::Delivered)));
}

TEST_P(StoreWrites, LeavesOneMessageOfABatchThatIsAppliedTwice) {
  apply(words_.direct("m1", 10));
  apply(words_.direct("m1", 10));
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
  EXPECT_THAT(messages(kBob), ElementsAre(words_.shown(kBob, "m1", Status::Delivered)));
  EXPECT_THAT(conversations("bob"),
              ElementsAre(words_.shown(kBob, "m1", Status::Delivered, kNew, kActive)));
}

TEST_P(StoreWrites, KeepsTheFirstBodyOfAMessage) {
  apply({words_.message("m1"), copy(kAda, "m1", Status::Sent)});
  apply({SaveMessage{"tilechat", "m1", R"({"text":"forged"})"}});
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
}

TEST_P(StoreWrites, KeepsMessagesOfTheSameIdInTwoAppsApart) {
  const Place elsewhere{"ada", "bob", "otherapp"};
  apply({words_.message("m1"), copy(kAda, "m1", Status::Sent)});
  apply(
      {SaveMessage{"otherapp", "m1", R"({"text":"other"})"}, copy(elsewhere, "m1", Status::Seen)});
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
  EXPECT_THAT(messages(elsewhere), ElementsAre(HasSubstr(R"("text":"other")")));
}

// Somebody who writes to himself is sender (100) and recipient (150) of one copy.
TEST_P(StoreWrites, ShowsTheHigherStatusOfAMessageToOneself) {
  const Place self{"ada", "ada"};
  apply(all({words_.delivery(self, "m1", Status::Sent, 10),
             words_.delivery(self, "m1", Status::Delivered, 10)}));
  EXPECT_THAT(messages(self), ElementsAre(words_.shown(self, "m1", Status::Delivered)));
}

TEST_P(StoreWrites, NeverLowersTheStatusOfACopyThatIsSavedAgain) {
  apply({words_.message("m1"), copy(kBob, "m1", Status::ReturnReceipt)});
  apply({copy(kBob, "m1", Status::Delivered)});
  EXPECT_THAT(messages(kBob), ElementsAre(words_.shown(kBob, "m1", Status::ReturnReceipt)));
}

TEST_P(StoreWrites, TakesEveryStatusOfTheWire) {
  apply({words_.message("m1")});
  for (const Status status : {Status::Failed, Status::Sending, Status::Sent, Status::Delivered,
                              Status::Received, Status::ReturnReceipt, Status::Seen}) {
    apply({copy(kAda, "m1", status)});
    EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", status)));
  }
}

TEST_P(StoreWrites, ShowsAnOwnBodyToItsTimelineOnly) {
  apply({words_.message("m1"), copy(kAda, "m1", Status::Sent),
         copy(kBob, "m1", Status::Delivered, R"({"text":"replayed","__history":"true"})")});
  EXPECT_THAT(messages(kBob), ElementsAre(HasSubstr(R"("text":"replayed","__history":"true")")));
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
}

TEST_P(StoreWrites, KeepsTheFirstOwnBody) {
  apply({words_.message("m1"), copy(kBob, "m1", Status::Delivered, R"({"text":"first"})")});
  apply({copy(kBob, "m1", Status::Delivered, R"({"text":"second"})"),
         copy(kBob, "m1", Status::Received)});
  EXPECT_THAT(messages(kBob), ElementsAre(HasSubstr(R"("text":"first")")));
}

TEST_P(StoreWrites, MarksNoCopyThatIsThereAlready) {
  apply({words_.message("m1"), copy(kBob, "m1", Status::Delivered)});
  apply({copy(kBob, "m1", Status::Delivered, R"({"text":"replayed","__history":"true"})")});
  EXPECT_THAT(messages(kBob), ElementsAre(words_.shown(kBob, "m1", Status::Delivered)));
}

TEST_P(StoreWrites, ShowsACopyWhoseMessageIsMissingWithoutItsFields) {
  apply({copy(kAda, "m1", Status::Sent)});
  const StoredCopy bare{"tilechat", "ada", "bob", "m1", Status::Sent, {}};
  EXPECT_THAT(messages(kAda), ElementsAre(message_document(bare)));
}

// --- SaveMessage with a client_message_id ------------------------------------

TEST_P(StoreWrites, FindsWhatWasSentBySenderAndId) {
  apply({sent("m1", "ada", "c1"), sent("m2", "bob", "c1"), sent("m3", "ada", "c2"),
         sent("m1", "ada", "c1", "otherapp"), words_.message("m4")});
  const auto found = [&](std::string_view id) {
    return Answer{true, std::string(words_.body_of(id))};
  };
  EXPECT_THAT(fetch({Record::sent("tilechat", "ada", "c1"), Record::sent("tilechat", "carl", "c1"),
                     Record::sent("tilechat", "bob", "c1"), Record::sent("tilechat", "ada", "c2"),
                     Record::sent("tilechat", "ada", ""), Record::sent("tilechat", "", ""),
                     Record::sent("otherapp", "ada", "c1"), Record::sent("otherapp", "ada", "c2")}),
              ElementsAre(found("m1"), Answer{false, ""}, found("m2"), found("m3"),
                          Answer{false, ""}, Answer{false, ""}, found("m1"), Answer{false, ""}));
}

TEST_P(StoreWrites, KeepsTheFirstMessageOfAClientMessageId) {
  apply({sent("m1", "ada", "c1"), copy(kAda, "m1", Status::Sent)});
  apply({sent("m1", "ada", "c1"), sent("m2", "ada", "c1"), copy(kAda, "m2", Status::Sent),
         sent("m3", "ada", "c3"), copy(kAda, "m3", Status::Sent)});
  const StoredCopy bare{"tilechat", "ada", "bob", "m2", Status::Sent, {}};
  EXPECT_THAT(messages(kAda),
              ElementsAre(words_.shown(kAda, "m3", Status::Sent), message_document(bare),
                          words_.shown(kAda, "m1", Status::Sent)));
  EXPECT_EQ(fetch({Record::sent("tilechat", "ada", "c1")}).at(0).document, words_.body_of("m1"));
}

TEST_P(StoreWrites, GivesAStoredMessageNoClientMessageIdAfterwards) {
  apply({words_.message("m1"), sent("m2", "ada", "c2")});
  apply({sent("m1", "ada", "c1"), sent("m2", "ada", "c3")});
  EXPECT_FALSE(exists(Record::sent("tilechat", "ada", "c1")));
  EXPECT_FALSE(exists(Record::sent("tilechat", "ada", "c3")));
  apply({sent("m3", "ada", "c3")});
  EXPECT_TRUE(exists(Record::sent("tilechat", "ada", "c3")));
}

TEST_P(StoreWrites, TakesAnyNumberOfMessagesWithoutAClientMessageId) {
  apply({words_.message("m1"), words_.message("m2"), copy(kAda, "m1", Status::Sent),
         copy(kAda, "m2", Status::Sent)});
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m2", Status::Sent),
                                          words_.shown(kAda, "m1", Status::Sent)));
}

// --- RaiseStatus ------------------------------------------------------------

TEST_P(StoreWrites, RaisesTheStatusOfOneCopy) {
  apply(words_.direct("m1", 10));
  apply({raise(kAda, "m1", Status::ReturnReceipt)});
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::ReturnReceipt)));
  EXPECT_THAT(messages(kBob), ElementsAre(words_.shown(kBob, "m1", Status::Delivered)));
}

TEST_P(StoreWrites, NeverLowersAStatus) {
  apply(words_.direct("m1", 10));
  apply({raise(kAda, "m1", Status::ReturnReceipt), raise(kAda, "m1", Status::Received)});
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::ReturnReceipt)));
}

TEST_P(StoreWrites, CreatesNoCopyForAStatus) {
  apply({words_.message("m1"), copy(kAda, "m1", Status::Sent)});
  apply({raise(kBob, "m1", Status::Received), raise(kAda, "m2", Status::Received)});
  EXPECT_THAT(messages(kBob), IsEmpty());
  EXPECT_FALSE(exists(copy_at(kBob, "m1")));
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
}

// --- SaveLastMessage --------------------------------------------------------

TEST_P(StoreWrites, ShowsAConversationInTheFieldsOfTheProtocol) {
  apply({SaveMessage{"tilechat", "m1", R"({"text":"hi","sender":"ada"})"},
         copy(kBob, "m1", Status::Delivered), last(kBob, "m1", 10)});
  const Document shown = conversation(kBob);
  ASSERT_TRUE(shown);
  EXPECT_THAT(*shown, HasSubstr(R"("text":"hi","sender":"ada")"));
  EXPECT_THAT(*shown, HasSubstr(R"("timelineOf":"bob")"));
  EXPECT_THAT(*shown, HasSubstr(R"("conversWith":"ada")"));
  EXPECT_THAT(*shown, HasSubstr(R"("status":150)"));
  EXPECT_THAT(*shown, HasSubstr(R"("key":"ada")"));
  EXPECT_THAT(*shown, HasSubstr(R"("is_new":true)"));
  EXPECT_THAT(*shown, HasSubstr(R"("archived":false)"));
  EXPECT_THAT(*shown, HasSubstr(R"("last_message_text":"hi")"));
}

TEST_P(StoreWrites, ReplacesTheLastMessageByALaterOne) {
  apply(words_.direct("m1", 10));
  apply(words_.direct("m2", 11));
  EXPECT_THAT(conversation(kBob),
              Optional(words_.shown(kBob, "m2", Status::Delivered, kNew, kActive)));
}

TEST_P(StoreWrites, KeepsTheLastMessageAgainstAnOlderOneThatArrivesLate) {
  apply(words_.direct("m2", 11));
  apply(words_.direct("m3", 10));  // a greater id alone does not make it later
  EXPECT_THAT(conversation(kBob),
              Optional(words_.shown(kBob, "m2", Status::Delivered, kNew, kActive)));
}

TEST_P(StoreWrites, MarksAConversationNewAndActiveAlsoByAnOlderMessage) {
  apply(words_.direct("m2", 11));
  apply({patch(kBob, kRead, kArchived)});
  apply(words_.direct("m1", 10));
  EXPECT_THAT(conversation(kBob),
              Optional(words_.shown(kBob, "m2", Status::Delivered, kNew, kActive)));
}

TEST_P(StoreWrites, OrdersMessagesOfOneMillisecondByTheirIds) {
  apply(words_.direct("m2", 10));
  apply(words_.direct("m1", 10));
  EXPECT_THAT(conversation(kBob),
              Optional(words_.shown(kBob, "m2", Status::Delivered, kNew, kActive)));
  apply(words_.direct("m3", 10));
  EXPECT_THAT(conversation(kBob),
              Optional(words_.shown(kBob, "m3", Status::Delivered, kNew, kActive)));
}

// The guard compares with the time of the message that is the last one, not with
// that of the last attempt.
TEST_P(StoreWrites, IsNotMisledByTheTimeOfAnOlderMessage) {
  apply(words_.direct("m5", 50));
  apply(words_.direct("m1", 10));
  apply(words_.direct("m3", 30));
  EXPECT_THAT(conversation(kBob),
              Optional(words_.shown(kBob, "m5", Status::Delivered, kNew, kActive)));
}

TEST_P(StoreWrites, CreatesAConversationWhateverTheTimeOfItsFirstMessage) {
  apply(words_.direct("m1", -5));
  EXPECT_THAT(conversation(kBob),
              Optional(words_.shown(kBob, "m1", Status::Delivered, kNew, kActive)));
}

TEST_P(StoreWrites, ShowsTheRaisedStatusInTheConversationToo) {
  apply(words_.direct("m1", 10));
  apply({raise(kAda, "m1", Status::ReturnReceipt)});
  EXPECT_THAT(conversation(kAda),
              Optional(words_.shown(kAda, "m1", Status::ReturnReceipt, kNew, kActive)));
}

// Else a copy that others get of the message would change a conversation from which it
// was removed, and the Router could not know.
TEST_P(StoreWrites, ShowsNothingOfALastMessageThatHasNoCopyThere) {
  apply({words_.message("m1"), last(kAda, "m1", 10), copy(kBob, "m1", Status::Delivered)});
  const StoredConversation bare{.last = {"tilechat", "ada", "bob", "m1", Status::Sent, {}},
                                .is_new = kNew,
                                .archived = kActive};
  EXPECT_THAT(conversation(kAda), Optional(conversation_document(bare)));
  EXPECT_EQ(fetch({conversation_at(kAda)}).at(0).document, conversation_document(bare));
}

TEST_P(StoreWrites, ShowsAConversationWhoseLastMessageIsMissingAltogether) {
  apply({last(kAda, "m1", 10)});
  EXPECT_THAT(conversations("ada"), ElementsAre(HasSubstr(R"("key":"bob")")));
  EXPECT_THAT(conversation(kAda), Optional(HasSubstr(R"("last_message_text":null)")));
}

// --- PatchConversation ------------------------------------------------------

TEST_P(StoreWrites, ChangesOnlyWhatAPatchNames) {
  const auto shown = [&](bool is_new, bool archived) {
    return Optional(words_.shown(kBob, "m1", Status::Delivered, is_new, archived));
  };
  apply(words_.direct("m1", 10));
  apply({patch(kBob, kRead, std::nullopt)});
  EXPECT_THAT(conversation(kBob), shown(kRead, kActive));
  apply({patch(kBob, std::nullopt, kArchived)});
  EXPECT_THAT(conversation(kBob), shown(kRead, kArchived));
  apply({patch(kBob, std::nullopt, std::nullopt)});
  EXPECT_THAT(conversation(kBob), shown(kRead, kArchived));
  apply({patch(kBob, kNew, kActive)});
  EXPECT_THAT(conversation(kBob), shown(kNew, kActive));
}

TEST_P(StoreWrites, PatchesNobodyElsesConversation) {
  apply(words_.direct("m1", 10));
  apply({patch(kBob, kRead, kArchived)});
  EXPECT_THAT(conversation(kAda), Optional(words_.shown(kAda, "m1", Status::Sent, kNew, kActive)));
}

TEST_P(StoreWrites, CreatesNoConversationForAPatch) {
  apply({patch(kAda, kRead, kArchived)});
  EXPECT_EQ(conversation(kAda), std::nullopt);
  EXPECT_FALSE(exists(conversation_at(kAda)));
  EXPECT_THAT(conversations("ada", kArchived), IsEmpty());
}

// --- SaveGroup --------------------------------------------------------------

TEST_P(StoreWrites, ReplacesAGroupUnlessItWasChangedLater) {
  const auto body = [&] { return fetch({Record::group("tilechat", "group-1")}).at(0).document; };
  apply({SaveGroup{"tilechat", "group-1", R"({"name":"first"})", 20}});
  EXPECT_EQ(body(), R"({"name":"first"})");
  apply({SaveGroup{"tilechat", "group-1", R"({"name":"late"})", 19}});
  EXPECT_EQ(body(), R"({"name":"first"})");
  apply({SaveGroup{"tilechat", "group-1", R"({"name":"same time"})", 20}});
  EXPECT_EQ(body(), R"({"name":"same time"})");
  apply({SaveGroup{"tilechat", "group-1", R"({"name":"newer"})", 21}});
  EXPECT_EQ(body(), R"({"name":"newer"})");
  apply({SaveGroup{"tilechat", "group-1", R"({"name":"late again"})", 20}});
  EXPECT_EQ(body(), R"({"name":"newer"})");
}

TEST_P(StoreWrites, ShowsAGroupWithAnId) {
  apply({SaveGroup{"tilechat", "group-1", R"({"uid":"group-1","members":{"ada":1}})", 20}});
  EXPECT_THAT(group("group-1"),
              Optional(stored_document("groups", "tilechat", "group-1",
                                       R"({"uid":"group-1","members":{"ada":1}})")));
}

// --- SaveInstance, RemoveInstance -------------------------------------------

TEST_P(StoreWrites, ShowsThePushInstancesOfAUser) {
  apply({SaveInstance{"tilechat", "i1", "ada", R"({"platform":"ios"})"},
         SaveInstance{"tilechat", "i2", "ada", R"({"platform":"android"})"},
         SaveInstance{"tilechat", "i3", "bob", R"({"platform":"web"})"}});
  EXPECT_THAT(instances("ada"),
              UnorderedElementsAre(
                  stored_document("instances", "tilechat", "i1", R"({"platform":"ios"})"),
                  stored_document("instances", "tilechat", "i2", R"({"platform":"android"})")));
}

// A phone that changes hands keeps its push token.
TEST_P(StoreWrites, MovesAPushInstanceToItsNewUser) {
  apply({SaveInstance{"tilechat", "i1", "ada", R"({"v":1})"}});
  apply({SaveInstance{"tilechat", "i1", "bob", R"({"v":2})"}});
  EXPECT_THAT(instances("ada"), IsEmpty());
  EXPECT_THAT(instances("bob"), ElementsAre(HasSubstr(R"("v":2)")));
}

TEST_P(StoreWrites, RemovesAPushInstanceOfOneApp) {
  apply({SaveInstance{"tilechat", "i1", "ada", "{}"}, SaveInstance{"otherapp", "i1", "ada", "{}"}});
  apply({RemoveInstance{"tilechat", "i1"}, RemoveInstance{"tilechat", "unknown"}});
  EXPECT_THAT(instances("ada"), IsEmpty());
  EXPECT_THAT(instances("ada", "otherapp"), Not(IsEmpty()));
}

// --- Batches ----------------------------------------------------------------

TEST_P(StoreWrites, CarriesOutABatchInItsOrder) {
  apply({patch(kAda, kRead, std::nullopt), words_.message("m1"), copy(kAda, "m1", Status::Sent),
         last(kAda, "m1", 10), patch(kAda, std::nullopt, kArchived),
         SaveInstance{"tilechat", "i1", "ada", "{}"}, RemoveInstance{"tilechat", "i1"}});
  EXPECT_THAT(conversation(kAda),
              Optional(words_.shown(kAda, "m1", Status::Sent, kNew, kArchived)));
  EXPECT_THAT(instances("ada"), IsEmpty());
}

TEST_P(StoreWrites, TakesABatchOfNothing) {
  apply({});
  EXPECT_THAT(conversations("ada"), IsEmpty());
}

TEST_P(StoreWrites, LeavesNothingOfABatchThatFails) {
  apply(words_.direct("m1", 10));
  const Writes batch =
      all({{patch(kBob, kRead, kArchived), raise(kAda, "m1", Status::Seen),
            SaveGroup{"tilechat", "group-1", "{}", 1}, SaveInstance{"tilechat", "i1", "ada", "{}"}},
           words_.direct("m2", 20),
           words_.direct("poison", 30),
           words_.direct("m4", 40)});
  subject_->poison("poison");
  EXPECT_FALSE(subject_->store().apply(batch));

  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
  EXPECT_THAT(conversations("bob"),
              ElementsAre(words_.shown(kBob, "m1", Status::Delivered, kNew, kActive)));
  EXPECT_EQ(group("group-1"), std::nullopt);
  EXPECT_THAT(instances("ada"), IsEmpty());

  subject_->heal();
  apply(batch);
  EXPECT_THAT(conversation(kAda), Optional(words_.shown(kAda, "m4", Status::Sent, kNew, kActive)));
  EXPECT_EQ(messages(kAda).size(), 4U);
}

}  // namespace
}  // namespace chat21::contract
