// A connection to one SQLite file, its prepared statements and transactions.
//
// sqlite3.h stays in database.cc. Objects of one Database belong to one thread
// at a time; Statements must not outlive it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "chat21/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace chat21::sqlite {

class Statement {
 public:
  Statement() = default;

 private:
  friend class Database;
  friend class Run;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  std::string_view purpose_;  // of errors: "cannot <purpose> in '<file>'"
};

// One execution of a Statement. Its values are bound in the order of their
// numbers (?1, ?2, ...) and are borrowed, not copied. The destructor makes the
// statement ready for the next execution, whatever happened in this one.
class Run {
 public:
  template <class... Values>
  explicit Run(Statement& statement, const Values&... values)
      : handle_(statement.handle_.get()), purpose_(statement.purpose_) {
    int number = 0;
    (bind(++number, values), ...);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run();

  // Goes to the first or next row; false when there is none (left).
  Result<bool> next();

  // For statements that give no rows.
  Result<> finish();

  // Of the current row. Views are valid until next() or destruction; NULL is empty or 0.
  std::string_view text(int column) const;
  std::int64_t number(int column) const;
  bool is_null(int column) const;

 private:
  void bind(int number, std::string_view value);
  void bind(int number, std::int64_t value);
  void bind_null(int number);
  template <class Value>
  void bind(int number, const std::optional<Value>& value) {
    value ? bind(number, *value) : bind_null(number);
  }
  void remember(int code);

  sqlite3_stmt* handle_;
  std::string_view purpose_;
  int bind_error_ = 0;
};

class Database {
 public:
  enum class Access : std::uint8_t {
    Create,  // read and write; the file is created if it does not exist
    Write,   // read and write
    Read,    // the file must exist; writing is refused
  };
  static Result<Database> open(const std::filesystem::path& path, Access access,
                               std::chrono::milliseconds busy_timeout);

  // Runs any number of statements and ignores rows.
  Result<> execute(const std::string& sql, std::string_view purpose);

  // `purpose` is a literal: the Statement keeps the view.
  Result<Statement> prepare(std::string_view sql, std::string_view purpose);

  // The first column of the only row, as text; numbers in decimal.
  Result<std::string> value(std::string_view sql, std::string_view purpose);
  Result<std::int64_t> number(std::string_view sql, std::string_view purpose);

  bool in_transaction() const;

  // The file as SQLite knows it: absolute, symbolic links resolved.
  std::string_view file() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const noexcept;
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}

  std::unique_ptr<sqlite3, Close> connection_;
};

// Undone by the destructor unless committed. No Run may be alive then.
class Transaction {
 public:
  enum class Kind : std::uint8_t {
    Read,   // everything read in it is of one point in time
    Write,  // takes the lock for writing now, so that no later statement finds it busy
  };
  static Result<Transaction> begin(Database& database, Kind kind);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Result<> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}

  Database* database_;  // null once committed or moved from
};

}  // namespace chat21::sqlite
