// Who changes a group reads it, decides and has it written: two at the same time would
// undo each other. So whoever changes a group holds its lock until the change is in
// the store.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <string_view>

namespace chat21::server {

class GroupLocks {
 public:
  using Lock = std::unique_lock<std::timed_mutex>;

  // `patience`: while the observer is away, those who change one group would each wait
  // for all before them, and at last nobody else could change anything.
  explicit GroupLocks(std::chrono::milliseconds patience) : patience_(patience) {}

  // Waits for everybody who holds the lock of this group, or, seldom, of another. Not
  // held if that takes longer than the patience.
  [[nodiscard]] Lock lock(std::string_view group) {
    return Lock(locks_[std::hash<std::string_view>()(group) % locks_.size()], patience_);
  }

 private:
  const std::chrono::milliseconds patience_;
  std::array<std::timed_mutex, 64> locks_;
};

}  // namespace chat21::server
