// Journal: what the observer's thread has to say, until the broker's thread logs it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/effects.h"

namespace chat21::mosquitto {

// Lines about messages that were rejected. Strangers cause them: they are escaped and
// cut, and of a flood only the first ones of each second are kept, the rest is counted.
class Journal {
 public:
  using Clock = std::chrono::steady_clock;

  // The observer's thread.
  void note(const Event& event, Clock::time_point now);

  // The broker's thread.
  std::vector<std::string> take(Clock::time_point now);

 private:
  static constexpr std::size_t kMostLines = 10;  // of a period
  static constexpr std::chrono::seconds kPeriod{1};

  void begin_period(Clock::time_point now);

  std::mutex mutex_;
  std::vector<std::string> lines_;
  Clock::time_point began_{};
  std::size_t noted_ = 0;       // since then
  std::size_t suppressed_ = 0;  // of them
};

// `text` in printable ASCII, so that it can neither end a quotation or a line nor steer a
// terminal: other bytes become \xNN. Of a longer text the first `limit` bytes.
std::string quotable(std::string_view text, std::size_t limit = 512);

}  // namespace chat21::mosquitto
