// What our files look like inside, and how an older one is brought up to date.
#pragma once

#include <span>
#include <string_view>

#include "chat21/result.h"

#include "lib/sqlite/database.h"

namespace chat21::sqlite {

// The SQL that leads from version i to version i + 1, for each i. Released
// entries are never edited: files out there were made by them.
std::span<const std::string_view> migrations();

// Makes a new or older file one of the newest version, in one transaction.
// Errors: Corrupt (a database of another program), InvalidArgument (a version
// that is newer than `steps`).
Result<> migrate(Database& database, std::span<const std::string_view> steps);

// The errors of migrate(), without changing anything.
Result<> check_upgradable(Database& database, std::span<const std::string_view> steps);

// For readers: an error unless migrate() would have nothing to do.
Result<> check_schema(Database& database, std::span<const std::string_view> steps);

}  // namespace chat21::sqlite
