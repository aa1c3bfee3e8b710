#include "server/api/group_messages.h"

#include <array>
#include <utility>

#include "chat21/json.h"
#include "chat21/topic.h"

namespace chat21::server {
namespace {

using Type = JsonMember::Type;

std::string label_json(const MessageLabel& label) {
  return JsonWriter().text("key", label.key).json("parameters", label.parameters).object();
}

// The group as its members are told about it. The notification is never stored.
std::string notified_json(const Group& group, const MessageLabel& label) {
  JsonObject object;
  if (!object.parse(group.json)) return group.json;
  const std::string notification = JsonWriter().json("messagelabel", label_json(label)).object();
  Arena arena;
  return std::string(
      splice(arena, object, {}, JsonWriter().json("notification", notification).members()));
}

Outgoing order(Topic::Kind kind, const Group& group, std::string_view json,
               std::span<const std::string> notified) {
  Arena arena;
  return {
      .routing_key = std::string(order_key(arena, group.app, kind)),
      .body =
          JsonWriter().json("group", json).json("notify_to", members_object(notified)).object()};
}

// What was sent long ago rings no phone, unless it was meant to ring in any case.
std::string quiet_attributes(const JsonMember* attributes) {
  constexpr std::string_view kQuiet = "sendnotification";
  const std::string additions = JsonWriter().boolean(kQuiet, false).members();
  if (attributes == nullptr || attributes->is(Type::Null)) return '{' + additions + '}';
  JsonObject object;
  if (!attributes->is(Type::Object) || !object.parse(attributes->value)) {
    return std::string(attributes->value);
  }
  const JsonMember* force = object.find("forcenotification");
  if (force != nullptr && force->is(Type::True)) return std::string(attributes->value);
  Arena arena;
  return std::string(splice(arena, object, std::span(&kQuiet, 1), additions));
}

}  // namespace

MessageLabel group_created(const Group& group) {
  return {.key = "GROUP_CREATED", .parameters = JsonWriter().text("creator", group.owner).object()};
}

MessageLabel member_joined(const Contact& member) {
  return {.key = "MEMBER_JOINED_GROUP",
          .parameters = JsonWriter()
                            .text("member_id", member.id)
                            .text("fullname", member.fullname)
                            .text("firstname", member.firstname)
                            .text("lastname", member.lastname)
                            .object()};
}

MessageLabel member_left(std::string_view member) {
  return {.key = "MEMBER_LEFT_GROUP",
          .parameters = JsonWriter().text("member_id", member).object()};
}

MessageLabel group_renamed(const Group& group) {
  return {.key = "DATA_UPDATED_GROUP",
          .parameters = JsonWriter().text("group_name", group.name).object()};
}

MessageLabel attributes_changed(std::string_view json) {
  return {.key = "ATTRIBUTES_UPDATED_GROUP",
          .parameters = JsonWriter().json("attributes", json).object()};
}

MessageLabel group_deleted() {
  return {.key = "GROUP_DELETED"};
}

Outgoing group_update(const Group& group, std::span<const std::string> notified) {
  return order(Topic::Kind::GroupUpdate, group, group.json, notified);
}

Outgoing group_update(const Group& group, const MessageLabel& label,
                      std::span<const std::string> notified) {
  return order(Topic::Kind::GroupUpdate, group, notified_json(group, label), notified);
}

Outgoing group_delete(const Group& group, Time now) {
  return order(Topic::Kind::GroupDelete, group, notified_json(touched(group, now), group_deleted()),
               group.members);
}

Outgoing info_message(const Group& group, const MessageLabel& label, std::string_view text,
                      Time now) {
  const std::string attributes = JsonWriter()
                                     .text("subtype", "info")
                                     .boolean("updateconversation", true)
                                     .json("messagelabel", label_json(label))
                                     .object();
  Arena arena;
  return {.routing_key = std::string(outgoing_key(arena, group.app, "system", group.id)),
          .body = JsonWriter()
                      .text("type", "text")
                      .text("text", text)
                      .number("timestamp", now.time_since_epoch().count())
                      .text("channel_type", "group")
                      .text("sender_fullname", "System")
                      .text("sender", "system")
                      .text("recipient_fullname", group.name)
                      .text("recipient", group.id)
                      .json("attributes", attributes)
                      .object()};
}

std::string as_history(std::string_view document) {
  JsonObject message;
  if (!message.parse(document)) return std::string(document);
  constexpr std::array<std::string_view, 3> kReplaced = {"attributes", "__history", "status"};
  Arena arena;
  return std::string(splice(arena, message, kReplaced,
                            JsonWriter()
                                .json("attributes", quiet_attributes(message.find("attributes")))
                                .text("__history", "true")
                                .number("status", 150)
                                .members()));
}

Outgoing history_message(const Group& group, std::string_view member, std::string body) {
  Arena arena;
  return {.routing_key = std::string(delivered_key(arena, group.app, member, group.id)),
          .body = std::move(body)};
}

}  // namespace chat21::server
