// Opening the file: the lock of its one Store, settings, schema.
#pragma once

#include "chat21/result.h"
#include "chat21/sqlite.h"

#include "lib/sqlite/database.h"

namespace chat21::sqlite {

struct StoreConnection {
  // Holds the lock of a second, empty database beside the file, "<file>-lock", as
  // long as it is open. A lock that dies with the process and that SQLite itself
  // waits for, without keeping any reader of the file waiting.
  Database lock;
  Database database;
};

Result<StoreConnection> connect_store(const SqliteOptions& options);
Result<Database> connect_history(const SqliteOptions& options);

}  // namespace chat21::sqlite
