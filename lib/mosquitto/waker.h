// Waker: ends the sleep of the thread that made it, from another thread.
//
// Mosquitto sleeps in epoll_wait() up to 100 ms and offers plugins nothing to end that;
// but any signal that has a handler does. SIGURG is used: its default is to be ignored,
// so nobody dies of it, and Mosquitto has no use for it.
#pragma once

#include <pthread.h>

namespace chat21::mosquitto {

class Waker {
 public:
  // Installs a handler that does nothing, unless the program has one.
  Waker();
  // Takes it away again. Nobody may wake any more.
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // From any thread. A sleep that begins just after this is not ended.
  void wake() const;

 private:
  pthread_t sleeper_;
  bool installed_ = false;
};

}  // namespace chat21::mosquitto
