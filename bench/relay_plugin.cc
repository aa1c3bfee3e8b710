// What does Mosquitto alone cost? The least any plugin can do: takes each outgoing
// message and publishes its unchanged body to both inboxes. No JSON, no store, no check
// of tokens.
//
// Loaded in place of the real plugin: the result is a ratio to figures taken beside it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <string>
#include <string_view>

namespace {

mosquitto_plugin_id_t* plugin = nullptr;

// "apps/APP/outgoing/users/ME/messages/YOU/outgoing" in levels.
std::array<std::string_view, 8> levels_of(std::string_view topic) {
  std::array<std::string_view, 8> levels;
  for (std::string_view& level : levels) {
    level = topic.substr(0, topic.find('/'));
    topic.remove_prefix(std::min(level.size() + 1, topic.size()));
  }
  return levels;
}

void publish(std::string_view app, std::string_view owner, std::string_view other,
             const mosquitto_evt_message& message) {
  std::string topic("apps/");
  topic.append(app).append("/users/").append(owner);
  topic.append("/messages/").append(other).append("/clientadded");
  mosquitto_broker_publish_copy(nullptr, topic.c_str(), static_cast<int>(message.payloadlen),
                                message.payload, message.qos, false, nullptr);
}

int relay(int, void* event_data, void*) {
  const auto& message = *static_cast<mosquitto_evt_message*>(event_data);
  const auto levels = levels_of(message.topic);
  if (levels[2] != "outgoing") return MOSQ_ERR_SUCCESS;
  publish(levels[1], levels[6], levels[4], message);
  publish(levels[1], levels[4], levels[6], message);
  return MOSQ_ERR_SUCCESS;
}

}  // namespace

extern "C" {

int mosquitto_plugin_version(int count, const int* versions) {
  constexpr int kVersion = 5;
  for (int i = 0; i < count; ++i) {
    if (versions[i] == kVersion) return kVersion;
  }
  return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t* id, void**, mosquitto_opt*, int) {
  plugin = id;
  return mosquitto_callback_register(id, MOSQ_EVT_MESSAGE, relay, nullptr, nullptr);
}

int mosquitto_plugin_cleanup(void*, mosquitto_opt*, int) {
  return mosquitto_callback_unregister(plugin, MOSQ_EVT_MESSAGE, relay, nullptr);
}

}  // extern "C"
