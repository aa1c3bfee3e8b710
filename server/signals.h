// SIGTERM and SIGINT for the time a server runs: the first asks it to stop, the
// second ends the process at once with 128 + its number.
//
// One object at a time. SIGHUP, SIGPIPE and SIGXFSZ are ignored as long as it
// lives.
#pragma once

#include <chrono>

#include "chat21/rabbitmq.h"

namespace chat21::server {

class Signals {
 public:
  // Stops `transport` with the first signal. Borrows it.
  explicit Signals(RabbitmqTransport& transport);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The signal that asks to stop; 0 if there was none.
  int received() const;

  // Returns after `time`, or when a signal arrives or has arrived.
  void wait(std::chrono::milliseconds time) const;
};

}  // namespace chat21::server
