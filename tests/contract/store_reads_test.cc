// What fetch() and History answer.
#include <string>

#include "tests/contract/store_subjects.h"

namespace chat21::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

class StoreReads : public StoreContract {
 protected:
  // Ada has the messages m1 to m5, sent one millisecond after the other.
  void five_messages() {
    for (const std::string_view id : {"m1", "m2", "m3", "m4", "m5"}) {
      apply(words_.delivery(kAda, id, Status::Sent, id[1]));
    }
  }
  std::string ada(std::string_view id) { return words_.shown(kAda, id, Status::Sent); }

  // Ada's conversation with each, whose last message was sent at that time.
  void conversation_at_time(std::string_view with, std::string_view id, std::int64_t time) {
    apply(words_.delivery({"ada", with}, id, Status::Sent, time));
  }
  std::string listed(std::string_view with, std::string_view id, bool archived = kActive) {
    return words_.shown({"ada", with}, id, Status::Sent, kNew, archived);
  }
};
INSTANTIATE_TEST_SUITE_P(Every, StoreReads, ::testing::ValuesIn(every_store()), name_of);

// --- fetch ------------------------------------------------------------------

TEST_P(StoreReads, AnswersEveryRecordInItsPlace) {
  apply(words_.direct("m1", 10));
  apply({SaveGroup{"tilechat", "group-1", R"({"name":"g"})", 1}});
  const std::string document = words_.shown(kBob, "m1", Status::Delivered, kNew, kActive);
  EXPECT_THAT(fetch({Record::group("tilechat", "unknown"), conversation_at(kBob),
                     copy_at(kAda, "m1"), Record::group("tilechat", "group-1"), copy_at(kAda, "m2"),
                     conversation_at({"bob", "carl"}), conversation_at(kBob)}),
              ElementsAre(Answer{false, ""}, Answer{true, document}, Answer{true, ""},
                          Answer{true, R"({"name":"g"})"}, Answer{false, ""}, Answer{false, ""},
                          Answer{true, document}));
}

TEST_P(StoreReads, AnswersNothingAboutNothing) {
  EXPECT_THAT(fetch({}), IsEmpty());
}

TEST_P(StoreReads, ForgetsThePreviousAnswer) {
  apply({SaveGroup{"tilechat", "group-1", R"({"name":"g"})", 1}});
  EXPECT_THAT(fetch({Record::group("tilechat", "group-1")}), SizeIs(1));
  EXPECT_THAT(fetch({Record::group("tilechat", "unknown"), Record::group("tilechat", "none")}),
              ElementsAre(Answer{false, ""}, Answer{false, ""}));
}

TEST_P(StoreReads, FindsWhatIsOfTheAppOnly) {
  apply(words_.direct("m1", 10));
  apply({SaveGroup{"tilechat", "group-1", "{}", 1}});
  EXPECT_FALSE(exists(Record::group("otherapp", "group-1")));
  EXPECT_FALSE(exists(conversation_at({"ada", "bob", "otherapp"})));
  EXPECT_FALSE(exists(copy_at({"ada", "bob", "otherapp"}, "m1")));
}

TEST_P(StoreReads, FindsNoCopyInTheConversationWithSomebodyElse) {
  apply(words_.direct("m1", 10));
  EXPECT_TRUE(exists(copy_at({"ada", "bob"}, "m1")));
  EXPECT_FALSE(exists(copy_at({"ada", "carl"}, "m1")));
  EXPECT_FALSE(exists(copy_at({"carl", "bob"}, "m1")));
}

TEST_P(StoreReads, AnswersManyRecordsAtOnce) {
  std::vector<Record> records;
  std::vector<Answer> expected;
  for (int i = 0; i < 300; ++i) {
    const std::string_view id = words_.keep("group-" + std::to_string(i));
    apply({SaveGroup{"tilechat", id, words_.body_of(id), 1}});
    records.push_back(Record::group("tilechat", id));
    expected.push_back({true, std::string(words_.body_of(id))});
  }
  EXPECT_EQ(fetch(records), expected);
}

// --- messages ---------------------------------------------------------------

TEST_P(StoreReads, ListsTheNewestMessagesFirst) {
  five_messages();
  EXPECT_THAT(messages(kAda), ElementsAre(ada("m5"), ada("m4"), ada("m3"), ada("m2"), ada("m1")));
}

TEST_P(StoreReads, ListsByIdWhateverTheOrderOfArrival) {
  for (const std::string_view id : {"m3", "m1", "m2"}) {
    apply(words_.delivery(kAda, id, Status::Sent, 10));
  }
  EXPECT_THAT(messages(kAda), ElementsAre(ada("m3"), ada("m2"), ada("m1")));
}

TEST_P(StoreReads, ListsNoMoreMessagesThanAskedFor) {
  five_messages();
  EXPECT_THAT(messages(kAda, {.limit = 2}), ElementsAre(ada("m5"), ada("m4")));
}

TEST_P(StoreReads, ListsWhatIsOlderThanACursor) {
  five_messages();
  EXPECT_THAT(messages(kAda, {.before = "m4", .limit = 2}), ElementsAre(ada("m3"), ada("m2")));
  EXPECT_THAT(messages(kAda, {.before = "m1"}), IsEmpty());
}

TEST_P(StoreReads, ListsWhatIsNewerThanACursorOldestFirst) {
  five_messages();
  EXPECT_THAT(messages(kAda, {.after = "m2", .limit = 2}), ElementsAre(ada("m3"), ada("m4")));
  EXPECT_THAT(messages(kAda, {.after = "m5"}), IsEmpty());
}

TEST_P(StoreReads, ListsWhatIsBetweenTwoCursors) {
  five_messages();
  EXPECT_THAT(messages(kAda, {.before = "m5", .after = "m2"}), ElementsAre(ada("m3"), ada("m4")));
  EXPECT_THAT(messages(kAda, {.before = "m2", .after = "m4"}), IsEmpty());
  EXPECT_THAT(messages(kAda, {.before = "m3", .after = "m3"}), IsEmpty());
}

TEST_P(StoreReads, TakesACursorThatIsNoMessage) {
  five_messages();
  EXPECT_THAT(messages(kAda, {.before = "m25"}), ElementsAre(ada("m2"), ada("m1")));
  EXPECT_THAT(messages(kAda, {.after = "m35"}), ElementsAre(ada("m4"), ada("m5")));
}

TEST_P(StoreReads, PagesThroughAllMessagesWithoutGapOrRepeat) {
  std::vector<std::string> sent;
  for (int i = 0; i < 25; ++i) {
    const std::string_view id = words_.keep("m" + std::to_string(100 + i));
    apply(words_.delivery(kAda, id, Status::Sent, 10 + i));
    sent.insert(sent.begin(), ada(id));
  }
  std::vector<std::string> seen;
  std::string_view cursor;
  for (int page = 0; page < 4; ++page) {
    const Documents found = messages(kAda, {.before = cursor, .limit = 7});
    seen.insert(seen.end(), found.begin(), found.end());
    cursor = words_.keep("m" + std::to_string(100 + 25 - 7 * (page + 1)));
  }
  EXPECT_EQ(seen, sent);
}

TEST_P(StoreReads, ListsMessagesOfOneConversationInOneTimelineOfOneApp) {
  five_messages();
  EXPECT_THAT(messages(kBob), IsEmpty());
  EXPECT_THAT(messages({"ada", "carl"}), IsEmpty());
  EXPECT_THAT(messages({"ada", "bob", "otherapp"}), IsEmpty());
}

TEST_P(StoreReads, RefusesALimitOutOfRange) {
  for (const std::size_t limit : {std::size_t{0}, kMaxPage + 1}) {
    const auto listed = history().messages("tilechat", "ada", "bob", {.limit = limit});
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(listed.error().message, HasSubstr(std::to_string(limit)));
    EXPECT_FALSE(history().conversations("tilechat", "ada", kActive, {.limit = limit}));
  }
  EXPECT_TRUE(history().messages("tilechat", "ada", "bob", {.limit = kMaxPage}));
}

// --- conversations ----------------------------------------------------------

TEST_P(StoreReads, ListsTheConversationWithTheLatestMessageFirst) {
  conversation_at_time("bob", "m1", 20);
  conversation_at_time("carl", "m2", 30);
  conversation_at_time("dora", "m3", 10);
  EXPECT_THAT(conversations("ada"),
              ElementsAre(listed("carl", "m2"), listed("bob", "m1"), listed("dora", "m3")));
  conversation_at_time("dora", "m4", 40);
  EXPECT_THAT(conversations("ada"),
              ElementsAre(listed("dora", "m4"), listed("carl", "m2"), listed("bob", "m1")));
}

TEST_P(StoreReads, OrdersConversationsOfOneMillisecondByTheirLastMessages) {
  conversation_at_time("bob", "m2", 20);
  conversation_at_time("carl", "m3", 20);
  conversation_at_time("dora", "m1", 20);
  EXPECT_THAT(conversations("ada"),
              ElementsAre(listed("carl", "m3"), listed("bob", "m2"), listed("dora", "m1")));
}

TEST_P(StoreReads, ListsNoMoreConversationsThanAskedFor) {
  conversation_at_time("bob", "m1", 20);
  conversation_at_time("carl", "m2", 30);
  conversation_at_time("dora", "m3", 10);
  EXPECT_THAT(conversations("ada", kActive, 2),
              ElementsAre(listed("carl", "m2"), listed("bob", "m1")));
}

TEST_P(StoreReads, ListsArchivedConversationsApart) {
  conversation_at_time("bob", "m1", 20);
  conversation_at_time("carl", "m2", 30);
  apply({patch({"ada", "carl"}, std::nullopt, kArchived)});
  EXPECT_THAT(conversations("ada", kActive), ElementsAre(listed("bob", "m1")));
  EXPECT_THAT(conversations("ada", kArchived), ElementsAre(listed("carl", "m2", kArchived)));
  conversation_at_time("carl", "m3", 40);
  EXPECT_THAT(conversations("ada", kArchived), IsEmpty());
}

TEST_P(StoreReads, ListsConversationsOfOneTimelineOfOneApp) {
  conversation_at_time("bob", "m1", 20);
  EXPECT_THAT(conversations("bob"), IsEmpty());
  EXPECT_THAT(conversations("ada", kActive, 200, "otherapp"), IsEmpty());
}

TEST_P(StoreReads, FindsAnArchivedConversation) {
  conversation_at_time("bob", "m1", 20);
  apply({patch(kAda, std::nullopt, kArchived)});
  EXPECT_THAT(conversation(kAda), Optional(listed("bob", "m1", kArchived)));
}

// --- absence, apps, odd ids -------------------------------------------------

TEST_P(StoreReads, FindsNothingInAnEmptyStore) {
  EXPECT_EQ(conversation(kAda), std::nullopt);
  EXPECT_EQ(group("group-1"), std::nullopt);
  EXPECT_THAT(conversations("ada"), IsEmpty());
  EXPECT_THAT(messages(kAda), IsEmpty());
  EXPECT_THAT(instances("ada"), IsEmpty());
  EXPECT_THAT(groups("ada"), IsEmpty());
  EXPECT_THAT(blocks("ada"), IsEmpty());
  EXPECT_FALSE(blocked("ada", "bob"));
  EXPECT_EQ(unread("ada"), 0U);
}

TEST_P(StoreReads, KeepsGroupsAndInstancesOfAppsApart) {
  apply({SaveGroup{"tilechat", "group-1", "{}", 1}, SaveInstance{"tilechat", "i1", "ada", "{}"}});
  EXPECT_EQ(group("group-1", "otherapp"), std::nullopt);
  EXPECT_THAT(instances("ada", "otherapp"), IsEmpty());
}

TEST_P(StoreReads, TellsIdsApartByEveryByte) {
  apply(words_.delivery({"ada", "bob"}, "m1", Status::Sent, 10));
  EXPECT_THAT(messages({"Ada", "bob"}), IsEmpty());
  EXPECT_THAT(messages({"ada", "bob "}), IsEmpty());
  EXPECT_THAT(messages({"ad", "abob"}), IsEmpty());
  EXPECT_THAT(conversations("ADA"), IsEmpty());
}

TEST_P(StoreReads, TakesIdsOfAnyCharacters) {
  const std::string odd[] = {"'",
                             "\"",
                             "o'brien",
                             "'; DROP TABLE messages; --",
                             "') OR 1=1 --",
                             "?1",
                             ":name",
                             "a_b-c d",
                             "back\\slash",
                             "Zo\u00eb",
                             "\u65e5\u672c\u8a9e",
                             "\U0001F600",
                             std::string(180, 'x'),
                             "\u00e9\u00e9\u00e9" + std::string(174, 'y')};
  for (const std::string& id : odd) {
    SCOPED_TRACE(id);
    const Place place{id, id, id};
    const std::string body = R"({"text":"odd"})";
    const StoredCopy stored{id, id, id, id, Status::Received, body};
    apply({SaveMessage{id, id, body}, copy(place, id, Status::Sent), last(place, id, 10),
           raise(place, id, Status::Received), patch(place, kRead, kArchived),
           SaveGroup{id, id, body, 1}, SaveInstance{id, id, id, body}});
    EXPECT_THAT(fetch({conversation_at(place), copy_at(place, id), Record::group(id, id)}),
                ElementsAre(Answer{true, conversation_document({stored, kRead, kArchived})},
                            Answer{true, ""}, Answer{true, body}));
    EXPECT_THAT(messages(place), ElementsAre(message_document(stored)));
    EXPECT_THAT(conversations(id, kArchived, 1, id),
                ElementsAre(conversation_document({stored, kRead, kArchived})));
    EXPECT_THAT(group(id, id), Optional(stored_document("groups", id, id, body)));
    EXPECT_THAT(instances(id, id), ElementsAre(stored_document("instances", id, id, body)));
    apply({RemoveInstance{id, id}});
    EXPECT_THAT(instances(id, id), IsEmpty());

    const std::string members = group_body({id, "ada"});
    apply({SaveGroup{id, id, members, 2}, SaveBlock{id, id, id}});
    const std::string group_document = stored_document("groups", id, id, members);
    EXPECT_THAT(groups(id, id), ElementsAre(group_document));
    EXPECT_TRUE(blocked(id, id, id));
    EXPECT_THAT(blocks(id, id), ElementsAre(block_document(id)));
    apply({RemoveBlock{id, id, id}, RemoveGroup{id, id, 2}, RemoveConversations{id, id},
           RemoveMessages{id, id}});
    EXPECT_FALSE(blocked(id, id, id));
    EXPECT_THAT(groups(id, id), IsEmpty());
    EXPECT_THAT(messages(place), IsEmpty());
    EXPECT_EQ(conversation(place), std::nullopt);
  }
}

TEST_P(StoreReads, KeepsALargeBodyWhole) {
  const std::string body = R"({"text":")" + std::string(5'000'000, 'z') + R"("})";
  apply({SaveMessage{"tilechat", "m1", body}, copy(kAda, "m1", Status::Sent)});
  const StoredCopy stored{"tilechat", "ada", "bob", "m1", Status::Sent, body};
  // Not EXPECT_EQ, which would print both.
  EXPECT_TRUE(messages(kAda) == Documents{message_document(stored)});
}

}  // namespace
}  // namespace chat21::contract
