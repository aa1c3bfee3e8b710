#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "chat21/topic.h"

#include "lib/mosquitto/access.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/mosquitto/targets.h"
#include "tests/token/signing.h"

namespace chat21::tests {
namespace {

using mosquitto::Access;
using mosquitto::Answer;
using mosquitto::Request;

constexpr auto kNow = Access::Now(std::chrono::seconds(1'760'000'000));
constexpr std::size_t kClients = 4;
constexpr std::size_t kMostItems = 24;

std::string token_of(std::string_view user, std::string_view scopes, std::string_view expires) {
  return sign_raw(R"({"alg":"HS256","typ":"JWT"})",
                  R"({"sub":")" + std::string(user) + R"(","aud":"rabbitmq","exp":)" +
                      std::string(expires) + R"(,"scope":[)" + std::string(scopes) + "]}");
}

struct Kind {
  std::string token;
  Rights rights;
  bool expired_later;
};

// A user as the clients' tokens have it, one who may everything, one who may nothing but
// connect, and one whose token runs out.
const std::array<Kind, 4>& kinds() {
  static const auto kKinds = [] {
    const auto make = [](std::string_view user, const std::vector<std::string>& scopes,
                         bool expires) {
      std::string listed;
      for (const std::string& scope : scopes)
        listed += (listed.empty() ? "\"" : ",\"") + scope + '"';
      return Kind{token_of(user, listed, expires ? "1760000100" : "1760003600"),
                  Rights(scopes, "rabbitmq"), expires};
    };
    const std::vector<std::string> own = {"rabbitmq.read:*/*/apps.tilechat.users.ann.*",
                                          "rabbitmq.write:*/*/apps.tilechat.users.ann.*",
                                          "rabbitmq.write:*/*/apps.tilechat.outgoing.users.ann.*"};
    const std::vector<std::string> all = {"rabbitmq.read:*/*/*", "rabbitmq.write:*/*/*"};
    return std::array<Kind, 4>{make("ann", own, false), make("root", all, false),
                               make("bob", {"rabbitmq.configure:*/*"}, false),
                               make("eve", all, true)};
  }();
  return kKinds;
}

class Broker {
 public:
  void step(unsigned byte, std::string_view topic) {
    const std::size_t index = (byte >> 3U) % kClients;
    const Request request{.client = &clients_[index],
                          .connected_once = (byte & 0x80U) == 0,
                          .topic = topic,
                          .retain = (byte & 0x40U) != 0};
    switch (byte % 8) {
      case 0:
        return connect(index, kinds()[(byte >> 5U) % kinds().size()], topic);
      case 1:
        access_.disconnect(request.client, request.retain);
        if (connected_[index] != nullptr) ended_[index] = true;
        return;
      case 2:
        access_.turn();
        return;
      case 3:
        now_ = kNow + std::chrono::seconds(200);
        return;
      case 4:
      case 5:
        return check_publish(request, index, access_.publish(request, now_));
      case 6:
        return check_subscribe(request, index, access_.subscribe(request, now_));
      default:
        return check_receive(request, index, access_.receive(request));
    }
  }

 private:
  void connect(std::size_t index, const Kind& kind, std::string_view client_id) {
    const auto user = access_.connect(&clients_[index], client_id, kind.token, now_);
    promise(user.has_value() == !(kind.expired_later && now_ != kNow), "a valid token lets in");
    connected_[index] = user ? &kind : nullptr;
    ended_[index] = false;
  }

  static std::string key_of(std::string_view topic) {
    std::string key(topic);
    std::replace(key.begin(), key.end(), '/', '.');
    return key;
  }

  // Who has a session may do only what the token allows, as long as it is valid.
  void check_rights(const Answer& answer, std::size_t index, Permission permission,
                    const std::string& key, bool with_time) const {
    if (!answer.allowed()) return;
    const Kind* kind = connected_[index];
    promise(kind != nullptr && kind->rights.allow(permission, key), "a scope allows it");
    promise(!with_time || !kind->expired_later || now_ == kNow, "the token is still valid");
  }

  void check_publish(const Request& request, std::size_t index, const Answer& answer) {
    const std::string key = key_of(request.topic);
    if (!request.connected_once && answer.key.empty() && answer.allowed()) {
      return promise(!answer.for_observer, "what authors of the past said is taken once");
    }
    check_rights(answer, index, Permission::Write, key, true);
    promise(!answer.allowed() || (key.size() <= kMaxRoutingKey && !is_from_observer(key)),
            "nobody publishes as an observer");
    promise(answer.for_observer == (answer.allowed() && is_for_observer("tilechat", key)),
            "the observer gets what it takes, and nothing else");
    promise(!answer.allowed() || answer.key == key, "a key is the topic in AMQP form");
  }

  void check_subscribe(const Request& request, std::size_t index, const Answer& answer) {
    std::string key = key_of(request.topic);
    std::replace(key.begin(), key.end(), '+', '*');
    check_rights(answer, index, Permission::Read, key, true);
    promise(!answer.allowed() || !ended_[index], "who has gone does not subscribe");
    promise(!answer.allowed() || key.size() <= kMaxRoutingKey, "a filter is a key");
  }

  void check_receive(const Request& request, std::size_t index, const Answer& answer) {
    const std::string key = key_of(request.topic);
    promise(!answer.allowed() || !request.retain || !is_for_observer("tilechat", key),
            "what is for the observer is not kept for others");
    if (!request.connected_once) return;
    check_rights(answer, index, Permission::Read, key, false);
  }

  Access access_{
      {.app = "tilechat", .tokens = {.key = "tokenKey", .audience = "rabbitmq"}, .max_away = 2}};
  Access::Now now_ = kNow;
  std::array<char, kClients> clients_{};
  std::array<const Kind*, kClients> connected_{};
  std::array<bool, kClients> ended_{};
};

}  // namespace

void fuzz_access(std::string_view input) {
  Broker broker;
  broker.step(0x00, "c1");
  broker.step(0x28, "c2");
  std::size_t items = 0;
  for (std::string_view item : split(input, kBetweenItems)) {
    if (++items > kMostItems) break;
    const unsigned byte = take_byte(item);
    broker.step(byte, item);
  }
}

}  // namespace chat21::tests
