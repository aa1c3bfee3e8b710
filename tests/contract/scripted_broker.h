// Speaks just enough MQTT 3.1.1 to answer a client wrongly.
#pragma once

#include <cstdint>
#include <string>
#include <thread>

namespace chat21::testing {

class ScriptedBroker {
 public:
  // What it sends after CONNECT and after SUBSCRIBE; with an empty answer it closes the
  // connection, without one it stays silent. Serves one connection after the other.
  struct Script {
    std::string connack = std::string("\x20\x02\x00\x00", 4);
    std::string suback{};
    bool silent_on_subscribe = false;
  };
  explicit ScriptedBroker(Script script);
  ~ScriptedBroker();
  ScriptedBroker(const ScriptedBroker&) = delete;
  ScriptedBroker& operator=(const ScriptedBroker&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  void serve_all();
  void serve(int client) const;

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace chat21::testing
