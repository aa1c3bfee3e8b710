// Pulse: tells whoever has started the broker that the broker's thread runs.
#pragma once

#include <chrono>

namespace chat21::mosquitto {

// Thread rule: the broker's thread.
class Pulse {
 public:
  using Clock = std::chrono::steady_clock;

  // The environment has it from chat21-server: the number of an eventfd.
  static constexpr const char* kVariable = "CHAT21_PULSE_FD";

  // Null, or what is no eventfd: it beats nowhere.
  explicit Pulse(const char* descriptor);

  // At most once a second: call it as often as there is an occasion.
  void beat(Clock::time_point now);

 private:
  int fd_ = -1;
  Clock::time_point next_{};
};

}  // namespace chat21::mosquitto
