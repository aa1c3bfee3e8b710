// Asks an observer that is in another process whether it works, for GET /ready.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "server/api/gateway.h"
#include "server/health.h"

namespace chat21::server {

class ObserverProbe {
 public:
  // Sends a fence through the gateway, and another `interval` after its answer. While the
  // observer does not answer that is "observer" in `health`; what the gateway itself knows
  // to be wrong is not. Borrows both.
  ObserverProbe(Gateway& gateway, Health& health, std::chrono::milliseconds interval);

  // A question that is under way is waited for: whoever can stop the gateway does it before.
  ~ObserverProbe();
  ObserverProbe(const ObserverProbe&) = delete;
  ObserverProbe& operator=(const ObserverProbe&) = delete;

 private:
  void run();
  void ask();

  Gateway& gateway_;
  Health& health_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace chat21::server
