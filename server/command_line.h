// The command line: which command, and which settings it gives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chat21/result.h"

#include "server/config.h"
#include "server/token.h"

namespace chat21::server {

struct CommandLine {
  enum class Action : std::uint8_t { Print, Run, CheckConfig, Token, SetAside };
  Action action = Action::Run;
  std::string text;          // to print: help or version
  std::vector<Given> flags;  // settings
  std::optional<std::string> config_file;
  TokenRequest token;  // its app comes from the settings
};

// `arguments` without the program's name. Errors: InvalidArgument.
Result<CommandLine> parse_command_line(std::vector<std::string> arguments);

}  // namespace chat21::server
