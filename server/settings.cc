#include "server/settings.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <utility>

#include "chat21/topic.h"

#include "server/apply.h"
#include "server/config.h"
#include "server/values.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using Shape = Setting::Shape;
using Show = Setting::Show;

constexpr std::string_view kBroker = "Broker of engine rabbitmq";
constexpr std::string_view kWork = "Work";
constexpr std::string_view kStore = "Store";
constexpr std::string_view kTokens = "Tokens";
constexpr std::string_view kLogging = "Logging";

constexpr std::uint64_t kLeastBody = 1U << 10U;
constexpr std::uint64_t kMostBody = 128U << 20U;  // what a broker takes at all, by default

// --- Checks -------------------------------------------------------------------

std::string apply_rabbitmq_uri(std::string_view value, Config& config) {
  if (!value.empty() && !is_uri(value, {"amqp", "amqps"})) {
    return "must be amqp://user:password@host:port/vhost or amqps://..., percent-encoded";
  }
  config.rabbitmq_uri = value;
  return {};
}

std::string apply_app_id(std::string_view value, Config& config) {
  if (const auto valid = validate_id("the app id", value); !valid) {
    return valid.error().message;
  }
  config.app_id = value;
  return {};
}

std::string apply_active_queues(std::string_view value, Config& config) {
  config.consume_messages = config.consume_persist = false;
  const auto names = split_list(value);
  if (names.size() == 1 && to_lower(names.front()) == "none") {
    return {};
  }
  for (const auto name : names) {
    if (name == "messages") {
      config.consume_messages = true;
    } else if (name == "persist") {
      config.consume_persist = true;
    } else {
      return "must be a list of messages, persist; or none";
    }
  }
  return names.empty() ? "must be a list of messages, persist; or none" : "";
}

std::string apply_store(std::string_view value, Config& config) {
  if (value.empty()) {
    return "must not be empty";
  }
  config.store = value;
  return {};
}

std::string apply_seed(std::string_view value, Config& config) {
  config.seed.reset();
  if (value.empty()) {
    return {};
  }
  config.seed = parse_number(value);
  return config.seed ? "" : "must be a number of at most 64 bits";
}

// --- Declarations ---------------------------------------------------------------

std::vector<Setting> declare_work() {
  return {
      {.key = "rabbitmq-uri",
       .variable = "RABBITMQ_URI",
       .placeholder = "URI",
       .group = kBroker,
       .help = "amqp://user:password@host:port/vhost?heartbeat=60, or amqps://...;\n"
               "the password is the token of the observer. Required by this engine",
       .apply = apply_rabbitmq_uri,
       .show = Show::MaskedUri,
       .engine = kRabbitmq},
      {.key = "rabbitmq-ca-file",
       .variable = "RABBITMQ_CA_FILE",
       .placeholder = "FILE",
       .group = kBroker,
       .help = "amqps: PEM file of the trusted authorities; empty: the system's",
       .apply = text(&Config::rabbitmq_ca_file, true),
       .engine = kRabbitmq},
      {.key = "rabbitmq-verify-peer",
       .variable = "RABBITMQ_VERIFY_PEER",
       .fallback = "true",
       .group = kBroker,
       .help = "amqps: check the broker's certificate and name",
       .apply = boolean(&Config::rabbitmq_verify_peer),
       .shape = Shape::Switch,
       .engine = kRabbitmq},
      {.key = "auto-restart",
       .variable = "AUTO_RESTART",
       .fallback = "true",
       .group = kWork,
       .help = "go on by itself when the broker is back, or start it again;\n"
               "=false: exit with 1 when the broker is away",
       .apply = boolean(&Config::auto_restart),
       .shape = Shape::Switch},
      {.key = "publish-timeout",
       .variable = "PUBLISH_TIMEOUT",
       .placeholder = "TIME",
       .fallback = "30s",
       .group = kWork,
       .help = "how long to wait for the broker's confirms, 1s to 1h",
       .apply = duration(&Config::publish_timeout, 1s, 1h, "1s to 1h")},
      {.key = "app-id",
       .short_flag = "app",
       .variable = "APP_ID",
       .placeholder = "ID",
       .fallback = "tilechat",
       .group = kWork,
       .help = "the app whose topics are served",
       .apply = apply_app_id},
      {.key = "active-queues",
       .variable = "ACTIVE_QUEUES",
       .placeholder = "LIST",
       .fallback = "messages,persist",
       .group = kWork,
       .help = "queues to consume: messages, persist; or none",
       .apply = apply_active_queues,
       .shape = Shape::List,
       .engine = kRabbitmq},
      {.key = "prefetch",
       .variable = "PREFETCH_MESSAGES",
       .placeholder = "N",
       .fallback = "256",
       .group = kWork,
       .help = "messages taken from the broker and not finished yet, 1 to 65535",
       .apply = number(&Config::prefetch, 1, std::numeric_limits<std::uint16_t>::max()),
       .engine = kRabbitmq},
      {.key = "max-body",
       .variable = "MAX_BODY_BYTES",
       .placeholder = "BYTES",
       .fallback = "1MiB",
       .group = kWork,
       .help = "larger messages are rejected, 1KiB to 128MiB",
       .apply = bytes(&Config::max_body_bytes, kLeastBody, kMostBody, "1KiB to 128MiB")},
      {.key = "seed",
       .variable = "CHAT21_SEED",
       .placeholder = "N",
       .help = "of the message ids, for tests; random if empty",
       .apply = apply_seed},
  };
}

std::vector<Setting> declare_rest() {
  // "process" is what strict was called first.
  static constexpr std::array<std::pair<std::string_view, Promise>, 4> kPromises = {
      {{"group", Promise::Group},
       {"strict", Promise::Strict},
       {"power", Promise::Power},
       {"process", Promise::Strict}}};
  static constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLevels = {
      {{"ERROR", LogLevel::Error},
       {"WARN", LogLevel::Warn},
       {"INFO", LogLevel::Info},
       {"VERBOSE", LogLevel::Verbose},
       {"DEBUG", LogLevel::Debug}}};
  static constexpr std::array<std::pair<std::string_view, LogFormat>, 2> kFormats = {
      {{"text", LogFormat::Text}, {"json", LogFormat::Json}}};
  return {
      {.key = "store",
       .variable = "STORE_PATH",
       .placeholder = "FILE",
       .fallback = "chat21.db",
       .group = kStore,
       .help = "the SQLite file; its folder must exist",
       .apply = apply_store},
      {.key = "durability",
       .variable = "STORE_DURABILITY",
       .placeholder = "WHAT",
       .fallback = "group",
       .group = kStore,
       .help = "what an accepted message survives. With rabbitmq, which keeps it until\n"
               "it is stored: group, strict: a killed server; power: also power loss.\n"
               "With embedded: group: a stop and a restart, what came just before a\n"
               "crash or kill -9 may be lost; strict: also these, slower; power: also\n"
               "power loss, slowest",
       .apply = choice(&Config::durability, kPromises)},
      {.key = "jwt-key",
       .short_flag = "key",
       .variable = "JWT_KEY",
       .placeholder = "KEY",
       .fallback = kDefaultJwtKey,
       .group = kTokens,
       .help = "key of the tokens, the same as the broker's. A flag can be seen in\n"
               "the list of processes: prefer the variable or the file",
       .apply = text(&Config::jwt_key, false),
       .show = Show::Never},
      {.key = "jwt-audience",
       .variable = "JWT_AUDIENCE",
       .placeholder = "NAME",
       .fallback = "rabbitmq",
       .group = kTokens,
       .help = "first audience of the tokens: the broker's resource_server_id",
       .apply = text(&Config::jwt_audience, false)},
      {.key = "log-level",
       .variable = "LOG_LEVEL",
       .placeholder = "LEVEL",
       .fallback = "INFO",
       .group = kLogging,
       .help = "ERROR, WARN, INFO, VERBOSE or DEBUG",
       .apply = choice(&Config::log_level, kLevels)},
      {.key = "log-format",
       .variable = "LOG_FORMAT",
       .placeholder = "FORMAT",
       .fallback = "text",
       .group = kLogging,
       .help = "text (key=value) or json, one line per entry, to stderr",
       .apply = choice(&Config::log_format, kFormats)},
  };
}

std::vector<Setting> declare_all() {
  std::vector<Setting> all = declare_engine_settings();
  for (auto part :
       {declare_work(), declare_rest(), declare_http_settings(), declare_later_settings()}) {
    all.insert(all.end(), std::make_move_iterator(part.begin()),
               std::make_move_iterator(part.end()));
  }
  return all;
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> kAll = declare_all();
  return kAll;
}

const Setting* find_setting(std::string_view key) {
  const auto& all = settings();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [key](const Setting& setting) { return setting.key == key; });
  return found == all.end() ? nullptr : &*found;
}

std::string shown(const Setting& setting, std::string_view value) {
  if (value.empty()) {
    return {};
  }
  switch (setting.show) {
    case Show::MaskedUri:
      return escape(mask_uri(value));
    case Show::Never:
      return "***";
    case Show::Plain:
      break;
  }
  return escape(value);
}

}  // namespace chat21::server
