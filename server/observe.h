// The loop of the server: runs an Observer until it is told to stop or cannot go
// on, and says what happens.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "chat21/attempts.h"
#include "chat21/effects.h"
#include "chat21/observer.h"
#include "chat21/rabbitmq.h"
#include "chat21/router.h"
#include "chat21/store.h"

#include "server/health.h"
#include "server/log.h"
#include "server/signals.h"

namespace chat21::server {

// Counts events and logs them: what was rejected as a warning, the rest for
// debugging. Bodies are never logged.
class Journal {
 public:
  explicit Journal(Log& log) : log_(log) {}
  void note(const Event& event);
  std::string summary() const;  // "message-sent=12 message-rejected/malformed=1"

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(Event::Kind::Rejected) + 1;

  Log& log_;
  std::array<std::uint64_t, kKinds> events_{};
  std::array<std::uint64_t, kOutcomes> rejected_{};
};

struct ObserveOptions {
  std::uint64_t seed = 0;
  std::size_t max_body_bytes = 1U << 20U;
  bool auto_restart = true;  // false: the first lost or failed connection is the end
  // The longest wait for deliveries, and the pause after a turn that failed.
  std::chrono::milliseconds turn{250};
  std::chrono::milliseconds report_every{60000};
  // Told of what is wrong with "broker" and "store". Borrowed; may be null.
  Health* health = nullptr;
  // Who was worked on when the server died. Borrowed; may be null.
  Attempts* attempts = nullptr;
};

// Returns the exit status: 0 after a signal, 1 when it cannot go on.
int observe(RabbitmqTransport& transport, Store& store, const ObserveOptions& options, Log& log,
            const Signals& signals);

}  // namespace chat21::server
