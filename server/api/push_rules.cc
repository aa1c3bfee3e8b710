#include "server/api/push_rules.h"

#include <array>

#include "server/api/call.h"

namespace chat21::server {
namespace {

using Type = JsonMember::Type;

bool parse_member(const JsonObject& object, std::string_view key, JsonObject& out) {
  const JsonMember* member = object.find(key);
  return member != nullptr && member->is(Type::Object) && out.parse(member->value);
}

// In this order; `to` is who has the message in the inbox.
bool is_wanted(const JsonObject& message, const std::string& to) {
  const std::string sender = text_of(message, "sender");
  const std::string recipient = text_of(message, "recipient");
  if (recipient == "system" || to == "system") return false;
  // Of a group's message the author has a copy as well.
  if (sender == recipient || sender == to) return false;
  JsonObject attributes;
  const bool has_attributes = parse_member(message, "attributes", attributes);
  if (has_attributes && is_truthy(attributes.find("forcenotification"))) return true;
  if (sender == "system") return false;
  const JsonMember* send = has_attributes ? attributes.find("sendnotification") : nullptr;
  if (send != nullptr && send->is(Type::False)) return false;
  return recipient != "general_group";
}

std::string data_of(const JsonObject& message, Time now) {
  JsonWriter data;
  for (const std::string_view key :
       {"recipient", "recipient_fullname", "sender", "sender_fullname", "channel_type", "text"}) {
    const JsonMember* member = message.find(key);
    if (member != nullptr && member->is(Type::String)) data.json(key, member->value);
  }
  data.text("timestamp", std::to_string(now.time_since_epoch().count()));
  return data.object();
}

std::string webpush(std::string_view link) {
  return JsonWriter()
      .json("headers", JsonWriter().text("Urgency", "high").object())
      .json("fcm_options", JsonWriter().text("link", link).object())
      .object();
}

std::string android(std::string_view click_action) {
  return JsonWriter()
      .text("priority", "normal")
      .json("notification",
            JsonWriter().text("click_action", click_action).text("sound", "default").object())
      .object();
}

std::string apns(std::string_view category) {
  const std::string aps = JsonWriter().text("category", category).text("sound", "default").object();
  return JsonWriter()
      .json("headers", JsonWriter().text("apns-priority", "5").object())
      .json("payload", JsonWriter().json("aps", aps).object())
      .object();
}

std::string platforms_of(const std::string& platform, const ApiOptions& options) {
  JsonWriter platforms;
  if (platform == "ionic" || platform.find("web/") != std::string::npos) {
    platforms.json("webpush", webpush(options.web_click_action));
  } else if (platform == "android") {
    platforms.json("android", android(options.mobile_click_action));
  } else if (platform == "ios") {
    platforms.json("apns", apns(options.mobile_click_action));
  }
  return platforms.object();
}

}  // namespace

std::optional<PushNotification> notification_of(std::string_view app, const JsonObject& event,
                                                Time now) {
  JsonObject message;
  if (!parse_member(event, "data", message)) return std::nullopt;
  std::string to = text_of(event, "delivered_to");
  if (to.empty() || !is_wanted(message, to)) return std::nullopt;
  return PushNotification{.app = std::string(app),
                          .user = std::move(to),
                          .instances = {},
                          .title = text_of(message, "sender_fullname"),
                          .text = text_of(message, "text"),
                          .data = data_of(message, now)};
}

std::string with_platforms(const std::string& instance, const ApiOptions& options) {
  JsonObject fields;
  if (!fields.parse(instance)) return instance;
  constexpr std::array<std::string_view, 2> kReplaced = {"_id", "platforms"};
  Arena arena;
  return std::string(
      splice(arena, fields, kReplaced,
             JsonWriter()
                 .json("platforms", platforms_of(text_of(fields, "platform"), options))
                 .members()));
}

}  // namespace chat21::server
