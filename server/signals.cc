#include "server/signals.h"

#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace chat21::server {
namespace {

// A handler reaches nothing but globals. All of these are lock-free.
std::atomic<void (*)(void*) noexcept> g_stop = nullptr;
std::atomic<void*> g_stopped = nullptr;
std::atomic<int> g_received = 0;
std::atomic<int> g_wake_up = -1;  // an eventfd, readable once a signal has arrived

constexpr std::array kStopSignals = {SIGTERM, SIGINT};
// SIGXFSZ: a store that reaches a limit of the system is full, which it says as
// an error, and is no reason to die.
constexpr std::array kIgnoredSignals = {SIGHUP, SIGPIPE, SIGXFSZ};

struct sigaction g_before[kStopSignals.size() + kIgnoredSignals.size()];

void on_stop_signal(int number) {
  const int saved_errno = errno;
  int none = 0;
  if (!g_received.compare_exchange_strong(none, number)) {
    _exit(128 + number);
  }
  const std::uint64_t one = 1;
  // Cannot fail: the counter of an eventfd has room for far more than one.
  [[maybe_unused]] const auto written = ::write(g_wake_up, &one, sizeof one);
  if (const auto stop = g_stop.load()) {
    stop(g_stopped);
  }
  errno = saved_errno;
}

}  // namespace

Signals::Signals(Stop stop, void* what) {
  static_assert(std::atomic<Stop>::is_always_lock_free && std::atomic<void*>::is_always_lock_free &&
                std::atomic<int>::is_always_lock_free);
  assert(g_wake_up == -1 && "one Signals at a time");
  g_received = 0;
  g_wake_up = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_stopped = what;
  g_stop = stop;
  struct sigaction action = {};
  auto* before = g_before;
  action.sa_handler = on_stop_signal;
  for (const int number : kStopSignals) {
    ::sigaction(number, &action, before++);
  }
  action.sa_handler = SIG_IGN;
  for (const int number : kIgnoredSignals) {
    ::sigaction(number, &action, before++);
  }
}

Signals::~Signals() {
  const auto* before = g_before;
  for (const int number : kStopSignals) {
    ::sigaction(number, before++, nullptr);
  }
  for (const int number : kIgnoredSignals) {
    ::sigaction(number, before++, nullptr);
  }
  g_stop = nullptr;
  ::close(g_wake_up.exchange(-1));
}

int Signals::received() const {
  return g_received;
}

int Signals::fd() const {
  return g_wake_up;
}

void Signals::wait(std::chrono::milliseconds time) const {
  pollfd woken = {g_wake_up, POLLIN, 0};
  // Returns early for any other signal too, which harms nobody.
  ::poll(&woken, 1, static_cast<int>(time.count()));
}

}  // namespace chat21::server
