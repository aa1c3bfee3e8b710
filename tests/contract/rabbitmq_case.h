// A case with a RabbitmqWorld, and what one does in it again and again.
#pragma once

#include <chrono>
#include <gmock/gmock.h>
#include <optional>
#include <string>
#include <vector>

#include "tests/contract/rabbitmq_world.h"

namespace chat21::testing {

inline std::vector<Publish> publishes_of(const std::vector<Message>& messages) {
  std::vector<Publish> publishes;
  for (const Message& message : messages) publishes.push_back({message.routing_key, message.body});
  return publishes;
}

class RabbitmqCase : public ::testing::Test {
 protected:
  RabbitmqWorld& enter(const RabbitmqWorld::Options& options = {}) {
    return world_.emplace(options);
  }
  RabbitmqWorld& world() { return *world_; }
  RabbitmqTransport& transport() { return world_->transport(); }

  // Receives until it fails, and returns how.
  Error receive_until_error() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto received = transport().receive(std::chrono::milliseconds(100));
      if (!received) return received.error();
    }
    return fail(Error::Code::Internal, "no error came");
  }

  // Receives until something comes, whatever goes wrong meanwhile.
  std::vector<Delivery> receive_some() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto received = transport().receive(std::chrono::milliseconds(100));
      if (received && !received->empty()) return {received->begin(), received->end()};
    }
    ADD_FAILURE() << "nothing was delivered";
    return {};
  }

  void connect() {
    const auto received = transport().receive(std::chrono::milliseconds(0));
    ASSERT_TRUE(received) << received.error().message;
    ASSERT_TRUE(transport().stats().connected);
  }

  void connect_again() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!transport().stats().connected && std::chrono::steady_clock::now() < deadline) {
      ASSERT_TRUE(transport().receive(std::chrono::milliseconds(100)));
    }
  }

  // Something offered now is delivered and settled.
  void expect_service(const std::string& body) {
    world().offer({"in.a", body});
    const auto batch = receive_some();
    ASSERT_THAT(messages_of(batch), ::testing::ElementsAre(Message{"in.a", body}));
    ASSERT_TRUE(transport().settle(std::vector<Settle>{{batch[0].tag, Outcome::Done}}));
  }

  std::optional<RabbitmqWorld> world_;
};

}  // namespace chat21::testing
