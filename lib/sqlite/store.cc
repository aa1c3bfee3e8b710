#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chat21/sqlite.h"

#include "lib/sqlite/connect.h"
#include "lib/sqlite/database.h"
#include "lib/sqlite/prepare.h"
#include "lib/sqlite/rows.h"
#include "lib/sqlite/writes.h"

namespace chat21 {

namespace {

using sqlite::Database;
using sqlite::Run;
using sqlite::Statement;
using sqlite::Transaction;

struct FetchStatements {
  Statement group, conversation, copy, sent, message, ledger;
};

Result<FetchStatements> prepare_fetch(Database& database) {
  using D = sqlite::Definition<FetchStatements>;
  const std::array definitions = {
      D{&FetchStatements::group, "look up a group", sqlite::select_group()},
      D{&FetchStatements::conversation, "look up a conversation", sqlite::select_conversation()},
      D{&FetchStatements::copy, "look up a message",
        "SELECT 1 FROM copies"
        " WHERE app = ?1 AND timeline = ?2 AND conversation = ?3 AND message_id = ?4"},
      D{&FetchStatements::sent, "look up what was sent before", sqlite::select_sent()},
      D{&FetchStatements::message, "look up the body of a message", sqlite::select_body()},
      D{&FetchStatements::ledger, "read the ledger", sqlite::select_ledger()},
  };
  return sqlite::prepare_all<FetchStatements>(database, definitions);
}

// What a document's buffer may keep for the next fetch(). Otherwise one batch that
// asks for large documents would stay in memory.
constexpr std::size_t kKeptCapacity = 64U << 10U;

class SqliteStore final : public Store {
 public:
  SqliteStore(sqlite::StoreConnection connection, sqlite::WriteStatements writes,
              FetchStatements fetch)
      : connection_(std::move(connection)), writes_(std::move(writes)), fetch_(std::move(fetch)) {}

  Result<std::span<const Fact>> fetch(std::span<const Record> records) override;
  Result<> apply(std::span<const Write> writes) override;

 private:
  // Whether there is such a thing; its document, if it has one, goes to `document`.
  Result<bool> look_up(const Record& record, std::string& document);
  Result<bool> read_ledger(std::string_view ledger, std::string& text);

  sqlite::StoreConnection connection_;
  sqlite::WriteStatements writes_;  // after the connection: they are finalized first
  FetchStatements fetch_;
  std::vector<Fact> facts_;             // of the last fetch()
  std::vector<std::string> documents_;  // what they point into, one for each at least
};

Result<bool> SqliteStore::look_up(const Record& record, std::string& document) {
  switch (record.kind) {
    case Record::Kind::Group: {
      Run run(fetch_.group, record.app, record.conversation);
      Result<bool> found = run.next();
      if (found && *found) document = run.text(0);
      return found;
    }
    case Record::Kind::Conversation: {
      Run run(fetch_.conversation, record.app, record.timeline, record.conversation);
      Result<bool> found = run.next();
      if (found && *found) {
        document = sqlite::conversation_of(run, record.app, record.timeline);
      }
      return found;
    }
    case Record::Kind::Copy:
      return Run(fetch_.copy, record.app, record.timeline, record.conversation, record.message_id)
          .next();
    case Record::Kind::Sent: {
      Run run(fetch_.sent, record.app, record.timeline, record.message_id);
      Result<bool> found = run.next();
      if (found && *found) document = run.text(0);
      return found;
    }
    case Record::Kind::Message: {
      Run run(fetch_.message, record.app, record.message_id);
      Result<bool> found = run.next();
      if (found && *found) document = run.text(0);
      return found;
    }
    case Record::Kind::Ledger:
      return read_ledger(record.conversation, document);
  }
  return fail(Error::Code::Internal, "cannot look up a record of an unknown kind");
}

Result<bool> SqliteStore::read_ledger(std::string_view ledger, std::string& text) {
  Run run(fetch_.ledger, ledger);
  for (bool found = false;; found = true) {
    Result<bool> row = run.next();
    if (!row) return row;
    if (!*row) return found;
    text += run.text(0);
  }
}

Result<std::span<const Fact>> SqliteStore::fetch(std::span<const Record> records) {
  facts_.assign(records.size(), Fact{});
  if (records.empty()) return std::span<const Fact>{};
  // Sized before the first view is taken: a string that moves takes its bytes along.
  if (documents_.size() < records.size()) documents_.resize(records.size());
  Result<Transaction> transaction =
      Transaction::begin(connection_.database, Transaction::Kind::Read);
  if (!transaction) return transaction.error();
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (documents_[i].capacity() > kKeptCapacity) documents_[i] = std::string();
    documents_[i].clear();
    Result<bool> found = look_up(records[i], documents_[i]);
    if (!found) return found.error();
    facts_[i] = {.found = *found, .document = documents_[i]};
  }
  if (Result<> ended = transaction->commit(); !ended) return ended.error();
  return std::span<const Fact>(facts_);
}

Result<> SqliteStore::apply(std::span<const Write> writes) {
  if (writes.empty()) return {};
  Result<Transaction> transaction =
      Transaction::begin(connection_.database, Transaction::Kind::Write);
  if (!transaction) return transaction.error();
  for (const Write& write : writes) {
    if (Result<> done = sqlite::carry_out(write, writes_); !done) return done;
  }
  return transaction->commit();
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options) {
  Result<sqlite::StoreConnection> connection = sqlite::connect_store(options);
  if (!connection) return connection.error();
  Result<sqlite::WriteStatements> writes = sqlite::prepare_writes(connection->database);
  if (!writes) return writes.error();
  Result<FetchStatements> fetch = prepare_fetch(connection->database);
  if (!fetch) return fetch.error();
  return std::unique_ptr<Store>(
      std::make_unique<SqliteStore>(*std::move(connection), *std::move(writes), *std::move(fetch)));
}

}  // namespace chat21
