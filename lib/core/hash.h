// A hash that is the same in every process and version. Not proof against an adversary.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace chat21 {

inline constexpr std::uint64_t kHashBasis = 0xcbf29ce484222325ULL;

// FNV-1a (Fowler, Noll, Vo) with 64 bits, of the bytes of each part and a separator. Other
// bases give other hashes.
inline std::uint64_t hash(std::uint64_t basis, std::initializer_list<std::string_view> parts) {
  std::uint64_t state = basis;
  const auto add = [&](unsigned char byte) { state = (state ^ byte) * 0x100000001b3ULL; };
  for (const std::string_view part : parts) {
    for (const char byte : part) add(static_cast<unsigned char>(byte));
    add(0xFF);  // no part of UTF-8
  }
  return state;
}

}  // namespace chat21
