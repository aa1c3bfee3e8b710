#include "server/file_lock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <poll.h>
#include <string_view>
#include <sys/file.h>

#include "server/log.h"
#include "server/values.h"

namespace chat21::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Between two looks at a lock whose holder is not known: it is about to name itself.
constexpr milliseconds kLook{50};

Error trouble(const std::filesystem::path& path, int error) {
  return fail(Error::Code::Unavailable,
              fmt::format("cannot lock {}: {}", escape(path.string()), std::strerror(error)));
}

// 0: not known.
pid_t holder(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view read(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const auto number = parse_number(read.substr(0, read.find('\n')));
  const bool good = number && *number <= std::numeric_limits<pid_t>::max();
  return good ? static_cast<pid_t>(*number) : 0;
}

// Returns when the holder has ended, `stop_fd` is readable, or the time is up.
void wait_for_end(pid_t process, int stop_fd, milliseconds left) {
  // A process that is gone is looked at again at once: its lock is free.
  const FileDescriptor ended = process > 0 ? watch_process(process) : FileDescriptor();
  std::array<pollfd, 2> fds{{{ended.get(), POLLIN, 0}, {stop_fd, POLLIN, 0}}};
  const auto longest = ended ? left : std::min(left, kLook);
  ::poll(fds.data(), fds.size(), static_cast<int>(longest.count()));
}

bool is_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return fd >= 0 && ::poll(&one, 1, 0) == 1;
}

}  // namespace

Result<FileLock> FileLock::take(const std::filesystem::path& path, milliseconds patience,
                                int stop_fd) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    return trouble(path, errno);
  }
  const auto deadline = Clock::now() + patience;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return trouble(path, errno);
    }
    const pid_t process = holder(fd.get());
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0 || is_readable(stop_fd)) {
      return fail(
          Error::Code::Unavailable,
          fmt::format("{} is locked by {}", escape(path.string()),
                      process > 0 ? fmt::format("the process {}", process) : "another process"));
    }
    wait_for_end(process, stop_fd, left);
  }
  FileLock lock(std::move(fd));
  lock.name(::getpid());
  return lock;
}

void FileLock::name(pid_t process) const {
  const std::string text = fmt::format("{}\n", process);
  // Who cannot read it waits as well, only less precisely.
  if (::ftruncate(fd(), 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(fd(), text.data(), text.size(), 0);
  }
}

}  // namespace chat21::server
