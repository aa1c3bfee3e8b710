#include "chat21/history.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "chat21/document.h"
#include "chat21/paging.h"
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
  Statement conversations, unread, conversation, newest_messages, oldest_messages, group, groups,
      instances, blocks, block, set_aside;
};

// Each query is one statement, so each answer is of one point in time.
Result<HistoryStatements> prepare_history(Database& database) {
  using D = sqlite::Definition<HistoryStatements>;
  const std::array definitions = {
      D{&HistoryStatements::conversations, "list conversations", sqlite::select_conversations()},
      D{&HistoryStatements::unread, "count new conversations", sqlite::count_unread()},
      D{&HistoryStatements::conversation, "read a conversation", sqlite::select_conversation()},
      D{&HistoryStatements::newest_messages, "list messages", sqlite::select_messages("DESC")},
      D{&HistoryStatements::oldest_messages, "list messages", sqlite::select_messages("ASC")},
      D{&HistoryStatements::group, "read a group", sqlite::select_group()},
      D{&HistoryStatements::groups, "list groups", sqlite::select_groups()},
      D{&HistoryStatements::instances, "list push instances", sqlite::select_instances()},
      D{&HistoryStatements::blocks, "list blocks", sqlite::select_blocks()},
      D{&HistoryStatements::block, "look up a block", sqlite::select_block()},
      D{&HistoryStatements::set_aside, "list what was set aside", sqlite::select_set_aside()},
  };
  return sqlite::prepare_all<HistoryStatements>(database, definitions);
}

// Ids are UTF-8, in which this byte does not occur: it comes after every id.
constexpr std::string_view kAfterAllIds = "\xff";

// After every conversation, in the order in which they are listed.
constexpr std::int64_t kAfterAllTimes = std::numeric_limits<std::int64_t>::max();

std::int64_t rows(std::size_t entries) {
  return static_cast<std::int64_t>(entries);
}

// One more, which tells that there is a next slice.
std::int64_t rows(const Slice& slice) {
  return rows(slice.limit + 1);
}

std::string text_of(const Run& row) {
  return std::string(row.text(0));
}

class SqliteHistory final : public History {
 public:
  SqliteHistory(Database database, HistoryStatements statements)
      : database_(std::move(database)), statements_(std::move(statements)) {}

  Result<Listing> conversations(std::string_view app, std::string_view timeline, bool archived,
                                const Slice& slice) override;
  Result<std::size_t> unread(std::string_view app, std::string_view timeline) override;
  Result<Document> conversation(std::string_view app, std::string_view timeline,
                                std::string_view conversation) override;
  Result<Documents> messages(std::string_view app, std::string_view timeline,
                             std::string_view conversation, const Page& page) override;
  Result<Document> group(std::string_view app, std::string_view group) override;
  Result<Listing> groups(std::string_view app, std::string_view user, const Slice& slice) override;
  Result<Documents> instances(std::string_view app, std::string_view user) override;
  Result<Listing> blocks(std::string_view app, std::string_view user, const Slice& slice) override;
  Result<bool> blocked(std::string_view app, std::string_view user,
                       std::string_view other) override;
  Result<Listing> set_aside(const Slice& slice) override;

 private:
  // One document per row, made by `assemble` while the row is current, as many as an
  // answer takes. `cursor_of` tells where a row stands in a list that can go on.
  template <class Assemble>
  static Result<Documents> collect(Run& run, std::size_t limit, Assemble assemble);
  template <class Assemble, class CursorOf>
  static Result<Listing> list(Run& run, std::size_t limit, Assemble assemble, CursorOf cursor_of);
  template <class Assemble>
  static Result<Document> only(Run& run, Assemble assemble);

  Database database_;
  HistoryStatements statements_;  // after the database: they are finalized first
};

template <class Assemble>
Result<History::Documents> SqliteHistory::collect(Run& run, std::size_t limit, Assemble assemble) {
  Documents documents;
  PageRoom room(limit);
  while (room.is_left()) {
    Result<bool> row = run.next();
    if (!row) return row.error();
    if (!*row) break;
    room.take(documents.emplace_back(assemble(run)).size());
  }
  return documents;
}

template <class Assemble, class CursorOf>
Result<Listing> SqliteHistory::list(Run& run, std::size_t limit, Assemble assemble,
                                    CursorOf cursor_of) {
  Listing listing;
  std::string cursor;
  PageRoom room(limit);
  for (;;) {
    Result<bool> row = run.next();
    if (!row) return row.error();
    if (!*row) return listing;
    if (!room.is_left()) {
      listing.next = std::move(cursor);
      return listing;
    }
    room.take(listing.documents.emplace_back(assemble(run)).size());
    cursor = cursor_of(run);
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
  if (Result<> valid = check_limit(slice.limit); !valid) return valid.error();
  std::int64_t time = kAfterAllTimes;
  std::string_view message_id = kAfterAllIds;
  if (!slice.from.empty()) {
    Result<ConversationCursor> cursor = parse_conversation_cursor(slice.from);
    if (!cursor) return cursor.error();
    time = cursor->time.time_since_epoch().count();
    message_id = cursor->message_id;
  }
  Run run(statements_.conversations, app, timeline, std::int64_t{archived}, time, message_id,
          rows(slice));
  return list(
      run, slice.limit, [&](const Run& row) { return sqlite::conversation_of(row, app, timeline); },
      sqlite::conversation_cursor_of);
}

Result<std::size_t> SqliteHistory::unread(std::string_view app, std::string_view timeline) {
  Run run(statements_.unread, app, timeline);
  Result<bool> row = run.next();
  if (!row) return row.error();
  return static_cast<std::size_t>(run.number(0));
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
  if (Result<> valid = check_limit(page.limit); !valid) return valid.error();
  Statement& statement =
      page.after.empty() ? statements_.newest_messages : statements_.oldest_messages;
  Run run(statement, app, timeline, conversation, page.after,
          page.before.empty() ? kAfterAllIds : page.before, rows(page.limit));
  return collect(run, page.limit, [&](const Run& row) {
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

Result<Listing> SqliteHistory::groups(std::string_view app, std::string_view user,
                                      const Slice& slice) {
  if (Result<> valid = check_slice_of_ids(slice); !valid) return valid.error();
  Run run(statements_.groups, app, user, slice.from, rows(slice));
  return list(
      run, slice.limit,
      [&](const Run& row) { return stored_document("groups", app, row.text(0), row.text(1)); },
      text_of);
}

Result<Listing> SqliteHistory::blocks(std::string_view app, std::string_view user,
                                      const Slice& slice) {
  if (Result<> valid = check_slice_of_ids(slice); !valid) return valid.error();
  Run run(statements_.blocks, app, user, slice.from, rows(slice));
  return list(
      run, slice.limit, [](const Run& row) { return block_document(row.text(0)); }, text_of);
}

Result<bool> SqliteHistory::blocked(std::string_view app, std::string_view user,
                                    std::string_view other) {
  return Run(statements_.block, app, user, other).next();
}

Result<Listing> SqliteHistory::set_aside(const Slice& slice) {
  if (Result<> valid = check_limit(slice.limit); !valid) return valid.error();
  const Result<std::int64_t> after = parse_number_cursor(slice.from);
  if (!after) return after.error();
  Run run(statements_.set_aside, *after, rows(slice));
  return list(
      run, slice.limit,
      [](const Run& row) {
        return set_aside_document({.number = row.number(0),
                                   .time = Time(std::chrono::milliseconds(row.number(1))),
                                   .reason = row.text(2),
                                   .routing_key = row.text(3),
                                   .body = row.text(4)});
      },
      text_of);
}

Result<History::Documents> SqliteHistory::instances(std::string_view app, std::string_view user) {
  Run run(statements_.instances, app, user, rows(kMaxPage));
  return collect(run, kMaxPage, [&](const Run& row) {
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
