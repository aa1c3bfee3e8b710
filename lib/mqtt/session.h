// One connection to the broker, from CONNECT until it is lost or given up.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/mqtt.h"
#include "chat21/result.h"

#include "lib/mqtt/inbox.h"

struct mosquitto;
struct mosquitto_message;

namespace chat21::mqtt {

// Errors of all methods: Unavailable. After one the session is of no use.
class Session {
 public:
  // Borrows both. What arrives goes to the inbox.
  Session(const MqttOptions& options, Inbox& inbox) : options_(options), inbox_(inbox) {}
  ~Session();  // says goodbye, if that can be done without waiting
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Begins to connect to the address, which is numeric. What follows is up to serve().
  Result<> start(const std::string& address);

  int fd() const;
  // What poll() should wait for.
  short events() const;
  // Whatever is due: reads and writes as far as poll() said, and the keepalive. Does
  // not wait. Call it once a second at the least.
  Result<> serve(short revents);
  // Reads what has arrived, a full inbox or not one packet at the least, without waiting.
  Result<> read_all();

  // The broker has let us in.
  bool accepted() const { return connack_ == 0; }
  // It does not want us, and said so.
  bool refused() const { return connack_.value_or(0) != 0; }

  // Asks for it. REQUIRES: accepted()
  Result<> subscribe(const std::string& filter);
  // True once all that was asked for is granted. The error names the filter.
  Result<bool> subscribed() const;
  // The first one that is not answered. REQUIRES: there is one
  std::string_view pending_filter() const;

  Result<> publish(const std::string& topic, std::string_view body);
  // More would only be kept in memory until the socket takes it.
  bool congested() const;
  std::size_t published() const { return published_; }
  std::size_t acknowledged() const { return acknowledged_; }

 private:
  struct Subscription {
    int mid = 0;
    std::string filter;
    std::optional<int> granted;
  };

  Result<> set_up();
  void set_callbacks();
  void take(const mosquitto_message& message);
  void take_suback(int mid, int granted);
  // The result of a call into libmosquitto.
  Result<> check(int code) const;
  std::string describe(int code, int system_error) const;

  const MqttOptions& options_;
  Inbox& inbox_;
  struct Destroy {
    void operator()(mosquitto* handle) const;
  };
  std::unique_ptr<mosquitto, Destroy> handle_;
  std::optional<int> connack_;
  std::vector<Subscription> subscriptions_;
  std::size_t published_ = 0;
  std::size_t acknowledged_ = 0;
};

// The numeric addresses of a host, as many as there are. Blocks as long as the system's
// resolver does. Errors: Unavailable.
Result<std::vector<std::string>> addresses_of(const std::string& host);

}  // namespace chat21::mqtt
