// Who changes a group reads it, decides and has it written: two at the same time would
// undo each other. So whoever changes a group holds its lock until the change is in
// the store.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <string_view>

namespace chat21::server {

class GroupLocks {
 public:
  // Waits for everybody who holds the lock of this group, or, seldom, of another.
  [[nodiscard]] std::unique_lock<std::mutex> lock(std::string_view group) {
    return std::unique_lock(locks_[std::hash<std::string_view>()(group) % locks_.size()]);
  }

 private:
  std::array<std::mutex, 64> locks_;
};

}  // namespace chat21::server
