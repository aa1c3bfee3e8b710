// Message ids: UUID version 7 (RFC 9562 §5.7), each greater than the one before.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

#include "chat21/delivery.h"
#include "chat21/topic.h"

namespace chat21 {

inline constexpr std::size_t kMessageIdBytes = kMaxMessageId;

// Equal seeds and times give equal ids. One thread at a time.
class MessageIds {
 public:
  explicit MessageIds(std::uint64_t seed) : random_(seed) {}

  // A clock that steps back does not make an id smaller: the time of the last
  // one is used again.
  std::array<char, kMessageIdBytes> next(Time now);

 private:
  std::mt19937_64 random_;
  std::uint64_t last_ms_ = 0;
  // 12 bits that count within a millisecond (RFC 9562 §6.2, method 1).
  std::uint32_t counter_ = 0;
};

// The time in a version 7 id; nothing for any other text.
std::optional<Time> time_of_message_id(std::string_view id);

}  // namespace chat21
