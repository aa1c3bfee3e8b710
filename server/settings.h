// The declarations of all settings. One entry gives the flag, the environment
// variables, the key of the configuration file, the default, the help and the
// check.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chat21::server {

struct Config;

struct Setting {
  enum class Shape : std::uint8_t { Value, Switch, List };
  enum class Show : std::uint8_t { Plain, MaskedUri, Never };

  std::string_view key{};          // the flag without its dashes, and the key in the file
  std::string_view short_flag{};   // another name of the flag; may be empty
  std::string_view variable{};     // of the environment
  std::string_view alias{};        // read if `variable` is not set; may be empty
  std::string_view placeholder{};  // of the value, in the help
  std::string_view fallback{};     // the default, written as a user would
  std::string_view group{};        // heading in the help; empty: not shown
  std::string_view help{};
  // Stores a value. Returns what is allowed ("must be ...") if it is not that.
  std::function<std::string(std::string_view, Config&)> apply{};
  Shape shape = Shape::Value;
  Show show = Show::Plain;
  // The engine that has it, in the words of the setting; empty: all.
  std::string_view engine{};
  // If not empty, this version takes the value and does nothing with it: the
  // feature it belongs to.
  std::string_view missing_feature{};
};

const std::vector<Setting>& settings();

const Setting* find_setting(std::string_view key);

// The parts of them that are in settings_engine.cc, settings_http.cc and settings_later.cc.
std::vector<Setting> declare_engine_settings();
std::vector<Setting> declare_http_settings();
std::vector<Setting> declare_later_settings();

// A value of the setting as it may be printed.
std::string shown(const Setting& setting, std::string_view value);

inline constexpr std::string_view kRabbitmq = "rabbitmq";
inline constexpr std::string_view kEmbedded = "embedded";

inline constexpr std::string_view kDefaultJwtKey = "tokenKey";
inline constexpr std::string_view kDefaultJwtKeyWarning =
    "JWT_KEY is the well-known default: whoever reaches a broker with this key can make tokens "
    "for any user; set an own key here and at the broker";

}  // namespace chat21::server
