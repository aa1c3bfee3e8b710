#include "chat21/backoff.h"

#include <algorithm>

namespace chat21 {

std::chrono::milliseconds Backoff::next() {
  using Distribution = std::uniform_int_distribution<std::chrono::milliseconds::rep>;
  const auto bound = std::min(bound_, cap_);
  // Never 0: a broker that refuses at once must not be asked in a tight loop.
  const std::chrono::milliseconds wait(Distribution(1, std::max(bound.count(), {1}))(random_));
  bound_ = std::min(bound_ * 2, cap_);
  return wait;
}

}  // namespace chat21
