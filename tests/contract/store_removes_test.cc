// Who is a member of a group, who is blocked, and what is left when something is removed.
#include <string>

#include "tests/contract/store_subjects.h"

namespace chat21::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr Place kSelf{"ada", "ada"};
constexpr Place kAnn{"ann", "bob"};

class StoreRemoves : public StoreContract {
 protected:
  Write group_of(std::initializer_list<std::string_view> members, std::int64_t updated_on,
                 std::string_view id = "group-1", std::string_view app = kAda.app) {
    return SaveGroup{app, id, words_.keep(group_body(members)), updated_on};
  }
  std::string shown_group(std::initializer_list<std::string_view> members,
                          std::string_view id = "group-1") {
    return stored_document("groups", "tilechat", id, group_body(members));
  }

  // Whether the Store still has what the message says, to be shown with any copy of it.
  bool has_body(std::string_view id) {
    const Place elsewhere{"somebody", id};
    apply({copy(elsewhere, id, Status::Sent)});
    const Documents shown = messages(elsewhere);
    return shown.size() == 1 &&
           shown[0].find(words_.keep("text of " + std::string(id))) != std::string::npos;
  }
};
INSTANTIATE_TEST_SUITE_P(Every, StoreRemoves, ::testing::ValuesIn(every_store()), name_of);

// --- Members ----------------------------------------------------------------

TEST_P(StoreRemoves, ListsTheGroupsOfEachMember) {
  apply({group_of({"ada", "bob"}, 1), group_of({"bob"}, 1, "group-2")});
  EXPECT_THAT(groups("ada"), ElementsAre(shown_group({"ada", "bob"})));
  EXPECT_THAT(groups("bob"),
              ElementsAre(shown_group({"ada", "bob"}), shown_group({"bob"}, "group-2")));
  EXPECT_THAT(groups("carl"), IsEmpty());
  EXPECT_THAT(groups("ada", "otherapp"), IsEmpty());
}

TEST_P(StoreRemoves, FollowsWhoJoinsAndLeaves) {
  apply({group_of({"ada", "bob"}, 1)});
  apply({group_of({"bob", "carl"}, 2)});
  EXPECT_THAT(groups("ada"), IsEmpty());
  EXPECT_THAT(groups("bob"), ElementsAre(shown_group({"bob", "carl"})));
  EXPECT_THAT(groups("carl"), ElementsAre(shown_group({"bob", "carl"})));
}

TEST_P(StoreRemoves, KeepsTheMembersOfAGroupThatWasChangedLater) {
  apply({group_of({"ada"}, 20)});
  apply({group_of({"bob"}, 19)});
  EXPECT_THAT(groups("ada"), ElementsAre(shown_group({"ada"})));
  EXPECT_THAT(groups("bob"), IsEmpty());
  apply({group_of({"bob"}, 20)});
  EXPECT_THAT(groups("ada"), IsEmpty());
  EXPECT_THAT(groups("bob"), ElementsAre(shown_group({"bob"})));
}

TEST_P(StoreRemoves, LeavesMembersOfABatchThatIsAppliedTwice) {
  const Writes batch = {group_of({"ada", "bob"}, 1), group_of({"ada", "carl"}, 2)};
  apply(batch);
  apply(batch);
  EXPECT_THAT(groups("ada"), ElementsAre(shown_group({"ada", "carl"})));
  EXPECT_THAT(groups("bob"), IsEmpty());
  EXPECT_THAT(groups("carl"), ElementsAre(shown_group({"ada", "carl"})));
}

TEST_P(StoreRemoves, KeepsMembersOfAppsAndGroupsApart) {
  apply({group_of({"ada"}, 1), group_of({"bob"}, 1, "group-1", "otherapp"),
         group_of({"ada"}, 1, "group-2")});
  apply({group_of({}, 2)});
  EXPECT_THAT(groups("ada"), ElementsAre(shown_group({"ada"}, "group-2")));
  EXPECT_THAT(groups("bob", "otherapp"), SizeIs(1));
}

// JSON.parse, by which clients and services read, takes the last of two; keys may be
// written with escapes.
TEST_P(StoreRemoves, TakesTheMembersThatAClientWouldSee) {
  apply({SaveGroup{"tilechat", "group-1",
                   R"({"members":{"ada":1},"m\u0065mbers":{"b\u006fb":1,"bob":1,"carl":0}})", 1}});
  EXPECT_THAT(groups("ada"), IsEmpty());
  EXPECT_THAT(groups("bob"), SizeIs(1));
  EXPECT_THAT(groups("carl"), SizeIs(1));
}

TEST_P(StoreRemoves, TakesABodyWithoutMembers) {
  for (const std::string_view body :
       {"{}", R"({"members":null})", R"({"members":["ada"]})", R"({"members":"ada"})",
        R"({"members":{}})", R"({"other":{"members":{"ada":1}}})", "[]", "not JSON", ""}) {
    SCOPED_TRACE(body);
    apply({group_of({"ada"}, 1)});
    apply({SaveGroup{"tilechat", "group-1", body, 1}});
    EXPECT_THAT(groups("ada"), IsEmpty());
    EXPECT_EQ(fetch({Record::group("tilechat", "group-1")}).at(0).document, body);
  }
}

TEST_P(StoreRemoves, TakesAGroupOfMany) {
  std::string body = R"({"members":{"ada":1)";
  for (int i = 0; i < 2000; ++i) body += ",\"user-" + std::to_string(i) + "\":1";
  body += "}}";
  apply({SaveGroup{"tilechat", "group-1", body, 1}});
  EXPECT_THAT(groups("user-1999"), SizeIs(1));
  apply({group_of({"ada"}, 2)});
  EXPECT_THAT(groups("user-1999"), IsEmpty());
  EXPECT_THAT(groups("ada"), SizeIs(1));
}

// --- RemoveGroup ------------------------------------------------------------

TEST_P(StoreRemoves, RemovesAGroupAndItsMembers) {
  apply({group_of({"ada"}, 1), group_of({"ada"}, 1, "group-2"),
         group_of({"ada"}, 1, "group-1", "otherapp")});
  apply({RemoveGroup{"tilechat", "group-1", 1}});
  EXPECT_EQ(group("group-1"), std::nullopt);
  EXPECT_FALSE(exists(Record::group("tilechat", "group-1")));
  EXPECT_THAT(groups("ada"), ElementsAre(shown_group({"ada"}, "group-2")));
  EXPECT_THAT(groups("ada", "otherapp"), SizeIs(1));
}

TEST_P(StoreRemoves, KeepsAGroupThatWasChangedAfterItsRemoval) {
  apply({group_of({"ada"}, 20)});
  apply({RemoveGroup{"tilechat", "group-1", 19}});
  EXPECT_THAT(group("group-1"), Optional(shown_group({"ada"})));
  EXPECT_THAT(groups("ada"), ElementsAre(shown_group({"ada"})));
  apply({RemoveGroup{"tilechat", "group-1", 21}});
  EXPECT_EQ(group("group-1"), std::nullopt);
}

TEST_P(StoreRemoves, RemovesAGroupTwiceAndOneThatIsUnknown) {
  apply({group_of({"ada"}, 1)});
  apply({RemoveGroup{"tilechat", "group-1", 1}, RemoveGroup{"tilechat", "group-1", 1},
         RemoveGroup{"tilechat", "unknown", 1}});
  EXPECT_THAT(groups("ada"), IsEmpty());
  apply({group_of({"bob"}, 2)});
  EXPECT_THAT(groups("ada"), IsEmpty());
  EXPECT_THAT(groups("bob"), ElementsAre(shown_group({"bob"})));
}

// --- RemoveConversations ----------------------------------------------------

TEST_P(StoreRemoves, RemovesTheConversationsOfEverybodyWithOne) {
  apply(all({words_.direct("m1", 10), words_.delivery(kAnn, "m2", Status::Sent, 20),
             words_.delivery({"ada", "carl"}, "m3", Status::Sent, 30),
             words_.delivery({"ada", "bob", "otherapp"}, "m4", Status::Sent, 40)}));
  apply({patch(kAnn, kRead, kArchived)});
  apply({RemoveConversations{"tilechat", "bob"}});
  EXPECT_EQ(conversation(kAda), std::nullopt);
  EXPECT_FALSE(exists(conversation_at(kAda)));
  EXPECT_THAT(conversations("ann", kArchived), IsEmpty());
  EXPECT_THAT(conversations("ada"), ElementsAre(HasSubstr(R"("key":"carl")")));
  EXPECT_THAT(conversations("bob"), ElementsAre(HasSubstr(R"("key":"ada")")));
  EXPECT_THAT(conversations("ada", kActive, 200, "otherapp"), SizeIs(1));
}

TEST_P(StoreRemoves, KeepsTheMessagesOfConversationsThatAreRemoved) {
  apply(words_.direct("m1", 10));
  apply({RemoveConversations{"tilechat", "bob"}});
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
  EXPECT_THAT(messages(kBob), ElementsAre(words_.shown(kBob, "m1", Status::Delivered)));
}

TEST_P(StoreRemoves, BeginsARemovedConversationAnewWithItsNextMessage) {
  apply(words_.direct("m5", 50));
  apply({RemoveConversations{"tilechat", "bob"}, RemoveConversations{"tilechat", "bob"}});
  apply(words_.direct("m1", 10));
  EXPECT_THAT(conversation(kAda), Optional(words_.shown(kAda, "m1", Status::Sent, kNew, kActive)));
}

TEST_P(StoreRemoves, RemovesWhatNobodyHas) {
  apply({RemoveConversations{"tilechat", "bob"}, RemoveMessages{"tilechat", "bob"}});
  apply(words_.direct("m1", 10));
  apply({RemoveConversations{"tilechat", "carl"}, RemoveMessages{"tilechat", "carl"},
         RemoveConversations{"otherapp", "bob"}, RemoveMessages{"otherapp", "bob"}});
  EXPECT_THAT(messages(kAda), SizeIs(1));
  EXPECT_THAT(conversations("ada"), SizeIs(1));
}

// The timelines are looked for one after the other; none may be left out.
TEST_P(StoreRemoves, FindsEveryTimeline) {
  const std::string timelines[] = {
      "", " ", "a", "aa", "ab", "b", "bob", "bobb", "\u65e5\u672c", "zzz", "zzz\x7f"};
  for (const std::string& timeline : timelines) {
    apply(words_.delivery({timeline, "group-1"}, "m1", Status::Delivered, 10));
    apply(words_.delivery({timeline, "group-2"}, "m2", Status::Delivered, 10));
  }
  apply({RemoveConversations{"tilechat", "group-1"}, RemoveMessages{"tilechat", "group-1"}});
  for (const std::string& timeline : timelines) {
    SCOPED_TRACE(timeline);
    EXPECT_THAT(conversations(timeline), ElementsAre(HasSubstr(R"("key":"group-2")")));
    EXPECT_THAT(messages({timeline, "group-1"}), IsEmpty());
    EXPECT_THAT(messages({timeline, "group-2"}), SizeIs(1));
  }
}

// --- RemoveMessages ---------------------------------------------------------

TEST_P(StoreRemoves, RemovesTheMessagesOfEverybodyWithOne) {
  const Place elsewhere{"ada", "bob", "otherapp"};
  apply(all({words_.direct("m1", 10), words_.direct("m2", 11),
             words_.delivery({"ada", "carl"}, "m3", Status::Sent, 30),
             words_.delivery(elsewhere, "m1", Status::Sent, 40)}));
  apply({RemoveMessages{"tilechat", "bob"}});
  EXPECT_THAT(messages(kAda), IsEmpty());
  EXPECT_FALSE(exists(copy_at(kAda, "m1")));
  EXPECT_THAT(messages(kBob), ElementsAre(words_.shown(kBob, "m2", Status::Delivered),
                                          words_.shown(kBob, "m1", Status::Delivered)));
  EXPECT_THAT(messages({"ada", "carl"}), SizeIs(1));
  EXPECT_THAT(messages(elsewhere), ElementsAre(words_.shown(elsewhere, "m1", Status::Sent)));
}

TEST_P(StoreRemoves, KeepsABodyAsLongAsOneSideHasACopy) {
  apply(words_.direct("m1", 10));
  apply({RemoveMessages{"tilechat", "bob"}});
  EXPECT_TRUE(has_body("m1"));
  apply({RemoveMessages{"tilechat", "ada"}});
  EXPECT_THAT(messages(kBob), IsEmpty());
  EXPECT_FALSE(has_body("m1"));
}

TEST_P(StoreRemoves, RemovesTheBodiesOfAGroupWithItsMessages) {
  for (const std::string_view timeline : {"group-1", "ada", "bob"}) {
    apply(words_.delivery({timeline, "group-1"}, "m1", Status::Delivered, 10));
  }
  apply(words_.direct("m2", 20));
  apply({RemoveMessages{"tilechat", "group-1"}});
  EXPECT_THAT(messages({"group-1", "group-1"}), IsEmpty());
  EXPECT_THAT(messages({"ada", "group-1"}), IsEmpty());
  EXPECT_THAT(messages({"bob", "group-1"}), IsEmpty());
  EXPECT_FALSE(has_body("m1"));
  EXPECT_TRUE(has_body("m2"));
}

TEST_P(StoreRemoves, RemovesTheBodyOfAMessageToOneself) {
  apply(words_.delivery(kSelf, "m1", Status::Sent, 10));
  apply({RemoveMessages{"tilechat", "ada"}});
  EXPECT_THAT(messages(kSelf), IsEmpty());
  EXPECT_FALSE(has_body("m1"));
}

TEST_P(StoreRemoves, FreesTheClientMessageIdOfAMessageWithItsBody) {
  const Record sent = Record::sent("tilechat", "ada", "c1");
  apply({words_.sent("m1", "ada", "c1"), copy(kAda, "m1", Status::Sent),
         copy(kBob, "m1", Status::Delivered)});
  apply({RemoveMessages{"tilechat", "bob"}});
  EXPECT_TRUE(exists(sent));
  apply({RemoveMessages{"tilechat", "ada"}});
  EXPECT_FALSE(exists(sent));
  apply({words_.sent("m2", "ada", "c1"), copy(kAda, "m2", Status::Sent)});
  EXPECT_EQ(fetch({sent}).at(0).document, words_.body_of("m2"));
  EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m2", Status::Sent)));
}

TEST_P(StoreRemoves, RemovesTheBodiesOfItsAppOnly) {
  const Place elsewhere{"ada", "bob", "otherapp"};
  apply(all({words_.delivery(kAda, "m1", Status::Sent, 10),
             words_.delivery(elsewhere, "m1", Status::Sent, 10)}));
  apply({RemoveMessages{"tilechat", "bob"}});
  EXPECT_THAT(messages(elsewhere), ElementsAre(words_.shown(elsewhere, "m1", Status::Sent)));
}

TEST_P(StoreRemoves, RemovesACopyWithABodyOfItsOwn) {
  const Place replayed{"carl", "group-1"};
  apply({words_.message("m1"), copy({"group-1", "group-1"}, "m1", Status::Sent),
         copy(replayed, "m1", Status::Delivered, R"({"text":"own"})")});
  apply({RemoveMessages{"tilechat", "group-1"}});
  EXPECT_THAT(messages(replayed), IsEmpty());
  apply({words_.message("m1"), copy(replayed, "m1", Status::Delivered)});
  EXPECT_THAT(messages(replayed), ElementsAre(words_.shown(replayed, "m1", Status::Delivered)));
}

TEST_P(StoreRemoves, StillListsAConversationWhoseMessagesAreRemoved) {
  apply(words_.direct("m1", 10));
  apply({RemoveMessages{"tilechat", "bob"}, RemoveMessages{"tilechat", "ada"}});
  EXPECT_THAT(conversations("ada"), ElementsAre(HasSubstr(R"("last_message_text":null)")));
  EXPECT_THAT(conversation(kBob), Optional(HasSubstr(R"("key":"ada")")));
  EXPECT_EQ(unread("ada"), 1U);
}

// --- SaveBlock, RemoveBlock -------------------------------------------------

TEST_P(StoreRemoves, KnowsWhoIsBlockedByWhom) {
  apply({SaveBlock{"tilechat", "ada", "bob"}, SaveBlock{"tilechat", "ada", "bob"}});
  EXPECT_TRUE(blocked("ada", "bob"));
  EXPECT_FALSE(blocked("bob", "ada"));
  EXPECT_FALSE(blocked("ada", "carl"));
  EXPECT_FALSE(blocked("ada", "bob", "otherapp"));
  EXPECT_THAT(blocks("ada"), ElementsAre(R"({"user_id":"bob"})"));
  EXPECT_THAT(blocks("bob"), IsEmpty());
  EXPECT_THAT(blocks("ada", "otherapp"), IsEmpty());
}

TEST_P(StoreRemoves, LetsABlockedUserIn) {
  apply({SaveBlock{"tilechat", "ada", "bob"}, SaveBlock{"tilechat", "ada", "carl"},
         SaveBlock{"otherapp", "ada", "bob"}, SaveBlock{"tilechat", "bob", "ada"}});
  apply({RemoveBlock{"tilechat", "ada", "bob"}, RemoveBlock{"tilechat", "ada", "bob"},
         RemoveBlock{"tilechat", "ada", "nobody"}});
  EXPECT_FALSE(blocked("ada", "bob"));
  EXPECT_THAT(blocks("ada"), ElementsAre(R"({"user_id":"carl"})"));
  EXPECT_TRUE(blocked("ada", "bob", "otherapp"));
  EXPECT_TRUE(blocked("bob", "ada"));
}

// --- Batches ----------------------------------------------------------------

TEST_P(StoreRemoves, LeavesNothingOfABatchThatFails) {
  apply(
      all({words_.direct("m1", 10), {group_of({"ada"}, 1), SaveBlock{"tilechat", "ada", "bob"}}}));
  const Writes batch = {RemoveMessages{"tilechat", "bob"},
                        RemoveConversations{"tilechat", "bob"},
                        RemoveGroup{"tilechat", "group-1", 1},
                        group_of({"ada"}, 1, "group-2"),
                        RemoveBlock{"tilechat", "ada", "bob"},
                        SaveBlock{"tilechat", "ada", "carl"},
                        words_.message("poison")};
  subject_->poison("poison");
  EXPECT_FALSE(subject_->store().apply(batch));
  EXPECT_THAT(messages(kAda), SizeIs(1));
  EXPECT_THAT(conversations("ada"), SizeIs(1));
  EXPECT_THAT(groups("ada"), ElementsAre(shown_group({"ada"})));
  EXPECT_THAT(blocks("ada"), ElementsAre(R"({"user_id":"bob"})"));

  subject_->heal();
  apply(batch);
  EXPECT_THAT(messages(kAda), IsEmpty());
  EXPECT_THAT(conversations("ada"), IsEmpty());
  EXPECT_THAT(groups("ada"), ElementsAre(shown_group({"ada"}, "group-2")));
  EXPECT_THAT(blocks("ada"), ElementsAre(R"({"user_id":"carl"})"));
}

TEST_P(StoreRemoves, CarriesOutABatchInItsOrder) {
  apply(all({{RemoveMessages{"tilechat", "bob"}},
             words_.direct("m1", 10),
             {RemoveConversations{"tilechat", "bob"}, group_of({"ada"}, 1),
              RemoveGroup{"tilechat", "group-1", 1}, group_of({"bob"}, 1),
              SaveBlock{"tilechat", "ada", "bob"}, RemoveBlock{"tilechat", "ada", "bob"}}}));
  EXPECT_THAT(messages(kAda), Not(IsEmpty()));
  EXPECT_THAT(conversations("ada"), IsEmpty());
  EXPECT_THAT(groups("ada"), IsEmpty());
  EXPECT_THAT(groups("bob"), SizeIs(1));
  EXPECT_FALSE(blocked("ada", "bob"));
}

}  // namespace
}  // namespace chat21::contract
