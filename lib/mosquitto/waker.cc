#include "lib/mosquitto/waker.h"

#include <signal.h>

namespace chat21::mosquitto {
namespace {

constexpr int kSignal = SIGURG;

void do_nothing(int) {}

bool has_handler() {
  struct sigaction now {};
  sigaction(kSignal, nullptr, &now);
  return (now.sa_flags & SA_SIGINFO) != 0 ||
         (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN);
}

}  // namespace

Waker::Waker() : sleeper_(pthread_self()), installed_(!has_handler()) {
  if (!installed_) return;
  struct sigaction action {};
  action.sa_handler = do_nothing;
  action.sa_flags = SA_RESTART;  // other calls go on; epoll_wait() never does
  sigaction(kSignal, &action, nullptr);
}

Waker::~Waker() {
  // The handler's code goes when the plugin is unloaded.
  if (installed_) signal(kSignal, SIG_DFL);
}

void Waker::wake() const {
  pthread_kill(sleeper_, kSignal);
}

}  // namespace chat21::mosquitto
