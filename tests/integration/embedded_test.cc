// The server with a Mosquitto of its own and the plugin in it, from outside.
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <sqlite3.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "server/file_descriptor.h"
#include "server/http/client.h"
#include "tests/integration/mosquitto_client.h"
#include "tests/server/program.h"

namespace chat21::tests {
namespace {

namespace fs = std::filesystem;
using server::FileDescriptor;
using server::HttpCall;
using server::HttpReply;
using server::Program;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// Bound to a port of this machine; the port is free again when it is closed.
class Port {
 public:
  Port() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_.get(), 1), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    number_ = ntohs(address.sin_port);
  }
  int number() const { return number_; }
  void close() { fd_ = FileDescriptor(); }

 private:
  FileDescriptor fd_;
  int number_ = 0;
};

std::string token_of(const std::string& user) {
  Program program({"token", "user", user});
  EXPECT_EQ(program.wait(), 0) << program.error_output();
  std::string token = program.output();
  while (!token.empty() && token.back() == '\n') token.pop_back();
  return token;
}

class Embedded : public ::testing::Test {
 protected:
  Embedded() {
    std::string pattern = ::testing::TempDir() + "chat21-embedded-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    Port port;
    port_ = port.number();
  }
  ~Embedded() override {
    server_.reset();
    if (broker_) wait_for_broker_end();
    fs::remove_all(folder_);
  }

  std::vector<std::string> environment() const {
    return {"ENGINE=embedded",
            "STORE_PATH=" + (folder_ / "chat21.db").string(),
            "MQTT_PORT=" + std::to_string(port_),
            "WEBSOCKET_PORT=0",
            "HTTP_ADDRESS=127.0.0.1",
            "PORT=0",
            "HTTP_APPLY_TIMEOUT=1s",
            "LOG_LEVEL=DEBUG"};
  }
  void start(const std::vector<std::string>& more = {}) {
    auto all = environment();
    all.insert(all.end(), more.begin(), more.end());
    server_.emplace(std::vector<std::string>{}, all);
    // In any order.
    ASSERT_TRUE(server_->wait_for_error_output("connected to the broker")) << log();
    ASSERT_TRUE(server_->wait_for_error_output("msg=\"started\"")) << log();
    const std::string text = log();
    const auto at = text.find("port=", text.find("msg=\"serving HTTP\"")) + 5;
    url_ = "http://127.0.0.1:" + text.substr(at, text.find(' ', at) - at);
    watch_broker();
  }
  void stop() {
    server_->signal(SIGTERM);
    EXPECT_EQ(server_->wait(), 0) << log();
    server_.reset();
  }
  const std::string& log() const { return server_->error_output(); }

  // Of the broker that runs now.
  void watch_broker() {
    std::ifstream(folder_ / "chat21.db-broker/broker.lock") >> broker_pid_;
    broker_ = server::watch_process(broker_pid_);
    EXPECT_TRUE(broker_);
  }
  void wait_for_broker_end() {
    pollfd ended{broker_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 60'000), 1);
  }

  HttpReply perform(const HttpCall& call) {
    const auto reply = client_.perform(call);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : HttpReply{};
  }
  HttpReply post(const std::string& text) {
    return perform({.url = url_ + "/api/tilechat/messages",
                    .headers = {{"Authorization", token_of("ANN")}},
                    .body = R"({"recipient_id":"BOB","sender_fullname":"Ann",)"
                            R"("recipient_fullname":"Bob","text":")" +
                            text + "\"}"});
  }
  HttpReply read() {
    return perform({.url = url_ + "/api/tilechat/BOB/conversations/ANN/messages",
                    .headers = {{"Authorization", token_of("BOB")}}});
  }
  // Until GET /ready says so: the server asks the observer at times of its own.
  HttpReply wait_for_ready(long status) {
    HttpReply reply;
    for (int i = 0; i < 600 && (reply = perform({.url = url_ + "/ready"})).status != status; ++i) {
      ::poll(nullptr, 0, 100);
    }
    return reply;
  }
  // From client to client; returns what arrives.
  std::string send(const std::string& text) {
    MosquittoClient bob("bob", token_of("BOB"), port_);
    EXPECT_TRUE(bob.subscribe("apps/tilechat/users/BOB/messages/ANN/clientadded", 1));
    MosquittoClient ann("ann", token_of("ANN"), port_);
    EXPECT_TRUE(ann.publish("apps/tilechat/outgoing/users/ANN/messages/BOB/outgoing",
                            R"({"type":"text","sender_fullname":"Ann","recipient_fullname":"Bob",)"
                            R"("text":")" +
                                text + "\"}",
                            1));
    const auto message = bob.next();
    return message ? message->body : "";
  }

  fs::path folder_;
  int port_ = 0;
  std::string url_;
  std::optional<Program> server_;
  pid_t broker_pid_ = 0;
  FileDescriptor broker_;

 private:
  server::HttpClient client_{{.timeout = std::chrono::seconds(30)}};
};

TEST_F(Embedded, CarriesMessagesAndServesTheApi) {
  start();
  EXPECT_EQ(wait_for_ready(200).status, 200);
  EXPECT_THAT(send("over mqtt"), HasSubstr("over mqtt"));
  EXPECT_EQ(post("over http").status, 200);
  EXPECT_THAT(read().body, AllOf(HasSubstr("over mqtt"), HasSubstr("over http")));
  EXPECT_THAT(log(), HasSubstr("serving MQTT over WebSocket"));
}

TEST_F(Embedded, EndsWithItsBroker) {
  start();
  send("before");
  stop();
  wait_for_broker_end();
  start();
  EXPECT_THAT(read().body, HasSubstr("before"));
}

TEST_F(Embedded, StartsABrokerThatWasKilledAgain) {
  start({"STORE_DURABILITY=strict"});
  send("before");
  ::kill(broker_pid_, SIGKILL);
  ASSERT_TRUE(server_->wait_for_error_output("the broker is ready", 2)) << log();
  watch_broker();
  ASSERT_TRUE(server_->wait_for_error_output("connected to the broker", 2)) << log();
  EXPECT_THAT(send("after"), HasSubstr("after"));
  EXPECT_EQ(wait_for_ready(200).status, 200);
  EXPECT_EQ(post("again").status, 200);
  EXPECT_THAT(read().body, AllOf(HasSubstr("before"), HasSubstr("after"), HasSubstr("again")));
  EXPECT_THAT(log(), HasSubstr("it was killed by signal 9"));
}

TEST_F(Embedded, ComesBackAfterItWasKilledItself) {
  start();
  send("before");
  server_->signal(SIGKILL);
  server_.reset();
  start();  // at once: it waits for the broker that is still there
  EXPECT_THAT(send("after"), HasSubstr("after"));
  EXPECT_THAT(read().body, AllOf(HasSubstr("before"), HasSubstr("after")));
}

TEST_F(Embedded, IsRefusedAStoreThatAnotherUses) {
  start();
  const Port other;
  auto second = environment();
  second.push_back("BROKER_DIR=" + (folder_ / "other").string());
  second[2] = "MQTT_PORT=" + std::to_string(other.number());
  Program program({}, second);
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(),
              AllOf(HasSubstr("cannot start the broker"), HasSubstr("chat21.db")));
}

TEST_F(Embedded, FailsWithAPortThatIsTaken) {
  const Port other;
  auto settings = environment();
  settings[2] = "MQTT_PORT=" + std::to_string(other.number());
  Program program({}, settings);
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(), AllOf(HasSubstr("msg=\"cannot start the broker\""),
                                            HasSubstr("Address already in use")));
}

TEST_F(Embedded, FailsWithAStoreThatIsNotOne) {
  std::ofstream(folder_ / "chat21.db") << std::string(8192, 'x');
  Program program({}, environment());
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(),
              AllOf(HasSubstr("msg=\"cannot start the broker\""), HasSubstr("chat21: Error: ")));
}

TEST_F(Embedded, FailsWithAPluginThatIsNotOne) {
  std::ofstream(folder_ / "plugin.so") << "x";
  auto settings = environment();
  settings.push_back("MOSQUITTO_PLUGIN=" + (folder_ / "plugin.so").string());
  Program program({}, settings);
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(), HasSubstr("msg=\"cannot start the broker\""));
}

TEST_F(Embedded, IsNotReadyWhileTheStoreIsAway) {
  start();
  send("before");
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ / "chat21.db").c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  post("meanwhile");  // waits for the store
  EXPECT_THAT(wait_for_ready(503).body, HasSubstr("observer"));
  sqlite3_close(database);
  EXPECT_EQ(wait_for_ready(200).status, 200);
  EXPECT_THAT(read().body, HasSubstr("meanwhile"));
}

TEST_F(Embedded, IsNotReadyWithoutABroker) {
  start();
  ASSERT_EQ(wait_for_ready(200).status, 200);
  ::kill(broker_pid_, SIGSTOP);
  EXPECT_THAT(wait_for_ready(503).body, AnyOf(HasSubstr("gateway"), HasSubstr("observer")));
  ::kill(broker_pid_, SIGCONT);
  EXPECT_EQ(wait_for_ready(200).status, 200);
}

}  // namespace
}  // namespace chat21::tests
