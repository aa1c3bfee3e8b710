// Fate: everything in a simulated world that is left to chance, from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace chat21::testing {

// Thrown through whoever is at work when his process dies.
struct Death {};

// What the world must never show; thrown by whoever sees it first.
struct Violation {
  std::string what;
};

// What goes wrong, in ten thousandths of the occasions for it.
struct Faults {
  unsigned die = 0;               // at any step
  unsigned interleave = 0;        // others go on, at any step
  unsigned break_connection = 0;  // at any call
  unsigned restart_broker = 0;    // at any of its turns
  unsigned half_open = 0;         // of broken connections: the broker does not notice
  unsigned lose_confirms = 0;
  unsigned cut_publish = 0;  // before each message
  unsigned block_publishers = 0;
  unsigned fail_fetch = 0;
  unsigned fail_apply = 0;
  unsigned doubt_apply = 0;  // committed, and reported as failed
  unsigned repeat_to_client = 0;
  unsigned delay_settlement = 0;  // it is on its way for a while
  unsigned lose_sending = 0;      // of clients: before the broker has it
  unsigned lose_puback = 0;
};

class Fate {
 public:
  explicit Fate(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}

  // 0 to `end` - 1.
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(next() % end); }
  bool chance(unsigned in_ten_thousand) { return below(10000) < in_ten_thousand; }
  // Like chance(), and never in a calm world.
  bool strikes(unsigned in_ten_thousand) { return !calm_ && chance(in_ten_thousand); }

  // Between any two things that an observer does: it may die here, and others may go on.
  void step(std::string_view where) {
    may_die(where);
    if (interleave_ && strikes(faults.interleave)) interleave_();
  }
  void may_die(std::string_view where) {
    if (!strikes(faults.die)) return;
    if (is_traced()) say("  dies at: " + std::string(where));
    throw Death{};
  }

  void be_calm() { calm_ = true; }
  bool is_calm() const { return calm_; }
  void on_interleave(std::function<void()> others) { interleave_ = std::move(others); }

  void trace(std::function<void(const std::string&)> trace) { trace_ = std::move(trace); }
  bool is_traced() const { return static_cast<bool>(trace_); }
  void say(const std::string& line) const {
    if (trace_) trace_(line);
  }

  Faults faults;

 private:
  // splitmix64: the same on every platform, unlike the standard's distributions.
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_;
  bool calm_ = false;
  std::function<void()> interleave_;
  std::function<void(const std::string&)> trace_;
};

}  // namespace chat21::testing
