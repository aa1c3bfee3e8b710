// What only a broker can do to us.
#include <chrono>
#include <gmock/gmock.h>
#include <optional>
#include <thread>
#include <utility>

#include "tests/contract/mqtt_world.h"
#include "tests/contract/scripted_broker.h"

namespace chat21::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Clock = std::chrono::steady_clock;

std::vector<Publish> publishes_of(const std::vector<Message>& messages) {
  std::vector<Publish> publishes;
  for (const Message& message : messages) publishes.push_back({message.routing_key, message.body});
  return publishes;
}

std::vector<Message> many(std::size_t count, const std::string& body) {
  return std::vector<Message>(count, Message{"out.a", body});
}

// Receives until it fails, and returns how.
Error receive_until_error(MqttTransport& transport) {
  const auto deadline = Clock::now() + seconds(30);
  while (Clock::now() < deadline) {
    const auto received = transport.receive(milliseconds(100));
    if (!received) return received.error();
  }
  return fail(Error::Code::Internal, "no error came");
}

class Mqtt : public ::testing::Test {
 protected:
  MqttWorld& enter(const MqttWorld::Options& options = {}) { return world_.emplace(options); }
  MqttWorld& world() { return *world_; }
  MqttTransport& transport() { return world_->transport(); }

  void connect() {
    const auto received = transport().receive(milliseconds(0));
    ASSERT_TRUE(received) << received.error().message;
    ASSERT_TRUE(transport().connected());
  }

  // Something offered now is delivered and settled, whatever went wrong before.
  void expect_service(const std::string& body) {
    world().offer({"in.a", body});
    const auto received = transport().receive(seconds(20));
    ASSERT_TRUE(received) << received.error().message;
    ASSERT_EQ(messages_of({received->begin(), received->end()}),
              std::vector<Message>({{"in.a", body}}));
    ASSERT_TRUE(transport().settle(std::vector<Settle>{{received->front().tag, Outcome::Done}}));
  }

  std::optional<MqttWorld> world_;
};

class Pause {
 public:
  explicit Pause(const MosquittoBroker& broker) : broker_(broker) { broker_.pause(); }
  ~Pause() { broker_.resume(); }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

 private:
  const MosquittoBroker& broker_;
};

// --- connecting -------------------------------------------------------------------

TEST_F(Mqtt, StartsBeforeItsBroker) {
  enter({.open = false});
  for (int i = 0; i < 30; ++i) {
    const auto received = transport().receive(milliseconds(20));
    ASSERT_TRUE(received) << received.error().message;
    EXPECT_THAT(*received, IsEmpty());
  }
  EXPECT_FALSE(transport().connected());
  ASSERT_THAT(world().log(), ElementsAre(AllOf(HasSubstr("cannot reach the broker at 127.0.0.1:"),
                                               HasSubstr("Connection refused"))));
  world().proxy().open();
  expect_service("there it is");
  EXPECT_THAT(world().log(), ElementsAre(HasSubstr("cannot reach"), HasSubstr("connected to")));
}

TEST_F(Mqtt, CannotPublishWithoutABroker) {
  enter({.open = false,
         .change = [](MqttOptions& options) { options.connect_timeout = milliseconds(300); }});
  const auto published = transport().publish(publishes_of(many(1, "x")));
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Error::Code::Unavailable);
  EXPECT_THAT(published.error().message,
              AllOf(HasSubstr("not connected to the broker"), HasSubstr("Connection refused")));
}

TEST_F(Mqtt, NamesAHostThatIsUnknown) {
  std::vector<std::string> log;
  MqttOptions options;
  options.host = "no-such-host.invalid";
  options.client_id = "service";
  options.log = [&log](MqttOptions::Level, const std::string& line) { log.push_back(line); };
  const auto own = make_mqtt_transport(options);
  ASSERT_TRUE(own);
  EXPECT_TRUE((*own)->receive(milliseconds(0)));
  EXPECT_THAT(log, ElementsAre(HasSubstr("cannot resolve 'no-such-host.invalid'")));
}

TEST_F(Mqtt, TriesAllAddressesOfAHost) {
  enter({.change = [](MqttOptions& options) { options.host = "localhost"; }});
  expect_service("by one of them");
}

TEST_F(Mqtt, GivesUpABrokerThatDoesNotAnswer) {
  enter({.change = [](MqttOptions& options) { options.connect_timeout = milliseconds(300); }});
  std::optional<Pause> pause(world().broker());
  const auto received = transport().receive(milliseconds(0));
  EXPECT_TRUE(received) << received.error().message;
  EXPECT_THAT(world().log(), ElementsAre(HasSubstr("no answer within 300 ms")));
  pause.reset();
  expect_service("awake");
}

TEST_F(Mqtt, SaysThatThePasswordIsRefusedAndTriesTheNextOne) {
  const MosquittoBroker broker("JWT", "a valid one");
  std::string password = "not-a-token";
  std::vector<std::string> log;
  MqttOptions options;
  options.port = broker.port();
  options.client_id = "service";
  options.password = [&password] { return password; };
  options.reconnect_max = milliseconds(100);
  options.log = [&log](MqttOptions::Level, const std::string& line) { log.push_back(line); };
  auto own = make_mqtt_transport(options);
  ASSERT_TRUE(own);
  for (int i = 0; i < 3; ++i) {
    const Error error = receive_until_error(**own);
    EXPECT_EQ(error.code, Error::Code::Unavailable);
    EXPECT_THAT(error.message, AllOf(HasSubstr("refused by the broker"), HasSubstr("CONNACK 5"),
                                     HasSubstr("token"), Not(HasSubstr("not-a-token"))));
  }
  EXPECT_THAT(log, SizeIs(1)) << "the same reason is logged once";
  password = "a valid one";
  const auto deadline = Clock::now() + seconds(20);
  while (!(*own)->connected() && Clock::now() < deadline) {
    ASSERT_TRUE((*own)->receive(milliseconds(100)));
  }
  EXPECT_TRUE((*own)->connected());
}

TEST_F(Mqtt, ExplainsEveryRefusalOfAConnection) {
  const std::pair<char, std::string> cases[] = {{'\x01', "does not speak MQTT 3.1.1"},
                                                {'\x02', "client id"},
                                                {'\x03', "not available"},
                                                {'\x04', "token or password"},
                                                {'\x05', "token or password"}};
  for (const auto& [code, why] : cases) {
    ScriptedBroker broker({.connack = std::string("\x20\x02\x00", 3) + code});
    MqttOptions options;
    options.port = broker.port();
    options.client_id = "service";
    auto own = make_mqtt_transport(options);
    ASSERT_TRUE(own);
    EXPECT_THAT(receive_until_error(**own).message, HasSubstr(why));
    EXPECT_FALSE((*own)->connected());
  }
}

// What a broker does that has no right of ours for one of the filters.
TEST_F(Mqtt, IsNotConnectedBeforeAllFiltersAreGranted) {
  const std::string granted("\x90\x03\x00\x01\x01", 5);
  const std::pair<ScriptedBroker::Script, std::string> cases[] = {
      {{.suback = granted + std::string("\x90\x03\x00\x02\x80", 5)}, "does not grant"},
      {{.suback = granted + std::string("\x90\x03\x00\x02\x00", 5)}, "does not grant"},
      {{.suback = granted}, "no answer within 300 ms"},
      {{}, "closed"},
  };
  for (const auto& [script, why] : cases) {
    ScriptedBroker broker(script);
    MqttOptions options;
    options.port = broker.port();
    options.client_id = "service";
    options.filters = {"in.first", "in.second.#"};
    options.connect_timeout = milliseconds(300);
    auto own = make_mqtt_transport(options);
    ASSERT_TRUE(own);
    const Error error = receive_until_error(**own);
    EXPECT_EQ(error.code, Error::Code::Unavailable);
    EXPECT_THAT(error.message, HasSubstr(why));
    EXPECT_THAT(error.message, HasSubstr(script.suback.empty() ? "'in.first'" : "'in.second.#'"));
    EXPECT_FALSE((*own)->connected());
    EXPECT_FALSE((*own)->publish(std::vector<Publish>{{"out.a", "x"}}));
  }
}

TEST_F(Mqtt, ReceivesWhatAnyOfItsFiltersMatches) {
  enter({.change = [](MqttOptions& options) { options.filters = {"in.*.one", "in.two.#"}; }});
  world().offer({"in.x.one", "1"});
  world().offer({"in.x.three", "not for us"});
  world().offer({"in.two.a.b", "2"});
  std::vector<Message> messages;
  const auto deadline = Clock::now() + seconds(20);
  while (messages.size() < 2 && Clock::now() < deadline) {
    const auto received = transport().receive(seconds(1));
    ASSERT_TRUE(received);
    messages = messages_of({received->begin(), received->end()});
  }
  EXPECT_THAT(messages, ElementsAre(Message{"in.x.one", "1"}, Message{"in.two.a.b", "2"}));
}

// --- losing -------------------------------------------------------------------------

TEST_F(Mqtt, WaitsForABrokerThatIsKilled) {
  enter();
  expect_service("before");
  world().broker().kill();
  EXPECT_THAT(receive_until_error(transport()).message, HasSubstr("lost the broker"));
  for (int i = 0; i < 20; ++i) {
    const auto received = transport().receive(milliseconds(50));
    ASSERT_TRUE(received) << received.error().message;
  }
  EXPECT_THAT(world().log(), SizeIs(2)) << "connected and lost";
  world().broker().start();
  world().reconnect_client();
  world().disconnect();
  expect_service("after");
}

TEST_F(Mqtt, ReportsAConnectionThatBreaksWhilePublishing) {
  enter();
  connect();
  world().proxy().cut_after(100000);
  const auto out = many(1000, std::string(1000, 'x'));
  const auto published = transport().publish(publishes_of(out));
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Error::Code::Unavailable);
  EXPECT_FALSE(transport().connected());
  expect_service("after");
  world().published();
  ASSERT_TRUE(transport().publish(publishes_of(out)));
  EXPECT_THAT(world().published(), SizeIs(out.size()));
}

TEST_F(Mqtt, GivesUpABrokerThatDoesNotAcknowledge) {
  enter({.change = [](MqttOptions& options) { options.publish_timeout = milliseconds(500); }});
  connect();
  std::optional<Pause> pause(world().broker());
  const auto published = transport().publish(publishes_of(many(3, "x")));
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Error::Code::Unavailable);
  EXPECT_THAT(published.error().message,
              HasSubstr("has not acknowledged 3 publishes within 500 ms"));
  pause.reset();
  expect_service("awake");
}

TEST_F(Mqtt, WaitsForASlowBrokerWithMoreThanTheSocketTakes) {
  enter();
  connect();
  std::optional<Pause> pause(world().broker());
  std::thread broker_at_work([&pause] {
    std::this_thread::sleep_for(seconds(2));
    pause.reset();
  });
  const auto out = many(32, std::string(1U << 20U, 'x'));
  const auto published = transport().publish(publishes_of(out));
  broker_at_work.join();
  EXPECT_TRUE(published) << published.error().message;
  EXPECT_THAT(world().published(), SizeIs(out.size())) << "nothing twice";
  EXPECT_THAT(world().log(), SizeIs(1)) << "connected once";
}

TEST_F(Mqtt, NoticesASilentBroker) {
  enter({.change = [](MqttOptions& options) { options.keepalive = seconds(5); }});
  connect();
  std::optional<Pause> pause(world().broker());
  const auto started = Clock::now();
  const Error error = receive_until_error(transport());
  EXPECT_LT(Clock::now() - started, seconds(13));
  EXPECT_THAT(error.message, HasSubstr("no sign of life within the keepalive time of 5 s"));
  pause.reset();
  expect_service("awake");
}

TEST_F(Mqtt, KeepsAConnectionThatIsIdle) {
  enter({.change = [](MqttOptions& options) { options.keepalive = seconds(5); }});
  connect();
  // The broker gives a client up that is silent for one and a half times the keepalive.
  const auto received = transport().receive(seconds(9));
  ASSERT_TRUE(received) << received.error().message;
  expect_service("still there");
  EXPECT_EQ(world().proxy().connections(), 1U);
}

TEST_F(Mqtt, GivesTheConnectionUpWhenTooMuchArrivesWhilePublishing) {
  enter({.change = [](MqttOptions& options) { options.max_held_bytes = 1000; }});
  for (int i = 0; i < 3; ++i) world().offer({"in.a", std::string(600, 'x')});
  const auto received = transport().receive(seconds(20));
  ASSERT_TRUE(received);
  ASSERT_THAT(*received, Not(IsEmpty()));
  world().send({"in.a", std::string(600, 'x')});
  const auto published = transport().publish(publishes_of(many(1, "x")));
  ASSERT_FALSE(published);
  EXPECT_THAT(published.error().message, HasSubstr("wait to be settled"));
  // None of what has arrived is lost, and then there is room again.
  std::size_t taken = 0;
  const auto deadline = Clock::now() + seconds(20);
  while (taken < 4 && Clock::now() < deadline) {
    const auto batch = transport().receive(seconds(1));
    ASSERT_TRUE(batch) << batch.error().message;
    for (const Delivery& delivery : *batch) {
      ASSERT_TRUE(transport().settle(std::vector<Settle>{{delivery.tag, Outcome::Done}}));
      ++taken;
    }
  }
  EXPECT_EQ(taken, 4U);
  EXPECT_TRUE(transport().publish(publishes_of(many(1, "x"))));
}

// --- keys ---------------------------------------------------------------------------

TEST_F(Mqtt, RefusesABatchWithAKeyThatCannotBeATopic) {
  enter();
  connect();
  for (const std::string key : {"out.a/b", "out.+", "out.#", "", "$SYS.a", "out.\xff"}) {
    const std::vector<Publish> out{{"out.a", "x"}, {key, "x"}};
    const auto refused = transport().publish(out);
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("cannot publish: the routing key"));
  }
  EXPECT_THAT(world().published(), IsEmpty()) << "all or nothing";
  EXPECT_TRUE(transport().publish(publishes_of(many(1, "x")))) << "no fault of the connection";
}

// --- other threads ------------------------------------------------------------------

TEST_F(Mqtt, ReturnsAtOnceWhenItIsStoppedWhileWaiting) {
  enter();
  connect();
  const auto started = Clock::now();
  std::thread stopper([this] { transport().stop(); });
  for (int i = 0; i < 3; ++i) {
    const auto received = transport().receive(seconds(30));
    ASSERT_TRUE(received);
    EXPECT_THAT(*received, IsEmpty());
  }
  stopper.join();
  EXPECT_LT(Clock::now() - started, seconds(10));
}

TEST_F(Mqtt, ReturnsAtOnceWhenItIsStoppedWithoutABroker) {
  enter(
      {.open = false, .change = [](MqttOptions& options) { options.reconnect_max = seconds(60); }});
  const auto started = Clock::now();
  std::thread stopper([this] { transport().stop(); });
  const auto received = transport().receive(seconds(30));
  const auto published = transport().publish(publishes_of(many(1, "x")));
  stopper.join();
  EXPECT_TRUE(received);
  EXPECT_FALSE(published);
  EXPECT_LT(Clock::now() - started, seconds(10));
}

TEST_F(Mqtt, DoesNotWaitLongForASilentBrokerWhenItIsStopped) {
  enter({.change = [](MqttOptions& options) { options.publish_timeout = seconds(60); }});
  connect();
  const Pause pause(world().broker());
  const auto started = Clock::now();
  std::thread stopper([this] { transport().stop(); });
  EXPECT_FALSE(transport().publish(publishes_of(many(1, "x"))));
  stopper.join();
  world().destroy_transport();
  EXPECT_LT(Clock::now() - started, seconds(10));
}

TEST_F(Mqtt, IsWokenOnceByAnotherThread) {
  enter();
  connect();
  for (int i = 0; i < 100; ++i) {
    const auto started = Clock::now();
    std::thread waker([this] { transport().wake(); });
    const auto received = transport().receive(seconds(30));
    waker.join();
    ASSERT_TRUE(received);
    ASSERT_LT(Clock::now() - started, seconds(10));
  }
  const auto started = Clock::now();
  ASSERT_TRUE(transport().receive(milliseconds(200)));
  EXPECT_GE(Clock::now() - started, milliseconds(200)) << "and not again";
}

TEST_F(Mqtt, RemembersThatItWasWokenWhilePublishing) {
  enter();
  connect();
  transport().wake();
  ASSERT_TRUE(transport().publish(publishes_of(many(100, "x"))));
  const auto started = Clock::now();
  ASSERT_TRUE(transport().receive(seconds(30)));
  EXPECT_LT(Clock::now() - started, seconds(10));
}

}  // namespace
}  // namespace chat21::testing
