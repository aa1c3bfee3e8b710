// What the targets have in common: how they read what libFuzzer gives them, and how they
// say that a promise is broken.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace chat21::tests {

// Ends the process with a message that libFuzzer and the replay show.
inline void promise(bool kept, std::string_view what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

// Control characters, which JSON texts and ids do not have: inputs stay readable.
inline constexpr char kBetweenParts = '\x1F';
inline constexpr char kBetweenItems = '\x1E';

// The part before `separator`; `rest` goes on after it.
inline std::string_view take_until(std::string_view& rest, char separator) {
  const std::string_view part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

// The next byte; 0 if there is none.
inline unsigned take_byte(std::string_view& rest) {
  if (rest.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(rest.front());
  rest.remove_prefix(1);
  return byte;
}

// Always at least one part, which may be empty.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  do {
    parts.push_back(take_until(text, separator));
  } while (!text.empty());
  return parts;
}

}  // namespace chat21::tests
