// Gateway: how the HTTP side changes anything. It publishes to the broker what
// services may publish, and the observer does the rest: one place where the store is
// written, one order of things, and what the broker has accepted is not lost.
//
// Safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chat21/result.h"

namespace chat21::server {

struct Outgoing {
  std::string routing_key, body;
};

class Gateway {
 public:
  virtual ~Gateway() = default;

  // Publishes in this order and returns once the broker has accepted all.
  // Errors: Unavailable; then some may have been accepted.
  virtual Result<> publish(std::vector<Outgoing> messages) = 0;

  enum class Done : std::uint8_t {
    Carried,  // the observer has stored and published all that follows from them
    Accepted  // the broker has them, the observer has not answered in time: it will
  };
  // publish(), and waits for the observer.
  virtual Result<Done> carry_out(std::vector<Outgoing> messages) = 0;
};

}  // namespace chat21::server
