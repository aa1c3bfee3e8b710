// How long to wait before the next attempt to connect.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace chat21::rabbitmq {

// Exponential with full jitter: many observers that lost the same broker do not
// come back in step, and the first attempt comes almost at once.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds cap, std::uint32_t seed) : cap_(cap), random_(seed) {}

  std::chrono::milliseconds next();
  void reset() { bound_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{100};

  std::chrono::milliseconds cap_;
  std::chrono::milliseconds bound_ = kFirst;
  std::minstd_rand random_;
};

}  // namespace chat21::rabbitmq
