#include "tests/contract/rabbitmq_world.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <stdexcept>
#include <unistd.h>

namespace chat21::testing {

rabbitmq::Uri broker_uri() {
  const char* text = std::getenv("CHAT21_TEST_AMQP_URI");
  if (text == nullptr) {
    throw std::runtime_error(
        "CHAT21_TEST_AMQP_URI is not set, so there is no broker to test with:"
        " run ./test.sh, which starts one");
  }
  auto uri = rabbitmq::parse_uri(text);
  if (!uri) throw std::runtime_error("CHAT21_TEST_AMQP_URI: " + uri.error().message);
  return *uri;
}

std::string unique_name(const std::string& what) {
  static const std::string run =
      std::to_string(::getpid()) + '-' + std::to_string(std::random_device{}());
  static int count = 0;
  return "test-" + run + '-' + std::to_string(++count) + '-' + what;
}

RabbitmqWorld::RabbitmqWorld(const Options& options)
    : uri_(broker_uri()), proxy_(uri_.host, uri_.port), client_(std::in_place, uri_) {
  client_->declare_topic_exchange(exchange_);
  if (!options.exclusive) {
    client_->declare_queue(queue_, true);
    client_->bind(queue_, exchange_, "in.#");
  }
  client_->declare_queue(kept_, true);
  client_->bind(kept_, exchange_, "out.#");
  if (options.open) proxy_.open();

  RabbitmqOptions transport;
  transport.uri = "amqp://" + uri_.user + ':' + uri_.password +
                  "@127.0.0.1:" + std::to_string(proxy_.port()) + options.query;
  transport.exchange = exchange_;
  transport.queues = {{.name = queue_, .bindings = {"in.#"}, .exclusive = options.exclusive}};
  transport.prefetch = static_cast<std::uint16_t>(options.limits.prefetch);
  transport.max_body_bytes = options.limits.max_body_bytes;
  transport.publish_timeout = options.publish_timeout;
  transport.reconnect_max = std::chrono::milliseconds(500);
  transport.log = [this](RabbitmqOptions::Level, const std::string& line) { log_.push_back(line); };
  auto made = make_rabbitmq_transport(std::move(transport));
  if (!made) throw std::runtime_error(made.error().message);
  transport_ = std::move(*made);
}

RabbitmqWorld::~RabbitmqWorld() {
  transport_.reset();
  try {
    client_->delete_queue(queue_);
    client_->delete_queue(kept_);
    client_->delete_exchange(exchange_);
  } catch (const std::exception& error) {
    ADD_FAILURE() << "cannot tidy up: " << error.what();
  }
}

void RabbitmqWorld::offer(const Message& message) {
  client_->publish(exchange_, message.routing_key, message.body);
  ++offered_;
}

void RabbitmqWorld::disconnect() {
  flush();
  proxy_.cut();
}

// Acknowledgements are not answered, and when a connection breaks RabbitMQ drops
// those that it has read and not carried out.
void RabbitmqWorld::flush() {
  const auto expected = offered_ - transport_->stats().settled;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (node_.messages(queue_) != expected) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the broker does not hear of what was settled");
    }
  }
}

std::vector<Message> RabbitmqWorld::published() {
  std::vector<Message> messages;
  while (auto got = client_->get(kept_)) {
    EXPECT_TRUE(got->persistent);
    messages.push_back({std::move(got->routing_key), std::move(got->body)});
  }
  return messages;
}

std::size_t RabbitmqWorld::logged(const std::string& text) const {
  return static_cast<std::size_t>(std::count_if(
      log_.begin(), log_.end(),
      [&text](const std::string& line) { return line.find(text) != std::string::npos; }));
}

}  // namespace chat21::testing
