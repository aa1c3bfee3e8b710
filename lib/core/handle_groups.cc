// Services say that a group has changed, or that it is no more.

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "lib/core/handlers.h"

namespace chat21 {
namespace {

using Type = JsonMember::Type;

struct GroupOrder {
  JsonObject group;
  std::string_view text;                   // the group as published
  std::string_view id;                     // in the arena
  std::vector<std::string_view> notified;  // likewise
};

Handled read_group_id(Handling& handling, GroupOrder& order) {
  const std::string_view app = handling.topic.app;
  auto read = read_text(handling.out.arena, order.group, "group.uid", order.id);
  if (!read.done()) return read;
  if (auto valid = validate_id("group.uid", order.id); !valid) {
    return {Outcome::InvalidId, valid.error().message};
  }
  // The keys of the group's own timeline have its id twice.
  if (auto valid = validate_member(app, order.id, order.id); !valid.done()) return valid;
  return check_app(order.group, "group.appId", app);
}

// The keys of an object whose keys are members, in the arena.
Handled read_members(Handling& handling, std::string_view group, const JsonObject& in,
                     std::string_view path, std::vector<std::string_view>& out) {
  JsonObject members;
  if (auto read = read_object(in, path, members); !read.done()) return read;
  for (const JsonMember& member : members.members()) {
    auto valid = validate_member(handling.topic.app, group, member.key);
    if (!valid.done()) return valid;
    out.push_back(handling.out.arena.join({member.key}));
  }
  return {};
}

// The group and whom to notify; what else stands in the group is not looked at.
Handled read_order(Handling& handling, GroupOrder& order) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  if (auto read = read_object(handling.body, "group", order.group); !read.done()) return read;
  order.text = handling.body.find("group")->value;
  if (auto read = read_group_id(handling, order); !read.done()) return read;
  return read_members(handling, order.id, handling.body, "notify_to", order.notified);
}

// Nothing if it is missing, not a number, or out of range.
std::optional<std::int64_t> updated_on(const JsonObject& group) {
  const JsonMember* member = group.find("updatedOn");
  if (member == nullptr || !member->is(Type::Number)) return std::nullopt;
  const double milliseconds = decode_number(*member);
  constexpr double kMost = 9e15;  // whole numbers are exact in a double up to there
  if (std::abs(milliseconds) > kMost) return std::nullopt;
  return static_cast<std::int64_t>(milliseconds);
}

void notify(Handling& handling, const GroupOrder& order, Event::Kind kind) {
  for (const std::string_view member : order.notified) {
    handling.out.publishes.push_back(
        {.routing_key = group_updated_key(handling.out.arena, handling.topic.app, member, order.id),
         .body = order.text});
  }
  Event event;
  event.kind = kind;
  event.app = handling.topic.app;
  event.conversation = order.id;
  event.routing_key = handling.delivery.routing_key;
  event.body = order.text;
  handling.out.events.push_back(event);
}

}  // namespace

Handled handle_group_update(Handling& handling) {
  GroupOrder order;
  if (auto read = read_order(handling, order); !read.done()) return read;
  std::vector<std::string_view> members;
  auto read = read_members(handling, order.id, order.group, "group.members", members);
  if (!read.done()) return read;
  // The notification belongs to this one change and is not part of the group.
  constexpr std::array<std::string_view, 2> kNotStored = {"_id", "notification"};
  handling.out.writes.emplace_back(
      SaveGroup{.app = handling.topic.app,
                .group = order.id,
                .body = splice(handling.out.arena, order.group, kNotStored, {}),
                .updated_on = updated_on(order.group).value_or(0)});
  notify(handling, order, Event::Kind::GroupUpdated);
  return {};
}

Handled handle_group_delete(Handling& handling) {
  GroupOrder order;
  if (auto read = read_order(handling, order); !read.done()) return read;
  // Without it nobody could tell the group that is meant from a newer one.
  const auto time = updated_on(order.group);
  if (!time) return {Outcome::Malformed, "group.updatedOn is missing or not a time"};
  handling.out.writes.emplace_back(
      RemoveGroup{.app = handling.topic.app, .group = order.id, .updated_on = *time});
  notify(handling, order, Event::Kind::GroupDeleted);
  return {};
}

}  // namespace chat21
