#include "lib/core/message_ids.h"

#include <algorithm>
#include <cstddef>

namespace chat21 {
namespace {

constexpr std::uint32_t kCounterEnd = 1U << 12U;

bool is_dash(std::size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

std::array<char, kMessageIdBytes> format(std::uint64_t high, std::uint64_t low) {
  constexpr char kHex[] = "0123456789abcdef";
  std::array<char, kMessageIdBytes> text{};
  unsigned digit = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash(i)) {
      text[i] = '-';
      continue;
    }
    const std::uint64_t half = digit < 16 ? high : low;
    text[i] = kHex[(half >> (60U - 4U * (digit % 16U))) & 0xFU];
    ++digit;
  }
  return text;
}

// -1 for anything but a lower-case hex digit.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::array<char, kMessageIdBytes> MessageIds::next(Time now) {
  const auto now_ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 0));
  if (now_ms > last_ms_) {
    last_ms_ = now_ms;
    // The counter's first bit is left free, so that there is room to count.
    counter_ = static_cast<std::uint32_t>(random_() & (kCounterEnd / 2 - 1));
  } else if (++counter_ == kCounterEnd) {
    ++last_ms_;
    counter_ = 0;
  }
  constexpr std::uint64_t kVersion7 = 0x7000;
  constexpr std::uint64_t kVariant = 0x8000000000000000ULL;
  const std::uint64_t high = (last_ms_ << 16U) | kVersion7 | counter_;
  return format(high, kVariant | (random_() >> 2U));
}

std::optional<Time> time_of_message_id(std::string_view id) {
  if (id.size() != kMessageIdBytes || id[14] != '7') return std::nullopt;
  std::int64_t milliseconds = 0;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (is_dash(i)) {
      if (id[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(id[i]);
    if (value < 0) return std::nullopt;
    if (i < 13) milliseconds = milliseconds * 16 + value;
  }
  return Time(std::chrono::milliseconds(milliseconds));
}

}  // namespace chat21
