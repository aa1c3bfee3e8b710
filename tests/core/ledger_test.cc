// Who is taken for whom when deliveries come again, and what the Store has to keep for it.
#include "lib/core/ledger.h"

#include <gmock/gmock.h>
#include <string>
#include <variant>
#include <vector>

namespace chat21 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Fingerprint kOk = 0x0123456789abcdefULL;
constexpr Fingerprint kHello = 42;

// Ids that can be told apart.
std::string id(char last) {
  return "0199c82c-0000-7000-8000-00000000000" + std::string(1, last);
}

Delivery again(Tag tag) {
  return {.tag = tag, .redelivered = true};
}

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() { ledger.load({}); }

  // Deliveries of one batch, with tags that count on, become messages.
  void write(const std::vector<std::pair<Fingerprint, std::string>>& births) {
    for (const auto& [fingerprint, message] : births) ledger.note(++tag, fingerprint, message);
    ledger.append_writes(writes);
    ledger.written();
  }
  void settle() { ledger.settling(tag); }
  std::vector<std::string> lines() {
    writes.clear();
    ledger.append_writes(writes);
    std::vector<std::string> found;
    for (const Write& write : writes) {
      if (const auto* save = std::get_if<SaveLedgerPage>(&write)) {
        found.push_back("save " + std::to_string(save->page) + " " + std::string(save->text));
      } else {
        found.push_back("remove " + std::to_string(std::get<RemoveLedgerPage>(write).page));
      }
    }
    return found;
  }

  Ledger ledger{"messages"};
  Tag tag = 0;
  std::vector<Write> writes;
};

TEST_F(LedgerTest, KnowsNobodyWhoWasNotOfferedBefore) {
  write({{kOk, id('1')}});
  ledger.open_all();
  EXPECT_EQ(ledger.find({.tag = 2}, kOk), "");
  EXPECT_EQ(ledger.find(again(2), kHello), "");
}

TEST_F(LedgerTest, KnowsDeliveriesByTheirTags) {
  write({{kOk, id('1')}, {kOk, id('2')}});
  EXPECT_EQ(ledger.find(again(2), kOk), id('2'));
  EXPECT_EQ(ledger.find(again(1), kOk), id('1'));
  EXPECT_EQ(ledger.find(again(3), kOk), "");
}

TEST_F(LedgerTest, KnowsThemByTheirBytesWhenTheConnectionWasLost) {
  write({{kOk, id('1')}, {kHello, id('2')}});
  settle();
  ledger.open_all();
  EXPECT_EQ(ledger.find(again(7), kHello), id('2'));
  EXPECT_EQ(ledger.find(again(8), kOk), id('1'));
  // Each is one delivery.
  EXPECT_EQ(ledger.find(again(9), kOk), "");
  // Which is still known: the batch was dropped and is offered again.
  EXPECT_EQ(ledger.find(again(8), kOk), id('1'));
}

TEST_F(LedgerTest, TakesEqualOnesThatWereNeverSettledInTheirOrder) {
  write({{kOk, id('1')}, {kOk, id('2')}});
  ledger.open_all();
  EXPECT_EQ(ledger.find(again(3), kOk), id('1'));
  EXPECT_EQ(ledger.find(again(4), kOk), id('2'));
  EXPECT_EQ(ledger.find(again(5), kOk), "");
}

TEST_F(LedgerTest, TakesOnlyTheLastOfEqualOnesWhoseSettlementsMayHaveBeenHeard) {
  write({{kOk, id('1')}, {kOk, id('2')}});
  settle();
  ledger.open_all();
  EXPECT_EQ(ledger.find(again(3), kOk), id('2'));
  EXPECT_EQ(ledger.find(again(4), kOk), "");
}

TEST_F(LedgerTest, PrefersThoseThatAreCertainToCome) {
  write({{kOk, id('1')}});
  settle();
  write({{kOk, id('2')}});
  ledger.open_all();
  EXPECT_EQ(ledger.find(again(3), kOk), id('2'));
  EXPECT_EQ(ledger.find(again(4), kOk), "");
}

TEST_F(LedgerTest, ForgetsWhatTheBrokerHasForgotten) {
  write({{kOk, id('1')}, {kHello, id('2')}});
  settle();
  ledger.drop_settled(1);
  ledger.open_all();
  EXPECT_EQ(ledger.find(again(3), kOk), "");
  EXPECT_EQ(ledger.find(again(4), kHello), id('2'));
}

TEST_F(LedgerTest, KeepsWhatMayComeAgainThoughLaterTagsAreSettled) {
  write({{kOk, id('1')}});
  settle();
  ledger.open_all();
  ledger.drop_settled(5);
  EXPECT_EQ(ledger.find(again(6), kOk), id('1'));
}

TEST_F(LedgerTest, ForgetsWhatHasNotComeWhenEverythingHasCome) {
  write({{kOk, id('1')}, {kHello, id('2')}});
  ledger.open_all();
  EXPECT_EQ(ledger.find(again(3), kHello), id('2'));
  ledger.drop_open();
  EXPECT_EQ(ledger.find(again(4), kOk), "");
  EXPECT_EQ(ledger.find(again(3), kHello), id('2'));
}

// --- Pages ------------------------------------------------------------------------

TEST_F(LedgerTest, WritesAPageForEachBatchAndRemovesItWhenItIsDone) {
  ledger.note(++tag, kOk, id('1'));
  ledger.note(++tag, kHello, id('2'));
  EXPECT_THAT(lines(),
              ElementsAre("save 1 1 123456789abcdef " + id('1') + "\n1 2a " + id('2') + "\n"));
  ledger.written();
  EXPECT_THAT(lines(), IsEmpty());
  settle();
  EXPECT_FALSE(ledger.is_untidy());
  ledger.drop_settled(2);
  EXPECT_TRUE(ledger.is_untidy());
  EXPECT_THAT(lines(), ElementsAre("remove 1"));
  ledger.written();
  EXPECT_FALSE(ledger.is_untidy());
  ledger.note(++tag, kOk, id('3'));
  EXPECT_THAT(lines(), ElementsAre("save 2 2 123456789abcdef " + id('3') + "\n"));
}

// Else a later process would take for open what is not.
TEST_F(LedgerTest, WritesAPageAgainOfWhichAPartIsDone) {
  write({{kOk, id('1')}, {kHello, id('2')}});
  settle();
  ledger.open_all();
  EXPECT_EQ(ledger.find(again(3), kOk), id('1'));
  ledger.settling(3);
  ledger.drop_settled(3);
  EXPECT_TRUE(ledger.is_untidy());
  EXPECT_THAT(lines(), ElementsAre("save 1 1 2a " + id('2') + "\n"));
  ledger.failed();
  EXPECT_THAT(lines(), ElementsAre("save 1 1 2a " + id('2') + "\n"));
  ledger.written();
  EXPECT_FALSE(ledger.is_untidy());
}

TEST_F(LedgerTest, TriesAgainToRemoveAPage) {
  write({{kOk, id('1')}});
  settle();
  ledger.drop_settled(1);
  EXPECT_THAT(lines(), ElementsAre("remove 1"));
  ledger.failed();
  EXPECT_FALSE(ledger.in_doubt());
  EXPECT_THAT(lines(), ElementsAre("remove 1"));
}

TEST_F(LedgerTest, WithoutANameIsKeptInMemory) {
  Ledger nameless{""};
  nameless.load({});
  nameless.note(1, kOk, id('1'));
  nameless.append_writes(writes);
  EXPECT_THAT(writes, IsEmpty());
  nameless.written();
  EXPECT_EQ(nameless.find(again(1), kOk), id('1'));
  nameless.drop_settled(1);
  EXPECT_FALSE(nameless.is_untidy());
}

TEST_F(LedgerTest, GoesOnWhereAnotherProcessHasDied) {
  write({{kOk, id('1')}});
  const std::string first(std::get<SaveLedgerPage>(writes.at(0)).text);
  settle();
  writes.clear();
  write({{kOk, id('2')}, {kHello, id('3')}, {kOk, id('4')}});
  const std::string second(std::get<SaveLedgerPage>(writes.at(0)).text);

  Ledger next{"messages"};
  EXPECT_TRUE(next.in_doubt());
  next.load(first + second);
  EXPECT_FALSE(next.in_doubt());
  // What of the last batch was settled can only be its beginning.
  EXPECT_EQ(next.find(again(1), kOk), id('4'));
  EXPECT_EQ(next.find(again(2), kHello), id('3'));
  EXPECT_EQ(next.find(again(3), kOk), id('2'));
  EXPECT_EQ(next.find(again(4), kOk), "");
  next.note(5, kOk, id('5'));
  writes.clear();
  next.append_writes(writes);
  ASSERT_EQ(writes.size(), 2U);
  EXPECT_EQ(std::get<SaveLedgerPage>(writes[0]).page, 3U);
  EXPECT_EQ(std::get<RemoveLedgerPage>(writes[1]).page, 1U);
}

TEST_F(LedgerTest, PassesOverLinesThatAreNoneOfItsOwn) {
  Ledger next{"messages"};
  next.load("\n \n1\n1 2a\n1 2a \nx 2a " + id('1') + "\n1 xyz " + id('1') + "\n1 2a short\n-1 2a " +
            id('1') + "\n99999999999999999999 2a " + id('1') + "\n7 2a " + id('2') + "\n7 2a" +
            id('3'));
  EXPECT_EQ(next.find(again(1), kHello), id('2'));
  EXPECT_EQ(next.find(again(2), kHello), "");
}

TEST_F(LedgerTest, AsksTheStoreWhetherThePageWasWritten) {
  write({{kHello, id('0')}});
  for (const bool is_written : {true, false}) {
    ledger.note(++tag, kOk, id('1'));
    const std::string page = lines().at(0).substr(sizeof("save 2"));
    ledger.failed();
    EXPECT_TRUE(ledger.in_doubt());
    ledger.load("1 2a " + id('0') + "\n" + (is_written ? page : ""));
    EXPECT_FALSE(ledger.in_doubt());
    EXPECT_EQ(ledger.find(again(tag), kOk), is_written ? id('1') : "");
    EXPECT_EQ(ledger.find(again(1), kHello), id('0'));
  }
}

// --- Connections and processes one after the other ----------------------------------

// What the Store has of its pages.
class LedgerOfSome : public ::testing::Test {
 protected:
  LedgerOfSome() { ledger.load({}); }

  void note(Ledger& its, Tag tag, char message, Fingerprint fingerprint = kOk) {
    its.note(tag, fingerprint, id(message));
  }
  void append(Ledger& its) {
    std::vector<Write> writes;
    its.append_writes(writes);
    for (const Write& write : writes) {
      if (const auto* save = std::get_if<SaveLedgerPage>(&write)) stored += save->text;
    }
  }
  void write(Ledger& its) {
    append(its);
    its.written();
  }
  static std::string find(Ledger& its, Tag tag, Fingerprint fingerprint = kOk) {
    const Delivery delivery{.tag = tag, .redelivered = true};
    its.receive({&delivery, 1});
    return std::string(its.find(delivery, fingerprint));
  }

  Ledger ledger{"messages"};
  std::string stored;
};

TEST_F(LedgerOfSome, FindsUnderAnotherTagWhatWasWrittenWithoutAnybodyKnowing) {
  note(ledger, 1, 'a');
  append(ledger);
  ledger.failed();    // and has written
  ledger.open_all();  // before anybody has asked the Store
  ASSERT_TRUE(ledger.in_doubt());
  ledger.load(stored);
  ledger.drop_settled(0);
  EXPECT_EQ(find(ledger, 2), id('a'));
}

TEST_F(LedgerOfSome, TakesNobodyForARepeatWhoIsNewOnThisConnection) {
  note(ledger, 1, 'a');
  write(ledger);
  ledger.settling(1);
  ledger.open_all();
  const Delivery fresh{.tag = 2};
  ledger.receive({&fresh, 1});
  EXPECT_EQ(find(ledger, 2), "");  // the work on it has failed
  EXPECT_EQ(find(ledger, 3), id('a'));
}

TEST_F(LedgerOfSome, KeepsWhatIsFoundUnderItsTagOutOfWhatWasOpen) {
  note(ledger, 1, 'a');
  write(ledger);
  ledger.open_all();
  EXPECT_EQ(find(ledger, 1), id('a'));
  ledger.drop_open();
  EXPECT_EQ(find(ledger, 1), id('a'));
}

TEST_F(LedgerOfSome, CarriesOnWhatIsNotSettled) {
  note(ledger, 1, 'a');
  write(ledger);
  ledger.open_all();
  note(ledger, 2, 'b', 8);
  write(ledger);
  Ledger next("messages");
  next.load(stored);
  EXPECT_EQ(find(next, 2, 8), id('b'));
  EXPECT_EQ(find(next, 3), id('a'));
}

// What a process before has settled is not known; it can only have been the first ones.
TEST_F(LedgerOfSome, FindsTheLastOfEqualOnesOfTheLastPageFirst) {
  note(ledger, 1, 'a');
  note(ledger, 2, 'b');
  write(ledger);
  Ledger next("messages");
  next.load(stored);
  EXPECT_EQ(find(next, 1), id('b'));
  EXPECT_EQ(find(next, 2), id('a'));
}

TEST_F(LedgerOfSome, PrefersWhatIsCertainToAnEarlierProcess) {
  note(ledger, 1, 'a');
  write(ledger);
  Ledger next("messages");
  next.load(stored);
  note(next, 1, 'b');
  write(next);
  next.open_all();
  EXPECT_EQ(find(next, 2), id('b'));
}

}  // namespace
}  // namespace chat21
