// The command set-aside: what was set aside, for people and programs to look at.
#pragma once

#include <cstdio>
#include <filesystem>

#include "chat21/result.h"

namespace chat21::server {

// Writes set_aside_document() of document.h for each entry of the store, the oldest first,
// each on a line of its own. A server may have the store open. Errors: those of
// open_sqlite_history() and of reading; Unavailable if `out` takes no more.
Result<> print_set_aside(const std::filesystem::path& store, std::FILE* out);

}  // namespace chat21::server
