// Who is let in and what they may do, with a real Mosquitto: every refusal ends the
// connection, in MQTT 3.1.1 and 5, and none is acknowledged.
#include <chrono>

#include "tests/mosquitto/plugin_case.h"

namespace chat21::mosquitto {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Rights : public PluginCase, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override { start({"plugin_opt_jwt_key the key of this test"}); }

  Client::Options with_token(const TokenClaims& claims) {
    return {.id = "ann-client", .token = token_with(claims), .port = port_, .protocol = GetParam()};
  }
  TokenClaims claims(const std::string& user) {
    return {.user = user,
            .scopes = user_scopes(user),
            .expires = now() + 1h,
            .key = "the key of this test"};
  }
  static std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
  std::unique_ptr<Client> ann() { return connect(with_token(claims("ann"))); }
  std::unique_ptr<Client> everybody() {
    TokenClaims all = claims("service");
    all.scopes = {"rabbitmq.read:*/*/*", "rabbitmq.write:*/*/*"};
    auto options = with_token(all);
    options.id = "service";
    return connect(options);
  }
};

INSTANTIATE_TEST_SUITE_P(Mqtt, Rights, ::testing::Values(4, 5));

TEST_P(Rights, LetInOnlyWhoHasAValidToken) {
  TokenClaims expired = claims("ann");
  expired.expires = now() - 1s;
  TokenClaims forged = claims("ann");
  forged.key = "tokenKey";
  TokenClaims elsewhere = claims("ann");
  elsewhere.audience = "other";
  TokenClaims powerless = claims("ann");
  powerless.scopes = {"openid"};
  for (const TokenClaims& bad : {expired, forged, elsewhere, powerless}) {
    EXPECT_THROW(connect(with_token(bad)), std::runtime_error);
    EXPECT_TRUE(broker_->wait_for_log("refused a connection from 127.0.0.1: "));
  }
  for (const std::string& token :
       {std::string(), std::string("x"), std::string("a.b.c"), std::string(60000, 'x')}) {
    Client::Options options = with_token(claims("ann"));
    options.token = token;
    EXPECT_THROW(connect(options), std::runtime_error) << token.substr(0, 10);
  }
  EXPECT_TRUE(ann());
  EXPECT_TRUE(broker_->wait_for_log("u'ann')")) << "the log does not name the token's user";
}

TEST_P(Rights, CloseTheConnectionOfWhoSubscribesToMore) {
  for (const char* filter : {"#", "+/#", "+/tilechat/users/ann/#", "apps/tilechat/users/+/#",
                             "apps/tilechat/users/bob/#", "apps/tilechat/users/ann", "$SYS/#",
                             "$share/g/apps/tilechat/users/ann/#", "$share/g/#", "observer/#"}) {
    auto client = ann();
    EXPECT_FALSE(client->subscribe(filter, 1)) << filter;
  }
  EXPECT_TRUE(ann()->subscribe(inbox_of("ann") + "/#", 1));
  EXPECT_TRUE(everybody()->subscribe("#"));
}

TEST_P(Rights, CloseTheConnectionOfWhoPublishesElsewhere) {
  auto watcher = everybody();
  ASSERT_TRUE(watcher->subscribe("#"));
  for (const std::string& topic :
       {outgoing_topic("bob", "ann"), inbox_of("bob") + "/x",
        std::string("apps/observer/tilechat/groups/update"), std::string("x"),
        std::string("observer/rejected/apps/tilechat")}) {
    auto client = ann();
    EXPECT_FALSE(client->publish(topic, "{}", 1)) << topic;
  }
  ASSERT_TRUE(ann()->publish(inbox_of("ann") + "/mine", "{}", 1));
  const auto first = watcher->next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->topic, inbox_of("ann") + "/mine") << "something was let through before";
}

TEST_P(Rights, CloseTheConnectionOfWhoSpeaksForTheObserver) {
  auto inbox = ann();
  ASSERT_TRUE(inbox->subscribe(inbox_of("ann") + "/#"));
  ASSERT_TRUE(inbox->subscribe("/" + inbox_of("ann") + "/#"));
  for (const char* topic : {"/messages/bob/clientadded", "/messages/bob/m1/clientupdated",
                            "/conversations/bob/clientdeleted", "/groups/group-1/clientupdated",
                            "/bob/messages/clientadded", "/fence/t1", "/clientadded"}) {
    TokenClaims same = claims("ann");
    for (const std::string slash : {"", "/"}) {
      auto options = with_token(same);
      options.id = "forger";
      EXPECT_FALSE(connect(options)->publish(slash + inbox_of("ann") + topic, "{}", 1)) << topic;
      EXPECT_FALSE(everybody()->publish(slash + inbox_of("ann") + topic, "{}", 1)) << topic;
    }
  }
  ASSERT_TRUE(inbox->publish(inbox_of("ann") + "/last", "{}", 1));
  const auto first = inbox->next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->topic, inbox_of("ann") + "/last");
}

TEST_P(Rights, EndWithTheToken) {
  TokenClaims brief = claims("ann");
  brief.expires = now() + 2s;
  auto writer_options = with_token(brief);
  writer_options.id = "writer";
  auto writer = connect(writer_options);
  auto reader = connect(with_token(brief));
  EXPECT_TRUE(reader->subscribe(inbox_of("ann") + "/#"));
  while (writer->publish(inbox_of("ann") + "/x", "{}", 1)) {
    ASSERT_LT(now(), brief.expires + 1s) << "published with an expired token";
  }
  EXPECT_GE(now(), brief.expires);
  EXPECT_FALSE(reader->subscribe(inbox_of("ann") + "/#"));
  EXPECT_TRUE(broker_->wait_for_log("the token has expired"));
}

// As after each rotation of its log by Debian: the broker asks about everybody again.
TEST_P(Rights, OfWhoIsAwayWithAnExpiredTokenQueueOverAReload) {
  TokenClaims brief = claims("ann");
  brief.expires = now() + 2s;
  auto kept = with_token(brief);
  kept.clean_session = false;
  kept.session_expiry = GetParam() == 5 ? 1000 : 0;
  ASSERT_TRUE(connect(kept)->subscribe(inbox_of("ann") + "/later", 1));
  auto witness_options = with_token(brief);
  witness_options.id = "witness";
  auto witness = connect(witness_options);
  while (witness->publish(inbox_of("ann") + "/x", "{}", 1)) {
    ASSERT_LT(now(), brief.expires + 1s) << "published with an expired token";
  }
  broker_->reload();
  ASSERT_TRUE(broker_->wait_for_log("Reloading config."));
  ASSERT_TRUE(everybody()->publish(inbox_of("ann") + "/later", "{}", 1));

  kept.token = token_with(claims("ann"));
  auto ann = connect(kept);
  EXPECT_TRUE(ann->next()) << "nothing was queued after the reload";
}

TEST_P(Rights, AreThoseOfWhoTakesASessionOver) {
  auto kept = with_token(claims("ann"));
  kept.id = "shared id";
  kept.clean_session = false;
  kept.session_expiry = GetParam() == 5 ? 1000 : 0;
  ASSERT_TRUE(connect(kept)->subscribe(inbox_of("ann") + "/#", 1));
  ASSERT_TRUE(everybody()->publish(inbox_of("ann") + "/queued", "{}", 1));

  kept.token = token_with(claims("bob"));
  auto bob = connect(kept);
  ASSERT_TRUE(everybody()->publish(inbox_of("ann") + "/now", "{}", 1));
  ASSERT_TRUE(bob->subscribe(inbox_of("bob") + "/#", 1));
  ASSERT_TRUE(bob->publish(inbox_of("bob") + "/own", "{}", 1));
  const auto first = bob->next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->topic, inbox_of("bob") + "/own") << "bob reads what ann has subscribed to";
}

}  // namespace
}  // namespace chat21::mosquitto
