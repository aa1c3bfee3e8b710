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

namespace fs = std::filesystem;

Error wrong_path(const fs::path& path, const std::string& why) {
  return fail(Error::Code::InvalidArgument,
              "cannot open the database '" + path.string() + "': " + why);
}

bool is_missing(const fs::path& path) {
  std::error_code ignored;  // what cannot be looked at, SQLite cannot open either
  return fs::status(path, ignored).type() == fs::file_type::not_found;
}

// The path from the root, so that SQLite takes it for a file whatever its name
// (":memory:"). What it would only call "unable to open" is refused here, in words
// that tell what to mend.
Result<fs::path> usable_path(const fs::path& given) {
  if (given.empty()) return wrong_path(given, "the path is empty");
  std::error_code error;
  fs::path path = fs::absolute(given, error);
  if (error) return wrong_path(given, error.message());
  if (fs::is_directory(path, error)) return wrong_path(path, "it is a folder");
  const fs::path folder = path.parent_path();
  if (is_missing(folder)) {
    return wrong_path(path, "the folder '" + folder.string() + "' does not exist");
  }
  return path;
}

// A Store keeps its log and its lock beside the file.
Result<> check_writable(const fs::path& path) {
  const fs::path folder = path.parent_path();
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  const std::error_code error(errno, std::generic_category());
  return wrong_path(path, "no file can be made in '" + folder.string() + "': " + error.message());
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

// The page size counts before the first table is made. Rows are some hundred bytes,
// and with pages of 8 KiB a batch needs less work than with the default of 4 KiB:
// fewer levels and splits. A checkpoint after every 32 MiB of log moves a page that
// changes often less often; the log is also what the first connection after a crash
// reads through.
constexpr const char* kSettings =
    "PRAGMA page_size = 8192;"
    "PRAGMA cache_size = -32768;"            // KiB, used only as far as needed
    "PRAGMA wal_autocheckpoint = 4096;"      // pages
    "PRAGMA journal_size_limit = 67108864;"  // bytes that a log keeps on disk after a burst
    "PRAGMA temp_store = MEMORY;";

// A list of 200 conversations, whose messages lie anywhere in the file, needs 4 MiB:
// more than the default of 2 MiB keeps for the next time.
constexpr const char* kReaderSettings = "PRAGMA cache_size = -8192;";  // KiB, as needed

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
  Result<fs::path> path = usable_path(options.path);
  if (!path) return path.error();
  if (Result<> folder = check_writable(*path); !folder) return folder.error();
  Result<Database> database = Database::open(*path, Database::Access::Create, options.busy_timeout);
  if (!database) return database.error();
  Result<Database> lock = take_lock(*database, options);
  if (!lock) return lock.error();
  if (Result<> done = set_up(*database, options); !done) return done.error();
  return StoreConnection{*std::move(lock), *std::move(database)};
}

Result<Database> connect_history(const SqliteOptions& options) {
  Result<fs::path> path = usable_path(options.path);
  if (!path) return path.error();
  if (is_missing(*path)) return wrong_path(*path, "it does not exist; a Store creates it");
  Result<Database> database = Database::open(*path, Database::Access::Read, options.busy_timeout);
  if (!database) return database.error();
  if (Result<> done = database->execute(kReaderSettings, "set up"); !done) return done.error();
  if (Result<> same = check_schema(*database, migrations()); !same) return same.error();
  return database;
}

}  // namespace chat21::sqlite
