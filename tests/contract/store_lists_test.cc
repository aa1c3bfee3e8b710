// How lists are cut into slices that give the whole list together.
#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

#include "tests/contract/store_subjects.h"

namespace chat21::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreLists : public StoreContract {
 protected:
  using List = std::function<Listing(const Slice&)>;

  List ada_conversations(bool archived = kActive) {
    return [=, this](const Slice& slice) { return slice_of_conversations("ada", slice, archived); };
  }
  List ada_groups() {
    return [this](const Slice& slice) { return slice_of_groups("ada", slice); };
  }
  List ada_blocks() {
    return [this](const Slice& slice) { return slice_of_blocks("ada", slice); };
  }

  // From `from` to the end, in slices of `limit`, each full but the last.
  Documents rest(const List& list, std::string from, std::size_t limit) {
    Documents documents;
    for (;;) {
      const Listing slice = list({.from = from, .limit = limit});
      documents.insert(documents.end(), slice.documents.begin(), slice.documents.end());
      if (slice.next.empty()) return documents;
      if (slice.documents.size() != limit || slice.next == from) {
        ADD_FAILURE() << slice.documents.size() << " entries, and on to " << slice.next;
        return documents;
      }
      from = slice.next;
    }
  }
  void expect_the_same_in_slices(const List& list, std::size_t size) {
    const Listing whole = list({.limit = kMaxPage});
    ASSERT_THAT(whole.documents, SizeIs(size));
    EXPECT_EQ(whole.next, "");
    for (std::size_t limit = 1; limit <= size + 1; ++limit) {
      EXPECT_EQ(rest(list, "", limit), whole.documents) << limit;
    }
  }

  // A last message `id`, at `time`, with somebody.
  void conversation_at_time(std::string_view with, std::string_view id, std::int64_t time) {
    apply(words_.delivery({"ada", with}, id, Status::Sent, time));
  }
  std::string listed(std::string_view with, std::string_view id) {
    return words_.shown({"ada", with}, id, Status::Sent, kNew, kActive);
  }
  // c1 to c6 with m1 to m6, c6 the latest.
  void six_conversations() {
    for (int i = 1; i <= 6; ++i) {
      conversation_at_time(numbered("c", i), numbered("m", i), 10 * i);
    }
  }
  std::string_view numbered(const char* name, int number) {
    return words_.keep(name + std::to_string(number));
  }
  std::string six(int number) { return listed(numbered("c", number), numbered("m", number)); }

  static std::size_t bytes_of(const Documents& documents, std::size_t count) {
    const auto end = documents.begin() + static_cast<std::ptrdiff_t>(count);
    return std::transform_reduce(documents.begin(), end, std::size_t{0}, std::plus<>(),
                                 [](const std::string& document) { return document.size(); });
  }
  // Up to and including the entry with which it is too large.
  static void expect_cut(const Documents& documents) {
    ASSERT_FALSE(documents.empty());
    EXPECT_GT(bytes_of(documents, documents.size()), kMaxPageBytes);
    EXPECT_LE(bytes_of(documents, documents.size() - 1), kMaxPageBytes);
  }
  static void expect_cut_and_all_in_slices(const List& list, std::size_t size) {
    Documents documents;
    std::string from;
    do {
      const Listing slice = list({.from = from, .limit = kMaxPage});
      if (!slice.next.empty()) expect_cut(slice.documents);
      documents.insert(documents.end(), slice.documents.begin(), slice.documents.end());
      from = slice.next;
    } while (!from.empty() && documents.size() < size);
    EXPECT_EQ(from, "");
    ASSERT_EQ(documents.size(), size);
    std::sort(documents.begin(), documents.end());
    EXPECT_TRUE(std::unique(documents.begin(), documents.end()) == documents.end());
  }

  void refuse(const std::function<Error(const Slice&)>& error_of, std::string_view from) {
    SCOPED_TRACE(from);
    const Error error = error_of({.from = from});
    EXPECT_EQ(error.code, Error::Code::InvalidArgument);
    EXPECT_THAT(error.message, HasSubstr(words_.keep("'" + std::string(from) + "'")));
  }
  static Error error_of(const Result<Listing>& listed) {
    if (!listed) return listed.error();
    return fail(Error::Code::Internal, "it was not refused");
  }
};
INSTANTIATE_TEST_SUITE_P(Every, StoreLists, ::testing::ValuesIn(every_store()), name_of);

// --- conversations ----------------------------------------------------------

TEST_P(StoreLists, GivesAllConversationsInSlices) {
  six_conversations();
  expect_the_same_in_slices(ada_conversations(), 6);
  EXPECT_THAT(rest(ada_conversations(), "", 4),
              ElementsAre(six(6), six(5), six(4), six(3), six(2), six(1)));
}

TEST_P(StoreLists, GivesArchivedConversationsInSlices) {
  six_conversations();
  for (const char* with : {"c1", "c3", "c5"}) {
    apply({patch({"ada", with}, std::nullopt, kArchived)});
  }
  expect_the_same_in_slices(ada_conversations(kArchived), 3);
  expect_the_same_in_slices(ada_conversations(kActive), 3);
}

TEST_P(StoreLists, GivesConversationsOfOneMillisecondInSlices) {
  for (int i = 1; i <= 7; ++i) conversation_at_time(numbered("c", i), numbered("m", i), i / 6);
  expect_the_same_in_slices(ada_conversations(), 7);
}

TEST_P(StoreLists, GivesConversationsOfAnyTimeInSlices) {
  conversation_at_time("c1", "m1", -5);
  conversation_at_time("c2", "m2", 0);
  conversation_at_time("c3", "m3", 4'102'444'800'000);
  expect_the_same_in_slices(ada_conversations(), 3);
}

TEST_P(StoreLists, EndsWithTheLastEntryEvenIfTheSliceIsFull) {
  six_conversations();
  EXPECT_EQ(slice_of_conversations("ada", {.limit = 6}).next, "");
  EXPECT_NE(slice_of_conversations("ada", {.limit = 5}).next, "");
  EXPECT_EQ(slice_of_conversations("nobody", {.limit = 5}).next, "");
}

// What moves to the top while somebody reads on is seen there, and pushes no other
// out of both slices.
TEST_P(StoreLists, MissesNothingThatDidNotMoveBetweenTwoSlices) {
  six_conversations();
  const Listing first = slice_of_conversations("ada", {.limit = 2});
  EXPECT_THAT(first.documents, ElementsAre(six(6), six(5)));
  conversation_at_time("c3", "m7", 70);
  EXPECT_THAT(rest(ada_conversations(), first.next, 2), ElementsAre(six(4), six(2), six(1)));
  EXPECT_THAT(slice_of_conversations("ada", {.limit = 1}).documents,
              ElementsAre(listed("c3", "m7")));
}

TEST_P(StoreLists, GoesOnWhereAConversationWasThatMovedOrIsGone) {
  six_conversations();
  const Listing first = slice_of_conversations("ada", {.limit = 3});
  conversation_at_time("c4", "m7", 70);
  EXPECT_THAT(rest(ada_conversations(), first.next, 2), ElementsAre(six(3), six(2), six(1)));
  apply({RemoveConversations{"tilechat", "c4"}, patch({"ada", "c3"}, std::nullopt, kArchived)});
  EXPECT_THAT(rest(ada_conversations(), first.next, 2), ElementsAre(six(2), six(1)));
}

TEST_P(StoreLists, GoesOnThroughConversationsWithoutMessages) {
  six_conversations();
  for (int i = 2; i <= 4; ++i) apply({RemoveMessages{"tilechat", numbered("c", i)}});
  expect_the_same_in_slices(ada_conversations(), 6);
}

TEST_P(StoreLists, RefusesToGoOnFromWhatIsNoConversation) {
  six_conversations();
  for (const std::string_view from :
       {"m1", "10", "10.", ".m1", "+10.m1", "010.m1", "-0.m1", " 10.m1", "10 .m1", "1e3.m1",
        "0x1.m1", "99999999999999999999.m1", "10.m1.m2", "10.m/1", "10.\xff", "."}) {
    refuse(
        [this](const Slice& slice) {
          return error_of(history().conversations("tilechat", "ada", kActive, slice));
        },
        from);
  }
}

// --- unread -----------------------------------------------------------------

TEST_P(StoreLists, CountsConversationsThatAreNewAndActive) {
  six_conversations();
  EXPECT_EQ(unread("ada"), 6U);
  apply({patch({"ada", "c1"}, kRead, std::nullopt), patch({"ada", "c2"}, kNew, kArchived),
         patch({"ada", "c3"}, kRead, kArchived)});
  EXPECT_EQ(unread("ada"), 3U);
  conversation_at_time("c2", "m7", 70);
  EXPECT_EQ(unread("ada"), 4U);
}

TEST_P(StoreLists, CountsConversationsOfOneTimelineOfOneApp) {
  six_conversations();
  apply(words_.delivery({"ada", "c1", "otherapp"}, "m1", Status::Sent, 10));
  EXPECT_EQ(unread("ada", "otherapp"), 1U);
  EXPECT_EQ(unread("c1"), 0U);
  EXPECT_EQ(unread("ad"), 0U);
}

// --- groups, blocks ---------------------------------------------------------

TEST_P(StoreLists, GivesAllGroupsOfAUserInSlices) {
  const std::string body = group_body({"ada", "bob"});
  const std::string others = group_body({"bob"});
  for (const std::string_view id : {"group-2", "group-10", "group-1", "group-3"}) {
    apply({SaveGroup{"tilechat", id, body, 1}, SaveGroup{"otherapp", id, body, 1}});
  }
  apply({SaveGroup{"tilechat", "group-11", others, 1}});
  expect_the_same_in_slices(ada_groups(), 4);
  const auto shown = [&](std::string_view id) {
    return stored_document("groups", "tilechat", id, body);
  };
  EXPECT_THAT(groups("ada"),
              ElementsAre(shown("group-1"), shown("group-10"), shown("group-2"), shown("group-3")));
}

TEST_P(StoreLists, GoesOnWhereAGroupWasThatIsGone) {
  const std::string body = group_body({"ada"});
  for (const std::string_view id : {"group-1", "group-2", "group-3"}) {
    apply({SaveGroup{"tilechat", id, body, 1}});
  }
  const Listing first = slice_of_groups("ada", {.limit = 2});
  apply({RemoveGroup{"tilechat", "group-2", 1}});
  EXPECT_THAT(rest(ada_groups(), first.next, 2),
              ElementsAre(stored_document("groups", "tilechat", "group-3", body)));
}

TEST_P(StoreLists, GivesAllBlocksOfAUserInSlices) {
  for (const std::string_view other : {"carl", "bob", "dora", "Bob"}) {
    apply({SaveBlock{"tilechat", "ada", other}, SaveBlock{"tilechat", "adab", other},
           SaveBlock{"otherapp", "ada", other}});
  }
  expect_the_same_in_slices(ada_blocks(), 4);
  EXPECT_THAT(blocks("ada"), ElementsAre(R"({"user_id":"Bob"})", R"({"user_id":"bob"})",
                                         R"({"user_id":"carl"})", R"({"user_id":"dora"})"));
}

TEST_P(StoreLists, RefusesToGoOnFromWhatIsNoId) {
  for (const std::string_view from : {"10.m1", "a/b", "a\x01", "\xff", "+", "$a"}) {
    refuse(
        [this](const Slice& slice) { return error_of(history().groups("tilechat", "ada", slice)); },
        from);
    refuse(
        [this](const Slice& slice) { return error_of(history().blocks("tilechat", "ada", slice)); },
        from);
  }
}

TEST_P(StoreLists, RefusesALimitOutOfRange) {
  for (const std::size_t limit : {std::size_t{0}, kMaxPage + 1}) {
    const Slice slice{.limit = limit};
    for (const auto& listed :
         {history().conversations("tilechat", "ada", kActive, slice),
          history().groups("tilechat", "ada", slice), history().blocks("tilechat", "ada", slice)}) {
      EXPECT_EQ(error_of(listed).code, Error::Code::InvalidArgument);
      EXPECT_THAT(error_of(listed).message, HasSubstr(std::to_string(limit)));
    }
  }
}

// --- Large answers ----------------------------------------------------------

// Documents of somewhat more than 1 MB: eight fit into an answer, the ninth ends it.
class StoreLargeLists : public StoreLists {
 protected:
  static constexpr int kEntries = 11;

  StoreLargeLists() {
    for (int i = 0; i < kEntries; ++i) {
      const std::string_view id = numbered("m", 100 + i);
      const Place place{"ada", numbered("c", 100 + i)};
      apply({SaveMessage{"tilechat", id, body_}, copy(kAda, id, Status::Sent),
             copy(place, id, Status::Sent), last(place, id, i),
             SaveGroup{"tilechat", numbered("group-", 100 + i), body_, 1},
             SaveInstance{"tilechat", numbered("i", 100 + i), "ada", body_}});
    }
  }

  const std::string body_ =
      R"({"members":{"ada":1},"text":")" + std::string(1'000'000, 'z') + R"("})";
};
INSTANTIATE_TEST_SUITE_P(Every, StoreLargeLists, ::testing::ValuesIn(every_store()), name_of);

TEST_P(StoreLargeLists, AreCutByTheirBytes) {
  expect_cut_and_all_in_slices(ada_conversations(), kEntries);
  expect_cut_and_all_in_slices(ada_groups(), kEntries);
  expect_cut(messages(kAda));
  expect_cut(messages(kAda, {.after = "m"}));
  expect_cut(instances("ada"));
}

TEST_P(StoreLargeLists, AreNotCutAtTheirEnd) {
  const Listing first = slice_of_groups("ada", {.limit = kMaxPage});
  for (int i = static_cast<int>(first.documents.size()); i < kEntries; ++i) {
    apply({RemoveGroup{"tilechat", numbered("group-", 100 + i), 1}});
  }
  const Listing whole = slice_of_groups("ada", {.limit = kMaxPage});
  expect_cut(whole.documents);
  EXPECT_EQ(whole.next, "");
}

TEST_P(StoreLists, CutsBlocksByTheirBytes) {
  Writes writes;
  for (int i = 0; i < 900; ++i) {
    const std::string_view other = words_.keep(std::string(10'000, 'b') + std::to_string(i));
    writes.push_back(SaveBlock{"tilechat", "ada", other});
  }
  apply(writes);
  expect_cut_and_all_in_slices(ada_blocks(), 900);
}

TEST_P(StoreLists, HasAtLeastOneEntryInAnAnswer) {
  const std::string huge =
      R"({"members":{"ada":1},"text":")" + std::string(kMaxPageBytes, 'z') + R"("})";
  const std::string small = group_body({"ada"});
  apply({SaveGroup{"tilechat", "group-1", huge, 1}, SaveGroup{"tilechat", "group-2", small, 1},
         words_.message("m1"), copy(kAda, "m1", Status::Sent), SaveMessage{"tilechat", "m2", huge},
         copy(kAda, "m2", Status::Sent)});
  const Listing first = slice_of_groups("ada", {});
  EXPECT_THAT(first.documents, SizeIs(1));
  EXPECT_THAT(rest(ada_groups(), first.next, 1), SizeIs(1));
  EXPECT_THAT(messages(kAda), SizeIs(1));
}

TEST_P(StoreLists, HasNoMoreInstancesInOneAnswerThanAnyPage) {
  Writes writes;
  for (std::size_t i = 0; i <= kMaxPage; ++i) {
    writes.push_back(SaveInstance{"tilechat", words_.keep(std::to_string(i)), "ada", "{}"});
  }
  apply(writes);
  EXPECT_THAT(instances("ada"), SizeIs(kMaxPage));
}

}  // namespace
}  // namespace chat21::contract
