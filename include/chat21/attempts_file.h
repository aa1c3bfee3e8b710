// Attempts in a small file that is mapped into memory: noting costs a copy of a few bytes,
// and what is noted survives kill -9 and a crash of the process, not of the system.
#pragma once

#include <filesystem>
#include <memory>

#include "chat21/attempts.h"
#include "chat21/result.h"

namespace chat21 {

// Opens the file, or creates it with mode 0600; its folder must exist. One process at a
// time: whoever has the store open. A file that is damaged or of another version is begun
// anew. Errors: Unavailable (the path, permissions, disk).
Result<std::unique_ptr<Attempts>> open_attempts(const std::filesystem::path& path);

}  // namespace chat21
