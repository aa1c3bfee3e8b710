// What the tests of the plugin in a real Mosquitto share: a broker of their own with its
// store, and clients.
#pragma once

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <pwd.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "chat21/sqlite.h"

#include "tests/contract/temp_folder.h"
#include "tests/integration/mosquitto_client.h"
#include "tests/mosquitto/broker.h"
#include "tests/mosquitto/tokens.h"

namespace chat21::mosquitto {

using Client = tests::MosquittoClient;

inline std::string outgoing_topic(const std::string& from, const std::string& to) {
  return "apps/tilechat/outgoing/users/" + from + "/messages/" + to + "/outgoing";
}
inline std::string inbox_of(const std::string& user) {
  return "apps/tilechat/users/" + user;
}
inline std::string text_body(const std::string& text) {
  return R"({"text":")" + text + "\"}";
}

class PluginCase : public ::testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  // The broker's configuration: what each test needs, and `lines`. As an ordinary user
  // Mosquitto stays who it is; as root it would become one that may not see our folder.
  void configure(const Lines& lines) {
    std::ofstream file(configuration());
    file << "listener " << port_ << " 127.0.0.1\n"
         << "user " << ::getpwuid(::geteuid())->pw_name << "\n"
         << "allow_anonymous false\nlog_dest stderr\nlog_type all\n";
    for (const std::string& line : lines) file << line << '\n';
  }
  Lines plugin_lines(const Lines& more = {}) {
    Lines lines = {"plugin " CHAT21_PLUGIN, "plugin_opt_store " + store().string()};
    lines.insert(lines.end(), more.begin(), more.end());
    return lines;
  }

  void start(const Lines& more = {}) {
    configure(plugin_lines(more));
    restart();
  }
  void restart() {
    broker_.reset();
    broker_ = std::make_unique<Broker>(configuration());
    ASSERT_TRUE(broker_->wait_for_log(" running")) << broker_->log();
  }
  // Starts a broker that cannot, and returns its log.
  std::string refused_start(const Lines& lines) {
    configure(lines);
    Broker broker(configuration());
    EXPECT_NE(broker.wait(), 0) << broker.log();
    return broker.log();
  }

  Client::Options options(const std::string& user, int protocol = 4) {
    return {.id = user + "-client", .token = user_token(user), .port = port_, .protocol = protocol};
  }
  std::unique_ptr<Client> connect(const Client::Options& options) {
    return std::make_unique<Client>(options);
  }
  std::unique_ptr<Client> connect(const std::string& user, int protocol = 4) {
    return connect(options(user, protocol));
  }
  std::unique_ptr<Client> service(int protocol = 4) {
    return connect(
        {.id = "service", .token = service_token(), .port = port_, .protocol = protocol});
  }
  // A client that reads the user's whole inbox.
  std::unique_ptr<Client> reader(const std::string& user, int qos = 0) {
    auto client = connect(user);
    EXPECT_TRUE(client->subscribe(inbox_of(user) + "/#", qos));
    return client;
  }

  // That the broker lives, serves newcomers and carries a message through.
  void expect_service() {
    auto carl = reader("carl");
    ASSERT_TRUE(carl->publish(outgoing_topic("carl", "carl"), text_body("still there?"), 1));
    const auto delivered = carl->next();
    ASSERT_TRUE(delivered);
    EXPECT_THAT(delivered->body, ::testing::HasSubstr("still there?"));
    ASSERT_TRUE(carl->next());
  }

  std::vector<std::string> history(const std::string& user, const std::string& other) {
    const auto opened = open_sqlite_history({.path = store()});
    if (!opened) throw std::runtime_error(opened.error().message);
    auto messages = (*opened)->messages("tilechat", user, other, {.limit = 1000});
    if (!messages) throw std::runtime_error(messages.error().message);
    return *std::move(messages);
  }

  std::filesystem::path store() const { return folder_ / "chat21.db"; }
  std::filesystem::path configuration() const { return folder_ / "mosquitto.conf"; }

  contract::TempFolder folder_;
  int port_ = free_port();
  std::unique_ptr<Broker> broker_;
};

}  // namespace chat21::mosquitto
