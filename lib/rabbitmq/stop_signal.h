// A flag that also wakes a poll().
#pragma once

#include <atomic>

namespace chat21::rabbitmq {

// raise() from any thread or signal handler; the rest from the owner's thread.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // False: the system is out of file descriptors, do not use this object.
  bool usable() const { return fd_ >= 0; }

  void raise() noexcept;
  bool raised() const noexcept { return raised_.load(std::memory_order_acquire); }

  // Readable once raised and ever after, so -1 (which poll ignores) from then
  // on: who saw the signal still has to wait for other things.
  int fd() const noexcept { return raised() ? -1 : fd_; }

 private:
  std::atomic<bool> raised_ = false;
  int fd_;
};

}  // namespace chat21::rabbitmq
