// How a setting reads its value into Config: the kinds that several settings share.
//
// What each returns takes a text and says what is allowed if it is not that.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "server/config.h"
#include "server/values.h"

namespace chat21::server {

using Apply = std::function<std::string(std::string_view, Config&)>;

template <class T>
Apply number(T Config::*member, std::uint64_t least, std::uint64_t most) {
  return [=](std::string_view text, Config& config) -> std::string {
    const auto value = parse_number(text);
    if (!value || *value < least || *value > most) {
      return fmt::format("must be {} to {}", least, most);
    }
    config.*member = static_cast<T>(*value);
    return {};
  };
}

// `range` says the limits as a user would write them.
inline Apply bytes(std::size_t Config::*member, std::uint64_t least, std::uint64_t most,
                   std::string_view range) {
  return [=](std::string_view text, Config& config) -> std::string {
    const auto value = parse_bytes(text);
    if (!value || *value < least || *value > most) {
      return fmt::format("must be a number of bytes (or KiB, MiB, GiB), {}", range);
    }
    config.*member = *value;
    return {};
  };
}

inline Apply duration(std::chrono::milliseconds Config::*member, std::chrono::milliseconds least,
                      std::chrono::milliseconds most, std::string_view range) {
  return [=](std::string_view text, Config& config) -> std::string {
    const auto value = parse_duration(text);
    if (!value || *value < least || *value > most) {
      return fmt::format("must be a time with its unit (ms, s, m, h), {}", range);
    }
    config.*member = *value;
    return {};
  };
}

inline Apply boolean(bool Config::*member) {
  return [=](std::string_view text, Config& config) -> std::string {
    const auto value = parse_bool(text);
    if (!value) {
      return "must be true or false";
    }
    config.*member = *value;
    return {};
  };
}

inline Apply text(std::string Config::*member, bool may_be_empty) {
  return [=](std::string_view value, Config& config) -> std::string {
    if (value.empty() && !may_be_empty) {
      return "must not be empty";
    }
    config.*member = value;
    return {};
  };
}

// Of an interface of this machine.
inline Apply address(std::string Config::*member) {
  return [=](std::string_view value, Config& config) -> std::string {
    config.*member = value;
    return is_ip_address(value) ? "" : "must be an IPv4 or IPv6 address of this machine";
  };
}

template <class T, std::size_t N>
Apply choice(T Config::*member, const std::array<std::pair<std::string_view, T>, N>& names) {
  return [=](std::string_view value, Config& config) -> std::string {
    std::string allowed;
    for (const auto& [name, meaning] : names) {
      if (to_lower(value) == to_lower(name)) {
        config.*member = meaning;
        return {};
      }
      allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", name);
    }
    return "must be one of " + allowed;
  };
}

}  // namespace chat21::server
