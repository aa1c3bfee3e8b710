// The SQLite store among other processes, on a full disk, and killed.
#include <atomic>
#include <cstdint>
#include <future>
#include <random>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "tests/contract/child.h"
#include "tests/contract/sqlite_files.h"

namespace chat21::contract {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;

class SqliteTrouble : public SqliteFiles {
 protected:
  // Batch `number` of a writer: `size` messages in Ada's timeline.
  Writes batch(std::uint64_t number, std::uint64_t size) {
    Writes writes;
    for (std::uint64_t i = 0; i < size; ++i) {
      const Writes one = words_.delivery(kAda, id(number, i), Status::Sent,
                                         static_cast<std::int64_t>(number * size + i));
      writes.insert(writes.end(), one.begin(), one.end());
    }
    return writes;
  }
  std::string_view id(std::uint64_t batch, std::uint64_t message) {
    return words_.keep("m" + std::to_string(100000 + batch) + "-" + std::to_string(message));
  }
};

// --- Locks ------------------------------------------------------------------

TEST_F(SqliteTrouble, LetsOnlyOneStoreWriteToAFile) {
  auto first = open();
  const auto start = steady_clock::now();
  EXPECT_THAT(refusal(open_sqlite(options_)),
              Refuses(Error::Code::Unavailable,
                      AllOf(HasSubstr(options_.path.string()), HasSubstr("one Store per file"))));
  EXPECT_THAT(steady_clock::now() - start, Ge(options_.busy_timeout));
  first.reset();
  EXPECT_TRUE(open_sqlite(options_));
}

TEST_F(SqliteTrouble, KnowsAFileByWhicheverPath) {
  const auto first = open();
  std::filesystem::create_symlink(options_.path, folder_ / "link.db");
  options_.path = folder_ / "link.db";
  EXPECT_THAT(refusal(open_sqlite(options_)),
              Refuses(Error::Code::Unavailable, HasSubstr("one Store per file")));
}

TEST_F(SqliteTrouble, WaitsForTheStoreBeforeItToClose) {
  auto first = open();
  options_.busy_timeout = milliseconds(60'000);
  auto second = std::async(std::launch::async, [&] { return open_sqlite(options_); });
  first.reset();
  EXPECT_TRUE(second.get());
}

TEST_F(SqliteTrouble, IsUnavailableWhileAnotherProgramWrites) {
  const auto store = open();
  Database other = open_raw();
  check(other.execute("BEGIN IMMEDIATE", "hold the lock"));
  const auto start = steady_clock::now();
  EXPECT_THAT(refusal(store->apply(words_.direct("m1", 10))),
              Refuses(Error::Code::Unavailable,
                      AllOf(HasSubstr(options_.path.string()), HasSubstr("another process"))));
  EXPECT_THAT(steady_clock::now() - start, Ge(options_.busy_timeout));
  const Record records[] = {conversation_at(kAda)};
  EXPECT_FALSE(value(store->fetch(records))[0].found);  // reading goes on

  check(other.execute("ROLLBACK", "free the lock"));
  check(store->apply(words_.direct("m1", 10)));
  EXPECT_EQ(messages(kAda).size(), 1U);
}

TEST_F(SqliteTrouble, ShowsWholeBatchesToReadersInOtherThreads) {
  constexpr std::uint64_t kBatches = 100;
  constexpr std::uint64_t kSize = 5;
  const auto store = open();
  std::atomic<std::uint64_t> reads = 0;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    const auto history = read();
    std::size_t seen = 0;
    while (!done) {
      const Documents found = value(history->messages("tilechat", "ada", "bob", {.limit = 1000}));
      EXPECT_EQ(found.size() % kSize, 0U);
      EXPECT_GE(found.size(), seen);
      seen = found.size();
      ++reads;
      reads.notify_one();
    }
  });
  for (std::uint64_t number = 0; number < kBatches; ++number) {
    // Every tenth batch waits for a read, so that neither runs alone.
    const std::uint64_t before = reads;
    check(store->apply(batch(number, kSize)));
    if (number % 10 == 0) reads.wait(before);
  }
  done = true;
  reader.join();
  EXPECT_EQ(messages(kAda, {.limit = 1000}).size(), kBatches * kSize);
}

// What a reader sees while groups, blocks and messages come and go together.
TEST_F(SqliteTrouble, ShowsWholeBatchesOfRemovalsToReadersInOtherThreads) {
  constexpr std::size_t kSize = 5;
  Writes come;
  Writes go = {RemoveMessages{"tilechat", "bob"}, RemoveConversations{"tilechat", "bob"}};
  for (std::size_t i = 0; i < kSize; ++i) {
    const std::string_view name = words_.keep("group-" + std::to_string(i));
    come = all({come, words_.delivery(kAda, name, Status::Sent, 1)});
    come.push_back(SaveGroup{"tilechat", name, R"({"members":{"ada":1}})", 1});
    come.push_back(SaveBlock{"tilechat", "ada", name});
    go.push_back(RemoveGroup{"tilechat", name, 1});
    go.push_back(RemoveBlock{"tilechat", "ada", name});
  }
  const auto store = open();
  std::atomic<std::uint64_t> reads = 0;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    const auto history = read();
    while (!done) {
      for (const std::size_t seen :
           {value(history->groups("tilechat", "ada", {})).documents.size(),
            value(history->blocks("tilechat", "ada", {})).documents.size(),
            value(history->messages("tilechat", "ada", "bob", {})).size()}) {
        EXPECT_EQ(seen % kSize, 0U);
      }
      EXPECT_LE(value(history->unread("tilechat", "ada")), 1U);
      ++reads;
      reads.notify_one();
    }
  });
  for (int i = 0; i < 50; ++i) {
    const std::uint64_t before = reads;
    check(store->apply(come));
    check(store->apply(go));
    if (i % 10 == 0) reads.wait(before);
  }
  done = true;
  reader.join();
  EXPECT_EQ(messages(kAda).size(), 0U);
}

// --- A full disk ------------------------------------------------------------

// The system refuses to let a file grow, as on a full disk.
void let_files_grow_to(rlim_t bytes) {
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(3);
}

class SqliteFullDisk : public SqliteTrouble {
 protected:
  // In a child: what goes wrong with `batch` on a full disk, and what is there
  // afterwards; nothing if all is well.
  static std::string live_through(const SqliteOptions& options, const Writes& first,
                                  const Writes& batch, std::int64_t expected) {
    signal(SIGXFSZ, SIG_IGN);
    const auto store = value(open_sqlite(options));
    check(store->apply(first));
    const auto used = std::filesystem::file_size(options.path.string() + "-wal");
    let_files_grow_to(used + 20'000);
    const Result<> full = store->apply(batch);
    if (full) return "the batch fitted";
    if (full.error().code != Error::Code::Unavailable) return full.error().message;
    // Not by listing them, of which one answer has no more than kMaxPageBytes.
    const auto count = [&] {
      Database database = value(
          Database::open(options.path, Database::Access::Read, std::chrono::milliseconds(1000)));
      return value(database.number("SELECT count(*) FROM copies", "count"));
    };
    if (count() != 1) return "a part of the batch is there";
    if (store->apply(batch)) return "the batch fitted when it was tried again";
    let_files_grow_to(RLIM_INFINITY);
    check(store->apply(batch));
    if (count() != expected) return "the batch is not there though it was applied";
    return full.error().message;
  }
};

TEST_F(SqliteFullDisk, LeavesNothingOfABatchAndGoesOnWhenThereIsRoom) {
  const Writes first = words_.delivery(kAda, "m0", Status::Sent, 0);
  Child child([&](const Child::Voice& parent) {
    parent.say(live_through(options_, first, batch(1, 400), 401));
  });
  EXPECT_THAT(child.hear_all(), AllOf(HasSubstr("cannot commit in '" + options_.path.string()),
                                      HasSubstr("disk I/O error")));
}

// More than the cache holds, so that pages are written long before the commit.
TEST_F(SqliteFullDisk, LeavesNothingOfABatchThatIsLargerThanTheCache) {
  const Writes first = words_.delivery(kAda, "m0", Status::Sent, 0);
  const std::string body = R"({"text":")" + std::string(1'000'000, 'z') + R"("})";
  Writes large;
  for (std::uint64_t i = 0; i < 40; ++i) {
    large.push_back(SaveMessage{"tilechat", id(1, i), body});
    large.push_back(copy(kAda, id(1, i), Status::Sent));
  }
  Child child(
      [&](const Child::Voice& parent) { parent.say(live_through(options_, first, large, 41)); });
  EXPECT_THAT(child.hear_all(), AllOf(HasSubstr("cannot save a "), HasSubstr("File too large")));
}

// --- kill -9 ----------------------------------------------------------------

class SqliteKilled : public SqliteTrouble {
 protected:
  static constexpr std::uint64_t kSize = 8;
  static constexpr std::uint64_t kMostBatches = 120;  // what History lists in one page

  // Applies batch after batch and says so, until it is killed.
  void write_until_killed(const Child::Voice& parent) {
    const auto store = open();
    for (std::uint64_t number = 0; number < kMostBatches; ++number) {
      check(store->apply(batch(number, kSize)));
      parent.say(std::to_string(number) + "\n");
    }
    for (;;) pause();
  }

  // Kills a writer after it has said `batches` times that a batch is applied, and
  // `later` into the next ones. Returns how many it has said altogether.
  std::uint64_t kill_writer_after(std::uint64_t batches, steady_clock::duration later) {
    Child writer([&](const Child::Voice& parent) { write_until_killed(parent); });
    std::uint64_t said = 0;
    while (said < batches && !writer.hear_line().empty()) ++said;
    // Not a wait for something: the moment of death is to be any.
    const auto death = steady_clock::now() + later;
    while (steady_clock::now() < death) continue;
    writer.kill_hard();
    while (!writer.hear_line().empty()) ++said;
    return said;
  }

  // At least as many batches as the writer has `said`, each whole, and the
  // conversation in the state after the last one.
  void expect_whole_batches(std::uint64_t said) {
    std::vector<std::string> expected;
    const Documents found = messages(kAda, {.after = "a", .limit = 1000});
    const std::uint64_t batches = found.size() / kSize;
    EXPECT_GE(batches, said);
    for (std::uint64_t i = 0; i < batches * kSize; ++i) {
      expected.push_back(words_.shown(kAda, id(i / kSize, i % kSize), Status::Sent));
    }
    EXPECT_EQ(found, expected);
    History::Document last;
    if (batches > 0) {
      last = words_.shown(kAda, id(batches - 1, kSize - 1), Status::Sent, kNew, kActive);
    }
    EXPECT_EQ(value(read()->conversation("tilechat", "ada", "bob")), last);
  }
};

TEST_F(SqliteKilled, KeepsWhatItSaidAndNoHalfBatches) {
  std::mt19937 dice(20);
  std::uint64_t said_in_all = 0;
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(beside(ending));
    const std::uint64_t said =
        kill_writer_after(dice() % 20, std::chrono::microseconds(dice() % 3000));
    said_in_all += said;
    if (!std::filesystem::exists(options_.path)) continue;  // killed before it was created

    const auto store = open();  // the lock has died with its holder
    expect_whole_batches(said);
    check(store->apply(batch(900, kSize)));
  }
  EXPECT_GT(said_in_all, 50U);
}

}  // namespace
}  // namespace chat21::contract
