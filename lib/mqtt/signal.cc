#include "lib/mqtt/signal.h"

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace chat21::mqtt {

Signal::Signal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Signal::~Signal() {
  if (fd_ >= 0) ::close(fd_);
}

void Signal::raise() noexcept {
  const int interrupted = errno;
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then it is raised already.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  errno = interrupted;
}

bool Signal::take() noexcept {
  std::uint64_t times = 0;
  return ::read(fd_, &times, sizeof times) == sizeof times;
}

}  // namespace chat21::mqtt
