// LogLimit: lets a few lines a second through, so that strangers cannot fill the log.
//
// Thread rule: like any value, one object belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

namespace chat21::mosquitto {

class LogLimit {
 public:
  using Now = std::chrono::sys_seconds;

  explicit LogLimit(std::uint32_t lines_a_second) : most_(lines_a_second) {}

  // Whether the line may be written now.
  bool pass(Now now) {
    if (now != second_) {
      second_ = now;
      written_ = 0;
    }
    if (written_ < most_) {
      ++written_;
      return true;
    }
    ++left_out_;
    return false;
  }

  // How many lines were left out since it was asked last; 0 while there may be more in
  // the same second, so that saying it fills no log either.
  std::uint64_t take_left_out(Now now) { return now == second_ ? 0 : std::exchange(left_out_, 0); }

 private:
  std::uint32_t most_;
  std::uint32_t written_ = 0;
  std::uint64_t left_out_ = 0;
  Now second_{};
};

}  // namespace chat21::mosquitto
