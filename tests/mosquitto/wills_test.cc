// Wills, in all the ways in which Mosquitto publishes them. The will is a message, whose
// arrival shows that the observer got it, and how often.
#include "tests/mosquitto/plugin_case.h"

namespace chat21::mosquitto {
namespace {

using ::testing::HasSubstr;

class Wills : public PluginCase {
 protected:
  void SetUp() override {
    start();
    bob_ = reader("bob", 1);
  }

  Client::Options with_will(const std::string& from, int protocol = 4) {
    Client::Options client = options("ann", protocol);
    client.will = Client::Message{outgoing_topic(from, "bob"), text_body("my will"), 1};
    return client;
  }

  // That bob gets the will, and nothing between it and a message that ann sends now.
  void expect_will_once() {
    const auto will = bob_->next();
    ASSERT_TRUE(will);
    EXPECT_THAT(will->body, HasSubstr("my will"));
    expect_nothing();
  }
  void expect_nothing() {
    auto other = options("ann");
    other.id = "another client";
    ASSERT_TRUE(connect(other)->publish(outgoing_topic("ann", "bob"), text_body("after"), 1));
    const auto next = bob_->next();
    ASSERT_TRUE(next);
    EXPECT_THAT(next->body, HasSubstr("after"));
  }

  std::unique_ptr<Client> bob_;
};

TEST_F(Wills, OfALostConnectionAreCarriedOut) {
  for (const int protocol : {4, 5}) {
    connect(with_will("ann", protocol))->cut();
    expect_will_once();
  }
}

TEST_F(Wills, AreNotCarriedOutAfterAGoodbye) {
  connect(with_will("ann")).reset();
  expect_nothing();
}

TEST_F(Wills, OfAClientWhoseIdIsTakenOverAreCarriedOut) {
  for (const int protocol : {4, 5}) {
    auto first = connect(with_will("ann", protocol));
    auto second = connect(options("ann", protocol));
    expect_will_once();
    first->wait_until_closed();
  }
}

TEST_F(Wills, OfARefusedPublisherAreCarriedOut) {
  auto ann = connect(with_will("ann"));
  EXPECT_FALSE(ann->publish(outgoing_topic("bob", "ann"), "{}", 1));
  expect_will_once();
}

TEST_F(Wills, WithADelayAreCarriedOutLater) {
  auto delayed = with_will("ann", 5);
  delayed.will_delay = 1;
  delayed.session_expiry = 1000;
  connect(delayed)->cut();
  expect_nothing();
  expect_will_once();
}

TEST_F(Wills, OfASessionThatExpiresAreCarriedOut) {
  auto brief = with_will("ann", 5);
  brief.will_delay = 1000;
  brief.session_expiry = 1;
  connect(brief)->cut();
  expect_nothing();
  expect_will_once();
}

TEST_F(Wills, OfAClientWithAKeptSessionAreCarriedOut) {
  auto kept = with_will("ann");
  kept.clean_session = false;
  connect(kept)->cut();
  expect_will_once();
}

TEST_F(Wills, AreCarriedOutWhenTheBrokerStops) {
  auto ann = connect(with_will("ann"));
  auto carl = options("carl");
  carl.will = Client::Message{outgoing_topic("carl", "bob"), text_body("carl's"), 1};
  auto other = connect(carl);
  EXPECT_EQ(broker_->stop(), 0) << broker_->log();
  ASSERT_EQ(history("bob", "ann").size(), 1U);
  EXPECT_THAT(history("bob", "ann").front(), HasSubstr("my will"));
  EXPECT_EQ(history("bob", "carl").size(), 1U);
}

TEST_F(Wills, OnForbiddenTopicsDoNothing) {
  for (const int protocol : {4, 5}) {
    connect(with_will("carl", protocol))->cut();  // as if carl had sent it
    EXPECT_TRUE(broker_->wait_for_log("refused will to " + outgoing_topic("carl", "bob")));
    auto forged = options("ann", protocol);
    forged.will = Client::Message{inbox_of("bob") + "/messages/ann/clientadded", "{}", 1};
    connect(forged)->cut();
    expect_nothing();
  }
  auto carl = with_will("carl");
  auto first = connect(carl);
  auto second = connect(options("ann"));
  first->wait_until_closed();
  expect_nothing();
}

TEST_F(Wills, OfAnExpiredTokenDoNothing) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto brief = with_will("ann");
  brief.token = token_with(
      {.user = "ann", .scopes = user_scopes("ann"), .expires = now + std::chrono::seconds(2)});
  auto ann = connect(brief);
  while (ann->publish(inbox_of("ann") + "/x", "{}", 1)) {
  }
  EXPECT_TRUE(broker_->wait_for_log("refused will to "));
  expect_nothing();
}

TEST_F(Wills, AreNotRetainedButReachWhoIsThere) {
  auto device = reader("ann");
  auto leaving = options("ann");
  leaving.id = "leaving";
  leaving.will = Client::Message{inbox_of("ann") + "/presence/leaving", "{}", 1};
  leaving.retain_will = true;
  connect(leaving)->cut();
  const auto seen = device->next();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->topic, inbox_of("ann") + "/presence/leaving");

  auto later = reader("ann");
  ASSERT_TRUE(later->publish(inbox_of("ann") + "/last", "{}", 1));
  const auto first = later->next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->topic, inbox_of("ann") + "/last");
}

}  // namespace
}  // namespace chat21::mosquitto
