#include "lib/sqlite/connect.h"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "lib/sqlite/schema.h"

namespace chat21::sqlite {

namespace {

Error wrong_path(const SqliteOptions& options, const std::string& why) {
  return fail(Error::Code::InvalidArgument,
              "cannot open the database '" + options.path.string() + "': " + why);
}

// What SQLite would report as "unable to open", in words that tell what to mend.
Result<> check_path(const SqliteOptions& options) {
  namespace fs = std::filesystem;
  if (options.path.empty()) return wrong_path(options, "the path is empty");
  std::error_code ignored;  // what cannot be looked at, SQLite cannot open either
  if (fs::is_directory(options.path, ignored)) return wrong_path(options, "it is a folder");
  const fs::path folder = fs::absolute(options.path, ignored).parent_path();
  if (fs::status(folder, ignored).type() == fs::file_type::not_found) {
    return wrong_path(options, "the folder '" + folder.string() + "' does not exist");
  }
  return {};
}

// A Store keeps its log and its lock beside the file.
Result<> check_writable(const SqliteOptions& options) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(options.path, error).parent_path();
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  error.assign(errno, std::generic_category());
  return wrong_path(options,
                    "no file can be made in '" + folder.string() + "': " + error.message());
}

Result<> check_exists(const SqliteOptions& options) {
  std::error_code ignored;  // as above
  if (std::filesystem::status(options.path, ignored).type() !=
      std::filesystem::file_type::not_found) {
    return {};
  }
  return wrong_path(options, "it does not exist; a Store creates it");
}

Result<Database> take_lock(const Database& database, const SqliteOptions& options) {
  const std::string file(database.file());
  Result<Database> lock =
      Database::open(file + "-lock", Database::Access::Create, options.busy_timeout);
  if (!lock) return lock.error();
  Result<> taken = lock->execute("BEGIN EXCLUSIVE", "take the lock");
  if (taken) return lock;
  return fail(taken.error().code, "cannot open '" + file + "' for writing, one Store per file: " +
                                      taken.error().message);
}

Result<> use_wal(Database& database) {
  constexpr std::string_view kPurpose = "switch to write-ahead logging";
  Result<std::string> mode = database.value("PRAGMA journal_mode = WAL", kPurpose);
  if (!mode) return mode.error();
  if (*mode == "wal") return {};
  return fail(Error::Code::InvalidArgument,
              "cannot use write-ahead logging for '" + std::string(database.file()) +
                  "': its file system keeps SQLite from sharing memory between processes");
}

// Page size: before the first table. Bodies are some hundred bytes, so pages of
// 8 KiB halve the pages touched per batch against the default (docs/PERFORMANCE.md).
// Checkpoints: every 32 MiB of log. A rarer one moves each hot page less often;
// the log is also what a restart after a crash reads through.
constexpr const char* kSettings =
    "PRAGMA page_size = 8192;"
    "PRAGMA cache_size = -32768;"            // KiB, used only as far as needed
    "PRAGMA wal_autocheckpoint = 4096;"      // pages
    "PRAGMA journal_size_limit = 67108864;"  // bytes that a log keeps on disk after a burst
    "PRAGMA temp_store = MEMORY;";

const char* setting_of(Durability durability) {
  return durability == Durability::Power ? "PRAGMA synchronous = FULL"
                                         : "PRAGMA synchronous = NORMAL";
}

Result<> set_up(Database& database, const SqliteOptions& options) {
  if (Result<> done = database.execute(kSettings, "set up"); !done) return done;
  if (Result<> done = database.execute(setting_of(options.durability), "set up"); !done) {
    return done;
  }
  // Before the first change, so that a file of another program stays as it was.
  if (Result<> done = check_upgradable(database, migrations()); !done) return done;
  if (Result<> done = use_wal(database); !done) return done;
  return migrate(database, migrations());
}

}  // namespace

Result<StoreConnection> connect_store(const SqliteOptions& options) {
  if (Result<> path = check_path(options); !path) return path.error();
  if (Result<> folder = check_writable(options); !folder) return folder.error();
  Result<Database> database =
      Database::open(options.path, Database::Access::Create, options.busy_timeout);
  if (!database) return database.error();
  Result<Database> lock = take_lock(*database, options);
  if (!lock) return lock.error();
  if (Result<> done = set_up(*database, options); !done) return done.error();
  return StoreConnection{*std::move(lock), *std::move(database)};
}

Result<Database> connect_history(const SqliteOptions& options) {
  if (Result<> path = check_path(options); !path) return path.error();
  if (Result<> file = check_exists(options); !file) return file.error();
  Result<Database> database =
      Database::open(options.path, Database::Access::Read, options.busy_timeout);
  if (!database) return database.error();
  if (Result<> same = check_schema(*database, migrations()); !same) return same.error();
  return database;
}

}  // namespace chat21::sqlite
