// The server from outside, with libmosquitto over TCP, on the engine that CHAT21_TEST_ENGINE
// names: a real RabbitMQ, or the server's own broker.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include "chat21/sqlite.h"

#include "tests/integration/mosquitto_client.h"
#include "tests/server/program.h"

namespace chat21::tests {
namespace {

using server::Program;
using ::testing::HasSubstr;

std::string required(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    throw std::runtime_error(std::string(name) +
                             " is not set: run ./test.sh, which starts a broker");
  }
  return value;
}

std::string token_of(const std::string& user) {
  Program program({"token", "user", user});
  EXPECT_EQ(program.wait(), 0) << program.error_output();
  std::string token = program.output();
  while (!token.empty() && token.back() == '\n') token.pop_back();
  return token;
}

// Ids of this run: queues and clients of another one must not meet ours.
std::string named(const std::string& name) {
  return name + "-" + std::to_string(::getpid());
}

class Mosquitto : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / named("chat21-mosquitto");
    std::filesystem::create_directories(folder_);
    start_server();
  }
  void TearDown() override {
    if (server_) stop_server();
    std::filesystem::remove_all(folder_);
  }

  void start_server() {
    server_ = std::make_unique<Program>(std::vector<std::string>{}, settings());
    ASSERT_TRUE(server_->wait_for_error_output(embedded_ ? "the broker is ready"
                                                         : "connected to the broker"))
        << server_->error_output();
  }
  void stop_server() {
    server_->signal(SIGTERM);
    EXPECT_EQ(server_->wait(), 0) << server_->error_output();
    server_.reset();
  }
  void kill_server() {
    server_->signal(SIGKILL);
    server_->wait();
    server_.reset();
  }

  std::filesystem::path store_path() const { return folder_ / "chat21.db"; }
  std::unique_ptr<History> history() const {
    auto opened = open_sqlite_history({.path = store_path()});
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? *std::move(opened) : nullptr;
  }

  bool embedded_ = required("CHAT21_TEST_ENGINE") == "embedded";
  int port_ = std::stoi(required("CHAT21_TEST_MQTT_PORT"));
  std::string ann_ = named("ann");
  std::string bob_ = named("bob");

 private:
  std::vector<std::string> settings() const {
    std::vector<std::string> settings{"STORE_PATH=" + store_path().string()};
    if (embedded_) {
      settings.insert(settings.end(),
                      {"ENGINE=embedded", "MQTT_PORT=" + std::to_string(port_),
                       "WEBSOCKET_ENABLED=false", "BROKER_DIR=" + (folder_ / "broker").string()});
    } else {
      settings.push_back("RABBITMQ_URI=" + required("CHAT21_TEST_AMQP_URI"));
    }
    return settings;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Program> server_;
};

TEST_F(Mosquitto, CarriesADirectMessageToBothInboxesAndTheStore) {
  MosquittoClient ann(named("a"), token_of(ann_), port_);
  MosquittoClient bob(named("b"), token_of(bob_), port_);
  ASSERT_TRUE(ann.subscribe("apps/tilechat/users/" + ann_ + "/#"));
  ASSERT_TRUE(bob.subscribe("apps/tilechat/users/" + bob_ + "/#"));
  ASSERT_TRUE(
      ann.publish("apps/tilechat/outgoing/users/" + ann_ + "/messages/" + bob_ + "/outgoing",
                  R"({"text":"hi","attributes":null,"n":1.0})", 1));

  const auto sent = ann.next();
  const auto delivered = bob.next();
  ASSERT_TRUE(sent && delivered);
  EXPECT_EQ(sent->topic, "apps/tilechat/users/" + ann_ + "/messages/" + bob_ + "/clientadded");
  EXPECT_EQ(delivered->topic, "apps/tilechat/users/" + bob_ + "/messages/" + ann_ + "/clientadded");
  EXPECT_THAT(sent->body, HasSubstr("\"status\":100"));
  EXPECT_THAT(delivered->body, HasSubstr("\"status\":150"));
  EXPECT_THAT(delivered->body, HasSubstr(R"("attributes":null,"n":1.0,)"));

  const auto copies = history()->messages("tilechat", bob_, ann_, {});
  ASSERT_TRUE(copies);
  ASSERT_EQ(copies->size(), 1U);
  EXPECT_THAT(copies->front(), HasSubstr(R"("text":"hi")"));
}

TEST_F(Mosquitto, KeepsAMessageForARecipientWhoIsAwayWithASession) {
  const std::string token = token_of(bob_);
  {
    MosquittoClient bob(named("b"), token, port_, /*clean_session=*/false);
    ASSERT_TRUE(bob.subscribe("apps/tilechat/users/" + bob_ + "/#", 1));
  }
  MosquittoClient ann(named("a"), token_of(ann_), port_);
  ASSERT_TRUE(ann.subscribe("apps/tilechat/users/" + ann_ + "/#"));
  ASSERT_TRUE(
      ann.publish("apps/tilechat/outgoing/users/" + ann_ + "/messages/" + bob_ + "/outgoing",
                  R"({"text":"for later"})", 1));
  ASSERT_TRUE(ann.next());  // so it was processed while bob was away

  MosquittoClient bob(named("b"), token, port_, /*clean_session=*/false);
  const auto delivered = bob.next();
  ASSERT_TRUE(delivered);
  EXPECT_THAT(delivered->body, HasSubstr("for later"));
  EXPECT_EQ(delivered->qos, 1);
  MosquittoClient forget(named("b"), token, port_);  // a clean session ends the kept one
}

// Its broker outlives the server. The name keeps it out of the run with the other engine.
using OnRabbitmq = Mosquitto;
TEST_F(OnRabbitmq, CarriesAMessageThatWasSentWhileTheServerWasDead) {
  MosquittoClient bob(named("b"), token_of(bob_), port_);
  ASSERT_TRUE(bob.subscribe("apps/tilechat/users/" + bob_ + "/#"));
  kill_server();
  MosquittoClient ann(named("a"), token_of(ann_), port_);
  ASSERT_TRUE(
      ann.publish("apps/tilechat/outgoing/users/" + ann_ + "/messages/" + bob_ + "/outgoing",
                  R"({"text":"still here"})", 1));
  start_server();
  const auto delivered = bob.next();
  ASSERT_TRUE(delivered);
  EXPECT_THAT(delivered->body, HasSubstr("still here"));
}

TEST_F(Mosquitto, ClosesTheConnectionOfWhoReachesIntoAnothersSubtree) {
  const std::string token = token_of(ann_);
  MosquittoClient reader(named("r"), token, port_);
  EXPECT_FALSE(reader.subscribe("apps/tilechat/users/" + bob_ + "/#"));
  MosquittoClient writer(named("w"), token, port_);
  EXPECT_FALSE(writer.publish(
      "apps/tilechat/outgoing/users/" + bob_ + "/messages/" + ann_ + "/outgoing", "{}", 1));
  MosquittoClient curious(named("c"), token, port_);
  EXPECT_FALSE(curious.subscribe("#"));
}

TEST_F(Mosquitto, RefusesAClientWithoutAToken) {
  EXPECT_THROW(MosquittoClient(named("x"), "no token", port_), std::runtime_error);
}

}  // namespace
}  // namespace chat21::tests
