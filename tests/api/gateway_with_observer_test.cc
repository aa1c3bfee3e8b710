// The gateway with what it is made for: a broker, and an observer behind it.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "chat21/observer.h"
#include "chat21/rabbitmq.h"
#include "chat21/testing/memory_store.h"

#include "server/api/broker_gateway.h"
#include "tests/contract/amqp_client.h"
#include "tests/contract/broker_node.h"
#include "tests/contract/rabbitmq_world.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using chat21::testing::AmqpClient;
using chat21::testing::broker_uri;
using chat21::testing::BrokerNode;
using chat21::testing::unique_name;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using Done = Gateway::Done;

Time now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

class GatewayWithObserver : public ::testing::Test {
 protected:
  GatewayWithObserver() {
    AmqpClient client(broker_uri());
    client.declare_topic_exchange(exchange_);
    // Before the observer runs for the first time, so that messages wait for it.
    auto transport = make(observer_options());
    if (!transport->receive(0ms)) throw std::runtime_error("the broker does not take us");
  }
  ~GatewayWithObserver() override {
    gateway_.reset();
    end_observer();
    AmqpClient client(broker_uri());
    client.delete_queue(orders_);
    client.delete_exchange(exchange_);
  }

  // Longer than a broker takes to start on a busy machine.
  BrokerGateway& open(std::chrono::milliseconds carry_timeout = 10min) {
    RabbitmqOptions options = common_options();
    options.queues = {
        {.name = inbox_, .bindings = {"apps.app.users." + inbox_ + ".fence.*"}, .exclusive = true}};
    auto transport = make(options);
    return gateway_.emplace(
        BrokerGatewayOptions{
            .app = "app", .inbox = inbox_, .accept_timeout = 10min, .carry_timeout = carry_timeout},
        std::move(transport), [&woken = *transport] { woken.wake(); });
  }
  BrokerGateway& gateway() { return *gateway_; }

  void start_observer() {
    running_ = true;
    observer_ = std::thread([this] {
      auto transport = make(observer_options());
      Router router({.seed = 1});
      Observer observer(*transport, store_, router, now, [](const Event&) {});
      while (running_) {
        // A broker that is away is what some of the tests are about.
        if (const auto done = observer.run_once(20ms); !done) {
          EXPECT_EQ(done.error().code, Error::Code::Unavailable) << done.error().message;
        }
      }
    });
  }
  void end_observer() {
    running_ = false;
    if (observer_.joinable()) observer_.join();
  }

  static Outgoing message(const std::string& text) {
    return {"apps.app.outgoing.users.ann.messages.bob.outgoing", R"({"text":")" + text + R"("})"};
  }
  // What is stored; the observer must have ended.
  std::vector<std::string> stored() {
    const auto found = store_.messages("app", "bob", "ann", {});
    EXPECT_TRUE(found);
    return found ? std::vector<std::string>(found->begin(), found->end())
                 : std::vector<std::string>{};
  }

  const BrokerNode node_;
  const std::string orders_ = unique_name("orders");  // the observer's queue

 private:
  RabbitmqOptions common_options() const {
    RabbitmqOptions options;
    options.uri = std::getenv("CHAT21_TEST_AMQP_URI");
    options.exchange = exchange_;
    options.reconnect_max = 500ms;
    return options;
  }
  RabbitmqOptions observer_options() const {
    RabbitmqOptions options = common_options();
    options.queues = {messages_queue("app")};
    options.queues.front().name = orders_;
    return options;
  }
  static std::unique_ptr<RabbitmqTransport> make(RabbitmqOptions options) {
    auto made = make_rabbitmq_transport(std::move(options));
    if (!made) throw std::runtime_error(made.error().message);
    return *std::move(made);
  }

  const std::string exchange_ = unique_name("exchange");
  const std::string inbox_ = unique_name("inbox");
  chat21::testing::MemoryStore store_;
  std::optional<BrokerGateway> gateway_;
  std::atomic<bool> running_ = false;
  std::thread observer_;
};

TEST_F(GatewayWithObserver, ReturnsOnceItIsStored) {
  start_observer();
  open();
  for (int i = 0; i < 10; ++i) {
    const auto done = gateway().carry_out({message("m" + std::to_string(i))});
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(*done, Done::Carried);
  }
  end_observer();
  EXPECT_EQ(stored().size(), 10U);
}

TEST_F(GatewayWithObserver, CarriesOutWhatManyWantAtTheSameTime) {
  start_observer();
  open();
  std::vector<std::future<Result<Done>>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(std::async(std::launch::async, [this, i] {
      return gateway().carry_out({message(std::to_string(i))});
    }));
  }
  for (auto& one : all) {
    const auto done = one.get();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(*done, Done::Carried);
  }
  end_observer();
  EXPECT_EQ(stored().size(), 20U);
}

TEST_F(GatewayWithObserver, SaysThatItIsAcceptedWhileThereIsNoObserver) {
  const auto done = open(100ms).carry_out({message("later")});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*done, Done::Accepted);
  start_observer();
  while (*gateway().carry_out({}) != Done::Carried) {
  }
  end_observer();
  EXPECT_THAT(stored(), UnorderedElementsAre(HasSubstr("later")));
}

TEST_F(GatewayWithObserver, OutlivesABrokerThatIsAway) {
  open();
  auto waiting =
      std::async(std::launch::async, [this] { return gateway().carry_out({message("before")}); });
  while (node_.messages(orders_) < 2) {
  }
  node_.stop();
  while (gateway().trouble().empty()) std::this_thread::yield();
  const auto began = std::chrono::steady_clock::now();
  const auto refused = gateway().publish({message("never")});
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  node_.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Error::Code::Unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("nothing was sent"));

  start_observer();
  const auto done = waiting.get();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*done, Done::Carried);
  while (!gateway().trouble().empty()) std::this_thread::yield();
  EXPECT_EQ(*gateway().carry_out({message("after")}), Done::Carried);
  end_observer();
  EXPECT_THAT(stored(), UnorderedElementsAre(HasSubstr("before"), HasSubstr("after")));
}

}  // namespace
}  // namespace chat21::server
