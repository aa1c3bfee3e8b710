#include "server/api/broker_gateway.h"

#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/api/scripted_transport.h"

namespace chat21::server {

bool operator==(const Outgoing& a, const Outgoing& b) {
  return a.routing_key == b.routing_key && a.body == b.body;
}
void PrintTo(const Outgoing& message, std::ostream* out) {
  *out << message.routing_key << ": " << message.body;
}

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Code = Error::Code;
using Done = Gateway::Done;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Outgoing kHello{"apps.tilechat.outgoing.users.a.messages.b.outgoing", "hello"};
const Outgoing kAgain{"apps.tilechat.outgoing.users.a.messages.b.outgoing", "again"};

class BrokerGatewayTest : public testing::Test {
 protected:
  BrokerGateway& open() {
    auto transport = std::make_unique<ScriptedTransport>();
    broker_ = transport.get();
    prepare_(*broker_);
    return gateway_.emplace(options_, std::move(transport), [this] { broker_->wake(); });
  }
  ScriptedTransport& broker() { return *broker_; }
  BrokerGateway& gateway() { return *gateway_; }

  // It has found out that the broker is there.
  void wait_until_well() {
    while (!gateway().trouble().empty()) std::this_thread::yield();
  }
  // Jobs wait from here on in a publish that does not end.
  void hold() {
    wait_until_well();
    const auto begun = broker().begun();
    broker().hold_publishes(true);
    held_ = std::async(std::launch::async, [this] { return gateway().publish({kHello}); });
    ASSERT_TRUE(broker().wait_until_publishing(begun + 1));
  }
  auto publish_later(const Outgoing& message) {
    return std::async(std::launch::async, [this, message] { return gateway().publish({message}); });
  }
  auto carry_out_later(const Outgoing& message) {
    return std::async(std::launch::async,
                      [this, message] { return gateway().carry_out({message}); });
  }
  std::string fence_order() {
    Arena arena;
    return std::string(order_key(arena, "tilechat", Topic::Kind::Fence));
  }

  BrokerGatewayOptions options_{
      .app = "tilechat", .inbox = "me", .accept_timeout = 30s, .carry_timeout = 30s};
  std::function<void(ScriptedTransport&)> prepare_ = [](ScriptedTransport&) {};
  std::future<Result<>> held_;

 private:
  ScriptedTransport* broker_ = nullptr;
  std::optional<BrokerGateway> gateway_;
};

TEST_F(BrokerGatewayTest, PublishesInOrder) {
  ASSERT_TRUE(open().publish({kHello, kAgain}));
  EXPECT_THAT(broker().messages(), ElementsAre(kHello, kAgain));
  EXPECT_EQ(gateway().trouble(), "");
}

TEST_F(BrokerGatewayTest, AsksTheObserverIfTheInboxIsClosed) {
  options_.inbox_is_open = false;
  ASSERT_TRUE(open().publish({kHello}));
  EXPECT_THAT(broker().messages(),
              ElementsAre(Outgoing{fence_order(), R"({"inbox":"me","token":"probe"})"}, kHello));
  EXPECT_TRUE(broker().wait_until_settled()) << "its answer is nobody's";
}

TEST_F(BrokerGatewayTest, HasNothingToDoForNothing) {
  ASSERT_TRUE(open().publish({}));
  EXPECT_THAT(broker().messages(), IsEmpty());
}

TEST_F(BrokerGatewayTest, PutsAFenceBehindWhatIsToBeCarriedOut) {
  const auto done = open().carry_out({kHello, kAgain});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*done, Done::Carried);
  EXPECT_THAT(
      broker().messages(),
      ElementsAre(kHello, kAgain, Outgoing{fence_order(), R"({"inbox":"me","token":"1"})"}));
  EXPECT_TRUE(broker().wait_until_settled());
}

TEST_F(BrokerGatewayTest, GivesEveryFenceATokenOfItsOwn) {
  open();
  ASSERT_TRUE(gateway().carry_out({}));
  ASSERT_TRUE(gateway().carry_out({}));
  ASSERT_THAT(broker().messages(), SizeIs(2));
  EXPECT_NE(broker().messages()[0].body, broker().messages()[1].body);
}

TEST_F(BrokerGatewayTest, IsNotWokenByTheAnswersOfOthers) {
  options_.carry_timeout = 200ms;
  prepare_ = [](ScriptedTransport& broker) { broker.answer_fences(false); };
  open();
  auto done = carry_out_later(kHello);
  ASSERT_TRUE(broker().wait_until_sent(2));
  for (const char* token : {"2", "probe", ""}) {
    broker().deliver(std::string("apps.tilechat.users.me.fence.") + token);
  }
  broker().deliver("apps.tilechat.users.you.fence.1");
  EXPECT_TRUE(broker().wait_until_settled());
  EXPECT_EQ(*done.get(), Done::Accepted);
}

TEST_F(BrokerGatewayTest, SaysThatItIsAcceptedIfTheObserverIsAway) {
  options_.carry_timeout = 20ms;
  prepare_ = [](ScriptedTransport& broker) { broker.answer_fences(false); };
  const auto done = open().carry_out({kHello});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*done, Done::Accepted);
  broker().deliver("apps.tilechat.users.me.fence.1");  // too late
  EXPECT_TRUE(broker().wait_until_settled());
}

TEST_F(BrokerGatewayTest, SendsAllThatWaitInOneBatch) {
  open();
  hold();
  std::vector<std::future<Result<>>> waiting;
  for (int i = 0; i < 10; ++i) waiting.push_back(publish_later(kAgain));
  ASSERT_TRUE(broker().wait_until_woken(11));
  broker().hold_publishes(false);
  for (auto& one : waiting) EXPECT_TRUE(one.get());
  EXPECT_TRUE(held_.get());
  EXPECT_THAT(broker().batches().back(), SizeIs(10));
}

// --- A broker that is away ------------------------------------------------------------

TEST_F(BrokerGatewayTest, WaitsForTheFirstConnection) {
  prepare_ = [](ScriptedTransport& broker) {
    broker.refuse_publishes(fail(Code::Unavailable, "not connected"));
  };
  open();
  auto done = publish_later(kHello);
  ASSERT_TRUE(broker().wait_until_publishing(2));
  EXPECT_EQ(gateway().trouble(), "not connected");
  broker().refuse_publishes(std::nullopt);
  EXPECT_TRUE(done.get());
  EXPECT_EQ(gateway().trouble(), "");
}

TEST_F(BrokerGatewayTest, DoesNotWaitForTheFirstConnectionForEver) {
  options_.accept_timeout = 20ms;
  prepare_ = [](ScriptedTransport& broker) {
    broker.refuse_publishes(fail(Code::Unavailable, "not connected"));
  };
  const auto done = open().publish({kHello});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::Unavailable);
  EXPECT_THAT(done.error().message, HasSubstr("nothing was sent"));
  // It was true: nothing goes out later.
  broker().refuse_publishes(std::nullopt);
  wait_until_well();
  EXPECT_THAT(broker().messages(), IsEmpty());
}

TEST_F(BrokerGatewayTest, FailsWhatTheBrokerDoesNotConfirm) {
  open();
  ASSERT_TRUE(gateway().publish({kHello}));
  broker().refuse_publishes(fail(Code::Unavailable, "lost the broker"));
  const auto done = gateway().publish({kAgain});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::Unavailable);
  EXPECT_THAT(done.error().message, AllOf(HasSubstr("lost the broker"), HasSubstr("may have")));
  EXPECT_EQ(gateway().trouble(), "lost the broker");
}

TEST_F(BrokerGatewayTest, FailsAtOnceWhileTheBrokerIsAway) {
  open();
  ASSERT_TRUE(gateway().publish({kHello}));
  broker().refuse_publishes(fail(Code::Unavailable, "not connected"));
  const auto begun = broker().begun();
  broker().lose(fail(Code::Unavailable, "lost the broker"));
  ASSERT_TRUE(broker().wait_until_publishing(begun + 1)) << "it tries to come back";
  const auto done = gateway().carry_out({kAgain});
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message,
              AllOf(HasSubstr("nothing was sent"), HasSubstr("lost the broker")));
}

TEST_F(BrokerGatewayTest, ComesBackByItself) {
  open();
  ASSERT_TRUE(gateway().publish({kHello}));
  const auto batches = broker().batches().size();
  broker().lose(fail(Code::Unavailable, "lost the broker"));
  ASSERT_TRUE(broker().wait_until_publishing(batches + 1));
  wait_until_well();
  EXPECT_TRUE(gateway().publish({kAgain}));
}

TEST_F(BrokerGatewayTest, AsksAgainForAnswersThatMayBeLost) {
  prepare_ = [](ScriptedTransport& broker) { broker.answer_fences(false); };
  open();
  auto done = carry_out_later(kHello);
  ASSERT_TRUE(broker().wait_until_sent(2));
  broker().answer_fences(true);
  broker().lose(fail(Code::Unavailable, "lost the broker"));
  const auto carried = done.get();
  ASSERT_TRUE(carried) << carried.error().message;
  EXPECT_EQ(*carried, Done::Carried);
  const auto sent = broker().messages();
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_EQ(sent[1], sent[2]) << "the fence, and not the message";
}

TEST_F(BrokerGatewayTest, DoesNotWaitLongAgainForAnObserverThatIsLate) {
  prepare_ = [](ScriptedTransport& broker) { broker.answer_fences(false); };
  options_.carry_timeout = 2s;
  open();
  EXPECT_EQ(*gateway().carry_out({kHello}), Done::Accepted);
  const auto began = Clock::now();
  EXPECT_EQ(*gateway().carry_out({kHello}), Done::Accepted);
  EXPECT_LT(Clock::now() - began, 1500ms);

  broker().answer_fences(true);
  EXPECT_EQ(*gateway().carry_out({kHello}), Done::Carried);
  broker().answer_fences(false);
  auto later = carry_out_later(kHello);
  EXPECT_EQ(later.wait_for(1s), std::future_status::timeout) << "it is in time again";
  EXPECT_EQ(*later.get(), Done::Accepted);
}

// --- A broker that does not confirm ---------------------------------------------------

TEST_F(BrokerGatewayTest, SaysThatItMayStillBeAccepted) {
  options_.accept_timeout = 100ms;
  open();
  hold();
  const auto done = held_.get();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::Unavailable);
  EXPECT_THAT(done.error().message, HasSubstr("may still accept"));

  // As long as it lasts nobody else has to wait.
  while (gateway().trouble().empty()) std::this_thread::yield();
  EXPECT_THAT(gateway().trouble(), HasSubstr("not confirmed anything"));
  const auto next = gateway().publish({kAgain});
  ASSERT_FALSE(next);
  EXPECT_THAT(next.error().message, HasSubstr("nothing was sent"));

  broker().hold_publishes(false);
  wait_until_well();
  EXPECT_TRUE(gateway().publish({kAgain}));
  EXPECT_THAT(broker().messages(), ElementsAre(kHello, kAgain));
}

TEST_F(BrokerGatewayTest, RefusesAKeyThatIsTooLongAlone) {
  open();
  const auto refused = gateway().publish({{std::string(256, 'x'), "{}"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::InvalidArgument);
  EXPECT_TRUE(gateway().publish({{std::string(255, 'x'), "{}"}}));
}

// --- The end --------------------------------------------------------------------------

TEST_F(BrokerGatewayTest, LetsAllGoWhenItStops) {
  prepare_ = [](ScriptedTransport& broker) { broker.answer_fences(false); };
  open();
  auto accepted = carry_out_later(kHello);
  ASSERT_TRUE(broker().wait_until_sent(2));
  hold();
  auto queued = publish_later(kAgain);
  ASSERT_TRUE(broker().wait_until_woken(3));

  const auto began = Clock::now();
  auto stopped = std::async(std::launch::async, [this] { gateway().stop(); });
  // While the thread still waits for the broker.
  const auto first = accepted.get();
  const auto second = held_.get();
  const auto third = queued.get();
  EXPECT_LT(Clock::now() - began, 5s);
  broker().hold_publishes(false);
  stopped.get();
  EXPECT_LT(Clock::now() - began, 5s);
  ASSERT_TRUE(first) << "the broker has it, so it will be carried out";
  EXPECT_EQ(*first, Done::Accepted);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("may still accept"));
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().message, HasSubstr("nothing was sent"));
  EXPECT_FALSE(gateway().publish({kHello}));
  EXPECT_EQ(gateway().trouble(), "the server stops");
}

TEST_F(BrokerGatewayTest, DoesNotWaitForATurnToStop) {
  open();
  ASSERT_TRUE(gateway().publish({kHello}));
  gateway().stop();
  EXPECT_TRUE(broker().wait_until_woken(2));
  gateway().stop();
  EXPECT_FALSE(gateway().carry_out({kHello}));
}

}  // namespace
}  // namespace chat21::server
