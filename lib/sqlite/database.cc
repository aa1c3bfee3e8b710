#include "lib/sqlite/database.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <sqlite3.h>
#include <system_error>
#include <utility>

namespace chat21::sqlite {

namespace {

Error::Code code_of(int result) {
  if (result == SQLITE_IOERR_CORRUPTFS) return Error::Code::Corrupt;
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:  // the file or its folder changed hands while we had it open
    case SQLITE_PERM:
    case SQLITE_NOMEM:
      return Error::Code::Unavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return Error::Code::Corrupt;
    case SQLITE_TOOBIG:
      return Error::Code::InvalidArgument;
    default:
      return Error::Code::Internal;
  }
}

std::string reason(sqlite3* connection, int result) {
  if ((result & 0xff) == SQLITE_BUSY) return "another process or Store has the lock";
  std::string text = sqlite3_errmsg(connection);
  text += " (SQLite code " + std::to_string(result);
  // Not where opening fails: SQLite tries again for reading only, and reports that.
  const int system = sqlite3_system_errno(connection);
  if (system != 0 && (result & 0xff) == SQLITE_IOERR) {
    text += ", " + std::generic_category().message(system);
  }
  return text + ")";
}

Error failure(sqlite3* connection, std::string_view file, std::string_view purpose) {
  const int result = sqlite3_extended_errcode(connection);
  std::string message = "cannot ";
  message.append(purpose).append(" in '").append(file).append("': ");
  return fail(code_of(result), message + reason(connection, result));
}

std::string_view file_of(sqlite3* connection) {
  const char* file = sqlite3_db_filename(connection, "main");
  return file == nullptr ? std::string_view{} : file;
}

Error failure(sqlite3* connection, std::string_view purpose) {
  return failure(connection, file_of(connection), purpose);
}

int flags_of(Database::Access access) {
  // No mutex: a Database belongs to one thread at a time.
  constexpr int kAlways = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE;
  // Read opens for writing, too: readers of a WAL write their marks into its index.
  return access == Database::Access::Create ? kAlways | SQLITE_OPEN_CREATE : kAlways;
}

int to_milliseconds(std::chrono::milliseconds time) {
  using Count = std::chrono::milliseconds::rep;
  return static_cast<int>(std::clamp<Count>(time.count(), 0, std::numeric_limits<int>::max()));
}

}  // namespace

// --- Statement, Run ---------------------------------------------------------

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);  // repeats the error of the last run, which has been reported
}

Run::~Run() {
  sqlite3_reset(handle_);  // repeats the error of next(), which has been reported
  sqlite3_clear_bindings(handle_);
}

void Run::remember(int code) {
  if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

void Run::bind(int number, std::string_view value) {
  // A null pointer would bind NULL, which is not the empty text.
  const char* bytes = value.data() == nullptr ? "" : value.data();
  remember(sqlite3_bind_text64(handle_, number, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Run::bind(int number, std::int64_t value) {
  remember(sqlite3_bind_int64(handle_, number, value));
}

void Run::bind_null(int number) {
  remember(sqlite3_bind_null(handle_, number));
}

Result<bool> Run::next() {
  sqlite3* connection = sqlite3_db_handle(handle_);
  if (bind_error_ != SQLITE_OK) return failure(connection, purpose_);
  switch (sqlite3_step(handle_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return failure(connection, purpose_);
  }
}

Result<> Run::finish() {
  for (;;) {
    Result<bool> row = next();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

std::string_view Run::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(handle_, column);
  if (bytes == nullptr) return {};
  const int size = sqlite3_column_bytes(handle_, column);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::int64_t Run::number(int column) const {
  return sqlite3_column_int64(handle_, column);
}

bool Run::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

// --- Database ---------------------------------------------------------------

void Database::Close::operator()(sqlite3* connection) const noexcept {
  sqlite3_close_v2(connection);
}

Result<Database> Database::open(const std::filesystem::path& path, Access access,
                                std::chrono::milliseconds busy_timeout) {
  // With statistics every allocation takes one lock, whatever the connection: who
  // writes would wait for who reads. Too late if the program has used SQLite before.
  static const int kTried = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(kTried);
  sqlite3* connection = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &connection, flags_of(access), nullptr);
  if (connection == nullptr) {
    return fail(Error::Code::Unavailable, "cannot open '" + path.string() + "': out of memory");
  }
  Database database(connection);
  if (result != SQLITE_OK) return failure(connection, path.string(), "open the database");
  sqlite3_busy_timeout(connection, to_milliseconds(busy_timeout));
  if (access == Access::Read) {
    Result<> done = database.execute("PRAGMA query_only = 1", "open for reading");
    if (!done) return done.error();
  } else if (sqlite3_db_readonly(connection, "main") != 0) {
    // SQLite falls back to reading silently where it may not write.
    return fail(Error::Code::InvalidArgument,
                "cannot write to '" + path.string() + "': the file is read-only for us");
  }
  return database;
}

Result<> Database::execute(const std::string& sql, std::string_view purpose) {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failure(connection_.get(), purpose);
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql, std::string_view purpose) {
  sqlite3_stmt* handle = nullptr;
  const int result = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (result != SQLITE_OK) return failure(connection_.get(), purpose);
  Statement statement;
  statement.handle_.reset(handle);
  statement.purpose_ = purpose;
  return statement;
}

Result<std::string> Database::value(std::string_view sql, std::string_view purpose) {
  Result<Statement> statement = prepare(sql, purpose);
  if (!statement) return statement.error();
  Run run(*statement);
  Result<bool> row = run.next();
  if (!row) return row.error();
  return std::string(*row ? run.text(0) : std::string_view{});
}

Result<std::int64_t> Database::number(std::string_view sql, std::string_view purpose) {
  Result<std::string> digits = value(sql, purpose);
  if (!digits) return digits.error();
  std::int64_t number = 0;
  const char* end = digits->data() + digits->size();
  if (const auto parsed = std::from_chars(digits->data(), end, number); parsed.ptr != end) {
    return fail(Error::Code::Internal, "not a number: '" + *digits + "'");
  }
  return number;
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(connection_.get()) == 0;
}

std::string_view Database::file() const {
  return file_of(connection_.get());
}

// --- Transaction ------------------------------------------------------------

Result<Transaction> Transaction::begin(Database& database, Kind kind) {
  Result<> begun = kind == Kind::Write ? database.execute("BEGIN IMMEDIATE", "begin writing")
                                       : database.execute("BEGIN", "begin reading");
  if (!begun) return begun.error();
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // Some errors (disk full) have rolled back already. A rollback that fails itself
  // leaves a broken connection, and the next BEGIN reports that.
  if (database_ == nullptr || !database_->in_transaction()) return;
  static_cast<void>(database_->execute("ROLLBACK", "undo a batch"));
}

Result<> Transaction::commit() {
  Result<> committed = database_->execute("COMMIT", "commit");
  if (committed) database_ = nullptr;
  return committed;
}

}  // namespace chat21::sqlite
