// What only services may publish, under apps.observer: history for a new member,
// copies written by another observer, changed groups.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "lib/core/handlers.h"
#include "lib/core/text.h"

namespace chat21 {
namespace {

using Type = JsonMember::Type;

constexpr std::array<std::string_view, 5> kPerCopy = {"_id", "timelineOf", "conversWith", "status",
                                                      "app_id"};

// A message that was stamped before it came to us.
struct StampedElsewhere {
  std::string_view message_id;
  std::string_view stored;  // without what differs per copy
  Status status = Status::Sent;
  Time time{};
  bool updates_conversation = true;
};

bool read_status(const JsonMember* member, Status& status) {
  if (member == nullptr || !member->is(Type::Number)) return false;
  const double number = decode_number(*member);
  for (const Status known :
       {Status::Sent, Status::Delivered, Status::Received, Status::ReturnReceipt}) {
    if (number != static_cast<int>(known)) continue;
    status = known;
    return true;
  }
  return false;
}

Time time_of(const JsonObject& message, std::string_view id, Time now) {
  // Not in the future: no later message could become the last one of its conversation.
  if (const auto time = time_of_message_id(id)) return std::min(*time, now);
  // An id of the Node server has no time in it.
  const JsonMember* timestamp = message.find("timestamp");
  if (timestamp == nullptr || !timestamp->is(Type::Number)) return now;
  const double milliseconds = decode_number(*timestamp);
  const auto now_ms = static_cast<double>(now.time_since_epoch().count());
  if (!(milliseconds >= 0 && milliseconds <= now_ms)) return now;
  return Time(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
}

Handled read_stamped(Handling& handling, StampedElsewhere& message) {
  if (auto parsed = parse_body(handling); parsed.outcome != Outcome::Done) return parsed;
  const JsonObject& body = handling.body;
  const JsonMember* id = body.find("message_id");
  if (id == nullptr || !id->is(Type::String)) {
    return {Outcome::Malformed, "message_id is missing or not a string"};
  }
  Arena& arena = handling.out.arena;
  message.message_id = arena.join({decode_string(*id)});
  if (auto valid = validate_message_id(message.message_id); !valid) {
    return {Outcome::InvalidId, valid.error().message};
  }
  if (!read_status(body.find("status"), message.status)) {
    return {Outcome::Malformed, "status is none of 100, 150, 200, 250"};
  }
  std::string app;
  add_text(app, "app_id", handling.topic.app);
  message.stored = splice(arena, body, kPerCopy, app);
  message.time = time_of(body, message.message_id, handling.now);
  message.updates_conversation = !read_attributes(body).leaves_conversation;
  return {};
}

Copy copy_of(const Handling& handling, const StampedElsewhere& message) {
  return {.app = handling.topic.app,
          .owner = handling.topic.user,
          .conversation = handling.topic.conversation,
          .message_id = message.message_id,
          .status = message.status,
          .own_body = {},
          .updates_conversation = message.updates_conversation,
          .time = message.time};
}

// --- Groups -------------------------------------------------------------------------

struct GroupUpdate {
  JsonObject group;
  std::string_view text;  // the group as published
  std::string_view id;    // in the arena
};

Handled read_group_id(Handling& handling, GroupUpdate& update) {
  const JsonMember* uid = update.group.find("uid");
  if (uid == nullptr || !uid->is(Type::String)) {
    return {Outcome::Malformed, "group.uid is missing or not a string"};
  }
  update.id = handling.out.arena.join({decode_string(*uid)});
  if (auto valid = validate_id("group.uid", update.id); !valid) {
    return {Outcome::InvalidId, valid.error().message};
  }
  // The keys of the group's own timeline have its id twice.
  auto valid = validate_member(handling.topic.app, update.id, update.id);
  if (valid.outcome != Outcome::Done) return valid;
  const JsonMember* app = update.group.find("appId");
  if (app == nullptr) return {};
  if (!app->is(Type::String) || decode_string(*app) != handling.topic.app) {
    return {Outcome::Malformed, "group.appId is not the app of the topic"};
  }
  return {};
}

// The keys of an object whose keys are members, in the arena.
Handled read_members(Handling& handling, const GroupUpdate& update, const JsonMember* listed,
                     std::string_view name, std::vector<std::string_view>& out) {
  if (listed == nullptr || !listed->is(Type::Object)) {
    return {Outcome::Malformed, std::string(name) + " is missing or not an object"};
  }
  JsonObject members;
  if (auto parsed = members.parse(listed->value); !parsed) {
    return {Outcome::Malformed, std::string(name) + ": " + parsed.error().message};
  }
  for (const JsonMember& member : members.members()) {
    auto valid = validate_member(handling.topic.app, update.id, member.key);
    if (valid.outcome != Outcome::Done) return valid;
    out.push_back(handling.out.arena.join({member.key}));
  }
  return {};
}

Handled read_group_update(Handling& handling, GroupUpdate& update,
                          std::vector<std::string_view>& notified) {
  if (auto parsed = parse_body(handling); parsed.outcome != Outcome::Done) return parsed;
  const JsonMember* group = handling.body.find("group");
  if (group == nullptr || !group->is(Type::Object)) {
    return {Outcome::Malformed, "group is missing or not an object"};
  }
  if (auto parsed = update.group.parse(group->value); !parsed) {
    return {Outcome::Malformed, "group: " + parsed.error().message};
  }
  update.text = group->value;
  if (auto read = read_group_id(handling, update); read.outcome != Outcome::Done) return read;

  std::vector<std::string_view> members;
  auto read =
      read_members(handling, update, update.group.find("members"), "group.members", members);
  if (read.outcome != Outcome::Done) return read;
  return read_members(handling, update, handling.body.find("notify_to"), "notify_to", notified);
}

std::int64_t updated_on(const JsonObject& group) {
  const JsonMember* member = group.find("updatedOn");
  if (member == nullptr || !member->is(Type::Number)) return 0;
  const double milliseconds = decode_number(*member);
  constexpr double kMost = 9e15;  // whole numbers are exact in a double up to there
  return std::abs(milliseconds) <= kMost ? static_cast<std::int64_t>(milliseconds) : 0;
}

}  // namespace

Handled handle_delivered(Handling& handling) {
  StampedElsewhere message;
  if (auto read = read_stamped(handling, message); read.outcome != Outcome::Done) return read;
  if (message.status != Status::Delivered) return {Outcome::Malformed, "status is not 150"};
  Copy copy = copy_of(handling, message);
  // Replayed history carries marks (__history) that the original has not.
  copy.own_body = message.stored;
  save_copy(handling.out, copy);
  publish_copy(handling.out, copy,
               message_added_key(handling.out.arena, copy.app, copy.owner, copy.conversation),
               handling.delivery.body);
  return {};
}

Handled handle_persist(Handling& handling) {
  StampedElsewhere message;
  if (auto read = read_stamped(handling, message); read.outcome != Outcome::Done) return read;
  handling.out.writes.emplace_back(SaveMessage{
      .app = handling.topic.app, .message_id = message.message_id, .body = message.stored});
  save_copy(handling.out, copy_of(handling, message));
  return {};
}

Handled handle_group_update(Handling& handling) {
  GroupUpdate update;
  std::vector<std::string_view> notified;
  if (auto read = read_group_update(handling, update, notified); read.outcome != Outcome::Done) {
    return read;
  }
  Arena& arena = handling.out.arena;
  // The notification belongs to this one change and is not part of the group.
  constexpr std::array<std::string_view, 2> kNotStored = {"_id", "notification"};
  handling.out.writes.emplace_back(SaveGroup{.app = handling.topic.app,
                                             .group = update.id,
                                             .body = splice(arena, update.group, kNotStored, {}),
                                             .updated_on = updated_on(update.group)});
  for (const std::string_view member : notified) {
    handling.out.publishes.push_back(
        {.routing_key = group_updated_key(arena, handling.topic.app, member, update.id),
         .body = update.text});
  }
  Event event;
  event.kind = Event::Kind::GroupUpdated;
  event.app = handling.topic.app;
  event.conversation = update.id;
  event.routing_key = handling.delivery.routing_key;
  event.body = update.text;
  handling.out.events.push_back(event);
  return {};
}

}  // namespace chat21
