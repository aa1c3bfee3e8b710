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
  struct Slot {
    std::timed_mutex mutex;
    bool settled = false;
  };

 public:
  // Held, or given up because that took longer than the patience.
  class Lock {
   public:
    // Until a time of this clock, for the thread sanitizer does not see what is locked by
    // the steady one.
    Lock(Slot& slot, std::chrono::milliseconds patience)
        : slot_(&slot), held_(slot.mutex, std::chrono::system_clock::now() + patience) {}

    bool held() const { return held_.owns_lock(); }

    // Whether the store has all that was published about the group: who reads it before
    // would undo a change that is still on its way. At first nobody knows, a process
    // that was here before may have left something.
    bool settled() const { return slot_->settled; }
    void settle(bool settled) { slot_->settled = settled; }

   private:
    Slot* slot_;
    std::unique_lock<std::timed_mutex> held_;
  };

  // `patience`: while the observer is away, those who change one group would each wait
  // for all before them, and at last nobody else could change anything.
  explicit GroupLocks(std::chrono::milliseconds patience) : patience_(patience) {}

  // Waits for everybody who holds the lock of this group, or, seldom, of another.
  [[nodiscard]] Lock lock(std::string_view group) {
    return Lock(slots_[std::hash<std::string_view>()(group) % slots_.size()], patience_);
  }

  // Of forgetting a group: in a store with very many users that takes the observer
  // seconds, in which it routes nothing. So one at a time, and nobody waits for it: who
  // asks for many must not get all workers.
  [[nodiscard]] std::unique_lock<std::mutex> try_lock_forgetting() {
    return {forgetting_, std::try_to_lock};
  }

 private:
  const std::chrono::milliseconds patience_;
  std::array<Slot, 64> slots_;
  std::mutex forgetting_;
};

}  // namespace chat21::server
