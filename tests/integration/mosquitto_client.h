// An MQTT client over TCP, as libmosquitto's users write it: one thread, driven
// by whoever waits.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

struct mosquitto;

namespace chat21::tests {

class MosquittoClient {
 public:
  struct Message {
    std::string topic, body;
    int qos = 0;
  };

  // Connects as `id` with a token; throws std::runtime_error if it cannot.
  MosquittoClient(const std::string& id, const std::string& token, int port,
                  bool clean_session = true);
  ~MosquittoClient();
  MosquittoClient(const MosquittoClient&) = delete;
  MosquittoClient& operator=(const MosquittoClient&) = delete;

  // Returns when the broker has granted it; false if it closed the connection.
  bool subscribe(const std::string& filter, int qos = 0);
  // With QoS 1 returns when the broker has taken it; false if it closed the
  // connection. With QoS 0 returns at once.
  bool publish(const std::string& topic, const std::string& body, int qos = 0);
  // The next message; nothing if the connection is closed before. Fails loudly
  // when nothing comes for too long.
  std::optional<Message> next();

 private:
  bool drive_until(const std::function<bool()>& done);

  mosquitto* handle_ = nullptr;
  bool connected_ = false;
  bool closed_ = false;
  std::string refusal_;
  int granted_ = 0;
  int published_ = 0;
  std::vector<Message> inbox_;
};

}  // namespace chat21::tests
