// A RabbitmqTransport on a real broker, reached through a proxy that can fail.
//
// CHAT21_TEST_AMQP_URI says where the broker is, see also broker_node.h. Exchange and queues have
// names of their own in every world and are deleted with it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat21/rabbitmq.h"

#include "lib/rabbitmq/uri.h"
#include "tests/contract/amqp_client.h"
#include "tests/contract/broker_node.h"
#include "tests/contract/tcp_proxy.h"
#include "tests/contract/transport_contract.h"

namespace chat21::testing {

// Throws, with advice, if there is no broker to test with.
rabbitmq::Uri broker_uri();

// A name that no other test uses, on no other run.
std::string unique_name(const std::string& what);

class RabbitmqWorld final : public TransportWorld {
 public:
  struct Options {
    TransportLimits limits = {};
    std::string query = "";  // of the URI
    bool open = true;        // false: the broker is not there yet
    bool exclusive = false;  // the queue
    std::chrono::milliseconds publish_timeout{10000};
  };
  explicit RabbitmqWorld(const Options& options);
  ~RabbitmqWorld() override;

  RabbitmqTransport& transport() override { return *transport_; }
  void offer(const Message& message) override;
  std::vector<Message> published() override;
  void disconnect() override;

  // Waits until the broker has heard of everything that was settled.
  void flush();
  // The server goes away, with deliveries that are not settled.
  void destroy_transport() { transport_.reset(); }
  BrokerNode& node() { return node_; }
  TcpProxy& proxy() { return proxy_; }
  AmqpClient& client() { return *client_; }
  // After the broker was away.
  void reconnect_client() { client_.emplace(uri_); }
  const std::string& exchange() const { return exchange_; }
  const std::string& queue() const { return queue_; }
  const std::string& kept() const { return kept_; }
  const std::vector<std::string>& log() const { return log_; }
  // How many lines of the log contain the text.
  std::size_t logged(const std::string& text) const;

 private:
  rabbitmq::Uri uri_;
  BrokerNode node_;
  std::string exchange_ = unique_name("exchange");
  std::string queue_ = unique_name("queue");
  std::string kept_ = unique_name("kept");
  TcpProxy proxy_;
  std::optional<AmqpClient> client_;
  std::size_t offered_ = 0;
  std::vector<std::string> log_;
  std::unique_ptr<RabbitmqTransport> transport_;
};

}  // namespace chat21::testing
