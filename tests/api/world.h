// The REST API with everything around it in memory: what it publishes reaches an
// observer at once, and what the observer stores can be read.
#pragma once

#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <rapidjson/document.h>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/observer.h"
#include "chat21/policy.h"
#include "chat21/testing/memory_store.h"
#include "chat21/testing/memory_transport.h"

#include "server/api/api.h"

namespace chat21::tests {

inline constexpr Time kNow{std::chrono::milliseconds(1760000000456)};

// The observer of the world. It runs while somebody publishes, in his thread.
class WorldGateway final : public server::Gateway, private Policy {
 public:
  WorldGateway(testing::MemoryStore& store, std::mutex& mutex, Observer::Clock clock);

  Result<> publish(std::vector<server::Outgoing> messages) override;
  Result<Done> carry_out(std::vector<server::Outgoing> messages) override;

  // --- What goes wrong in life ---
  bool away = false;              // the broker takes nothing
  bool slow = false;              // the observer is not there in time; resume() later
  std::set<std::string> refused;  // recipients to whom nobody may send
  // Runs once, when the next carry_out() has happened and before it returns.
  std::function<void()> before_answer;
  void resume();

  // --- What happened ---
  std::vector<testing::MemoryTransport::Published> taken;  // by the broker, in order
  const testing::MemoryTransport& transport() const { return transport_; }
  void forget();  // what was taken and published so far

 private:
  std::string_view name() const override { return "world"; }
  Verdict review(const Message& message, Time now) override;
  void run();

  std::mutex& mutex_;
  testing::MemoryTransport transport_;
  Policy* const policy_ = this;
  Router router_;
  Observer observer_;
};

class WorldContacts final : public server::Contacts {
 public:
  server::Contact find(std::string_view user) override;
  std::map<std::string, server::Contact, std::less<>> known;
  std::function<void()> asked = [] {};  // on every look-up
};

class WorldPush final : public server::Push {
 public:
  Result<std::vector<std::string>> notify(const server::PushNotification& notification) override;
  std::vector<server::PushNotification> notifications;
  std::vector<std::string> gone;  // the instances that do not exist any more
};

class WorldClient final : public server::HttpClient {
 public:
  WorldClient() : HttpClient(Options()) {}
  Result<server::HttpReply> perform(const server::HttpCall& call) override;
  std::vector<server::HttpCall> calls;
};

struct TokenOf {
  std::string user;
  std::string app = "tilechat";
  bool admin = false;
};

class World : public ::testing::Test {
 protected:
  World();

  // --- Asking ---
  // `target` without the base path.
  server::HttpResponse ask(std::string_view method, std::string_view target,
                           std::string_view token = {}, std::string_view body = {});
  std::string token(const TokenOf& of) const;
  std::string as(const std::string& user) const { return token({.user = user}); }
  std::string as_admin() const { return token({.user = "root", .admin = true}); }

  // --- Before ---
  // A client sends over MQTT.
  void send(const std::string& from, const std::string& to, const std::string& body);
  // Publishes as a service does.
  void publish(const std::string& routing_key, const std::string& body);
  void know_group(const std::string& id, const std::string& owner,
                  const std::vector<std::string>& members);

  // --- After ---
  // What clients of this user see, in order.
  std::vector<testing::MemoryTransport::Published> inbox(const std::string& user) const;
  std::string logged() const { return log_text_.str(); }

 private:
  std::ostringstream log_text_;
  std::mutex mutex_;  // of the store

 protected:
  Time now = kNow;
  testing::MemoryStore store;
  bool store_away = false;
  WorldGateway gateway;
  WorldContacts contacts;
  WorldPush push;
  WorldClient client;
  std::map<std::string, std::string> troubles;
  server::ApiOptions options;
  server::Background background;

 private:
  server::HistoryPool histories_;
  server::GroupLocks group_locks_{std::chrono::seconds(1)};
  server::Log log_;

 protected:
  server::Services services;
  server::Api api;
};

// The body; fails the test if it is not JSON.
rapidjson::Document json(const server::HttpResponse& response);
rapidjson::Document json(std::string_view text);
// The texts of one member of the objects in "result".
std::vector<std::string> results(const server::HttpResponse& response, const char* member);

}  // namespace chat21::tests
