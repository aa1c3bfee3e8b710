// The plugin's options: the lines plugin_opt_{name} {value} of Mosquitto's configuration.
// docs/MOSQUITTO.md has them in a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "chat21/result.h"
#include "chat21/sqlite.h"
#include "chat21/token.h"

namespace chat21::mosquitto {

struct OptionLine {
  std::string_view name;  // without plugin_opt_
  std::string_view value;
};

struct PluginOptions {
  std::filesystem::path store{};
  std::string app = "tilechat";
  TokenRules tokens{.key = "tokenKey", .audience = "rabbitmq"};
  Durability durability = Durability::Process;
  bool strict = false;  // accept a message once it is stored
  std::size_t max_body_bytes = 1U << 20U;
  std::optional<std::uint64_t> seed{};  // of message ids; random if absent

  // Whether everybody knows the key.
  bool has_default_key() const { return tokens.key == "tokenKey"; }
};

// Reads the file of the key, if there is one. Error (InvalidArgument): names the option,
// its value (unless that is a key) and what is allowed.
Result<PluginOptions> read_options(std::span<const OptionLine> lines);

}  // namespace chat21::mosquitto
