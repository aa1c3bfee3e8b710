// Keeps the broker of the embedded engine running: starts it, takes its log, starts it
// again when it ends, and stops it.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "chat21/result.h"

#include "server/health.h"
#include "server/log.h"

namespace chat21::server {

struct SupervisorOptions {
  std::vector<std::string> command{};      // the program's path first
  std::vector<std::string> environment{};  // NAME=value
  // Locked by the broker as long as it runs, so that one that a killed server has left
  // behind is waited for.
  std::filesystem::path lock{};
  bool restart = true;  // false: its first end is the last
  std::chrono::milliseconds start_timeout{60000};
  std::chrono::milliseconds stop_timeout{10000};  // then it is killed
  std::chrono::milliseconds leftover_timeout{15000};
  // How long it may give no sign of life, which it does on the eventfd whose number is in
  // its environment as CHAT21_PULSE_FD. After the first time that is in `health`, after the
  // second it is killed. The first is longer than a locked store holds the broker up.
  std::chrono::milliseconds quiet{8000};
  std::chrono::milliseconds silence{60000};
  // Between its end and the next start: doubled each time, and jittered.
  std::chrono::milliseconds first_pause{200};
  std::chrono::milliseconds longest_pause{10000};
  std::chrono::milliseconds settled{30000};  // who ran that long begins with first_pause
};

class Supervisor {
 public:
  // Starts the broker, on a thread of its own. Why it does not run is "broker" in
  // `health`. Borrows both.
  Supervisor(SupervisorOptions options, Health& health, Log& log);
  ~Supervisor();  // as stop()
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Waits until the broker listens for the first time, or `stop_fd` is readable, which is
  // no error. Error (Unavailable): why it could not start; it is not tried again.
  Result<> wait_ready(int stop_fd) const;

  // Readable once the broker has ended for good, stopped or not.
  int ended_fd() const;

  // Asks the broker to end, and waits for it.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The environment of this process without the settings of the server, some of which are
// secret.
std::vector<std::string> broker_environment();

}  // namespace chat21::server
