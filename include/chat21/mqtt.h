// Transport over MQTT 3.1.1 (libmosquitto 2.0), for services that publish to an observer
// behind an MQTT broker and wait for its answers. What arrives is acknowledged on
// arrival, so it is lost with the process: not a queue for an Observer to work from.
// And what is published to the filters while there is no connection never arrives.
//
// Topics and filters are written as routing keys here: levels separated by dots. A dot
// within a level of a topic arrives as a slash, which is part of no valid id.
//
// The keepalive is serviced inside receive() and publish(): call receive() at least
// every few seconds, also when there is nothing to do.
//
// Thread rule: one thread; stop() and wake() alone may be called from any thread or
// from a signal handler. libmosquitto makes the whole process ignore SIGPIPE.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chat21/result.h"
#include "chat21/transport.h"

namespace chat21 {

struct MqttOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
  std::string client_id{};  // not empty, unique at the broker
  std::string user = "JWT";
  // Asked for before every connect, on the transport's thread: tokens expire. Without
  // it neither user nor password is sent.
  std::function<std::string()> password{};
  // Subscribed to at QoS 1 after every connect, with * for one level and # for the
  // rest. None: only publishes.
  std::vector<std::string> filters{};

  std::size_t prefetch = 256;              // deliveries handed out and not settled
  std::size_t publish_window = 1000;       // publishes sent and not acknowledged, 1 to 65535
  std::size_t max_body_bytes = 1U << 20U;  // of a delivery; the rest of a larger body is dropped
  // Of deliveries that are not settled. From then on receive() reads no more; publish()
  // has to, and gives the connection up when there are twice as many.
  std::size_t max_held_bytes = 64U << 20U;

  std::chrono::seconds keepalive{10};  // 5 to 65535; a silent broker is noticed after twice that
  std::chrono::milliseconds connect_timeout{5000};   // from the address to the last subscription
  std::chrono::milliseconds publish_timeout{30000};  // without any acknowledgement
  std::chrono::milliseconds reconnect_max{10000};    // cap of the jittered exponential backoff

  // Told when something changes: connected, lost. On the transport's thread.
  enum class Level : std::uint8_t { Info, Warning };
  std::function<void(Level, const std::string&)> log{};
};

// Beyond what every Transport promises: publish() connects as well, and waits at most
// connect_timeout for it. A broker that is away is waited for by receive(); one that
// refuses us or a filter is an error (Unavailable) each time, and tried again with the
// next call. Deliveries survive a lost connection: they are offered again by this object.
//
// publish() refuses, with InvalidArgument and before anything is sent, a batch with a
// routing key that is empty, longer than kMaxRoutingKey, not UTF-8, begins with $, or
// contains / + # or a control character: it cannot be a topic.
class MqttTransport : public Transport {
 public:
  // Makes receive(), publish() and every wait inside return soon, for good. What has
  // arrived before is still handed out.
  virtual void stop() noexcept = 0;
  // Makes a receive() that waits, or else the next one, return soon. An attempt to
  // connect, at most connect_timeout, is finished first.
  virtual void wake() noexcept = 0;
  // As far as is known: all filters are subscribed to, and nothing has failed since.
  virtual bool connected() const = 0;
};

// Checks the options; does not connect yet: that is done, and repeated, by receive() and
// publish(). Errors: InvalidArgument, and Unavailable without file descriptors.
Result<std::unique_ptr<MqttTransport>> make_mqtt_transport(MqttOptions options);

}  // namespace chat21
