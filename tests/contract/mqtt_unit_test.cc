// The parts of the MQTT transport that need no broker.
#include <gmock/gmock.h>
#include <poll.h>
#include <string>
#include <vector>

#include "chat21/mqtt.h"

#include "lib/mqtt/inbox.h"
#include "lib/mqtt/topics.h"
#include "lib/shared/wake_signal.h"

namespace chat21::mqtt {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// --- topics ---------------------------------------------------------------------

TEST(Topics, SeparateLevelsBySlashes) {
  EXPECT_EQ(*topic_of("apps.a.users.ü.messages"), "apps/a/users/ü/messages");
  EXPECT_EQ(*topic_of(".apps.a"), "/apps/a");
  EXPECT_EQ(*topic_of("apps.a*b"), "apps/a*b");
  EXPECT_EQ(routing_key_of("apps/a/users/ü"), "apps.a.users.ü");
  EXPECT_EQ(*filter_of("apps.*.users.#"), "apps/+/users/#");
}

TEST(Topics, NeverAreOneKeyForTwo) {
  EXPECT_EQ(routing_key_of("apps/a.users/b"), "apps.a/users.b");
}

TEST(Topics, RefuseWhatCannotBeOneAndSayWhy) {
  const struct {
    std::string key, why;
  } cases[] = {
      {"", "is empty"},
      {"apps.a/b", "'apps.a/b' contains /"},
      {"apps.+", "contains +"},
      {"apps.#", "contains #"},
      {"$SYS.broker", "begins with $"},
      {std::string("apps\0a", 6), "is not UTF-8 or has a control character"},
      {"apps.\xff", "is not UTF-8 or has a control character"},
      {"apps.\n", "is not UTF-8 or has a control character"},
      {std::string(256, 'k'), "has 256 bytes, more than 255"},
  };
  for (const auto& [key, why] : cases) {
    const auto topic = topic_of(key);
    ASSERT_FALSE(topic) << key;
    EXPECT_EQ(topic.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(topic.error().message, HasSubstr(why));
  }
  EXPECT_THAT(topic_of("apps.\xff").error().message, Not(HasSubstr("apps")))
      << "bytes that are no text do not go into logs";
}

TEST(Topics, RefuseFiltersThatMatchNothing) {
  for (const std::string filter : {"", "apps/a", "apps.+", "apps.#.b", "apps.a*", "apps.\xff"}) {
    EXPECT_FALSE(filter_of(filter)) << filter;
  }
}

// --- inbox ----------------------------------------------------------------------

Inbox inbox_of(std::size_t count) {
  Inbox inbox({.prefetch = 3, .max_body_bytes = 4, .max_held_bytes = 20});
  for (std::size_t i = 0; i < count; ++i) inbox.push("k", std::to_string(i));
  return inbox;
}

std::vector<std::string> bodies_of(std::span<const Delivery> deliveries) {
  std::vector<std::string> bodies;
  for (const Delivery& delivery : deliveries) {
    bodies.push_back(std::string(delivery.body) + (delivery.redelivered ? " again" : ""));
  }
  return bodies;
}

TEST(Inbox, HandsOutAWindowInOrder) {
  Inbox inbox = inbox_of(5);
  EXPECT_THAT(bodies_of(inbox.hand_out()), ::testing::ElementsAre("0", "1", "2"));
  ASSERT_TRUE(inbox.settle(std::vector<Settle>{{2, Outcome::Done}}));
  EXPECT_THAT(bodies_of(inbox.hand_out()), ::testing::ElementsAre("0 again", "2 again", "3"));
  ASSERT_TRUE(inbox.settle(std::vector<Settle>{{1, Outcome::Done}, {3, Outcome::Done}}));
  EXPECT_THAT(bodies_of(inbox.hand_out()), ::testing::ElementsAre("3 again", "4"));
}

TEST(Inbox, SettlesAllOrNone) {
  Inbox inbox = inbox_of(4);
  inbox.hand_out();
  const std::vector<Settle> one_not_out{{1, Outcome::Done}, {4, Outcome::Done}};
  EXPECT_EQ(inbox.settle(one_not_out).error().code, Error::Code::Internal);
  EXPECT_EQ(inbox.hand_out().front().tag, 1U);
  EXPECT_EQ(inbox.settle(std::vector<Settle>{{9, Outcome::Done}}).error().code,
            Error::Code::Internal);
}

TEST(Inbox, OffersAllAgainUnderNewTagsWhenTheConnectionIsLost) {
  Inbox inbox = inbox_of(4);
  inbox.hand_out();
  ASSERT_TRUE(inbox.settle(std::vector<Settle>{{2, Outcome::Done}}));
  inbox.connection_lost();
  for (const Tag old : {1U, 2U, 3U, 4U}) {
    EXPECT_EQ(inbox.settle(std::vector<Settle>{{old, Outcome::Done}}).error().code,
              Error::Code::Unavailable);
  }
  const auto offered = inbox.hand_out();
  EXPECT_THAT(bodies_of(offered), ::testing::ElementsAre("0 again", "2 again", "3"));
  std::vector<Settle> settled;
  for (const Delivery& delivery : offered) {
    EXPECT_GT(delivery.tag, 4U);
    settled.push_back({delivery.tag, Outcome::Done});
  }
  ASSERT_TRUE(inbox.settle(settled));
  EXPECT_TRUE(inbox.empty());
  EXPECT_EQ(inbox.bytes(), 0U);
  EXPECT_THAT(inbox.hand_out(), IsEmpty());
}

TEST(Inbox, LosesCountOfNothingThatWasSettledBehindAnother) {
  Inbox inbox = inbox_of(2);
  inbox.hand_out();
  ASSERT_TRUE(inbox.settle(std::vector<Settle>{{2, Outcome::Done}}));
  inbox.connection_lost();
  EXPECT_FALSE(inbox.recovered());
  const auto offered = inbox.hand_out();
  EXPECT_THAT(bodies_of(offered), ::testing::ElementsAre("0 again"));
  EXPECT_TRUE(inbox.recovered());
  ASSERT_TRUE(inbox.settle(std::vector<Settle>{{offered.front().tag, Outcome::Done}}));
  EXPECT_EQ(inbox.bytes(), 0U);
  inbox.push("k", "new");
  EXPECT_THAT(bodies_of(inbox.hand_out()), ::testing::ElementsAre("new"));
}

TEST(Inbox, KnowsWhenItIsFull) {
  Inbox inbox = inbox_of(9);
  EXPECT_FALSE(inbox.full());
  inbox.push("k", "longer than may be");
  EXPECT_EQ(inbox.bytes(), 23U);
  EXPECT_TRUE(inbox.full());
  EXPECT_FALSE(inbox.overflows());
  for (int i = 0; i < 10; ++i) inbox.push("k", "x");
  EXPECT_TRUE(inbox.overflows());
}

TEST(WakeSignal, WakesAPollUntilItIsTaken) {
  WakeSignal signal;
  ASSERT_TRUE(signal.usable());
  EXPECT_FALSE(signal.take());
  signal.raise();
  signal.raise();
  pollfd woken{signal.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&woken, 1, 0), 1);
  EXPECT_TRUE(signal.take());
  EXPECT_FALSE(signal.take());
}

// --- options ----------------------------------------------------------------------

TEST(MqttOptions, AreChecked) {
  const struct {
    void (*spoil)(MqttOptions&);
    std::string why;
  } cases[] = {
      {[](MqttOptions& o) { o.host.clear(); }, "host"},
      {[](MqttOptions& o) { o.port = 0; }, "port"},
      {[](MqttOptions& o) { o.client_id.clear(); }, "client_id"},
      {[](MqttOptions& o) { o.client_id = "a\xff"; }, "client_id"},
      {[](MqttOptions& o) { o.client_id.assign(65536, 'x'); }, "client_id"},
      {[](MqttOptions& o) { o.user = std::string("a\0b", 3); }, "user"},
      {[](MqttOptions& o) {
         o.filters = {"a.b", "a/b"};
       },
       "the filter 'a/b'"},
      {[](MqttOptions& o) { o.prefetch = 0; }, "prefetch"},
      {[](MqttOptions& o) { o.publish_window = 0; }, "publish_window"},
      {[](MqttOptions& o) { o.publish_window = 65536; }, "publish_window"},
      {[](MqttOptions& o) { o.max_held_bytes = 0; }, "max_held_bytes"},
      {[](MqttOptions& o) { o.keepalive = std::chrono::seconds(4); }, "keepalive"},
      {[](MqttOptions& o) { o.keepalive = std::chrono::seconds(65536); }, "keepalive"},
      {[](MqttOptions& o) { o.connect_timeout = {}; }, "connect_timeout"},
      {[](MqttOptions& o) { o.publish_timeout = {}; }, "publish_timeout"},
      {[](MqttOptions& o) { o.reconnect_max = {}; }, "reconnect_max"},
  };
  MqttOptions good;
  good.client_id = "service";
  EXPECT_TRUE(make_mqtt_transport(good));
  for (const auto& [spoil, why] : cases) {
    MqttOptions options = good;
    spoil(options);
    const auto made = make_mqtt_transport(options);
    ASSERT_FALSE(made) << why;
    EXPECT_EQ(made.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(made.error().message, HasSubstr(why));
  }
}

}  // namespace
}  // namespace chat21::mqtt
