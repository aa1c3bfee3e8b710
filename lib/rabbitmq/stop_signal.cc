#include "lib/rabbitmq/stop_signal.h"

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace chat21::rabbitmq {

static_assert(std::atomic<bool>::is_always_lock_free, "raise() is called by signal handlers");

StopSignal::StopSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

StopSignal::~StopSignal() {
  if (fd_ >= 0) ::close(fd_);
}

void StopSignal::raise() noexcept {
  const int interrupted = errno;
  raised_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then it is readable already.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  errno = interrupted;
}

}  // namespace chat21::rabbitmq
