// An MqttTransport on a private Mosquitto, reached through a proxy that can fail.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat21/mqtt.h"

#include "tests/contract/mosquitto_broker.h"
#include "tests/contract/tcp_proxy.h"
#include "tests/contract/transport_contract.h"
#include "tests/integration/mosquitto_client.h"

namespace chat21::testing {

class MqttWorld final : public TransportWorld {
 public:
  struct Options {
    TransportLimits limits = {};
    bool open = true;  // false: the broker cannot be reached yet
    std::function<void(MqttOptions&)> change{};
  };
  explicit MqttWorld(const Options& options);

  MqttTransport& transport() override { return *transport_; }
  void offer(const Message& message) override;
  std::vector<Message> published() override;
  void disconnect() override;

  // Publishes without a look at whether the transport is there to receive it.
  void send(const Message& message);
  void destroy_transport() { transport_.reset(); }
  MosquittoBroker& broker() { return broker_; }
  TcpProxy& proxy() { return proxy_; }
  // After the broker was away.
  void reconnect_client();
  const std::vector<std::string>& log() const { return log_; }

 private:
  void be_subscribed();

  MosquittoBroker broker_;
  TcpProxy proxy_;
  std::optional<tests::MosquittoClient> client_;
  bool subscribed_ = false;  // the transport, when we last looked
  int fences_ = 0;
  std::vector<std::string> log_;
  std::unique_ptr<MqttTransport> transport_;
};

}  // namespace chat21::testing
