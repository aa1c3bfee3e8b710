// What an Observer keeps for its next life: the pages of its ledger, and the messages that
// they name.
#include <string>

#include "tests/contract/store_subjects.h"

namespace chat21::contract {
namespace {

class StoreLedger : public StoreContract {
 protected:
  static Write page(std::string_view ledger, std::uint64_t number, std::string_view text) {
    return SaveLedgerPage{ledger, number, text};
  }
  static Write without(std::string_view ledger, std::uint64_t number) {
    return RemoveLedgerPage{ledger, number};
  }
  Answer ledger(std::string_view name) { return fetch({Record::of_ledger(name)}).at(0); }

  const Answer none_{false, ""};
};
INSTANTIATE_TEST_SUITE_P(Every, StoreLedger, ::testing::ValuesIn(every_store()), name_of);

TEST_P(StoreLedger, IsNotFoundWithoutAPage) {
  EXPECT_EQ(ledger("messages"), none_);
  apply({page("messages", 1, "a"), without("messages", 1)});
  EXPECT_EQ(ledger("messages"), none_);
}

TEST_P(StoreLedger, IsItsPagesInTheOrderOfTheirNumbers) {
  for (const std::uint64_t number : {11U, 9U, 100U, 10U, 1U, 2U}) {
    apply({page("messages", number, words_.keep(std::to_string(number) + "\n"))});
  }
  EXPECT_EQ(ledger("messages"), (Answer{true, "1\n2\n9\n10\n11\n100\n"}));
}

TEST_P(StoreLedger, TakesNumbersBeyondThirtyTwoBits) {
  constexpr std::uint64_t kMany = 5'000'000'000;
  apply({page("messages", kMany + 1, "b"), page("messages", kMany, "a"), page("messages", 7, "-")});
  EXPECT_EQ(ledger("messages").document, "-ab");
  apply({without("messages", kMany)});
  EXPECT_EQ(ledger("messages").document, "-b");
}

TEST_P(StoreLedger, HasTheLastTextOfAPage) {
  apply({page("messages", 1, "first"), page("messages", 1, "second")});
  EXPECT_EQ(ledger("messages").document, "second");
  apply({page("messages", 1, "third")});
  EXPECT_EQ(ledger("messages").document, "third");
}

TEST_P(StoreLedger, MayHaveAnEmptyPage) {
  apply({page("messages", 1, "")});
  EXPECT_EQ(ledger("messages"), (Answer{true, ""}));
}

TEST_P(StoreLedger, KeepsEveryByteOfAPage) {
  const std::string bytes("a\0\xff\nb\0", 6);
  apply({page("messages", 1, bytes), page("messages", 2, "c")});
  EXPECT_EQ(ledger("messages").document, bytes + "c");
}

TEST_P(StoreLedger, TakesTheRemovalOfAPageThatIsNotThere) {
  apply({without("messages", 1)});
  apply({page("messages", 1, "a")});
  apply({without("messages", 2), without("others", 1), without("", 1)});
  EXPECT_EQ(ledger("messages").document, "a");
}

TEST_P(StoreLedger, IsApartFromOthers) {
  apply({page("a", 1, "of a"), page("b", 1, "of b"), page("ab", 1, "of ab"), page("A", 1, "of A")});
  apply({without("b", 1)});
  const auto answers = fetch({Record::of_ledger("a"), Record::of_ledger("b"),
                              Record::of_ledger("ab"), Record::of_ledger("A")});
  EXPECT_EQ(answers,
            (std::vector<Answer>{{true, "of a"}, {false, ""}, {true, "of ab"}, {true, "of A"}}));
}

TEST_P(StoreLedger, IsFetchedBesideOtherRecords) {
  apply({page("messages", 1, "text"), words_.message("m1"),
         SaveGroup{"tilechat", "messages", "{}", 1}});
  const auto answers = fetch({Record::group("tilechat", "messages"), Record::of_ledger("messages"),
                              Record::message("tilechat", "m1"), Record::of_ledger("m1")});
  EXPECT_EQ(
      answers,
      (std::vector<Answer>{
          {true, "{}"}, {true, "text"}, {true, std::string(words_.body_of("m1"))}, {false, ""}}));
}

// With the messages of its batch or not at all: else a message would be stored again.
TEST_P(StoreLedger, IsWrittenWithItsBatchOrNotAtAll) {
  apply({page("messages", 1, "old")});
  const Writes batch =
      all({{page("messages", 2, "new"), without("messages", 1)}, words_.direct("m1", 10)});
  subject_->poison("m1");
  EXPECT_FALSE(subject_->store().apply(batch));
  EXPECT_EQ(ledger("messages").document, "old");
  subject_->heal();
  apply(batch);
  EXPECT_EQ(ledger("messages").document, "new");
}

// --- Record::message --------------------------------------------------------

TEST_P(StoreLedger, FindsTheBodyOfAMessageByItsId) {
  apply({words_.message("m1"), words_.sent("m2", "ada", "c1")});
  apply({SaveMessage{"tilechat", "m1", R"({"text":"forged"})"}});
  const auto answers = fetch({Record::message("tilechat", "m1"), Record::message("tilechat", "m2"),
                              Record::message("tilechat", "m"), Record::message("otherapp", "m1"),
                              Record::message("tilechat", "c1")});
  EXPECT_EQ(answers, (std::vector<Answer>{{true, std::string(words_.body_of("m1"))},
                                          {true, std::string(words_.body_of("m2"))},
                                          {false, ""},
                                          {false, ""},
                                          {false, ""}}));
}

TEST_P(StoreLedger, FindsNoMessageThatWasRemoved) {
  apply(words_.direct("m1", 10));
  apply({RemoveMessages{"tilechat", "bob"}, RemoveMessages{"tilechat", "ada"}});
  EXPECT_FALSE(exists(Record::message("tilechat", "m1")));
}

}  // namespace
}  // namespace chat21::contract
