// Where the programs of the embedded engine are.
#pragma once

#include <filesystem>

#include "chat21/result.h"

#include "server/config.h"

namespace chat21::server {

// The configured one, or else the first that is found in PATH and where systems put it.
// Error (InvalidArgument): there is none, and how to get one.
Result<std::filesystem::path> find_mosquitto(const Config& config);

// The configured one, or else the one built or installed with this program. Absolute.
// Error (InvalidArgument): there is none, and where it was looked for.
Result<std::filesystem::path> find_mosquitto_plugin(const Config& config);

}  // namespace chat21::server
