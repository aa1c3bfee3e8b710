// Which files the SQLite store opens, and what it makes of them.
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "lib/sqlite/connect.h"
#include "lib/sqlite/rows.h"
#include "lib/sqlite/schema.h"
#include "lib/sqlite/writes.h"
#include "tests/contract/child.h"
#include "tests/contract/sqlite_files.h"

namespace chat21::contract {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class SqliteFile : public SqliteFiles {
 protected:
  std::int64_t number(const char* sql) { return value(open_raw().number(sql, "look")); }

  std::vector<std::string> plan(const std::string& sql) {
    Database database = open_raw();
    sqlite::Statement statement = value(database.prepare("EXPLAIN QUERY PLAN " + sql, "explain"));
    sqlite::Run run(statement);
    std::vector<std::string> steps;
    while (value(run.next())) steps.emplace_back(run.text(3));
    return steps;
  }
};

TEST_F(SqliteFile, KeepsEverythingWhenClosedAndOpenedAgain) {
  for (const Durability durability : {Durability::Process, Durability::Power}) {
    options_.durability = durability;
    check(open()->apply(words_.direct("m1", 10)));
    EXPECT_THAT(messages(kAda), ElementsAre(words_.shown(kAda, "m1", Status::Sent)));
    const auto store = open();
    const Record records[] = {copy_at(kBob, "m1")};
    EXPECT_TRUE(value(store->fetch(records))[0].found);
  }
}

TEST_F(SqliteFile, IsReadWithoutAStore) {
  check(open()->apply(words_.direct("m1", 10)));
  const auto first = read();
  const auto second = read();
  EXPECT_EQ(value(first->messages("tilechat", "ada", "bob", {})).size(), 1U);
  EXPECT_EQ(value(second->messages("tilechat", "ada", "bob", {})).size(), 1U);
}

TEST_F(SqliteFile, IsSetUpAsItsOptionsSay) {
  const auto settings = [&](Durability durability) {
    options_.durability = durability;
    sqlite::StoreConnection connection = value(sqlite::connect_store(options_));
    const auto setting = [&](const char* sql) {
      return value(connection.database.value(sql, "look"));
    };
    return setting("PRAGMA journal_mode") + " " + setting("PRAGMA page_size") + " " +
           setting("PRAGMA synchronous");
  };
  EXPECT_EQ(settings(Durability::Process), "wal 8192 1");
  EXPECT_EQ(settings(Durability::Power), "wal 8192 2");
}

// What a timeline with many conversations costs must not depend on how many.
TEST_F(SqliteFile, ListsConversationsFromAnIndex) {
  open();
  EXPECT_THAT(plan(sqlite::select_conversations()),
              ElementsAre(HasSubstr("v USING INDEX conversations_by_time (app=? AND timeline=? AND "
                                    "archived=? AND last_time<?)"),
                          HasSubstr("c USING PRIMARY KEY"), HasSubstr("m USING PRIMARY KEY"),
                          // Of entries with the same time only.
                          HasSubstr("RIGHT PART OF ORDER BY")));
}

TEST_F(SqliteFile, ListsMessagesAsOneRange) {
  open();
  for (const char* order : {"ASC", "DESC"}) {
    EXPECT_THAT(plan(sqlite::select_messages(order)),
                ElementsAre(HasSubstr("c USING PRIMARY KEY (app=? AND timeline=? AND "
                                      "conversation=? AND message_id>? AND message_id<?)"),
                            HasSubstr("m USING PRIMARY KEY")));
  }
}

TEST_F(SqliteFile, FindsGroupsAndInstancesByAnIndex) {
  open();
  EXPECT_THAT(plan(sqlite::select_instances()), ElementsAre(HasSubstr("instances_by_user")));
  EXPECT_THAT(plan(sqlite::select_group()), ElementsAre(HasSubstr("USING PRIMARY KEY (app=? AND")));
  EXPECT_THAT(plan(sqlite::select_groups()),
              ElementsAre(HasSubstr("m USING COVERING INDEX group_members_by_user (app=? AND "
                                    "user=? AND group_id>?)"),
                          HasSubstr("g USING PRIMARY KEY (app=? AND id=?)")));
}

TEST_F(SqliteFile, FindsWhatWasSentByAnIndex) {
  open();
  EXPECT_THAT(plan(sqlite::select_sent()),
              ElementsAre(HasSubstr("messages_by_client_message_id (app=? AND sender=? AND "
                                    "client_message_id=?)")));
}

TEST_F(SqliteFile, FindsTheBodyOfAMessageAndALedgerByTheirKeys) {
  open();
  EXPECT_THAT(plan(sqlite::select_body()),
              ElementsAre(HasSubstr("messages USING PRIMARY KEY (app=? AND message_id=?)")));
  EXPECT_THAT(plan(sqlite::select_ledger()),
              ElementsAre(HasSubstr("ledger USING PRIMARY KEY (ledger=?)")));
  EXPECT_THAT(plan(sqlite::select_set_aside()),
              ElementsAre(HasSubstr("set_aside USING INTEGER PRIMARY KEY (rowid>?)")));
}

TEST_F(SqliteFile, FindsBlocksByTheirKey) {
  open();
  EXPECT_THAT(plan(sqlite::select_blocks()),
              ElementsAre(HasSubstr("blocks USING PRIMARY KEY (app=? AND user=? AND blocked>?)")));
  EXPECT_THAT(plan(sqlite::select_block()),
              ElementsAre(HasSubstr("blocks USING PRIMARY KEY (app=? AND user=? AND blocked=?)")));
}

TEST_F(SqliteFile, CountsWhatIsUnreadInTheRowsOfOneTimeline) {
  open();
  EXPECT_THAT(plan(sqlite::count_unread()),
              ElementsAre(HasSubstr("conversations USING PRIMARY KEY (app=? AND timeline=?)")));
}

// Removing everybody's messages must not read all messages of all.
TEST_F(SqliteFile, RemovesFromTimelinesThatItSearches) {
  open();
  for (const std::string& sql : {sqlite::remove_conversations_sql(), sqlite::remove_bodies_sql(),
                                 sqlite::remove_copies_sql()}) {
    const std::vector<std::string> steps = plan(sql);
    EXPECT_THAT(steps, Contains(HasSubstr("(app=? AND timeline>?)")));
    EXPECT_THAT(steps, Contains(HasSubstr("(app=? AND timeline=? AND conversation=?)")));
    for (const std::string& step : steps) {
      EXPECT_THAT(step, AnyOf(Not(StartsWith("SCAN")),
                              AnyOf("SCAN timelines", "SCAN t", "SCAN CONSTANT ROW")));
    }
  }
}

// --- Paths ------------------------------------------------------------------

TEST_F(SqliteFile, NamesTheFolderThatDoesNotExist) {
  options_.path = folder_ / "none" / "chat.db";
  const auto error = Refuses(Error::Code::InvalidArgument, HasSubstr("/none' does not exist"));
  EXPECT_THAT(refusal(open_sqlite(options_)), error);
  EXPECT_THAT(refusal(open_sqlite_history(options_)), error);
}

TEST_F(SqliteFile, RefusesAFolderAndNoPath) {
  options_.path = folder_.path();
  EXPECT_THAT(refusal(open_sqlite(options_)),
              Refuses(Error::Code::InvalidArgument, HasSubstr("it is a folder")));
  options_.path.clear();
  EXPECT_THAT(refusal(open_sqlite(options_)),
              Refuses(Error::Code::InvalidArgument, HasSubstr("the path is empty")));
}

TEST_F(SqliteFile, IsCreatedByAStoreOnly) {
  EXPECT_THAT(refusal(open_sqlite_history(options_)),
              Refuses(Error::Code::InvalidArgument, HasSubstr("chat.db': it does not exist")));
  EXPECT_FALSE(std::filesystem::exists(options_.path));
}

TEST_F(SqliteFile, IsFoundRelativeToTheCurrentFolder) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  // SQLite has a meaning of its own for the second one.
  for (const char* name : {"chat.db", ":memory:"}) {
    options_.path = name;
    EXPECT_TRUE(open_sqlite(options_));
    EXPECT_TRUE(std::filesystem::exists(folder_ / name));
  }
  std::filesystem::current_path(before);
}

TEST_F(SqliteFile, SaysThatItMayNotBeWritten) {
  open();
  chmod(options_.path.c_str(), 0444);
  chmod(folder_.path().c_str(), 0777);
  Child child([&](const Child::Voice& parent) {
    become_nobody();
    const Error error = refusal(open_sqlite(options_));
    if (error.code == Error::Code::InvalidArgument) parent.say(error.message);
  });
  EXPECT_THAT(child.hear_all(), AllOf(StartsWith("cannot write to '"), HasSubstr("read-only")));
}

TEST_F(SqliteFile, SaysThatItsFolderMayNotBeWritten) {
  chmod(folder_.path().c_str(), 0555);
  Child child([&](const Child::Voice& parent) {
    become_nobody();
    const Error error = refusal(open_sqlite(options_));
    if (error.code == Error::Code::InvalidArgument) parent.say(error.message);
  });
  EXPECT_THAT(child.hear_all(),
              AllOf(HasSubstr("no file can be made in '" + folder_.path().string()),
                    HasSubstr("Permission denied")));
  chmod(folder_.path().c_str(), 0755);
}

// --- Versions ---------------------------------------------------------------

constexpr std::int64_t kNewest = 4;

TEST_F(SqliteFile, IsMadeOfAnEmptyFile) {
  write_bytes(options_.path, "");
  check(open()->apply(words_.direct("m1", 10)));
  EXPECT_EQ(messages(kAda).size(), 1U);
  EXPECT_EQ(number("PRAGMA user_version"), kNewest);
}

// What a crash between the switch to WAL and the first migration leaves.
TEST_F(SqliteFile, IsMadeOfADatabaseWithoutTables) {
  change_raw("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL");
  EXPECT_THAT(
      refusal(open_sqlite_history(options_)),
      Refuses(Error::Code::InvalidArgument, AllOf(HasSubstr("version 0"), HasSubstr("version 4"))));
  check(open()->apply(words_.direct("m1", 10)));
  EXPECT_EQ(messages(kAda).size(), 1U);
}

TEST_F(SqliteFile, IsBroughtFromAnyOlderVersionToTheNewest) {
  std::vector<std::string_view> steps(sqlite::migrations().begin(), sqlite::migrations().end());
  open();
  change_raw("INSERT INTO groups VALUES ('tilechat', 'group-1', 1, '{}')");
  steps.push_back("ALTER TABLE groups ADD COLUMN note TEXT");
  steps.push_back("UPDATE groups SET note = 'migrated'");
  Database database = open_raw();
  check(sqlite::migrate(database, steps));
  EXPECT_EQ(value(database.value("SELECT id || note FROM groups", "look")), "group-1migrated");
  EXPECT_EQ(number("PRAGMA user_version"), static_cast<std::int64_t>(steps.size()));
  check(sqlite::migrate(database, steps));
  check(sqlite::check_schema(database, steps));
}

// A file as the first version has left it: groups, of which only the bodies say who
// is a member, and messages.
class SqliteFileOfVersion1 : public SqliteFile {
 protected:
  SqliteFileOfVersion1() {
    Database database = open_raw(Database::Access::Create);
    check(database.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL", "set up"));
    check(sqlite::migrate(database, sqlite::migrations().first(1)));
    check(database.execute(
        "INSERT INTO messages VALUES ('tilechat', 'm1', '{\"text\":\"hi\"}');"
        "INSERT INTO copies VALUES ('tilechat', 'ada', 'bob', 'm1', 100, NULL);"
        "INSERT INTO conversations VALUES ('tilechat', 'ada', 'bob', 'm1', 10, 1, 0);"
        "INSERT INTO instances VALUES ('tilechat', 'i1', 'ada', '{}')",
        "fill"));
  }

  void add_group(std::string_view id, std::string_view body, std::string_view app = "tilechat") {
    Database database = open_raw();
    sqlite::Statement statement =
        value(database.prepare("INSERT INTO groups VALUES (?1, ?2, 20, ?3)", "add a group"));
    check(sqlite::Run(statement, app, id, body).finish());
  }

  Documents groups(std::string_view user, std::string_view app = "tilechat") {
    return value(read()->groups(app, user, {})).documents;
  }
};

TEST_F(SqliteFileOfVersion1, IsOpenedByAStoreFirst) {
  EXPECT_THAT(
      refusal(open_sqlite_history(options_)),
      Refuses(Error::Code::InvalidArgument, AllOf(HasSubstr("version 1"), HasSubstr("version 4"))));
  open();
  EXPECT_EQ(number("PRAGMA user_version"), kNewest);
  const auto history = read();
  EXPECT_THAT(value(history->messages("tilechat", "ada", "bob", {})),
              ElementsAre(HasSubstr(R"("text":"hi")")));
  EXPECT_EQ(value(history->conversations("tilechat", "ada", kActive, {})).documents.size(), 1U);
  EXPECT_EQ(value(history->unread("tilechat", "ada")), 1U);
  EXPECT_EQ(value(history->instances("tilechat", "ada")).size(), 1U);
  EXPECT_FALSE(value(history->blocked("tilechat", "ada", "bob")));
}

TEST_F(SqliteFileOfVersion1, KnowsTheMembersOfItsGroupsAfterwards) {
  const std::string body = group_body({"ada", "Zo\u00eb", "o'brien \"x\""});
  add_group("group-1", body);
  add_group("group-2", group_body({"ada"}));
  add_group("group-1", group_body({"bob"}), "otherapp");
  open();
  const std::string shown = stored_document("groups", "tilechat", "group-1", body);
  EXPECT_THAT(groups("ada"), ElementsAre(shown, HasSubstr(R"("ada":1)")));
  EXPECT_THAT(groups("Zo\u00eb"), ElementsAre(shown));
  EXPECT_THAT(groups("o'brien \"x\""), ElementsAre(shown));
  EXPECT_THAT(groups("bob"), IsEmpty());
  EXPECT_EQ(groups("bob", "otherapp").size(), 1U);

  check(open()->apply(
      std::vector<Write>{SaveGroup{"tilechat", "group-1", R"({"members":{"bob":1}})", 20},
                         RemoveGroup{"tilechat", "group-2", 20}}));
  EXPECT_THAT(groups("ada"), IsEmpty());
  EXPECT_EQ(groups("bob").size(), 1U);
}

// Each of them as group_members() would, which a Store asks from then on.
TEST_F(SqliteFileOfVersion1, TakesGroupsWithoutMembersAndDamagedOnes) {
  const std::string_view bodies[] = {
      "{}",
      R"({"members":null})",
      R"({"members":["ada"]})",
      R"({"members":"ada"})",
      R"({"members":{"ada":1},"members":{"ada":1,"ada":2,"\u0062ob":1}})",
      R"({"members":{"ada":1},"members":7})",
      R"({"members":{"ada":1})",
      "[]",
      "7",
      "not JSON",
      ""};
  std::vector<std::string> of_ada;
  for (const std::string_view body : bodies) {
    const std::string id = "group-" + std::to_string(of_ada.size()) + std::string(body);
    add_group(id, body);
    const std::vector<std::string> members = group_members(body);
    if (std::find(members.begin(), members.end(), "ada") == members.end()) continue;
    of_ada.push_back(stored_document("groups", "tilechat", id, body));
  }
  ASSERT_EQ(of_ada.size(), 1U);
  open();
  EXPECT_EQ(groups("ada"), of_ada);
  EXPECT_EQ(groups("bob"), of_ada);
}

TEST_F(SqliteFileOfVersion1, TakesClientMessageIdsAfterwards) {
  const auto store = open();
  check(store->apply(std::vector<Write>{words_.sent("m2", "ada", "c1"),
                                        words_.sent("m3", "ada", "c1"),
                                        SaveMessage{"tilechat", "m1", "{}", "ada", "c2"}}));
  const Record records[] = {Record::sent("tilechat", "ada", "c1"),
                            Record::sent("tilechat", "ada", "c2")};
  const auto facts = value(store->fetch(records));
  EXPECT_EQ(facts[0].document, words_.body_of("m2"));
  EXPECT_FALSE(facts[1].found);
  EXPECT_EQ(number("SELECT count(*) FROM messages"), 2);
}

// As the third version has left it: with a message that can be recognized.
TEST_F(SqliteFile, OfVersion3KeepsALedgerAndWhatIsSetAsideAfterwards) {
  {
    Database database = open_raw(Database::Access::Create);
    check(database.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL", "set up"));
    check(sqlite::migrate(database, sqlite::migrations().first(3)));
    check(database.execute("INSERT INTO messages VALUES ('tilechat', 'm1', '{}', 'ada', 'c1')",
                           "fill"));
  }
  EXPECT_THAT(
      refusal(open_sqlite_history(options_)),
      Refuses(Error::Code::InvalidArgument, AllOf(HasSubstr("version 3"), HasSubstr("version 4"))));
  const auto store = open();
  EXPECT_EQ(number("PRAGMA user_version"), kNewest);
  check(store->apply(std::vector<Write>{SaveLedgerPage{"messages", 1, "text"},
                                        SetAside{"apps.a", "body", "why", at(17)}}));
  const Record records[] = {Record::of_ledger("messages"), Record::message("tilechat", "m1"),
                            Record::sent("tilechat", "ada", "c1")};
  const auto facts = value(store->fetch(records));
  EXPECT_EQ(facts[0].document, "text");
  EXPECT_EQ(facts[1].document, "{}");
  EXPECT_EQ(facts[2].document, "{}");
  EXPECT_THAT(value(read()->set_aside({})).documents,
              ElementsAre(set_aside_document({1, at(17), "why", "apps.a", "body"})));
}

TEST_F(SqliteFile, KeepsCountingWhatIsSetAside) {
  const std::vector<Write> one = {SetAside{"a", "body", "why", at(17)}};
  check(open()->apply(one));
  check(open()->apply(one));
  change_raw("DELETE FROM set_aside");
  check(open()->apply(one));
  EXPECT_THAT(value(read()->set_aside({})).documents,
              ElementsAre(set_aside_document({3, at(17), "why", "a", "body"})));
}

TEST_F(SqliteFile, StaysAsItWasIfAMigrationFails) {
  std::vector<std::string_view> steps(sqlite::migrations().begin(), sqlite::migrations().end());
  open();
  steps.push_back("CREATE TABLE extra (x)");
  steps.push_back("CREATE TABLE more (x); INSERT INTO nowhere VALUES (1)");
  {
    Database database = open_raw();
    EXPECT_THAT(refusal(sqlite::migrate(database, steps)),
                Refuses(Error::Code::Internal, AllOf(HasSubstr("schema to version 6"),
                                                     HasSubstr("no such table: nowhere"))));
  }
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE name IN ('extra', 'more')"), 0);
  EXPECT_EQ(number("PRAGMA user_version"), kNewest);
  check(open()->apply(words_.direct("m1", 10)));
}

TEST_F(SqliteFile, OfANewerVersionIsRefusedWithBothVersions) {
  open();
  change_raw("PRAGMA user_version = 99");
  const auto error = Refuses(
      Error::Code::InvalidArgument,
      AllOf(HasSubstr(options_.path.string()), HasSubstr("version 99"), HasSubstr("up to 4")));
  EXPECT_THAT(refusal(open_sqlite(options_)), error);
  EXPECT_THAT(refusal(open_sqlite_history(options_)), error);
}

// --- Files of others --------------------------------------------------------

TEST_F(SqliteFile, OfAnotherProgramIsRefusedAndLeftAlone) {
  const char* const others[] = {"CREATE TABLE notes (text)", "PRAGMA application_id = 7",
                                "PRAGMA user_version = 1"};
  for (const char* other : others) {
    SCOPED_TRACE(other);
    std::filesystem::remove(options_.path);
    change_raw(other);
    const std::string before = bytes_of(options_.path);
    EXPECT_THAT(before, Not(IsEmpty()));
    const auto error = Refuses(Error::Code::Corrupt, HasSubstr("database of another program"));
    EXPECT_THAT(refusal(open_sqlite(options_)), error);
    EXPECT_THAT(refusal(open_sqlite_history(options_)), error);
    EXPECT_TRUE(bytes_of(options_.path) == before);
  }
}

TEST_F(SqliteFile, ThatIsNoDatabaseIsRefusedAndLeftAlone) {
  const std::string letter = "Dear Ada,\n" + std::string(20000, '.');
  write_bytes(options_.path, letter);
  const auto error = Refuses(Error::Code::Corrupt, AllOf(HasSubstr(options_.path.string()),
                                                         HasSubstr("file is not a database")));
  EXPECT_THAT(refusal(open_sqlite(options_)), error);
  EXPECT_THAT(refusal(open_sqlite_history(options_)), error);
  EXPECT_TRUE(bytes_of(options_.path) == letter);
}

TEST_F(SqliteFile, ThatIsDamagedIsReportedAsCorrupt) {
  {
    const auto store = open();
    for (int i = 0; i < 100; ++i) {
      check(store->apply(words_.direct(words_.keep("m" + std::to_string(i)), i)));
    }
  }
  constexpr std::size_t kPage = 8192;
  std::string bytes = bytes_of(options_.path);
  ASSERT_GT(bytes.size(), 5 * kPage);
  std::fill(bytes.begin() + kPage, bytes.end(), 'Z');  // the first page says what the file is
  write_bytes(options_.path, bytes);

  const auto error = Refuses(Error::Code::Corrupt,
                             AllOf(HasSubstr(options_.path.string()), HasSubstr("malformed")));
  EXPECT_THAT(refusal(read()->messages("tilechat", "ada", "bob", {})), error);
  EXPECT_THAT(refusal(read()->conversations("tilechat", "ada", kActive, {})), error);
  EXPECT_THAT(refusal(read()->unread("tilechat", "ada")), error);
  EXPECT_THAT(refusal(read()->groups("tilechat", "ada", {})), error);
  EXPECT_THAT(refusal(read()->blocks("tilechat", "ada", {})), error);
  EXPECT_THAT(refusal(read()->blocked("tilechat", "ada", "bob")), error);
  const auto store = open();
  const Record records[] = {conversation_at(kAda)};
  EXPECT_THAT(refusal(store->fetch(records)), error);
  EXPECT_THAT(refusal(store->apply(words_.direct("m1", 10))), error);
}

}  // namespace
}  // namespace chat21::contract
