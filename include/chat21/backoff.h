// How long to wait before the next attempt, to connect or to start something again.
//
// Thread rule: one object belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace chat21 {

// Exponential with full jitter: many that lost the same broker do not come back in
// step, and the first attempt comes almost at once.
class Backoff {
 public:
  // `cap` is positive. The core has no source of randomness: the seed is the caller's.
  Backoff(std::chrono::milliseconds cap, std::uint32_t seed) : cap_(cap), random_(seed) {}

  // 1 ms at the least, the cap at the most.
  std::chrono::milliseconds next();
  // A connection was lost after this time. Only one that has lasted ends the
  // growth: what fails again each time, as when a queue refuses a message, must
  // not be tried in a fast loop either.
  void lasted(std::chrono::milliseconds time) {
    if (time >= cap_) bound_ = kFirst;
  }

 private:
  static constexpr std::chrono::milliseconds kFirst{100};

  std::chrono::milliseconds cap_;
  std::chrono::milliseconds bound_ = kFirst;
  std::minstd_rand random_;
};

}  // namespace chat21
