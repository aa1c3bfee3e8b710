// Wakes a poll() once. For the transports that wait for sockets of their own.
#pragma once

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace chat21 {

// raise() from any thread or signal handler; the rest from the owner's thread.
class WakeSignal {
 public:
  WakeSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~WakeSignal() {
    if (fd_ >= 0) ::close(fd_);
  }
  WakeSignal(const WakeSignal&) = delete;
  WakeSignal& operator=(const WakeSignal&) = delete;

  // False: the system is out of file descriptors, do not use this object.
  bool usable() const { return fd_ >= 0; }

  void raise() noexcept {
    const int interrupted = errno;
    const std::uint64_t one = 1;
    // Can only fail when the counter is full, and then it is raised already.
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
    errno = interrupted;
  }

  // Whether it was raised since the last call, once or more often.
  bool take() noexcept {
    std::uint64_t times = 0;
    return ::read(fd_, &times, sizeof times) == sizeof times;
  }

  int fd() const noexcept { return fd_; }  // readable until it is taken

 private:
  int fd_;
};

}  // namespace chat21
