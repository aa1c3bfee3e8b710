// Wakes a poll() once.
#pragma once

namespace chat21::rabbitmq {

// raise() from any thread or signal handler; the rest from the owner's thread.
class WakeSignal {
 public:
  WakeSignal();
  ~WakeSignal();
  WakeSignal(const WakeSignal&) = delete;
  WakeSignal& operator=(const WakeSignal&) = delete;

  // False: the system is out of file descriptors, do not use this object.
  bool usable() const { return fd_ >= 0; }

  void raise() noexcept;
  // Whether it was raised since the last call, once or more often.
  bool take() noexcept;

  int fd() const noexcept { return fd_; }  // readable until it is taken

 private:
  int fd_;
};

}  // namespace chat21::rabbitmq
