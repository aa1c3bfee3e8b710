// What the broker writes to its log, line by line into ours.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "server/log.h"

namespace chat21::server {

// Thread rule: one thread. Bytes may be anything: strangers choose some of them.
class BrokerLog {
 public:
  using Clock = std::chrono::steady_clock;

  // Longer lines are cut. Lines that come faster are counted and left out, so that
  // strangers cannot fill a disk.
  static constexpr std::size_t kMaxLine = 1024;
  static constexpr std::size_t kMaxLinesPerSecond = 200;

  explicit BrokerLog(Log& log) : log_(log) {}

  void take(std::string_view bytes, Clock::time_point now);
  // The broker has ended: what has no end of line is the last one.
  void finish(Clock::time_point now);

  // Whether the broker has said that it listens, since the last begin().
  bool ready() const { return ready_; }
  // Of what it said since then, what may be the reason of its end: the last errors, or
  // else the last lines. May be empty.
  std::string reason() const;
  void begin();

 private:
  void add(std::string_view part);
  void end_line(Clock::time_point now);
  void forward(std::string_view line, LogLevel level, Clock::time_point now);

  Log& log_;
  std::string line_;
  std::deque<std::string> errors_;
  std::deque<std::string> lines_;
  bool ready_ = false;
  Clock::time_point second_{};  // when the count began
  std::size_t in_second_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace chat21::server
