// What only a broker can do to us.
#include <chrono>
#include <gmock/gmock.h>
#include <thread>
#include <utility>

#include "tests/contract/rabbitmq_case.h"

namespace chat21::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

using Rabbitmq = RabbitmqCase;

TEST_F(Rabbitmq, StartsBeforeItsBroker) {
  enter({.open = false});
  for (int i = 0; i < 30; ++i) {
    const auto started = Clock::now();
    const auto received = transport().receive(milliseconds(20));
    ASSERT_TRUE(received) << received.error().message;
    EXPECT_THAT(*received, IsEmpty());
    EXPECT_LT(Clock::now() - started, seconds(1));
  }
  EXPECT_FALSE(transport().stats().connected);
  ASSERT_THAT(world().log(), ElementsAre(AllOf(HasSubstr("cannot reach the broker at 127.0.0.1:"),
                                               HasSubstr("Connection refused"))));
  world().proxy().open();
  expect_service("there it is");
  EXPECT_THAT(world().log(), ElementsAre(HasSubstr("cannot reach"), HasSubstr("connected to")));
}

TEST_F(Rabbitmq, CannotPublishBeforeItIsConnected) {
  enter();
  const std::vector<Message> out{{"out.a", "x"}};
  const auto published = transport().publish(publishes_of(out));
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Error::Code::Unavailable);
  EXPECT_THAT(published.error().message, HasSubstr("not connected"));
}

TEST_F(Rabbitmq, ReconnectsWhenTheBrokerClosesTheConnection) {
  enter();
  connect();
  world().node().ctl({"close_all_connections", "--vhost", "/", "operator's wish"});
  world().reconnect_client();
  const Error error = receive_until_error();
  EXPECT_EQ(error.code, Error::Code::Unavailable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("320"), HasSubstr("operator's wish")));
  expect_service("after");
  EXPECT_EQ(transport().stats().connects, 2U);
}

TEST_F(Rabbitmq, DeclaresItsQueueAgainWhenItIsDeleted) {
  enter();
  connect();
  world().client().delete_queue(world().queue());
  EXPECT_THAT(receive_until_error().message, HasSubstr("cancelled the consumer"));
  while (transport().stats().connects < 2) ASSERT_TRUE(transport().receive(milliseconds(100)));
  expect_service("bound again");
}

TEST_F(Rabbitmq, DeclaresWhatIsMissing) {
  enter();
  const std::string exchange = unique_name("exchange");
  const std::string queue = unique_name("queue");
  RabbitmqOptions options;
  options.uri = std::getenv("CHAT21_TEST_AMQP_URI");
  options.exchange = exchange;
  options.queues = {{.name = queue, .bindings = {"a.*", "b.#"}}};
  auto own = make_rabbitmq_transport(options);
  ASSERT_TRUE(own);
  ASSERT_TRUE((*own)->receive(milliseconds(0)));
  for (const auto* key : {"a.1", "b.2.3", "c.4"}) world().client().publish(exchange, key, key);
  own->reset();
  EXPECT_EQ(world().client().ready_messages(queue), 2U);
  world().client().declare_queue(queue, true);  // would be refused for another kind of queue
  world().client().delete_queue(queue);
  world().client().declare_topic_exchange(exchange);
  world().client().delete_exchange(exchange);
}

TEST_F(Rabbitmq, RefusesAQueueWithOtherProperties) {
  enter();
  const std::string queue = unique_name("transient");
  world().client().declare_queue(queue, false);
  RabbitmqOptions options;
  options.uri = std::getenv("CHAT21_TEST_AMQP_URI");
  options.exchange = world().exchange();
  options.queues = {{.name = queue, .bindings = {"in.#"}}};
  auto own = make_rabbitmq_transport(options);
  ASSERT_TRUE(own);
  const auto received = (*own)->receive(milliseconds(1000));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, Error::Code::InvalidArgument);
  EXPECT_THAT(received.error().message, AllOf(HasSubstr("cannot declare queue '" + queue + "'"),
                                              HasSubstr("406"), HasSubstr("durable")));
  world().client().delete_queue(queue);
}

TEST_F(Rabbitmq, SaysThatThePasswordIsRefusedAndKeepsItToItself) {
  const auto uri = broker_uri();
  std::vector<std::string> log;
  RabbitmqOptions options;
  options.uri = "amqp://observer:not-a-token@" + uri.address();
  options.log = [&log](RabbitmqOptions::Level, const std::string& line) { log.push_back(line); };
  auto own = make_rabbitmq_transport(options);
  ASSERT_TRUE(own);
  int refusals = 0;
  const auto deadline = Clock::now() + seconds(20);
  while (refusals < 3 && Clock::now() < deadline) {
    const auto received = (*own)->receive(milliseconds(200));
    if (received) continue;
    ++refusals;
    EXPECT_EQ(received.error().code, Error::Code::Unavailable);
    EXPECT_THAT(received.error().message, AllOf(HasSubstr("refused by the broker"),
                                                HasSubstr("403"), Not(HasSubstr("not-a-token"))));
  }
  EXPECT_EQ(refusals, 3);
  EXPECT_EQ(log.size(), 1U) << "the same reason is logged once";
}

TEST_F(Rabbitmq, ReportsAConnectionThatBreaksWhilePublishing) {
  enter();
  connect();
  world().proxy().cut_after(100000);
  std::vector<Message> out;
  for (int i = 0; i < 1000; ++i) out.push_back({"out.a", std::string(1000, 'x')});
  const auto published = transport().publish(publishes_of(out));
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Error::Code::Unavailable);
  EXPECT_FALSE(transport().stats().connected);
  expect_service("after");
  ASSERT_TRUE(transport().publish(publishes_of(out)));
  EXPECT_EQ(transport().stats().connects, 2U);
}

TEST_F(Rabbitmq, WaitsForAQueueThatRefusesMessages) {
  enter();
  connect();
  const std::string policy = unique_name("policy");
  world().node().ctl({"set_policy", policy, '^' + world().kept() + '$',
                      R"({"max-length":1,"overflow":"reject-publish"})"});
  world().client().publish(world().exchange(), "out.a", "full");
  const std::vector<Publish> out{{"out.a", "one more"}};
  const auto refused = transport().publish(out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Error::Code::Unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("basic.nack"));
  world().node().ctl({"clear_policy", policy});
  connect_again();
  const auto published = transport().publish(out);
  EXPECT_TRUE(published) << published.error().message;
}

TEST_F(Rabbitmq, HandsOutWhatHasArrivedAfterStopAndThenNothing) {
  enter({.limits = {.prefetch = 10}});
  for (int i = 0; i < 30; ++i) world().offer({"in.a", "x"});
  auto batch = receive_some();
  std::size_t taken = 0;
  transport().stop();
  while (!batch.empty()) {
    taken += batch.size();
    std::vector<Settle> settled;
    for (const Delivery& delivery : batch) settled.push_back({delivery.tag, Outcome::Done});
    ASSERT_TRUE(transport().publish(std::vector<Publish>{{"out.a", "still goes out"}}));
    ASSERT_TRUE(transport().settle(settled));
    const auto started = Clock::now();
    const auto received = transport().receive(seconds(30));
    ASSERT_TRUE(received) << received.error().message;
    EXPECT_LT(Clock::now() - started, seconds(5));
    batch.assign(received->begin(), received->end());
  }
  EXPECT_GE(taken, 1U);
  EXPECT_LE(taken, 20U) << "what was prefetched, and once more when a part was settled";
  world().destroy_transport();
  EXPECT_EQ(world().client().ready_messages(world().queue()), 30 - taken);
}

TEST_F(Rabbitmq, ReturnsAtOnceWhenItIsStoppedWhileWaiting) {
  enter();
  connect();
  const auto started = Clock::now();
  std::thread stopper([this] { transport().stop(); });
  const auto received = transport().receive(seconds(30));
  stopper.join();
  ASSERT_TRUE(received);
  EXPECT_THAT(*received, IsEmpty());
  EXPECT_LT(Clock::now() - started, seconds(5));
}

TEST_F(Rabbitmq, ReturnsAtOnceWhenItIsStoppedWithoutABroker) {
  enter({.open = false});
  const auto started = Clock::now();
  std::thread stopper([this] { transport().stop(); });
  ASSERT_TRUE(transport().receive(seconds(30)));
  stopper.join();
  EXPECT_LT(Clock::now() - started, seconds(5));
}

TEST_F(Rabbitmq, GivesUnsettledDeliveriesBackWhenItEnds) {
  enter();
  for (int i = 0; i < 5; ++i) world().offer({"in.a", "x"});
  ASSERT_FALSE(receive_some().empty());
  world().destroy_transport();
  EXPECT_EQ(world().client().ready_messages(world().queue()), 5U);
}

TEST_F(Rabbitmq, ConsumesFromSeveralQueues) {
  enter();
  const std::string other = unique_name("other");
  RabbitmqOptions options;
  options.uri = std::getenv("CHAT21_TEST_AMQP_URI");
  options.exchange = world().exchange();
  options.prefetch = 3;
  options.queues = {{.name = world().queue(), .bindings = {}},
                    {.name = other, .bindings = {"in.other"}}};
  auto own = make_rabbitmq_transport(options);
  ASSERT_TRUE(own);
  ASSERT_TRUE((*own)->receive(milliseconds(0)));
  // Each goes to the first queue, every second one to the other as well.
  for (int i = 0; i < 10; ++i) {
    world().client().publish(world().exchange(), "in.a", "x");
    world().client().publish(world().exchange(), "in.other", "x");
  }
  std::size_t taken = 0;
  const auto deadline = Clock::now() + seconds(20);
  while (taken < 30 && Clock::now() < deadline) {
    const auto received = (*own)->receive(milliseconds(100));
    ASSERT_TRUE(received) << received.error().message;
    EXPECT_LE(received->size(), 3U);
    std::vector<Settle> settled;
    for (const Delivery& delivery : *received) settled.push_back({delivery.tag, Outcome::Done});
    ASSERT_TRUE((*own)->settle(settled));
    taken += settled.size();
  }
  EXPECT_EQ(taken, 30U);
  own->reset();
  world().client().delete_queue(other);
}

TEST_F(Rabbitmq, ListensToEveryAddressOfTheProtocol) {
  enter();
  for (const auto& queue : {messages_queue("app"), persist_queue("app")}) {
    for (const auto& pattern : queue.bindings) {
      world().client().bind(world().queue(), world().exchange(), pattern);
    }
  }
  const std::vector<std::string> heard{
      "apps.app.outgoing.users.me.messages.you.outgoing",
      "apps.app.users.me.messages.you.outgoing",
      "apps.app.users.me.you.messages.outgoing",
      ".apps.app.users.me.you.messages.outgoing",
      "apps.app.users.me.messages.you.id.update",
      "apps.app.users.me.conversations.you.update",
      "apps.app.users.me.conversations.you.archive",
      "apps.app.users.me.presence.client",
      "apps.observer.app.groups.update",
      "apps.observer.app.users.me.messages.you.delivered",
      "apps.observer.app.users.me.messages.you.persist",
  };
  const std::vector<std::string> not_heard{
      "apps.app.users.me.messages.you.clientadded",
      "apps.other.outgoing.users.me.messages.you.outgoing",
      "apps.app.users.me.messages.you.id.clientupdated",
  };
  for (const auto& key : not_heard) world().offer({key, "x"});
  for (const auto& key : heard) world().offer({key, "x"});
  for (const auto& key : heard) {
    const auto got = world().client().get(world().queue());
    ASSERT_TRUE(got) << key;
    EXPECT_EQ(got->routing_key, key);
  }
}

TEST(RabbitmqOptionsCheck, RefusesWhatCannotWork) {
  RabbitmqOptions good;
  good.uri = "amqp://localhost";
  good.queues = {{.name = "q", .bindings = {"a"}}};
  EXPECT_TRUE(make_rabbitmq_transport(good));
  const auto refused = [&good](auto change) {
    RabbitmqOptions options = good;
    change(options);
    const auto made = make_rabbitmq_transport(options);
    return !made && made.error().code == Error::Code::InvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& o) { o.uri = "http://localhost"; }));
  EXPECT_TRUE(refused([](auto& o) { o.exchange.clear(); }));
  EXPECT_TRUE(refused([](auto& o) { o.queues[0].name.clear(); }));
  EXPECT_TRUE(refused([](auto& o) { o.queues[0].name.assign(256, 'x'); }));
  EXPECT_TRUE(refused([](auto& o) { o.queues[0].bindings[0].assign(256, 'x'); }));
  EXPECT_TRUE(refused([](auto& o) { o.prefetch = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.ca_file = "/nonexistent"; }));
  EXPECT_TRUE(refused([](auto& o) { o.confirm_window = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.connect_timeout = milliseconds(0); }));
  EXPECT_TRUE(refused([](auto& o) { o.publish_timeout = milliseconds(0); }));
  EXPECT_TRUE(refused([](auto& o) { o.reconnect_max = milliseconds(0); }));
}

}  // namespace
}  // namespace chat21::testing
