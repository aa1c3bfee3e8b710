#include "tests/server/program.h"

#include <arpa/inet.h>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/client.h"

namespace chat21::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

// Where the REST API is not what is tested: its port may be another program's.
constexpr const char* kNoHttp = "HTTP_ENABLED=false";

// An address of this machine on which nobody listens, as long as it lives.
class ClosedPort {
 public:
  ClosedPort() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { ::close(fd_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;

  std::string uri() const {
    return "amqp://observer:hidden@127.0.0.1:" + std::to_string(port_) + "/?heartbeat=60";
  }

 private:
  int fd_;  // bound, not listening: connecting is refused
  int port_ = 0;
};

// Takes connections and closes them at once, as a broker that is starting does.
class BrokenBroker {
 public:
  BrokenBroker() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~BrokenBroker() { ::close(fd_); }
  BrokenBroker(const BrokenBroker&) = delete;
  BrokenBroker& operator=(const BrokenBroker&) = delete;

  std::string uri() const { return "amqp://u:p@127.0.0.1:" + std::to_string(port_); }
  std::string port() const { return std::to_string(port_); }

  // Waits for that many connections.
  void hang_up(int times) const {
    for (int i = 0; i < times; ++i) {
      pollfd connected{fd_, POLLIN, 0};
      ASSERT_EQ(::poll(&connected, 1, 60'000), 1) << "after " << i << " connections";
      ::close(::accept(fd_, nullptr, nullptr));
    }
  }

 private:
  int fd_;
  int port_ = 0;
};

class ServerProgram : public testing::Test {
 protected:
  ServerProgram() {
    std::string pattern = testing::TempDir() + "chat21-server-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ServerProgram() override { std::filesystem::remove_all(folder_); }

  std::string store() const { return "--store=" + (folder_ / "chat21.db").string(); }

  std::filesystem::path folder_;
  ClosedPort port_;
};

TEST_F(ServerProgram, PrintsItsHelp) {
  Program program({"--help"});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.output(), AllOf(HasSubstr("Usage: chat21-server"), HasSubstr("--prefetch N"),
                                      HasSubstr("PREFETCH_MESSAGES"), HasSubstr("Exit status")));
  EXPECT_EQ(program.error_output(), "");
}

TEST_F(ServerProgram, PrintsItsVersion) {
  Program program({"--version"});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_EQ(program.output(), "chat21-server " CHAT21_VERSION "\n");
}

TEST_F(ServerProgram, FindsAGoodConfigurationGood) {
  Program program({"--check-config", store()}, {"RABBITMQ_URI=" + port_.uri(), "JWT_KEY=hidden"});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.output(), AllOf(HasSubstr("RABBITMQ_URI"), HasSubstr("--store"),
                                      HasSubstr("amqp://***@127.0.0.1"), Not(HasSubstr("hidden"))));
  EXPECT_EQ(program.error_output(), "");
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "checking must leave nothing behind";
}

TEST_F(ServerProgram, SaysWhatIsWrongWithABadConfiguration) {
  Program program({"--check-config", "--prefetch=0", store()}, {"RABBITMQ_URI=" + port_.uri()});
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(program.output(), "");
  EXPECT_EQ(program.error_output(), "chat21-server: --prefetch=0: must be 1 to 65535\n");
}

TEST_F(ServerProgram, FindsWhatOnlyTheTransportKnowsToBeWrong) {
  Program program({"--check-config", store()}, {"RABBITMQ_URI=amqp://u:hidden@h/?heartbeat=0"});
  EXPECT_EQ(program.wait(), 2);
  EXPECT_THAT(program.error_output(),
              AllOf(StartsWith("chat21-server: RABBITMQ_URI=amqp://***@h/?heartbeat=0: "),
                    HasSubstr("heartbeat"), Not(HasSubstr("hidden"))));
}

TEST_F(ServerProgram, NamesTheFileOfAnUnknownKey) {
  const auto file = folder_ / "chat21.conf";
  std::ofstream(file) << "prefetc = 10\n";
  Program program({"--config", file.string()}, {"RABBITMQ_URI=" + port_.uri()});
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(program.error_output(), "chat21-server: " + file.string() +
                                        ": unknown key 'prefetc'; did you mean 'prefetch'?\n");
}

TEST_F(ServerProgram, NamesAnUnknownFlag) {
  Program program({"--prefetc", "10"});
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(program.error_output(),
            "chat21-server: unknown option '--prefetc'; did you mean '--prefetch'?\n");
}

TEST_F(ServerProgram, DoesNotRunWithoutABroker) {
  Program program({store()});
  EXPECT_EQ(program.wait(), 2);
  EXPECT_THAT(program.error_output(), HasSubstr("RABBITMQ_URI"));
}

TEST_F(ServerProgram, PrintsATokenAndNothingElse) {
  Program program({"token", "user", "ALICE"}, {"JWT_KEY=own"});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.output(),
              MatchesRegex("eyJ[-_A-Za-z0-9]+\\.eyJ[-_A-Za-z0-9]+\\.[-_A-Za-z0-9]+\n"));
  EXPECT_EQ(program.error_output(), "");
}

TEST_F(ServerProgram, WarnsOfATokenWithTheWellKnownKey) {
  Program program({"token", "observer"});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.error_output(), HasSubstr("JWT_KEY is the well-known default"));
}

TEST_F(ServerProgram, RefusesATokenForAnIdThatIsAPattern) {
  Program program({"token", "user", "*"});
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(program.output(), "");
}

class ServerSignal : public ServerProgram, public testing::WithParamInterface<int> {};

TEST_P(ServerSignal, EndsAServerWhoseBrokerIsAway) {
  Program program({store(), "--jwt-key=own"}, {"RABBITMQ_URI=" + port_.uri(), kNoHttp});
  ASSERT_TRUE(program.wait_for_error_output("cannot reach the broker")) << program.error_output();
  program.signal(GetParam());
  EXPECT_EQ(program.wait(), 0) << program.error_output();
  const std::string& log = program.error_output();
  EXPECT_THAT(log, AllOf(HasSubstr("level=info msg=\"chat21-server " CHAT21_VERSION "\""),
                         HasSubstr("msg=\"stopped\" status=0"), Not(HasSubstr("hidden"))));
  EXPECT_EQ(program.output(), "");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "chat21.db"));
}

INSTANTIATE_TEST_SUITE_P(Server, ServerSignal, testing::Values(SIGTERM, SIGINT));

TEST_F(ServerProgram, SaysOnceThatTheBrokerIsAway) {
  const BrokenBroker broker;
  Program program({store()}, {"RABBITMQ_URI=" + broker.uri(), kNoHttp});
  broker.hang_up(4);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0) << program.error_output();
  const std::string& log = program.error_output();
  ASSERT_THAT(log, HasSubstr("cannot reach the broker"));
  EXPECT_EQ(log.find("cannot reach the broker"), log.rfind("cannot reach the broker")) << log;
}

TEST_F(ServerProgram, FailsAtOnceIfItMayNotTryAgain) {
  Program program({store(), "--auto-restart=false"}, {"RABBITMQ_URI=" + port_.uri(), kNoHttp});
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(), HasSubstr("the broker is away, and AUTO_RESTART is false"));
}

TEST_F(ServerProgram, FailsWithAStoreThatIsNotOne) {
  std::ofstream(folder_ / "chat21.db") << std::string(8192, 'x');
  Program program({store()}, {"RABBITMQ_URI=" + port_.uri(), kNoHttp});
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(), HasSubstr("msg=\"cannot open the store\""));
}

TEST_F(ServerProgram, WarnsOfSettingsWithoutEffect) {
  Program program({store(), "--auto-restart=false"}, {"RABBITMQ_URI=" + port_.uri(), kNoHttp,
                                                      "WEBHOOK_ENDPOINT=http://server/requests"});
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(),
              HasSubstr("WEBHOOK_ENDPOINT has no effect: this version does not have webhooks"));
}

TEST_F(ServerProgram, LogsJsonIfToldSo) {
  Program program({store(), "--auto-restart=false", "--log-format=json"},
                  {"RABBITMQ_URI=" + port_.uri(), kNoHttp});
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(), StartsWith("{\"ts\":\""));
}

// --- The REST API -----------------------------------------------------------------

class ServerHttp : public ServerProgram {
 protected:
  // Starts a server whose broker is away; returns where it serves.
  std::string start(const std::string& base = "BASEURL=/api") {
    program_.emplace(
        std::vector<std::string>{store(), "--jwt-key=own"},
        std::vector<std::string>{"RABBITMQ_URI=" + port_.uri(), "HTTP_ADDRESS=127.0.0.1", "PORT=0",
                                 "HTTP_APPLY_TIMEOUT=100ms", base});
    EXPECT_TRUE(program_->wait_for_error_output("tls=false")) << program_->error_output();
    const std::string& log = program_->error_output();
    constexpr std::string_view kServing = "msg=\"serving HTTP\" address=127.0.0.1 port=";
    const auto found = log.find(kServing);
    EXPECT_NE(found, std::string::npos) << log;
    const auto port = found + kServing.size();
    return "http://127.0.0.1:" + log.substr(port, log.find(' ', port) - port);
  }
  HttpReply get(const std::string& url) { return perform({.url = url}); }
  HttpReply as_ann(HttpCall call) {
    Program token({"token", "user", "ann", "--jwt-key=own"});
    EXPECT_EQ(token.wait(), 0);
    const std::string line = token.output();
    call.headers.emplace_back("Authorization", line.substr(0, line.find('\n')));
    return perform(call);
  }

  std::optional<Program> program_;

 private:
  HttpReply perform(const HttpCall& call) {
    const auto reply = client_.perform(call);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : HttpReply{};
  }

  HttpClient client_{{.timeout = std::chrono::seconds(30)}};
};

TEST_F(ServerHttp, IsServedAndIsNotReadyWithoutABroker) {
  const std::string url = start();
  EXPECT_EQ(get(url + "/").status, 200);
  EXPECT_EQ(get(url + "/health").status, 200);
  const auto ready = get(url + "/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body,
              AllOf(HasSubstr("broker"), HasSubstr("gateway"), Not(HasSubstr("hidden"))));
  EXPECT_EQ(get(url + "/api/tilechat/ann/conversations").status, 403) << "no token";
}

TEST_F(ServerHttp, ReadsTheStore) {
  const std::string url = start();
  const auto reply = as_ann({.url = url + "/api/tilechat/ann/conversations"});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("\"result\":[]"));
}

TEST_F(ServerHttp, IsServedBelowItsBaseUrl) {
  const std::string url = start("BASEURL=/");
  EXPECT_EQ(as_ann({.url = url + "/tilechat/ann/conversations"}).status, 200);
}

TEST_F(ServerHttp, TakesNoMessageWithoutABroker) {
  const std::string url = start();
  const auto reply = as_ann({.url = url + "/api/tilechat/messages",
                             .body = R"({"recipient_id":"bob","text":"hi","sender_fullname":"Ann",)"
                                     R"("recipient_fullname":"Bob"})"});
  EXPECT_NE(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("\"success\":false"));
}

TEST_F(ServerHttp, EndsInTime) {
  start();
  program_->signal(SIGTERM);
  EXPECT_EQ(program_->wait(), 0) << program_->error_output();
  EXPECT_THAT(program_->error_output(), HasSubstr("msg=\"stopped\" status=0"));
}

TEST_F(ServerHttp, FailsWithAPortThatIsTaken) {
  const BrokenBroker other;
  Program program(
      {store()}, {"RABBITMQ_URI=" + port_.uri(), "HTTP_ADDRESS=127.0.0.1", "PORT=" + other.port()});
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(),
              AllOf(HasSubstr("msg=\"cannot serve HTTP\""),
                    HasSubstr("127.0.0.1:" + other.port() + ": Address already in use")));
}

TEST_F(ServerHttp, FailsWithACertificateThatIsNone) {
  const std::string file = (folder_ / "x.pem").string();
  std::ofstream(file) << "no certificate";
  Program program({store()}, {"RABBITMQ_URI=" + port_.uri(), "HTTP_ADDRESS=127.0.0.1", "PORT=0",
                              "CERT_PEM=" + file, "KEY_PEM=" + file});
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(), HasSubstr(file));
}

}  // namespace
}  // namespace chat21::server
