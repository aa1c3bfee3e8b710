// An MQTT client over TCP, as libmosquitto's users write it: one thread, driven
// by whoever waits.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

struct mosquitto;

namespace chat21::tests {

class MosquittoClient {
 public:
  struct Message {
    std::string topic, body;
    int qos = 0;
  };

  struct Options {
    std::string id{};
    std::string token{};
    int port = 0;
    bool clean_session = true;
    int protocol = 4;  // 4 is MQTT 3.1.1, 5 is 5
    std::optional<Message> will{};
    bool retain_will = false;
    // In seconds, of MQTT 5.
    std::uint32_t will_delay = 0;
    std::uint32_t session_expiry = 0;
  };

  // Connects; throws std::runtime_error if it cannot.
  explicit MosquittoClient(const Options& options);
  // The same as `id` with a token.
  MosquittoClient(const std::string& id, const std::string& token, int port,
                  bool clean_session = true);
  ~MosquittoClient();
  MosquittoClient(const MosquittoClient&) = delete;
  MosquittoClient& operator=(const MosquittoClient&) = delete;

  // Returns when the broker has granted it; false if it closed the connection.
  bool subscribe(const std::string& filter, int qos = 0);
  // With QoS 1 returns when the broker has taken it; false if it closed the
  // connection. With QoS 0 returns at once.
  bool publish(const std::string& topic, const std::string& body, int qos = 0, bool retain = false);
  // The next message; nothing if the connection is closed before. Fails loudly
  // when nothing comes for too long.
  std::optional<Message> next();
  // Waits until the broker has closed the connection.
  void wait_until_closed();
  // Cuts the connection, without a word to the broker.
  void cut();

 private:
  void set_will(const Options& options);
  bool drive_until(const std::function<bool()>& done);

  ::mosquitto* handle_ = nullptr;
  bool connected_ = false;
  bool closed_ = false;
  std::string refusal_;
  int granted_ = 0;
  int published_ = 0;
  std::deque<Message> inbox_;
};

}  // namespace chat21::tests
