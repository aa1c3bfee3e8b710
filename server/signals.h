// SIGTERM and SIGINT for the time a server runs: the first asks it to stop, the
// second ends the process at once with 128 + its number.
//
// One object at a time. SIGHUP, SIGPIPE and SIGXFSZ are ignored as long as it
// lives.
#pragma once

#include <chrono>

namespace chat21::server {

class Signals {
 public:
  Signals() : Signals(nullptr, nullptr) {}
  // The first signal also calls `stopped.stop()`, inside of its handler. Borrows it.
  template <class Stopped>
  explicit Signals(Stopped& stopped)
      : Signals([](void* what) noexcept { static_cast<Stopped*>(what)->stop(); }, &stopped) {
    static_assert(noexcept(stopped.stop()));
  }
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The signal that asks to stop; 0 if there was none.
  int received() const;

  // Returns after `time`, or when a signal arrives or has arrived.
  void wait(std::chrono::milliseconds time) const;

  int fd() const;  // readable once a signal has arrived

 private:
  using Stop = void (*)(void*) noexcept;
  Signals(Stop stop, void* what);
};

}  // namespace chat21::server
