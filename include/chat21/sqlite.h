// Store and History over one SQLite file (SQLite 3.40 or later, WAL mode).
//
// Thread rule: a Store or History object belongs to one thread at a time. Any
// number of Histories, in any threads or processes, may read beside one Store.
// One Store per file, since what it has fetched must stay true until it applies:
// opening a second one waits `busy_timeout` and then reports Unavailable. The lock
// is an empty file beside, "<path>-lock"; it may stay and is freed when the process
// ends, however it ends.
// Opening the first one switches off SQLite's memory statistics in this process
// (sqlite3_memory_used() is 0 then), unless the program has used SQLite before.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "chat21/history.h"
#include "chat21/result.h"
#include "chat21/store.h"

namespace chat21 {

// What a batch survives once Store::apply has returned. docs/ARCHITECTURE.md
// has what each costs.
enum class Durability : std::uint8_t {
  Process,  // kill -9 of the process (synchronous=NORMAL)
  Power,    // also power loss and a crash of the operating system (synchronous=FULL)
};

struct SqliteOptions {
  std::filesystem::path path{};  // created if it does not exist; its folder must exist
  Durability durability = Durability::Process;
  std::chrono::milliseconds busy_timeout{5000};  // how long to wait for another process's lock
};

// Opens the file and brings its schema to this version. Errors: InvalidArgument
// (the path, a schema of a newer version), Unavailable (locked, disk), Corrupt
// (not a database of ours).
Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options);

// The read side. The file must have been opened by open_sqlite() before.
Result<std::unique_ptr<History>> open_sqlite_history(const SqliteOptions& options);

}  // namespace chat21
