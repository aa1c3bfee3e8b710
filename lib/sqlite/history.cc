#include "chat21/history.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "chat21/document.h"
#include "chat21/sqlite.h"

#include "lib/sqlite/connect.h"
#include "lib/sqlite/database.h"
#include "lib/sqlite/prepare.h"
#include "lib/sqlite/rows.h"

namespace chat21 {

namespace {

using sqlite::Database;
using sqlite::Run;
using sqlite::Statement;

struct HistoryStatements {
  Statement conversations, conversation, newest_messages, oldest_messages, group, instances;
};

// Each query is one statement, so each answer is of one point in time.
Result<HistoryStatements> prepare_history(Database& database) {
  using D = sqlite::Definition<HistoryStatements>;
  const std::array definitions = {
      D{&HistoryStatements::conversations, "list conversations", sqlite::select_conversations()},
      D{&HistoryStatements::conversation, "read a conversation", sqlite::select_conversation()},
      D{&HistoryStatements::newest_messages, "list messages", sqlite::select_messages("DESC")},
      D{&HistoryStatements::oldest_messages, "list messages", sqlite::select_messages("ASC")},
      D{&HistoryStatements::group, "read a group", sqlite::select_group()},
      D{&HistoryStatements::instances, "list push instances", sqlite::select_instances()},
  };
  return sqlite::prepare_all<HistoryStatements>(database, definitions);
}

// Ids are UTF-8, in which this byte does not occur: it comes after every id.
constexpr std::string_view kAfterAllIds = "\xff";

Result<std::int64_t> checked(std::size_t limit) {
  if (limit >= 1 && limit <= kMaxPage) return static_cast<std::int64_t>(limit);
  return fail(Error::Code::InvalidArgument, "cannot list " + std::to_string(limit) +
                                                " entries: the limit is 1 to " +
                                                std::to_string(kMaxPage));
}

class SqliteHistory final : public History {
 public:
  SqliteHistory(Database database, HistoryStatements statements)
      : database_(std::move(database)), statements_(std::move(statements)) {}

  Result<Listing> conversations(std::string_view app, std::string_view timeline, bool archived,
                                const Slice& slice) override;
  Result<std::size_t> unread(std::string_view, std::string_view) override {
    return fail(Error::Code::Internal, "not yet");
  }
  Result<Listing> groups(std::string_view, std::string_view, const Slice&) override {
    return fail(Error::Code::Internal, "not yet");
  }
  Result<Listing> blocks(std::string_view, std::string_view, const Slice&) override {
    return fail(Error::Code::Internal, "not yet");
  }
  Result<bool> blocked(std::string_view, std::string_view, std::string_view) override {
    return fail(Error::Code::Internal, "not yet");
  }
  Result<Document> conversation(std::string_view app, std::string_view timeline,
                                std::string_view conversation) override;
  Result<Documents> messages(std::string_view app, std::string_view timeline,
                             std::string_view conversation, const Page& page) override;
  Result<Document> group(std::string_view app, std::string_view group) override;
  Result<Documents> instances(std::string_view app, std::string_view user) override;

 private:
  // One document per row, made by `assemble` while the row is current.
  template <class Assemble>
  static Result<Documents> collect(Run& run, Assemble assemble);
  template <class Assemble>
  static Result<Document> only(Run& run, Assemble assemble);

  Database database_;
  HistoryStatements statements_;  // after the database: they are finalized first
};

template <class Assemble>
Result<History::Documents> SqliteHistory::collect(Run& run, Assemble assemble) {
  Documents documents;
  for (;;) {
    Result<bool> row = run.next();
    if (!row) return row.error();
    if (!*row) return documents;
    documents.push_back(assemble(run));
  }
}

template <class Assemble>
Result<History::Document> SqliteHistory::only(Run& run, Assemble assemble) {
  Result<bool> row = run.next();
  if (!row) return row.error();
  if (!*row) return Document{};
  return Document{assemble(run)};
}

Result<Listing> SqliteHistory::conversations(std::string_view app, std::string_view timeline,
                                             bool archived, const Slice& slice) {
  Result<std::int64_t> entries = checked(slice.limit);
  if (!entries) return entries.error();
  Run run(statements_.conversations, app, timeline, std::int64_t{archived}, *entries);
  auto documents =
      collect(run, [&](const Run& row) { return sqlite::conversation_of(row, app, timeline); });
  if (!documents) return documents.error();
  return Listing{*std::move(documents), {}};
}

Result<History::Document> SqliteHistory::conversation(std::string_view app,
                                                      std::string_view timeline,
                                                      std::string_view conversation) {
  Run run(statements_.conversation, app, timeline, conversation);
  return only(run, [&](const Run& row) { return sqlite::conversation_of(row, app, timeline); });
}

Result<History::Documents> SqliteHistory::messages(std::string_view app, std::string_view timeline,
                                                   std::string_view conversation,
                                                   const Page& page) {
  Result<std::int64_t> entries = checked(page.limit);
  if (!entries) return entries.error();
  Statement& statement =
      page.after.empty() ? statements_.newest_messages : statements_.oldest_messages;
  Run run(statement, app, timeline, conversation, page.after,
          page.before.empty() ? kAfterAllIds : page.before, *entries);
  return collect(run, [&](const Run& row) {
    return message_document({.app = app,
                             .timeline = timeline,
                             .conversation = conversation,
                             .message_id = row.text(0),
                             .status = static_cast<Status>(row.number(1)),
                             .body = row.text(2)});
  });
}

Result<History::Document> SqliteHistory::group(std::string_view app, std::string_view group) {
  Run run(statements_.group, app, group);
  return only(run,
              [&](const Run& row) { return stored_document("groups", app, group, row.text(0)); });
}

Result<History::Documents> SqliteHistory::instances(std::string_view app, std::string_view user) {
  Run run(statements_.instances, app, user);
  return collect(run, [&](const Run& row) {
    return stored_document("instances", app, row.text(0), row.text(1));
  });
}

}  // namespace

Result<std::unique_ptr<History>> open_sqlite_history(const SqliteOptions& options) {
  Result<Database> database = sqlite::connect_history(options);
  if (!database) return database.error();
  Result<HistoryStatements> statements = prepare_history(*database);
  if (!statements) return statements.error();
  return std::unique_ptr<History>(
      std::make_unique<SqliteHistory>(*std::move(database), *std::move(statements)));
}

}  // namespace chat21
