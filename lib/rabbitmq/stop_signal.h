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
  bool raised() const noexcept {
    seen_ = raised_.load(std::memory_order_acquire);
    return seen_;
  }

  // Readable once raised and ever after, so -1 (which poll ignores) once the
  // owner knows: he still has to wait for other things. Not before: between
  // raised() and poll() the signal would be missed.
  int fd() const noexcept { return seen_ ? -1 : fd_; }

 private:
  std::atomic<bool> raised_ = false;
  mutable bool seen_ = false;  // the owner's: raised() has told him
  int fd_;
};

}  // namespace chat21::rabbitmq
