#include "lib/rabbitmq/confirm_window.h"

#include <cassert>

namespace chat21::rabbitmq {

void ConfirmWindow::sent() {
  assert(!full());
  waiting_[next_ % waiting_.size()] = true;
  ++next_;
  ++unconfirmed_;
}

std::size_t ConfirmWindow::confirm(std::uint64_t number, bool all_before_too) {
  // "All before" number 0 means all there are.
  if (all_before_too && number == 0) number = next_ - 1;
  if (number < oldest_ || number >= next_) return 0;

  std::size_t confirmed = 0;
  if (all_before_too) {
    for (std::uint64_t n = oldest_; n <= number; ++n) confirmed += confirm_one(n);
  } else {
    confirmed = confirm_one(number);
  }
  while (oldest_ < next_ && !waiting_[oldest_ % waiting_.size()]) ++oldest_;
  return confirmed;
}

void ConfirmWindow::restart() {
  waiting_.assign(waiting_.size(), false);
  oldest_ = next_ = 1;
  unconfirmed_ = 0;
}

std::size_t ConfirmWindow::confirm_one(std::uint64_t number) {
  const auto slot = number % waiting_.size();
  if (!waiting_[slot]) return 0;
  waiting_[slot] = false;
  --unconfirmed_;
  return 1;
}

}  // namespace chat21::rabbitmq
