// Who may what, without a broker: the events come in the order in which Mosquitto 2.0.11
// has them.
#include "lib/mosquitto/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tests/mosquitto/tokens.h"

namespace chat21::mosquitto {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kNow = std::chrono::sys_seconds(1'700'000'000s);
constexpr auto kExpiry = kNow + 1h;

class AccessCase : public ::testing::Test {
 protected:
  Result<std::string> connect(int client, const TokenClaims& claims, const std::string& id = "c") {
    return access_.connect(&clients_[static_cast<std::size_t>(client)], id, token_with(claims),
                           kNow);
  }
  void connect_user(int client, const std::string& user, const std::string& id = "c") {
    const auto connected =
        connect(client, {.user = user, .scopes = user_scopes(user), .expires = kExpiry}, id);
    ASSERT_TRUE(connected) << connected.error().message;
    EXPECT_EQ(*connected, user);
  }
  void connect_service(int client) {
    ASSERT_TRUE(connect(client, {.user = "service",
                                 .scopes = {"rabbitmq.read:*/*/*", "rabbitmq.write:*/*/*"},
                                 .expires = kExpiry}));
  }
  Request request(int client, std::string_view topic) {
    return {.client = &clients_[static_cast<std::size_t>(client)], .topic = topic};
  }
  Answer publish(int client, std::string_view topic, std::chrono::sys_seconds at = kNow) {
    return access_.publish(request(client, topic), at);
  }
  Answer subscribe(int client, std::string_view filter, std::chrono::sys_seconds at = kNow) {
    return access_.subscribe(request(client, filter), at);
  }
  Answer receive(int client, std::string_view topic) {
    return access_.receive(request(client, topic));
  }
  void disconnect(int client, bool away) {
    access_.disconnect(&clients_[static_cast<std::size_t>(client)], away);
  }

  std::vector<char> clients_ = std::vector<char>(100);  // for their addresses
  Access access_{{.app = "tilechat", .tokens = {"tokenKey", "rabbitmq"}, .max_away = 3}};
};

// --- Connecting --------------------------------------------------------------

TEST_F(AccessCase, LetsInWhoHasAToken) {
  connect_user(0, "ann");
  EXPECT_EQ(access_.sessions(), 1U);
}

TEST_F(AccessCase, RefusesConnectionsWithoutAValidToken) {
  const TokenClaims good{.user = "ann", .scopes = user_scopes("ann"), .expires = kExpiry};
  TokenClaims expired = good;
  expired.expires = kNow;
  TokenClaims elsewhere = good;
  elsewhere.audience = "other";
  TokenClaims forged = good;
  forged.key = "another key";
  TokenClaims powerless = good;
  powerless.scopes = {"openid", "other.read:*/*/*"};
  for (const TokenClaims& claims : {expired, elsewhere, forged, powerless}) {
    const auto connected = connect(0, claims);
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().code, Error::Code::InvalidArgument);
    EXPECT_FALSE(connected.error().message.empty());
  }
  const auto nothing = access_.connect(&clients_[0], "c", "", kNow);
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().message, HasSubstr("no token"));
  EXPECT_EQ(access_.sessions(), 0U);
}

TEST_F(AccessCase, ForgetsWhoHadTheAddressBeforeAlsoIfTheNewcomerIsRefused) {
  connect_user(0, "ann");
  EXPECT_FALSE(connect(0, {.user = "bob", .scopes = user_scopes("bob"), .expires = kNow}));
  EXPECT_FALSE(publish(0, "apps/tilechat/users/ann/x").allowed());
}

TEST_F(AccessCase, KnowsNobodyWhoDidNotConnect) {
  EXPECT_FALSE(publish(0, "apps/tilechat/users/ann/x").allowed());
  EXPECT_FALSE(subscribe(0, "apps/tilechat/users/ann/#").allowed());
  EXPECT_FALSE(receive(0, "apps/tilechat/users/ann/x").allowed());
}

// --- Rights ------------------------------------------------------------------

TEST_F(AccessCase, LetsAUserPublishInTheOwnSubtreesOnly) {
  connect_user(0, "ann");
  for (const char* topic :
       {"apps/tilechat/outgoing/users/ann/messages/bob/outgoing",
        "apps/tilechat/users/ann/messages/bob/outgoing",
        "apps/tilechat/users/ann/bob/messages/outgoing",
        "/apps/tilechat/users/ann/bob/messages/outgoing",
        "apps/tilechat/users/ann/messages/bob/m1/update",
        "apps/tilechat/users/ann/conversations/bob/archive", "apps/tilechat/users/ann/presence/c1",
        "apps/tilechat/users/ann/groups/update"}) {
    const Answer answer = publish(0, topic);
    EXPECT_TRUE(answer.allowed()) << topic << ": " << answer.refusal;
    EXPECT_TRUE(answer.for_observer) << topic;
    EXPECT_FALSE(answer.will) << topic;
    EXPECT_EQ(answer.user, "ann");
  }
  const Answer own = publish(0, "apps/tilechat/users/ann/typing/bob");
  EXPECT_TRUE(own.allowed());
  EXPECT_FALSE(own.for_observer);
  EXPECT_EQ(own.key, "apps.tilechat.users.ann.typing.bob");
  for (const char* topic :
       {"apps/tilechat/outgoing/users/bob/messages/ann/outgoing", "apps/tilechat/users/bob/x",
        "apps/tilechat/users/annabel/x", "apps/tilechat/users/ann", "apps/other/users/ann/x",
        "apps/observer/tilechat/groups/update", "observer/rejected/apps/tilechat", "x", "/", "",
        "$SYS/broker/uptime", "$CONTROL/dynamic-security/v1", "//apps/tilechat/users/ann/x"}) {
    EXPECT_FALSE(publish(0, topic).allowed()) << topic;
  }
}

TEST_F(AccessCase, LetsAUserSubscribeToTheOwnInboxOnly) {
  connect_user(0, "ann");
  for (const char* filter :
       {"apps/tilechat/users/ann/#", "apps/tilechat/users/ann/messages/+/clientadded",
        "/apps/tilechat/users/ann/#", "apps/tilechat/users/ann/+"}) {
    EXPECT_TRUE(subscribe(0, filter).allowed()) << filter;
  }
  for (const char* filter :
       {"#", "+", "+/#", "/#", "+/tilechat/users/ann/#", "apps/+/users/ann/#",
        "apps/tilechat/users/+/#", "apps/tilechat/users/#", "apps/tilechat/users/ann",
        "apps/tilechat/users/bob/#", "apps/tilechat/outgoing/users/ann/#", "$SYS/#",
        "$share/g/apps/tilechat/users/ann/#", "$share/g/#", "$SYS/broker/clients/total"}) {
    EXPECT_FALSE(subscribe(0, filter).allowed()) << filter;
  }
}

TEST_F(AccessCase, ReadsAFilterAsItsTextInAmqpForm) {
  ASSERT_TRUE(connect(
      0, {.user = "ann", .scopes = {"rabbitmq.read:*/*/apps.%2A.users"}, .expires = kExpiry}));
  EXPECT_TRUE(subscribe(0, "apps/+/users").allowed());
  EXPECT_FALSE(subscribe(0, "apps/a/users").allowed());
}

TEST_F(AccessCase, DeliversOnlyWhatTheReceiverMayRead) {
  connect_user(0, "ann");
  EXPECT_TRUE(receive(0, "apps/tilechat/users/ann/messages/bob/clientadded").allowed());
  EXPECT_FALSE(receive(0, "apps/tilechat/users/bob/messages/ann/clientadded").allowed());
  EXPECT_FALSE(receive(0, "apps/tilechat/users/ann").allowed());
}

// RabbitMQ, whose keys are AMQP short strings, knows no longer ones; and rights cost time
// by the length of the topic.
TEST_F(AccessCase, RefusesTopicsThatNoRoutingKeyCanHold) {
  connect_user(0, "ann");
  const std::string start = "apps/tilechat/users/ann/";
  const std::string longest = start + std::string(255 - start.size(), 'x');
  EXPECT_TRUE(publish(0, longest).allowed());
  EXPECT_TRUE(subscribe(0, longest).allowed());
  EXPECT_THAT(std::string(publish(0, longest + 'x').refusal), HasSubstr("255 bytes"));
  EXPECT_THAT(std::string(subscribe(0, longest + 'x').refusal), HasSubstr("255 bytes"));
  EXPECT_FALSE(publish(0, start + std::string(60000, 'x') + "/update").allowed());
}

TEST_F(AccessCase, LetsAServiceDoEverythingButSpeakForTheObserver) {
  connect_service(0);
  EXPECT_TRUE(subscribe(0, "#").allowed());
  EXPECT_TRUE(receive(0, "apps/tilechat/users/bob/messages/ann/clientadded").allowed());
  const Answer order = publish(0, "apps/observer/tilechat/groups/update");
  EXPECT_TRUE(order.allowed());
  EXPECT_TRUE(order.for_observer);
  const Answer other = publish(0, "apps/observer/other/groups/update");
  EXPECT_TRUE(other.allowed());
  EXPECT_FALSE(other.for_observer) << "of an app that this observer does not serve";
  EXPECT_FALSE(publish(0, "apps/tilechat/users/bob/messages/ann/clientadded").allowed());
}

TEST_F(AccessCase, LetsNobodyPublishWhatOnlyTheObserverDoes) {
  connect_user(0, "ann");
  connect_service(1);
  for (const char* topic :
       {"apps/tilechat/users/ann/messages/bob/clientadded",
        "apps/tilechat/users/ann/messages/bob/m1/clientupdated",
        "apps/tilechat/users/ann/conversations/bob/clientdeleted",
        "apps/tilechat/users/ann/bob/messages/clientadded",
        "/apps/tilechat/users/ann/bob/messages/clientadded",
        "apps/tilechat/users/ann/groups/group-1/clientupdated", "apps/tilechat/users/ann/fence/t1",
        "apps.tilechat.users.ann.messages.bob.clientadded"}) {
    EXPECT_THAT(publish(0, topic).refusal, HasSubstr("observer")) << topic;
    EXPECT_THAT(publish(1, topic).refusal, HasSubstr("observer")) << topic;
  }
}

TEST_F(AccessCase, TakesAwayTheRightsOfATokenThatExpires) {
  connect_user(0, "ann");
  const auto before = kExpiry - 1s;
  EXPECT_TRUE(publish(0, "apps/tilechat/users/ann/x", before).allowed());
  EXPECT_TRUE(subscribe(0, "apps/tilechat/users/ann/#", before).allowed());
  EXPECT_THAT(publish(0, "apps/tilechat/users/ann/x", kExpiry).refusal, HasSubstr("expired"));
  EXPECT_THAT(subscribe(0, "apps/tilechat/users/ann/#", kExpiry).refusal, HasSubstr("expired"));
  EXPECT_TRUE(receive(0, "apps/tilechat/users/ann/x").allowed());
}

// --- What the broker makes itself ----------------------------------------------

TEST_F(AccessCase, LetsSessionsFromBeforeTheStartQueue) {
  Request restored = request(7, "apps/tilechat/users/ann/messages/bob/clientadded");
  restored.connected_once = false;
  EXPECT_TRUE(access_.receive(restored).allowed());
}

TEST_F(AccessCase, TrustsTheAuthorsOfRetainedMessagesAndTakesNothingFromThem) {
  Request author = request(8, "apps/tilechat/users/ann/presence/c1");
  author.connected_once = false;
  author.retain = true;
  const Answer answer = access_.publish(author, kNow);
  EXPECT_TRUE(answer.allowed());
  EXPECT_FALSE(answer.for_observer);
}

TEST_F(AccessCase, DeliversNoRetainedMessageForTheObserver) {
  connect_user(0, "ann");
  Request retained = request(0, "apps/tilechat/users/ann/presence/c1");
  retained.retain = true;
  EXPECT_FALSE(access_.receive(retained).allowed());
  retained.topic = "apps/tilechat/users/ann/profile";
  EXPECT_TRUE(access_.receive(retained).allowed());
}

TEST_F(AccessCase, KnowsWhatIsForTheObserverAlsoWithoutAClient) {
  EXPECT_EQ(access_.observed_key("apps/tilechat/outgoing/users/ann/messages/bob/outgoing"),
            "apps.tilechat.outgoing.users.ann.messages.bob.outgoing");
  EXPECT_THAT(access_.observed_key("apps/other/outgoing/users/ann/messages/bob/outgoing"),
              IsEmpty());
  EXPECT_THAT(access_.observed_key("apps/tilechat/users/ann/typing"), IsEmpty());
}

// --- Wills ---------------------------------------------------------------------

const std::string kPresence = "apps/tilechat/users/ann/presence/c1";

TEST_F(AccessCase, TakesTheWillOfALostConnection) {
  connect_user(0, "ann");
  disconnect(0, false);
  const Answer will = publish(0, kPresence);
  EXPECT_TRUE(will.allowed());
  EXPECT_TRUE(will.for_observer);
  EXPECT_TRUE(will.will);
  access_.turn();
  EXPECT_EQ(access_.sessions(), 0U);
  EXPECT_FALSE(publish(0, kPresence).allowed());
}

TEST_F(AccessCase, TakesAWillThatTheBrokerHasDelayed) {
  connect_user(0, "ann");
  disconnect(0, true);
  access_.turn();
  access_.turn();
  const Answer will = publish(0, kPresence, kNow + 10min);
  EXPECT_TRUE(will.allowed());
  EXPECT_TRUE(will.will);
}

TEST_F(AccessCase, TakesTheWillOfAClientWhoseIdIsTakenOver) {
  connect_user(0, "ann", "phone");
  connect_user(1, "ann", "phone");
  const Answer will = publish(0, kPresence);  // before its disconnect
  EXPECT_TRUE(will.allowed());
  EXPECT_TRUE(will.will);
  disconnect(0, false);
  access_.turn();
  EXPECT_EQ(access_.sessions(), 1U);
  EXPECT_FALSE(publish(1, kPresence).will);
}

TEST_F(AccessCase, TakesNoMessageForAWill) {
  connect_user(0, "ann", "phone");
  EXPECT_FALSE(publish(0, kPresence).will) << "the one who has just connected";
  connect_user(1, "bob", "tablet");
  EXPECT_FALSE(publish(0, kPresence).will) << "another client id has connected";
  connect_user(2, "ann", "phone");
  disconnect(3, false);
  EXPECT_FALSE(publish(0, kPresence).will) << "something else has happened since";
  connect_user(4, "ann", "phone");
  access_.turn();
  EXPECT_FALSE(publish(0, kPresence).will) << "that was in an earlier turn";
}

TEST_F(AccessCase, JudgesAWillByTheRightsOfWhoLeftIt) {
  connect_user(0, "ann", "phone");
  connect_user(1, "bob", "phone");
  EXPECT_FALSE(publish(0, "apps/tilechat/users/bob/presence/c1").allowed());
  connect_user(2, "ann");
  disconnect(2, true);
  EXPECT_FALSE(publish(2, "apps/tilechat/users/bob/presence/c1").allowed());
  EXPECT_FALSE(publish(2, "apps/tilechat/users/ann/messages/bob/clientadded").allowed());
  EXPECT_THAT(publish(2, kPresence, kExpiry).refusal, HasSubstr("expired"));
}

TEST_F(AccessCase, LetsNobodySubscribeAfterTheEnd) {
  connect_user(0, "ann");
  disconnect(0, true);
  EXPECT_FALSE(subscribe(0, "apps/tilechat/users/ann/#").allowed());
  EXPECT_TRUE(receive(0, "apps/tilechat/users/ann/x").allowed()) << "queued for later";
}

// --- Bounds --------------------------------------------------------------------

TEST_F(AccessCase, ForgetsWhoHasBeenAwayLongestWhenTooManyAre) {
  for (int client = 0; client < 5; ++client) {
    connect_user(client, "ann");
    disconnect(client, true);
  }
  EXPECT_EQ(access_.sessions(), 3U);
  EXPECT_FALSE(publish(1, kPresence).allowed());
  EXPECT_TRUE(publish(2, kPresence).allowed());
}

TEST_F(AccessCase, ForgetsAtTheSecondEnd) {
  connect_user(0, "ann");
  disconnect(0, true);
  disconnect(0, true);  // somebody took the session over
  access_.turn();
  EXPECT_EQ(access_.sessions(), 0U);
  connect_user(0, "ann");
  disconnect(0, true);
  connect_user(0, "bob");  // the broker uses the address again
  access_.turn();
  EXPECT_TRUE(publish(0, "apps/tilechat/users/bob/x").allowed());
  for (int client = 1; client < 4; ++client) {
    connect_user(client, "ann");
    disconnect(client, true);
  }
  EXPECT_EQ(access_.sessions(), 4U) << "those who came back are not away";
}

TEST_F(AccessCase, EndsNobodyItDoesNotKnow) {
  disconnect(0, true);
  disconnect(0, false);
  access_.turn();
  EXPECT_EQ(access_.sessions(), 0U);
}

}  // namespace
}  // namespace chat21::mosquitto
