// Reading the values of settings: text in, typed value or nothing out.
//
// Pure functions. What is allowed is said by the setting (settings.cc), so that
// every complaint has the same form.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chat21::server {

// true, 1, yes, on and their opposites, in any case.
std::optional<bool> parse_bool(std::string_view text);

// Decimal digits and nothing else; empty for what does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);

// A number with a unit: 500ms, 30s, 5m, 12h, 30d.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// A number of bytes, also with a unit: 4096, 64KiB, 1MiB, 1GiB.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

// The items of a comma list, without the blanks around them; empty ones are left out.
std::vector<std::string_view> split_list(std::string_view text);

std::string to_lower(std::string_view text);  // ASCII

bool is_ip_address(std::string_view text);  // IPv4 or IPv6, in numbers

// Whether `text` is scheme://host..., with one of the schemes.
bool is_uri(std::string_view text, std::initializer_list<std::string_view> schemes);

// A URI as it may be shown: without user and password, and without the values of
// parameters other than `heartbeat`, which may be keys.
std::string mask_uri(std::string_view uri);

// The candidate that `word` is most likely a slip of; empty if none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace chat21::server
