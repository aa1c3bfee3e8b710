// A plain AMQP client, so that the tests of our transport do not rely on it to
// see what it does. Throws on every error.
#pragma once

#include <amqp.h>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/rabbitmq/uri.h"

namespace chat21::testing {

class AmqpClient {
 public:
  struct Got {
    std::string routing_key, body;
    bool persistent = false;
  };

  explicit AmqpClient(const rabbitmq::Uri& uri);
  ~AmqpClient();
  AmqpClient(const AmqpClient&) = delete;
  AmqpClient& operator=(const AmqpClient&) = delete;

  void declare_topic_exchange(const std::string& name);
  void declare_queue(const std::string& name, bool durable);
  void bind(const std::string& queue, const std::string& exchange, const std::string& pattern);
  // Returns when the broker has taken it.
  void publish(const std::string& exchange, const std::string& key, const std::string& body);
  std::optional<Got> get(const std::string& queue);
  std::uint32_t ready_messages(const std::string& queue);
  void delete_queue(const std::string& name);
  void delete_exchange(const std::string& name);

 private:
  void check(const std::string& attempted);

  amqp_connection_state_t state_;
};

}  // namespace chat21::testing
