// A message to hand to the broker.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "chat21/effects.h"

namespace chat21::mosquitto {

struct Outgoing {
  std::string topic;                            // MQTT form: levels separated by slashes
  std::unique_ptr<char, void (*)(void*)> body;  // made with malloc, so that the broker may keep it
  std::size_t size = 0;
};

Outgoing make_outgoing(const Publish& publish);

// What it counts against limits: what is written of it.
inline std::size_t bytes_of(const Outgoing& outgoing) {
  return outgoing.topic.size() + outgoing.size;
}

}  // namespace chat21::mosquitto
