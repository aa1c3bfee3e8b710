// Messages through the plugin in a real Mosquitto.
#include "tests/mosquitto/plugin_case.h"

namespace chat21::mosquitto {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Plugin : public PluginCase {};

TEST_F(Plugin, CarriesADirectMessageToBothInboxesAndTheStore) {
  start();
  auto ann = reader("ann");
  auto bob = reader("bob");
  ASSERT_TRUE(
      ann->publish(outgoing_topic("ann", "bob"), R"({"text":"hi","attributes":null,"n":1.0})", 1));
  const auto sent = ann->next();
  const auto delivered = bob->next();
  ASSERT_TRUE(sent && delivered);
  EXPECT_EQ(sent->topic, "apps/tilechat/users/ann/messages/bob/clientadded");
  EXPECT_EQ(delivered->topic, "apps/tilechat/users/bob/messages/ann/clientadded");
  EXPECT_THAT(sent->body, HasSubstr("\"status\":100"));
  EXPECT_THAT(delivered->body,
              AllOf(HasSubstr("\"status\":150"), HasSubstr(R"("attributes":null,"n":1.0,)")));
  ASSERT_EQ(history("bob", "ann").size(), 1U);
  EXPECT_THAT(history("bob", "ann").front(), HasSubstr(R"("text":"hi")"));
}

TEST_F(Plugin, SpeaksMqtt5) {
  start();
  auto ann = connect("ann", 5);
  auto bob = connect("bob", 5);
  ASSERT_TRUE(bob->subscribe(inbox_of("bob") + "/#", 1));
  ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), text_body("five"), 1));
  const auto delivered = bob->next();
  ASSERT_TRUE(delivered);
  EXPECT_THAT(delivered->body, HasSubstr("five"));
  EXPECT_EQ(delivered->qos, 1);
}

TEST_F(Plugin, CarriesTheFormsOfTheReadmeBackInTheirForm) {
  start();
  auto bob = connect("bob");
  ASSERT_TRUE(bob->subscribe("/apps/tilechat/users/bob/#"));
  auto ann = connect("ann");
  ASSERT_TRUE(ann->publish("/apps/tilechat/users/ann/bob/messages/outgoing", text_body("hi"), 1));
  const auto delivered = bob->next();
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->topic, "/apps/tilechat/users/bob/ann/messages/clientadded");
}

TEST_F(Plugin, CarriesAGroupMessageToTheMembers) {
  start();
  auto ann = reader("ann");
  auto bob = reader("bob");
  ASSERT_TRUE(service()->publish(
      "apps/observer/tilechat/groups/update",
      R"({"group":{"uid":"group-1","members":{"ann":1,"bob":1}},"notify_to":{"ann":1,"bob":1}})",
      1));
  for (Client* member : {ann.get(), bob.get()}) {
    const auto notice = member->next();
    ASSERT_TRUE(notice);
    EXPECT_THAT(notice->topic, HasSubstr("/groups/group-1/clientupdated"));
  }
  ASSERT_TRUE(ann->publish(outgoing_topic("ann", "group-1"), text_body("all"), 1));
  for (const auto& [user, member] :
       {std::pair<std::string, Client*>{"ann", ann.get()}, {"bob", bob.get()}}) {
    const auto copy = member->next();
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->topic, inbox_of(user) + "/messages/group-1/clientadded");
  }
}

TEST_F(Plugin, TellsTheSenderOfAReceipt) {
  start();
  auto ann = reader("ann");
  auto bob = reader("bob");
  ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), text_body("read me"), 1));
  const auto sent = ann->next();
  ASSERT_TRUE(sent && bob->next());
  const auto at = sent->body.find("\"message_id\":\"") + 14;
  const std::string id = sent->body.substr(at, 36);
  ASSERT_TRUE(
      bob->publish(inbox_of("bob") + "/messages/ann/" + id + "/update", R"({"status":200})", 1));
  const auto receipt = ann->next();
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->topic, inbox_of("ann") + "/messages/bob/" + id + "/clientupdated");
  EXPECT_THAT(receipt->body, HasSubstr("\"status\":250"));
}

TEST_F(Plugin, KeepsTheOrderOfManyMessages) {
  start();
  auto bob = reader("bob", 1);
  auto ann = connect("ann");
  constexpr int kMany = 300;
  for (int i = 0; i < kMany; ++i) {
    ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), text_body(std::to_string(i)), 0));
  }
  for (int i = 0; i < kMany; ++i) {
    const auto delivered = bob->next();
    ASSERT_TRUE(delivered) << i;
    ASSERT_THAT(delivered->body, HasSubstr("{\"text\":\"" + std::to_string(i) + '"'));
  }
}

TEST_F(Plugin, RejectsVisiblyWhatItCannotCarry) {
  start({"plugin_opt_max_body 1KiB"});
  auto watcher = service();
  ASSERT_TRUE(watcher->subscribe("observer/rejected/#"));
  auto ann = connect("ann");
  ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), "{no json", 1));
  ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), text_body(std::string(1024, 'x')), 1));
  ASSERT_TRUE(ann->publish(inbox_of("ann") + "/groups/update", "{}", 1));
  for (const char* reason : {"malformed", "too-large", "unknown-topic"}) {
    const auto rejected = watcher->next();
    ASSERT_TRUE(rejected);
    EXPECT_EQ(rejected->topic, "observer/rejected/apps/tilechat");
    EXPECT_THAT(rejected->body, HasSubstr(std::string("\"reason\":\"") + reason));
  }
}

TEST_F(Plugin, KeepsAMessageForARecipientWhoIsAwayWithASession) {
  start();
  auto away = options("bob");
  away.clean_session = false;
  ASSERT_TRUE(connect(away)->subscribe(inbox_of("bob") + "/#", 1));
  auto ann = reader("ann");
  ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), text_body("for later"), 1));
  ASSERT_TRUE(ann->next());  // so it was processed while bob was away
  const auto delivered = connect(away)->next();
  ASSERT_TRUE(delivered);
  EXPECT_THAT(delivered->body, HasSubstr("for later"));
  EXPECT_EQ(delivered->qos, 1);
}

TEST_F(Plugin, KeepsAMessageForASessionFromBeforeTheBrokersStart) {
  start({"persistence true", "persistence_location " + folder_.path().string() + "/"});
  auto away = options("bob");
  away.clean_session = false;
  ASSERT_TRUE(connect(away)->subscribe(inbox_of("bob") + "/#", 1));
  EXPECT_EQ(broker_->stop(), 0);
  restart();
  auto ann = reader("ann");
  ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), text_body("welcome back"), 1));
  ASSERT_TRUE(ann->next());
  const auto delivered = connect(away)->next();
  ASSERT_TRUE(delivered);
  EXPECT_THAT(delivered->body, HasSubstr("welcome back"));
}

TEST_F(Plugin, RetainsNothing) {
  start();
  auto ann = connect("ann");
  ASSERT_TRUE(ann->publish(inbox_of("ann") + "/profile", "{}", 1, /*retain=*/true));
  ASSERT_TRUE(ann->publish(inbox_of("ann") + "/presence/c1", "{}", 1, /*retain=*/true));
  auto later = reader("ann");
  ASSERT_TRUE(later->publish(inbox_of("ann") + "/last", "{}", 1));
  const auto first = later->next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->topic, inbox_of("ann") + "/last");
}

TEST_F(Plugin, RoutesWhatABridgeBrings) {
  const int there = free_port();
  const auto remote = folder_ / "remote.conf";
  std::ofstream(remote) << "listener " << there << " 127.0.0.1\nallow_anonymous true\nuser "
                        << ::getpwuid(::geteuid())->pw_name << "\nlog_dest stderr\n";
  Broker other(remote);
  ASSERT_TRUE(other.wait_for_log(" running"));
  start({"connection other", "address 127.0.0.1:" + std::to_string(there), "topic apps/# in 1"});
  auto bob = reader("bob");
  ASSERT_TRUE(other.wait_for_log("New bridge connected")) << other.log();
  Client there_client({.id = "there", .token = "any", .port = there});
  // Until the bridge has subscribed nobody hears it.
  bool delivered = false;
  while (!delivered) {
    ASSERT_TRUE(there_client.publish(outgoing_topic("ann", "bob"), text_body("over"), 1));
    delivered = !history("bob", "ann").empty();
  }
  const auto copy = bob->next();
  ASSERT_TRUE(copy);
  EXPECT_THAT(copy->body, HasSubstr("over"));
}

TEST_F(Plugin, StoresWhatItHasTakenBeforeItEnds) {
  start();
  auto ann = connect("ann");
  constexpr int kMany = 50;
  for (int i = 0; i < kMany; ++i) {
    ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), text_body(std::to_string(i)), 1));
  }
  EXPECT_EQ(broker_->stop(), 0) << broker_->log();
  EXPECT_EQ(history("bob", "ann").size(), 50U);
}

}  // namespace
}  // namespace chat21::mosquitto
