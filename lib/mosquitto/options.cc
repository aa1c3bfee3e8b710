#include "lib/mosquitto/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "chat21/topic.h"

namespace chat21::mosquitto {
namespace {

// A key is some dozens of bytes; this keeps us from reading a wrong file to its end.
constexpr std::size_t kMaxKey = 4096;

// Takes a value in. Returns what is allowed, if the value is not.
using Take = std::function<std::string(std::string_view, PluginOptions&)>;

struct Option {
  std::string_view name;
  Take take;
  bool secret = false;
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

// 4096, 64KiB, 1MiB.
std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t unit = 1;
  for (const auto& [name, bytes] :
       {std::pair<std::string_view, std::uint64_t>{"KiB", 1U << 10U}, {"MiB", 1U << 20U}}) {
    if (!text.ends_with(name)) continue;
    unit = bytes;
    text.remove_suffix(name.size());
    break;
  }
  const auto number = parse_number(text);
  if (!number || *number > UINT64_MAX / unit) return std::nullopt;
  return *number * unit;
}

std::string take_store(std::string_view value, PluginOptions& options) {
  if (value.empty()) return "the path of a file";
  options.store = value;
  return {};
}

std::string take_app(std::string_view value, PluginOptions& options) {
  if (const auto valid = validate_id("app", value); !valid) {
    return "an app id: " + valid.error().message;
  }
  if (value == "observer") return "an app id: observer is what the services' topics use";
  options.app = value;
  return {};
}

std::string take_key(std::string_view value, PluginOptions& options) {
  if (value.empty() || value.size() > kMaxKey) {
    return "1 to " + std::to_string(kMaxKey) + " bytes";
  }
  options.tokens.key = value;
  return {};
}

std::string take_key_file(std::string_view value, PluginOptions& options) {
  std::ifstream file{std::string(value), std::ios::binary};
  std::string key(kMaxKey + 2, '\0');
  if (file) file.read(key.data(), static_cast<std::streamsize>(key.size()));
  if (!file.is_open() || file.bad() || (file.fail() && !file.eof())) {
    return "a file that the broker's user may read";
  }
  key.resize(static_cast<std::size_t>(file.gcount()));
  if (key.ends_with('\n')) key.pop_back();
  const auto wrong = take_key(key, options);
  return wrong.empty() ? wrong : "a file with a key of " + wrong;
}

std::string take_audience(std::string_view value, PluginOptions& options) {
  // In a scope a dot ends the audience.
  if (value.empty() || value.find('.') != std::string_view::npos) {
    return "the resource server id of the tokens' scopes, without a dot";
  }
  options.tokens.audience = value;
  return {};
}

std::string take_durability(std::string_view value, PluginOptions& options) {
  if (value != "group" && value != "strict" && value != "power") return "group, strict or power";
  options.strict = value != "group";
  options.durability = value == "power" ? Durability::Power : Durability::Process;
  return {};
}

std::string take_max_body(std::string_view value, PluginOptions& options) {
  // The most that an MQTT packet carries.
  constexpr std::uint64_t kMost = 256U << 20U;
  const auto bytes = parse_bytes(value);
  if (!bytes || *bytes == 0 || *bytes > kMost) {
    return "1 to 256MiB, in bytes or with KiB or MiB";
  }
  options.max_body_bytes = *bytes;
  return {};
}

std::string take_seed(std::string_view value, PluginOptions& options) {
  options.seed = parse_number(value);
  return options.seed ? "" : "a number of at most 64 bits";
}

const std::array<Option, 8>& known_options() {
  static const std::array<Option, 8> kOptions = {
      Option{"store", take_store},
      Option{"app_id", take_app},
      Option{"jwt_key_file", take_key_file},
      Option{.name = "jwt_key", .take = take_key, .secret = true},
      Option{"jwt_audience", take_audience},
      Option{"durability", take_durability},
      Option{"max_body", take_max_body},
      Option{"seed", take_seed}};
  return kOptions;
}

Error wrong(const std::string& why) {
  return fail(Error::Code::InvalidArgument, why);
}

std::string names() {
  std::string all;
  for (const Option& option : known_options()) {
    all += (all.empty() ? "" : ", ") + std::string(option.name);
  }
  return all;
}

}  // namespace

Result<PluginOptions> read_options(std::span<const OptionLine> lines) {
  PluginOptions options;
  std::vector<std::string_view> seen;
  const auto given = [&](std::string_view name) {
    return std::find(seen.begin(), seen.end(), name) != seen.end();
  };
  for (const auto& [name, value] : lines) {
    const auto* option =
        std::find_if(known_options().begin(), known_options().end(),
                     [&, wanted = name](const Option& each) { return each.name == wanted; });
    const std::string line = "plugin_opt_" + std::string(name);
    if (option == known_options().end()) {
      return wrong(line + " is unknown; there are " + names());
    }
    if (given(name)) return wrong(line + " is there twice");
    seen.push_back(name);
    if (const std::string allowed = option->take(value, options); !allowed.empty()) {
      const std::string shown = option->secret ? "(a key)" : "\"" + std::string(value) + '"';
      return wrong(line + ' ' + shown + " is wrong; allowed is " + allowed);
    }
  }
  if (!given("store")) {
    return wrong("plugin_opt_store is missing; it is the path of the store's file");
  }
  if (given("jwt_key") && given("jwt_key_file")) {
    return wrong("plugin_opt_jwt_key and plugin_opt_jwt_key_file are both there; allowed is one");
  }
  return options;
}

}  // namespace chat21::mosquitto
