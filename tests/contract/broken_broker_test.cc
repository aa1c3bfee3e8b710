// Faults of the whole node: alarms, and a broker that freezes, stops or dies.
#include <chrono>
#include <gmock/gmock.h>
#include <thread>
#include <utility>

#include "tests/contract/rabbitmq_case.h"

namespace chat21::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

class BrokenBroker : public RabbitmqCase {
 protected:
  // Whatever a case leaves behind would fail all that follow it.
  class Alarm {
   public:
    explicit Alarm(const BrokerNode& node) : node_(node) {
      node_.ctl({"set_vm_memory_high_watermark", "0"});
    }
    ~Alarm() { end(); }
    void end() {
      if (!std::exchange(ended_, true)) node_.ctl({"set_vm_memory_high_watermark", "0.4"});
    }

   private:
    const BrokerNode& node_;
    bool ended_ = false;
  };
  class Outage {
   public:
    explicit Outage(const BrokerNode& node) : node_(node) {}
    ~Outage() { end(); }
    void end() {
      if (!std::exchange(ended_, true)) node_.start();
    }

   private:
    const BrokerNode& node_;
    bool ended_ = false;
  };
  class Pause {
   public:
    explicit Pause(const BrokerNode& node) : node_(node) { node_.pause(); }
    ~Pause() { node_.resume(); }

   private:
    const BrokerNode& node_;
  };
};

TEST_F(BrokenBroker, IsWaitedForWhileItBlocksPublishers) {
  enter({.publish_timeout = milliseconds(1000)});
  connect();
  Alarm alarm(world().node());
  std::vector<Message> out;
  for (int i = 0; i < 100; ++i) out.push_back({"out.a", std::to_string(i)});
  std::thread operator_at_work([&alarm] {
    std::this_thread::sleep_for(seconds(3));  // three times the time-out of a broker not blocked
    alarm.end();
  });
  const auto published = transport().publish(publishes_of(out));
  operator_at_work.join();
  EXPECT_TRUE(published) << published.error().message;
  EXPECT_EQ(world().logged("asks publishers to wait"), 1U);
  EXPECT_EQ(world().logged("takes publishes again"), 1U);
  EXPECT_EQ(world().published(), out);
}

TEST_F(BrokenBroker, IsWaitedForWithMoreThanTheSocketTakes) {
  enter({.query = "?heartbeat=1"});
  connect();
  Alarm alarm(world().node());
  const std::string large(1U << 20U, 'x');
  std::vector<Message> out;
  for (int i = 0; i < 16; ++i) out.push_back({"out.a", large});
  std::thread operator_at_work([&alarm] {
    std::this_thread::sleep_for(seconds(5));  // silence for longer than two heartbeats
    alarm.end();
  });
  const auto published = transport().publish(publishes_of(out));
  operator_at_work.join();
  EXPECT_TRUE(published) << published.error().message;
  EXPECT_EQ(transport().stats().connects, 1U);
  EXPECT_EQ(world().published().size(), out.size()) << "nothing twice";
}

TEST_F(BrokenBroker, DoesNotHoldUpAStopWhileItBlocksPublishers) {
  enter();
  connect();
  const Alarm alarm(world().node());
  const auto started = Clock::now();
  std::thread stopper([this] { transport().stop(); });
  const auto published = transport().publish(std::vector<Publish>{{"out.a", "x"}});
  stopper.join();
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Error::Code::Unavailable);
  world().destroy_transport();
  EXPECT_LT(Clock::now() - started, seconds(6));
}

TEST_F(BrokenBroker, IsNoticedByItsMissingHeartbeat) {
  enter({.query = "?heartbeat=1"});
  connect();
  std::optional<Pause> pause(world().node());
  const auto started = Clock::now();
  const Error error = receive_until_error();
  EXPECT_LT(Clock::now() - started, seconds(4));
  EXPECT_GT(Clock::now() - started, milliseconds(900));
  EXPECT_EQ(error.code, Error::Code::Unavailable);
  EXPECT_THAT(error.message, HasSubstr("heartbeat"));
  pause.reset();
  world().reconnect_client();
  expect_service("awake");
}

TEST_F(BrokenBroker, IsNoticedWhilePublishing) {
  enter({.query = "?heartbeat=1", .publish_timeout = seconds(60)});
  connect();
  std::optional<Pause> pause(world().node());
  const auto started = Clock::now();
  // More than all buffers between us and the broker hold.
  const std::string large(1U << 20U, 'x');
  const std::vector<Publish> out(32, Publish{"out.a", large});
  const auto published = transport().publish(out);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Error::Code::Unavailable);
  EXPECT_LT(Clock::now() - started, seconds(8));
  pause.reset();
  world().reconnect_client();
  expect_service("awake");
}

TEST_F(BrokenBroker, KeepsAConnectionThatIsIdle) {
  enter({.query = "?heartbeat=1"});
  connect();
  const auto deadline = Clock::now() + seconds(5);
  while (Clock::now() < deadline) ASSERT_TRUE(transport().receive(seconds(1)));
  expect_service("still there");
  EXPECT_EQ(transport().stats().connects, 1U);
}

TEST_F(BrokenBroker, IsWaitedForWhileItRestarts) {
  enter();
  connect();
  expect_service("before");
  const std::vector<Message> out{{"out.a", "confirmed"}};
  ASSERT_TRUE(transport().publish(publishes_of(out)));
  world().offer({"in.a", "not settled"});
  ASSERT_THAT(messages_of(receive_some()), ElementsAre(Message{"in.a", "not settled"}));

  world().node().stop();
  Outage outage(world().node());
  EXPECT_EQ(receive_until_error().code, Error::Code::Unavailable);
  for (int i = 0; i < 20; ++i) {
    const auto received = transport().receive(milliseconds(50));
    ASSERT_TRUE(received) << received.error().message;
  }
  EXPECT_LE(world().log().size(), 3U) << "connected, lost, and at most one reason more";
  outage.end();
  world().reconnect_client();
  // Of the offered message only the queue survives: the client sends it transient.
  expect_service("after");
  EXPECT_EQ(world().published(), out) << "what was confirmed survives";
}

TEST_F(BrokenBroker, LosesNothingThatItConfirmedWhenItIsKilled) {
  enter();
  connect();
  std::vector<Message> out;
  for (int i = 0; i < 200; ++i) out.push_back({"out.a", std::to_string(i)});
  ASSERT_TRUE(transport().publish(publishes_of(out)));
  world().node().kill();
  Outage outage(world().node());
  EXPECT_EQ(receive_until_error().code, Error::Code::Unavailable);
  outage.end();
  world().reconnect_client();
  EXPECT_EQ(world().published(), out);
  expect_service("after");
}

}  // namespace
}  // namespace chat21::testing
