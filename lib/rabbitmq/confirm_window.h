// Which publishes the broker has not confirmed yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chat21::rabbitmq {

// Publishes of a confirm channel are numbered from 1. Confirms come one by one
// or for all up to a number, in any order.
class ConfirmWindow {
 public:
  explicit ConfirmWindow(std::size_t capacity) : waiting_(capacity) {}

  std::size_t unconfirmed() const { return unconfirmed_; }
  // Also when the oldest publish is as far behind as the window is wide.
  bool full() const { return next_ - oldest_ == waiting_.size(); }

  // REQUIRES: !full()
  void sent();

  // Returns how many were confirmed by it. 0: the broker confirmed what it
  // cannot have, the channel is out of step.
  std::size_t confirm(std::uint64_t number, bool all_before_too);

  void restart();

 private:
  std::size_t confirm_one(std::uint64_t number);  // 1, or 0: it did not wait

  std::vector<bool> waiting_;  // of number n at n % size
  std::uint64_t oldest_ = 1;   // that may be unconfirmed
  std::uint64_t next_ = 1;
  std::size_t unconfirmed_ = 0;
};

}  // namespace chat21::rabbitmq
