#include "lib/rabbitmq/dial.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace chat21::rabbitmq {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

Error unavailable(std::string why) {
  return fail(Error::Code::Unavailable, std::move(why));
}

Error system_error(int number) {
  return unavailable(std::generic_category().message(number));
}

// 0, or the number of the system's error.
int wait_until_connected(int fd, SteadyTime deadline, const StopSignal& stop) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return ETIMEDOUT;
    if (stop.raised()) return ECANCELED;
    std::array<pollfd, 2> fds{{{fd, POLLOUT, 0}, {stop.fd(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return errno;
    }
    if (fds[0].revents == 0) continue;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
  }
}

Result<int> connect_to(const addrinfo& address, SteadyTime deadline, const StopSignal& stop) {
  const int fd = ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          address.ai_protocol);
  if (fd < 0) return system_error(errno);
  // A batch ends with a small frame; Nagle's algorithm would hold it back.
  const int on = 1;
  int error = 0;
  if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      ::connect(fd, address.ai_addr, address.ai_addrlen) != 0) {
    error = errno;
  }
  if (error == EINPROGRESS) error = wait_until_connected(fd, deadline, stop);
  if (error == 0) return fd;
  ::close(fd);
  return system_error(error);
}

}  // namespace

Result<int> dial(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout,
                 const StopSignal& stop) {
  addrinfo hint{};
  hint.ai_family = AF_UNSPEC;
  hint.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hint, &found);
      error != 0) {
    return unavailable("cannot resolve the host name: " + std::string(::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);

  std::vector<const addrinfo*> candidates;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) candidates.push_back(a);

  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Result<int> last = unavailable("the host name has no address");
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    // An address that never answers leaves the others their share of the time.
    const auto now = std::chrono::steady_clock::now();
    const auto share = (deadline - now) / static_cast<int>(candidates.size() - i);
    last = connect_to(*candidates[i], now + share, stop);
    if (last || stop.raised()) break;
  }
  return last;
}

}  // namespace chat21::rabbitmq
