// A queue of one connection alone, and the waking of who waits for it.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <gmock/gmock.h>
#include <stdexcept>
#include <thread>

#include "tests/contract/rabbitmq_case.h"

namespace chat21::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Clock = std::chrono::steady_clock;

// What the client says of a queue that it may not use, or that is not there.
template <class Use>
std::string refusal(Use use) {
  try {
    use();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "not refused";
}

class ExclusiveQueue : public RabbitmqCase {
 protected:
  void enter_exclusive() {
    enter({.exclusive = true});
    connect();
  }
  // Each on a connection of its own: a refusal closes the channel.
  std::string looked_at() {
    return refusal([this] { AmqpClient(broker_uri()).ready_messages(world().queue()); });
  }
};

TEST_F(ExclusiveQueue, TakesWhatItIsBoundTo) {
  enter_exclusive();
  expect_service("for us");
  expect_service("and again");
}

TEST_F(ExclusiveQueue, CannotBeUsedByOthers) {
  enter_exclusive();
  EXPECT_THAT(looked_at(), HasSubstr("RESOURCE_LOCKED"));
  const auto deleted = refusal([this] { AmqpClient(broker_uri()).delete_queue(world().queue()); });
  EXPECT_THAT(deleted, HasSubstr("RESOURCE_LOCKED"));
  expect_service("still ours");
}

TEST_F(ExclusiveQueue, GoesWithItsConnectionAndAllThatIsInIt) {
  enter_exclusive();
  world().offer({"in.a", "never taken"});
  world().destroy_transport();
  EXPECT_THAT(looked_at(), HasSubstr("NOT_FOUND"));
}

// The broker may take a connection for alive that has been dead for us.
TEST_F(ExclusiveQueue, HasAnotherNameWhileItsOwnIsTaken) {
  enter_exclusive();
  const RabbitmqOptions::Queue same{
      .name = world().queue(), .bindings = {"in.*"}, .exclusive = true};
  auto other = make_rabbitmq_transport({.uri = std::getenv("CHAT21_TEST_AMQP_URI"),
                                        .exchange = world().exchange(),
                                        .queues = {same}});
  ASSERT_TRUE(other) << other.error().message;
  const auto received = (*other)->receive(seconds(0));
  ASSERT_TRUE(received) << received.error().message;
  expect_service("for both");
  std::vector<Message> taken;
  for (int i = 0; i < 100 && taken.empty(); ++i) {
    const auto batch = (*other)->receive(milliseconds(100));
    ASSERT_TRUE(batch) << batch.error().message;
    taken = messages_of({batch->begin(), batch->end()});
  }
  EXPECT_THAT(taken, ElementsAre(Message{"in.a", "for both"}));
}

TEST_F(ExclusiveQueue, IsThereAgainWhenTheBrokerHasCutTheConnection) {
  enter_exclusive();
  world().node().ctl({"close_all_connections", "--vhost", "/", "operator's wish"});
  world().reconnect_client();
  EXPECT_EQ(receive_until_error().code, Error::Code::Unavailable);
  connect_again();
  expect_service("after");
  EXPECT_EQ(transport().stats().connects, 2U);
  EXPECT_THAT(looked_at(), HasSubstr("RESOURCE_LOCKED")) << "it is exclusive again";
}

TEST_F(ExclusiveQueue, IsThereAgainWhenTheNetworkHasCutTheConnection) {
  enter_exclusive();
  world().proxy().cut();
  EXPECT_EQ(receive_until_error().code, Error::Code::Unavailable);
  connect_again();
  expect_service("after");
}

// --- wake() -----------------------------------------------------------------------

using Wake = RabbitmqCase;

TEST_F(Wake, EndsAWaitFromAnotherThread) {
  enter();
  connect();
  const auto started = Clock::now();
  std::thread waker([this] { transport().wake(); });
  const auto received = transport().receive(seconds(30));
  waker.join();
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_THAT(*received, IsEmpty());
  EXPECT_LT(Clock::now() - started, seconds(5));
}

TEST_F(Wake, EndsAWaitFromASignalHandler) {
  enter();
  connect();
  static RabbitmqTransport* woken = nullptr;
  woken = &transport();
  const auto before = std::signal(SIGUSR1, [](int) { woken->wake(); });
  const auto started = Clock::now();
  std::thread waker([] { ::kill(::getpid(), SIGUSR1); });
  const auto received = transport().receive(seconds(30));
  waker.join();
  std::signal(SIGUSR1, before);
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_LT(Clock::now() - started, seconds(5));
}

TEST_F(Wake, IsRememberedForTheNextReceiveAndForThatAlone) {
  enter();
  connect();
  transport().wake();
  transport().wake();
  auto started = Clock::now();
  ASSERT_TRUE(transport().receive(seconds(30)));
  EXPECT_LT(Clock::now() - started, seconds(5));
  started = Clock::now();
  ASSERT_TRUE(transport().receive(milliseconds(300)));
  EXPECT_GE(Clock::now() - started, milliseconds(300)) << "it was woken once";
}

TEST_F(Wake, EndsAWaitForABrokerThatIsAway) {
  enter({.open = false});
  const auto started = Clock::now();
  transport().wake();
  ASSERT_TRUE(transport().receive(seconds(30)));
  EXPECT_LT(Clock::now() - started, seconds(5));
}

TEST_F(Wake, HoldsNothingBack) {
  enter();
  connect();
  world().offer({"in.a", "there"});
  transport().wake();
  const auto batch = receive_some();
  ASSERT_THAT(messages_of(batch), ElementsAre(Message{"in.a", "there"}));
  transport().wake();
  const std::vector<Message> out{{"out.a", "x"}, {"out.b", "y"}};
  ASSERT_TRUE(transport().publish(publishes_of(out)));
  EXPECT_EQ(world().published(), out);
}

}  // namespace
}  // namespace chat21::testing
