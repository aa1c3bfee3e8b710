// Access: who may connect, publish, subscribe and receive, as RabbitMQ decides it by the
// scopes of the token; and which messages are for the observer.
//
// Mosquitto asks about a will as about any message of its client. Whether it is one is
// told by what came before: the client has ended, or another one has just connected with
// its client id. While the broker shuts down neither is so, and a will looks like a
// message. For what is for the observer that makes no difference: it is taken when the
// broker asks.
//
// Thread rule: like any value, one object belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat21/result.h"
#include "chat21/token.h"

#include "lib/mosquitto/sessions.h"

namespace chat21::mosquitto {

struct AccessRules {
  std::string app;
  TokenRules tokens;
  std::size_t max_away = 65536;  // see Sessions
};

// What the broker asks about.
struct Request {
  Client client = nullptr;
  // The client has, or had, a connection. Those without one are of the broker's own making:
  // sessions from before its start, and the authors of retained messages.
  bool connected_once = true;
  std::string_view topic;  // MQTT form; for subscriptions a filter
  bool retain = false;
};

struct Answer {
  std::string_view refusal{};  // why; empty if it may
  bool for_observer = false;   // the observer takes the message
  bool will = false;           // the message is the will of a client that has gone
  std::string_view key{};      // the topic in AMQP form; valid until the next call
  std::string_view user{};     // whose token it is, likewise

  bool allowed() const { return refusal.empty(); }
};

class Access {
 public:
  using Now = std::chrono::sys_seconds;

  explicit Access(AccessRules rules) : rules_(std::move(rules)), sessions_(rules_.max_away) {}

  // Returns the token's user. Error (InvalidArgument): why it may not, for the log.
  Result<std::string> connect(Client client, std::string_view client_id, std::string_view token,
                              Now now);

  // As Sessions::end().
  void disconnect(Client client, bool away);

  Answer publish(const Request& request, Now now);
  Answer subscribe(const Request& request, Now now);
  // Whether a client that has subscribed receives a message. The token may have run out
  // since: connections end when their client writes or subscribes.
  Answer receive(const Request& request);

  // The topic in AMQP form if the observer takes messages on it, else empty. Valid until the
  // next call.
  std::string_view observed_key(std::string_view topic);

  // As Sessions::turn().
  void turn();

  std::size_t sessions() const { return sessions_.size(); }

 private:
  std::string_view key_of(std::string_view topic);
  bool taken_over(Client client, const Session& session) const;

  AccessRules rules_;
  Sessions sessions_;
  // Who connected, if nothing has happened since.
  Client newcomer_ = nullptr;
  std::string key_;  // reused, so that a check allocates nothing
};

}  // namespace chat21::mosquitto
