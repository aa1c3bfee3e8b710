// What a Transport hands to the Observer, and how it is told what became of it.
//
// THE LIFETIME RULE: the bytes of a Delivery live until its tag is settled, or
// until the Transport that lent it is destroyed. Everything zero-copy follows
// from it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chat21 {

// Wall-clock time in milliseconds since 1970-01-01T00:00:00Z, as on the wire.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

// The Transport's name for one delivery. Never reused by one Transport object.
using Tag = std::uint64_t;

struct Delivery {
  Tag tag = 0;
  std::string_view routing_key{};  // AMQP form: levels separated by dots
  std::string_view body{};
  bool redelivered = false;  // offered before: its effects may have happened already
  // Bytes at the end of the body that a Transport did not keep because the body
  // exceeds its limit. Such a delivery is settled as TooLarge.
  std::size_t omitted = 0;
  // The id of the message that this very delivery has become before, if the Observer
  // knows (docs/decisions/0013); Transports leave it empty.
  std::string_view known_as{};
};

// What became of a delivery. It is counted and logged under these names.
enum class Outcome : std::uint8_t {
  Done,          // its effects were carried out
  Ignored,       // understood, and nothing is to be done (a receipt other than 200)
  UnknownTopic,  // the routing key is none that the protocol knows
  InvalidId,     // an id in the routing key or the body breaks the rules of topic.h
  Malformed,     // the body is not the JSON that the topic asks for
  TooLarge,      // the body, or the group in it, exceeds a limit
  NotFound,      // it refers to a message or conversation that does not exist
  Denied,        // a policy refused it
  Conflict,      // its client_message_id belongs to another message of its sender
  SetAside,      // whoever worked on it died of it, several times; it is kept for people
};

inline constexpr std::size_t kOutcomes = 10;

// "done", "unknown-topic", ...: for logs, metrics and the rejected exchange.
std::string_view to_string(Outcome outcome);

struct Settle {
  Tag tag = 0;
  Outcome outcome = Outcome::Done;
  friend bool operator==(const Settle&, const Settle&) = default;
};

}  // namespace chat21
