#include "tests/contract/mqtt_world.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace chat21::testing {
namespace {

constexpr const char* kClientId = "service";

std::string slashes(std::string key) {
  std::replace(key.begin(), key.end(), '.', '/');
  return key;
}

std::string dots(std::string topic) {
  std::replace(topic.begin(), topic.end(), '/', '.');
  return topic;
}

}  // namespace

MqttWorld::MqttWorld(const Options& options) : proxy_("127.0.0.1", broker_.port()) {
  reconnect_client();
  if (options.open) proxy_.open();

  MqttOptions transport;
  transport.port = proxy_.port();
  transport.client_id = kClientId;
  transport.filters = {"in.#"};
  transport.prefetch = options.limits.prefetch;
  transport.max_body_bytes = options.limits.max_body_bytes;
  transport.publish_timeout = std::chrono::milliseconds(10000);
  transport.reconnect_max = std::chrono::milliseconds(500);
  transport.log = [this](MqttOptions::Level, const std::string& line) { log_.push_back(line); };
  if (options.change) options.change(transport);
  auto made = make_mqtt_transport(std::move(transport));
  if (!made) throw std::runtime_error(made.error().message);
  transport_ = std::move(*made);
}

void MqttWorld::reconnect_client() {
  client_.reset();
  client_.emplace("world", "", broker_.port());
  client_->subscribe("out/#", 1);
  client_->subscribe("fence/#", 1);
}

// The broker keeps nothing for somebody who has not subscribed.
void MqttWorld::offer(const Message& message) {
  be_subscribed();
  send(message);
}

void MqttWorld::send(const Message& message) {
  if (!client_->publish(slashes(message.routing_key), message.body, 1)) {
    throw std::runtime_error("the broker has closed the connection");
  }
}

// Publishing connects, and an acknowledgement comes behind all deliveries before it.
void MqttWorld::be_subscribed() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!subscribed_) {
    const std::vector<Publish> nothing{{"nobody.listens", ""}};
    subscribed_ = transport_->publish(nothing).has_value();
    if (!subscribed_ && std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the transport does not connect");
    }
  }
}

// Whoever comes with the client id of another takes its place: before he is let in, the
// broker has closed the other connection and forgotten its subscriptions.
void MqttWorld::disconnect() {
  if (subscribed_ || transport_->connected()) {
    subscribed_ = false;
    be_subscribed();
  }
  const tests::MosquittoClient usurper(kClientId, "", broker_.port());
  subscribed_ = false;
}

std::vector<Message> MqttWorld::published() {
  const std::string fence = "fence/" + std::to_string(++fences_);
  client_->publish(fence, "", 1);
  std::vector<Message> messages;
  for (auto next = client_->next(); next && next->topic != fence; next = client_->next()) {
    messages.push_back({dots(next->topic), next->body});
  }
  return messages;
}

}  // namespace chat21::testing
