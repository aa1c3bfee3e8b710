#include "lib/mqtt/topics.h"

#include <mosquitto.h>

#include "chat21/topic.h"

namespace chat21::mqtt {
namespace {

Error refuse(std::string_view what, std::string_view key, const std::string& why) {
  // Only what is valid text may go into a message that somebody prints.
  const bool printable = mosquitto_validate_utf8(key.data(), static_cast<int>(key.size())) == 0;
  return fail(
      Error::Code::InvalidArgument,
      std::string(what) + (printable ? " '" + std::string(key) + "' " : std::string(" ")) + why);
}

// What topics and filters have in common. libmosquitto's validation of UTF-8 refuses
// control characters as well.
Result<> check(std::string_view what, std::string_view key) {
  if (key.empty()) return refuse(what, key, "is empty");
  if (key.size() > kMaxRoutingKey) {
    return fail(Error::Code::InvalidArgument,
                std::string(what) + " has " + std::to_string(key.size()) + " bytes, more than " +
                    std::to_string(kMaxRoutingKey));
  }
  if (mosquitto_validate_utf8(key.data(), static_cast<int>(key.size())) != 0) {
    return refuse(what, key, "is not UTF-8 or has a control character");
  }
  return {};
}

std::string exchanged(std::string_view text, char one, char other) {
  std::string result(text);
  for (char& c : result) {
    if (c == one) {
      c = other;
    } else if (c == other) {
      c = one;
    }
  }
  return result;
}

}  // namespace

Result<std::string> topic_of(std::string_view routing_key) {
  constexpr std::string_view kWhat = "the routing key";
  if (auto checked = check(kWhat, routing_key); !checked) return checked.error();
  if (routing_key.front() == '$') return refuse(kWhat, routing_key, "begins with $");
  if (const auto at = routing_key.find_first_of("/+#"); at != std::string_view::npos) {
    return refuse(kWhat, routing_key,
                  std::string("contains ") + routing_key[at] + ", so it cannot be a topic of MQTT");
  }
  return exchanged(routing_key, '.', '/');
}

Result<std::string> filter_of(std::string_view pattern) {
  constexpr std::string_view kWhat = "the filter";
  if (auto checked = check(kWhat, pattern); !checked) return checked.error();
  if (pattern.find_first_of("/+") != std::string_view::npos) {
    return refuse(kWhat, pattern, "contains / or +; levels are separated by dots, * is any one");
  }
  std::string filter = exchanged(pattern, '.', '/');
  for (char& c : filter) {
    if (c == '*') c = '+';
  }
  if (mosquitto_sub_topic_check(filter.c_str()) != MOSQ_ERR_SUCCESS) {
    return refuse(kWhat, pattern, "has a # before its end, or a * that is not a whole level");
  }
  return filter;
}

std::string routing_key_of(std::string_view topic) {
  return exchanged(topic, '/', '.');
}

}  // namespace chat21::mqtt
