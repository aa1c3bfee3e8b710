#include "lib/mosquitto/waker.h"

#include <atomic>
#include <csignal>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>

namespace chat21::mosquitto {
namespace {

// Sleeps as the broker does, without an end, while another thread wakes it.
void sleep_until_woken(const Waker& waker) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::atomic<bool> awake = false;
  std::thread other([&] {
    while (!awake) {
      waker.wake();
      std::this_thread::yield();
    }
  });
  epoll_event event{};
  EXPECT_EQ(epoll_wait(epoll, &event, 1, -1), -1);
  EXPECT_EQ(errno, EINTR);
  awake = true;
  other.join();
  close(epoll);
}

struct sigaction handler_now() {
  struct sigaction action {};
  sigaction(SIGURG, nullptr, &action);
  return action;
}

TEST(Waker, EndsTheSleepOfTheThreadThatMadeIt) {
  const Waker waker;
  sleep_until_woken(waker);
}

TEST(Waker, TakesItsHandlerAway) {
  {
    const Waker waker;
    EXPECT_NE(handler_now().sa_handler, SIG_DFL);
  }
  EXPECT_EQ(handler_now().sa_handler, SIG_DFL);
}

volatile std::sig_atomic_t signals = 0;

TEST(Waker, LeavesAHandlerThatIsThere) {
  const auto before = std::signal(SIGURG, [](int) { signals = signals + 1; });
  {
    const Waker waker;
    sleep_until_woken(waker);
    EXPECT_GT(signals, 0);
  }
  EXPECT_NE(handler_now().sa_handler, SIG_DFL);
  std::signal(SIGURG, before);
}

}  // namespace
}  // namespace chat21::mosquitto
