// Wakes a poll() once.
#pragma once

namespace chat21::mqtt {

// raise() from any thread or signal handler; the rest from the owner's thread.
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  // False: the system is out of file descriptors, do not use this object.
  bool usable() const { return fd_ >= 0; }

  void raise() noexcept;
  // Whether it was raised since the last call, once or more often.
  bool take() noexcept;

  int fd() const noexcept { return fd_; }  // readable until it is taken

 private:
  int fd_;
};

}  // namespace chat21::mqtt
