// The parts of the RabbitMQ transport that need no broker.
#include <amqp.h>
#include <gmock/gmock.h>
#include <poll.h>

#include "lib/rabbitmq/confirm_window.h"
#include "lib/rabbitmq/consumer.h"
#include "lib/rabbitmq/publisher.h"
#include "lib/rabbitmq/recovery.h"
#include "lib/rabbitmq/stop_signal.h"
#include "lib/rabbitmq/uri.h"

namespace chat21::rabbitmq {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Uri, HasTheUsualDefaults) {
  const auto uri = parse_uri("amqp://");
  ASSERT_TRUE(uri);
  EXPECT_FALSE(uri->tls);
  EXPECT_EQ(uri->user, "guest");
  EXPECT_EQ(uri->password, "guest");
  EXPECT_EQ(uri->host, "localhost");
  EXPECT_EQ(uri->port, 5672);
  EXPECT_EQ(uri->vhost, "/");
  EXPECT_EQ(uri->heartbeat, 10);
}

TEST(Uri, ReadsEverythingAtOnce) {
  const auto uri = parse_uri("amqps://me:secret@broker.example:5673/chat?heartbeat=60");
  ASSERT_TRUE(uri);
  EXPECT_TRUE(uri->tls);
  EXPECT_EQ(uri->user, "me");
  EXPECT_EQ(uri->password, "secret");
  EXPECT_EQ(uri->host, "broker.example");
  EXPECT_EQ(uri->port, 5673);
  EXPECT_EQ(uri->vhost, "chat");
  EXPECT_EQ(uri->heartbeat, 60);
  EXPECT_EQ(uri->address(), "broker.example:5673");
}

TEST(Uri, ReadsTheFormOfTheNodeServer) {
  const std::string token = std::string(1000, 'x') + "." + std::string(100, 'y') + "-_.z";
  const auto uri = parse_uri("amqp://ignored:" + token + "@host:5672?heartbeat=60");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->password, token);
  EXPECT_EQ(uri->host, "host");
  EXPECT_EQ(uri->vhost, "/");
  EXPECT_EQ(uri->heartbeat, 60);
}

TEST(Uri, HasAnotherDefaultPortWithTls) {
  EXPECT_EQ(parse_uri("amqps://host")->port, 5671);
}

TEST(Uri, TakesAnEmptyPathForTheDefaultVhost) {
  EXPECT_EQ(parse_uri("amqp://host/")->vhost, "/");
  EXPECT_EQ(parse_uri("amqp://host/%2F")->vhost, "/");
  EXPECT_EQ(parse_uri("amqp://host/%2fa")->vhost, "/a");
  EXPECT_EQ(parse_uri("amqp://host/a:b")->vhost, "a:b");
}

TEST(Uri, DecodesPercentEscapes) {
  const auto uri = parse_uri("amqp://u%40x:p%3a%2F%3F%23%25%C3%A4@h%6fst/v%20w");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->user, "u@x");
  EXPECT_EQ(uri->password, "p:/?#%\xC3\xA4");
  EXPECT_EQ(uri->host, "host");
  EXPECT_EQ(uri->vhost, "v w");
}

TEST(Uri, SplitsCredentialsWhereOtherReadersDo) {
  const auto uri = parse_uri("amqp://me:a:b@c@host");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->user, "me");
  EXPECT_EQ(uri->password, "a:b@c");
  EXPECT_EQ(uri->host, "host");
  EXPECT_EQ(parse_uri("amqp://me@host")->password, "");
  EXPECT_EQ(parse_uri("amqp://:only@host")->password, "only");
}

TEST(Uri, ReadsAnIpv6Address) {
  const auto uri = parse_uri("amqp://[::1]:5673/v");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->host, "::1");
  EXPECT_EQ(uri->port, 5673);
  EXPECT_EQ(uri->address(), "[::1]:5673");
  EXPECT_EQ(parse_uri("amqp://[::1]")->host, "::1");
}

TEST(Uri, RefusesWhatItCannotRead) {
  for (const auto* text : {
           "",
           "localhost",
           "http://host",
           "amqp:/host",
           "AMQP",
           "amqp://host:",
           "amqp://host:0",
           "amqp://host:65536",
           "amqp://host:-1",
           "amqp://host:12x",
           "amqp://host: 12",
           "amqp://[::1",
           "amqp://[]",
           "amqp://[::1]x",
           "amqp://[::1]:x",
           "amqp://host/a/b",
           "amqp://host/%",
           "amqp://host/%2",
           "amqp://host/%zz",
           "amqp://u%00:p@host",
           "amqp://u:p%00q@host",
           "amqp://ho%00st",
           "amqp://host/v%00",
           "amqp://host#x",
           "amqp://host?",
           "amqp://host?heartbeat",
           "amqp://host?heartbeat=",
           "amqp://host?heartbeat=0",
           "amqp://host?heartbeat=-1",
           "amqp://host?heartbeat=70000",
           "amqp://host?heartbeat=5s",
           "amqp://host?frame_max=1",
           "amqp://host?heartbeat=5&x=1",
           "amqp://ho st",
           "amqp://host\n",
       }) {
    const auto uri = parse_uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(uri.error().message, HasSubstr("cannot read the broker's URI: "));
  }
}

TEST(Uri, NeverQuotesAPasswordInAnError) {
  for (const auto* text : {
           "amqp://me:S3CRET",
           "amqp://me:S3CRET@host:x",
           "amqp://me:S3CRET%@host",
           "amqp://me:x?S3CRET@host",
           "amqp://me:x/S3CRET/y@host",
           "amqp://me:x#S3CRET@host",
           "me:S3CRET@host",
           "amqp://me:S3CRET @host",
           "amqp://me:S3CRET@host?heartbeat=S3CRET",
       }) {
    const auto uri = parse_uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_THAT(uri.error().message, Not(HasSubstr("S3CRET")));
  }
}

TEST(ConfirmWindow, CountsConfirmsOneByOneAndTogether) {
  ConfirmWindow window(4);
  for (int i = 0; i < 4; ++i) window.sent();
  EXPECT_TRUE(window.full());
  EXPECT_EQ(window.confirm(2, false), 1U);
  EXPECT_TRUE(window.full()) << "1 is as far behind as before";
  EXPECT_EQ(window.confirm(3, true), 2U) << "1 and 3";
  EXPECT_FALSE(window.full());
  EXPECT_EQ(window.unconfirmed(), 1U);
  window.sent();
  EXPECT_EQ(window.confirm(0, true), 2U) << "0 stands for all";
  EXPECT_EQ(window.unconfirmed(), 0U);
}

TEST(ConfirmWindow, NoticesConfirmsOfNothing) {
  ConfirmWindow window(4);
  EXPECT_EQ(window.confirm(1, false), 0U);
  EXPECT_EQ(window.confirm(0, true), 0U);
  window.sent();
  window.sent();
  EXPECT_EQ(window.confirm(3, true), 0U);
  EXPECT_EQ(window.confirm(2, false), 1U);
  EXPECT_EQ(window.confirm(2, false), 0U) << "confirmed before";
  EXPECT_EQ(window.unconfirmed(), 1U);
}

TEST(ConfirmWindow, GoesRoundManyTimes) {
  ConfirmWindow window(3);
  for (std::uint64_t n = 1; n <= 100; ++n) {
    window.sent();
    ASSERT_EQ(window.confirm(n, n % 2 == 0), 1U);
  }
  window.sent();
  window.restart();
  EXPECT_EQ(window.unconfirmed(), 0U);
  window.sent();
  EXPECT_EQ(window.confirm(1, false), 1U) << "a new channel counts from 1";
}

TEST(StopSignal, WakesAPollThatBeganJustAfterItWasRaised) {
  StopSignal stop;
  EXPECT_FALSE(stop.raised());
  stop.raise();  // by another thread, before the owner reaches poll()
  pollfd woken{stop.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&woken, 1, 0), 1);
}

TEST(StopSignal, IsSeenByPollOnlyUntilItIsNoticed) {
  StopSignal stop;
  ASSERT_TRUE(stop.usable());
  EXPECT_FALSE(stop.raised());
  EXPECT_GE(stop.fd(), 0);
  stop.raise();
  stop.raise();
  EXPECT_TRUE(stop.raised());
  EXPECT_EQ(stop.fd(), -1);
}

// --- frames, also those that only a faulty broker or proxy sends ----------------

amqp_frame_t method_frame(amqp_method_number_t id, void* decoded) {
  amqp_frame_t frame{};
  frame.frame_type = AMQP_FRAME_METHOD;
  frame.channel = kChannel;
  frame.payload.method = {id, decoded};
  return frame;
}

amqp_frame_t header_frame(std::uint64_t body_size) {
  amqp_frame_t frame{};
  frame.frame_type = AMQP_FRAME_HEADER;
  frame.channel = kChannel;
  frame.payload.properties.body_size = body_size;
  return frame;
}

amqp_frame_t body_frame(std::string_view bytes) {
  amqp_frame_t frame{};
  frame.frame_type = AMQP_FRAME_BODY;
  frame.channel = kChannel;
  frame.payload.body_fragment = bytes_of(bytes);
  return frame;
}

class ConsumerFrames : public ::testing::Test {
 protected:
  static RabbitmqOptions two_at_most() {
    RabbitmqOptions options;
    options.prefetch = 2;
    options.max_body_bytes = 10;
    return options;
  }

  Result<> deliver(std::uint64_t number) {
    amqp_basic_deliver_t deliver{};
    deliver.delivery_tag = number;
    deliver.routing_key = bytes_of("a.key");
    return consumer_.take(method_frame(AMQP_BASIC_DELIVER_METHOD, &deliver));
  }
  Result<> take(const amqp_frame_t& frame) { return consumer_.take(frame); }

  const RabbitmqOptions options_ = two_at_most();
  Consumer consumer_{options_};
};

TEST_F(ConsumerFrames, MakeDeliveries) {
  ASSERT_TRUE(deliver(1));
  ASSERT_TRUE(take(header_frame(6)));
  ASSERT_TRUE(take(body_frame("abc")));
  EXPECT_FALSE(consumer_.ready()) << "half a body";
  ASSERT_TRUE(take(body_frame("def")));
  ASSERT_TRUE(deliver(2));
  ASSERT_TRUE(take(header_frame(12)));
  ASSERT_TRUE(take(body_frame("0123456")));
  ASSERT_TRUE(take(body_frame("789ab")));
  const auto batch = consumer_.hand_out();
  ASSERT_EQ(batch.size(), 2U);
  EXPECT_EQ(batch[0].routing_key, "a.key");
  EXPECT_EQ(batch[0].body, "abcdef");
  EXPECT_EQ(batch[1].body, "0123456789");
  EXPECT_EQ(batch[1].omitted, 2U);
}

TEST_F(ConsumerFrames, AreAnErrorWhenTheyAreOutOfStep) {
  EXPECT_FALSE(take(header_frame(1)));
  EXPECT_FALSE(take(body_frame("x")));
  EXPECT_FALSE(deliver(2)) << "the first is missing";
  ASSERT_TRUE(deliver(1));
  EXPECT_FALSE(deliver(2)) << "within a delivery";
  EXPECT_FALSE(take(body_frame("x"))) << "no header yet";
  ASSERT_TRUE(take(header_frame(1)));
  EXPECT_FALSE(take(body_frame("xy"))) << "longer than announced";
}

TEST_F(ConsumerFrames, CannotExceedThePrefetch) {
  for (const std::uint64_t number : {1U, 2U}) {
    ASSERT_TRUE(deliver(number));
    ASSERT_TRUE(take(header_frame(0)));
  }
  const auto third = deliver(3);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Error::Code::Unavailable);
}

TEST_F(ConsumerFrames, AreIgnoredWhenTheyAreUnknown) {
  amqp_basic_recover_ok_t recovered{};
  EXPECT_TRUE(take(method_frame(AMQP_BASIC_RECOVER_OK_METHOD, &recovered)));
  ASSERT_TRUE(deliver(1));
  EXPECT_TRUE(take(header_frame(0)));
  EXPECT_TRUE(consumer_.ready());
}

TEST_F(ConsumerFrames, StartAnewAfterALostConnection) {
  ASSERT_TRUE(deliver(1));
  ASSERT_TRUE(take(header_frame(5)));
  ASSERT_TRUE(take(body_frame("ab")));
  consumer_.forget();
  EXPECT_FALSE(take(body_frame("cde"))) << "the rest of a body that is gone";
  EXPECT_FALSE(consumer_.ready());
}

TEST_F(ConsumerFrames, AreMarkedAsRedeliveredOnlyIfTheyWereHandedOut) {
  ASSERT_TRUE(deliver(1));
  ASSERT_TRUE(take(header_frame(0)));
  EXPECT_FALSE(consumer_.hand_out()[0].redelivered);
  EXPECT_TRUE(consumer_.hand_out()[0].redelivered);
  consumer_.forget();
  ASSERT_TRUE(deliver(2));
  ASSERT_TRUE(take(header_frame(0)));
  EXPECT_FALSE(consumer_.hand_out()[0].redelivered) << "in the place of another";
}

TEST_F(ConsumerFrames, AreIgnoredWhenTheyAnswerWhatNobodyAsked) {
  amqp_channel_flow_ok_t flowing{};
  EXPECT_TRUE(take(method_frame(AMQP_CHANNEL_FLOW_OK_METHOD, &flowing)));
  amqp_queue_declare_ok_t found{};
  EXPECT_TRUE(take(method_frame(AMQP_QUEUE_DECLARE_OK_METHOD, &found)));
  EXPECT_EQ(consumer_.settled_up_to(), 0U);
  consumer_.hand_out();
  EXPECT_FALSE(consumer_.recovered()) << "there never was a connection";
}

// --- what was out on earlier connections ------------------------------------------

class RecoveryOf : public ::testing::Test {
 protected:
  void begin(const std::vector<DeclaredQueue>& queues) {
    recovery_.begin(queues, now_, std::chrono::seconds(10));
  }
  // Returns the queue that was looked at.
  std::string look(std::uint32_t messages, std::uint32_t consumers) {
    now_ += std::chrono::seconds(1);
    const std::string queue(recovery_.look(now_).value_or("none"));
    if (queue != "none") recovery_.looked(messages, consumers, now_);
    return queue;
  }

  Recovery recovery_{2};
  Recovery::Time now_{std::chrono::hours(1)};
};

TEST_F(RecoveryOf, NothingTakesNothing) {
  EXPECT_FALSE(recovery_.complete()) << "not connected";
  begin({});
  EXPECT_TRUE(recovery_.complete());
  begin({{"q", 0, 0}});
  EXPECT_TRUE(recovery_.complete());
  EXPECT_EQ(look(0, 1), "none");
  recovery_.forget();
  EXPECT_FALSE(recovery_.complete()) << "not connected any more";
}

TEST_F(RecoveryOf, ItsQueueEndsWithTheFirstThatIsNoRepeat) {
  begin({{"q", 9, 0}});
  recovery_.arrived(0, true);
  recovery_.arrived(0, true);
  EXPECT_FALSE(recovery_.complete());
  recovery_.arrived(1, false);
  EXPECT_FALSE(recovery_.complete()) << "from no queue of ours";
  recovery_.arrived(0, false);
  EXPECT_TRUE(recovery_.complete());
}

TEST_F(RecoveryOf, EachQueueIsWaitedFor) {
  begin({{"q", 9, 0}, {"r", 9, 0}, {"s", 0, 0}});
  recovery_.arrived(1, false);
  EXPECT_FALSE(recovery_.complete());
  EXPECT_EQ(look(9, 1), "q");
  recovery_.arrived(0, false);
  EXPECT_TRUE(recovery_.complete());
}

// A broker that was killed marks everything.
TEST_F(RecoveryOf, ItsQueueEndsWithOneMoreThanCanHaveBeenOut) {
  begin({{"q", 9, 0}});
  recovery_.arrived(0, true);
  recovery_.arrived(0, true);
  EXPECT_FALSE(recovery_.complete());
  recovery_.arrived(0, true);
  EXPECT_TRUE(recovery_.complete());
}

TEST_F(RecoveryOf, RepeatsAloneEndsWhenTheQueueIsEmpty) {
  begin({{"q", 2, 0}});
  recovery_.arrived(0, true);
  look(0, 1);
  EXPECT_FALSE(recovery_.complete()) << "the second is sent, but perhaps still on its way";
  recovery_.arrived(0, true);
  look(0, 1);
  EXPECT_TRUE(recovery_.complete());
}

TEST_F(RecoveryOf, AQueueWithAnotherConsumerWaitsForItsEnd) {
  begin({{"q", 0, 1}});
  recovery_.arrived(0, false);
  look(0, 2);
  recovery_.arrived(0, false);
  EXPECT_FALSE(recovery_.complete()) << "the other one may hold something";
  look(3, 1);
  recovery_.arrived(0, false);
  EXPECT_FALSE(recovery_.complete()) << "sent before the other one ended, perhaps";
  look(3, 1);
  recovery_.arrived(0, true);
  EXPECT_FALSE(recovery_.complete());
  recovery_.arrived(0, false);
  EXPECT_TRUE(recovery_.complete());
}

TEST_F(RecoveryOf, AQueueOfSeveralObserversWaitsOnlyForTheDead) {
  begin({{"q", 5, 1}});
  for (int second = 1; second < 60; ++second) look(5, 2);
  look(5, 2);
  look(5, 2);
  recovery_.arrived(0, false);
  EXPECT_TRUE(recovery_.complete()) << "after four heartbeats and 20 s";
}

TEST_F(RecoveryOf, OneQuestionIsAskedAtATimeAndNotTooOften) {
  begin({{"q", 5, 0}});
  EXPECT_TRUE(recovery_.look(now_));
  EXPECT_FALSE(recovery_.look(now_ + std::chrono::hours(1))) << "it is not answered";
  recovery_.looked(5, 1, now_);
  EXPECT_FALSE(recovery_.look(now_));
  EXPECT_TRUE(recovery_.look(now_ + std::chrono::seconds(1)));
}

// It ends by a delivery while it is being looked at.
TEST_F(RecoveryOf, AnAnswerThatComesTooLateChangesNothing) {
  begin({{"q", 5, 0}, {"r", 5, 0}});
  ASSERT_TRUE(recovery_.look(now_));
  recovery_.arrived(0, false);
  recovery_.looked(0, 1, now_);
  EXPECT_EQ(look(0, 1), "r");
  EXPECT_FALSE(recovery_.complete());
  look(0, 1);
  EXPECT_TRUE(recovery_.complete());
}

TEST(PublisherFrames, ConfirmOrRefuse) {
  const RabbitmqOptions options;
  Publisher publisher(options);
  amqp_basic_ack_t ack{};
  ack.delivery_tag = 1;
  EXPECT_FALSE(publisher.take(method_frame(AMQP_BASIC_ACK_METHOD, &ack))) << "nothing was sent";
  amqp_basic_nack_t nack{};
  const auto refused = publisher.take(method_frame(AMQP_BASIC_NACK_METHOD, &nack));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Error::Code::Unavailable);
  amqp_basic_recover_ok_t recovered{};
  EXPECT_TRUE(publisher.take(method_frame(AMQP_BASIC_RECOVER_OK_METHOD, &recovered)));
}

}  // namespace
}  // namespace chat21::rabbitmq
