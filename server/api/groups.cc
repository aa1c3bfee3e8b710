// Groups as a whole: created, read, renamed, given attributes, deleted. members.cc has
// who is in them.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "chat21/topic.h"

#include "server/api/behalf.h"
#include "server/api/group_change.h"
#include "server/api/handlers.h"
#include "server/api/trouble.h"
#include "server/token.h"

namespace chat21::server {
namespace {

using Type = JsonMember::Type;

HttpResponse no_such_group() {
  return failure_text(404, "Group doesn't exist");
}

HttpResponse permission_denied() {
  return failure_text(401, "Permission denied");
}

// Its members are told what has changed.
HttpResponse publish_update(Orders& orders, const Group& group, const MessageLabel& label) {
  if (auto valid = check_limits(group); !valid) return invalid(valid.error().message);
  orders.change(group_update(group, label, group.members));
  return orders.finish(success());
}

// --- Creation -----------------------------------------------------------------------

Result<> sentence(std::string text) {
  return fail(Error::Code::InvalidArgument, std::move(text));
}

bool is_missing(const JsonMember* member) {
  return member == nullptr || member->is(Type::Null);
}

std::string id_of(const Call& call) {
  std::string id = text_of(call.body, "group_id");
  return id.empty() ? "group-" + random_uuid() : id;
}

// The fields of the body that have no ids.
Result<> check_fields(const JsonObject& body) {
  if (text_of(body, "group_name").empty()) return sentence("group_name not present!");
  const JsonMember* members = body.find("group_members");
  if (members == nullptr || !members->is(Type::Object)) {
    return sentence("group_members not present!");
  }
  const JsonMember* id = body.find("group_id");
  if (!is_missing(id) && !id->is(Type::String)) return sentence("group_id is not a text");
  const JsonMember* attributes = body.find("attributes");
  if (!is_missing(attributes) && !attributes->is(Type::Object)) {
    return sentence("attributes must be an object");
  }
  return {};
}

// The sender of a message knows a group by its id alone. The keys of a group's own
// timeline have the id twice.
Result<> check_group_id(std::string_view app, std::string_view id) {
  if (!is_group_id(id)) return sentence("group_id must contain \"group-\"");
  if (!validate_group_member(app, id, id)) return sentence("group_id is no valid id, or too long");
  return {};
}

Result<Group> read_new_group(const Call& call, Time now) {
  const JsonObject& body = call.body;
  if (auto valid = check_fields(body); !valid) return valid.error();
  const std::string id = id_of(call);
  if (auto valid = check_group_id(call.ids.app, id); !valid) return valid.error();
  const auto owner = acting_user(call, "group_owner");
  if (!owner) return owner.error();
  if (auto valid = validate_group_member(call.ids.app, id, *owner); !valid) return valid.error();
  auto members = read_members(call.ids.app, id, "group_members", body.find("group_members"));
  if (!members) return members.error();

  Group group;
  group.members = *std::move(members);
  if (!call.caller.admin && !group.has(call.caller.user)) group.members.push_back(call.caller.user);
  const std::int64_t created = now.time_since_epoch().count();
  JsonWriter json;
  json.text("name", text_of(body, "group_name"))
      .text("uid", id)
      .text("appId", call.ids.app)
      .text("owner", *owner)
      .json("members", members_object(group.members))
      .number("createdOn", created)
      .number("updatedOn", created);
  const JsonMember* attributes = body.find("attributes");
  if (!is_missing(attributes)) json.json("attributes", attributes->value);
  auto created_group = parse_group(json.object());
  if (!created_group) return created_group.error();
  if (auto valid = check_limits(*created_group); !valid) return valid.error();
  return created_group;
}

// A group of which there is no document any more, or never was one, because its
// messages bring their members along, can have a history. Whoever owns it can read it,
// through a new member, and delete it. What one has written oneself is no secret.
Result<bool> has_messages_of_others(History& history, const Group& group, std::string_view user) {
  constexpr std::size_t kPages = 10;  // who knows what comes before them
  std::string before;
  for (std::size_t i = 0; i < kPages; ++i) {
    const auto page = history.messages(group.app, group.id, group.id, {.before = before});
    if (!page) return page.error();
    if (page->empty()) return false;
    JsonObject message;
    for (const std::string& document : *page) {
      if (!message.parse(document) || text_of(message, "sender") != user) return true;
    }
    before = text_of(message, "message_id");
  }
  return true;
}

HttpResponse publish_new_group(Services& services, Orders& orders, const Group& group, Time now) {
  // First: the messages after it find the group with its members.
  orders.change(group_update(group, {}));
  orders.add(info_message(group, group_created(group), "Group created", now));
  Names names(services);
  const std::size_t announced = std::min(group.members.size(), most_announced(group));
  for (std::size_t i = 0; i < announced; ++i) {
    const Contact member = names.of(group.members[i]);
    orders.add(info_message(group, member_joined(member),
                            member.fullname + " joined group on creation", now));
  }
  return orders.finish(success_with("group", group.json, 201), 500);
}

}  // namespace

HttpResponse create_group(Services& services, const Call& call) {
  const Time now = services.now();
  auto group = read_new_group(call, now);
  if (!group) return invalid(group.error().message);

  Orders orders(services, group->id);
  if (auto late = orders.catch_up(500)) return *std::move(late);
  const auto existing = read_group(services, group->app, group->id);
  if (!existing) return store_away(services, existing.error(), 500);
  if (!*existing) {
    if (call.caller.admin) return publish_new_group(services, orders, *group, now);
    const auto used = services.histories.with([&](History& history) {
      return has_messages_of_others(history, *group, call.caller.user);
    });
    if (!used) return store_away(services, used.error(), 500);
    return *used ? failure_text(405, "Not allowed")
                 : publish_new_group(services, orders, *group, now);
  }
  if (!may_change(call.caller, **existing)) return failure_text(405, "Not allowed");
  // The store keeps a group that was changed later.
  const Group successor =
      touched(*group, std::max(now, Time(std::chrono::milliseconds((*existing)->updated_on))));
  return publish_new_group(services, orders, successor, now);
}

HttpResponse get_group(Services& services, const Call& call) {
  const auto group = read_group(services, call.ids.app, call.ids.group);
  if (!group) return store_away(services, group.error());
  if (!*group) return no_such_group();
  if (!call.caller.admin && !(*group)->has(call.caller.user)) return permission_denied();
  return success_with("result", (*group)->json);
}

HttpResponse delete_group(Services& services, const Call& call) {
  return change_group(services, call, no_such_group(), [&](const Group& group, Orders& orders) {
    if (!may_change(call.caller, group)) return permission_denied();
    orders.change(group_delete(group, services.now()));
    return orders.finish(success());
  });
}

HttpResponse rename_group(Services& services, const Call& call) {
  const std::string name = text_of(call.body, "group_name");
  if (name.empty()) return invalid("group_name is mandatory");
  return change_group(services, call, refusal("Not found"),
                      [&](const Group& group, Orders& orders) {
                        if (!may_change(call.caller, group)) return refusal("Unauthorized");
                        const Group renamed = with_name(group, name, services.now());
                        return publish_update(orders, renamed, group_renamed(renamed));
                      });
}

HttpResponse set_group_attributes(Services& services, const Call& call) {
  const JsonMember* attributes = call.body.find("attributes");
  if (is_missing(attributes)) return invalid("attributes is mandatory");
  if (!attributes->is(Type::Object)) return invalid("attributes must be an object");
  return change_group(
      services, call, refusal("Not found"), [&](const Group& group, Orders& orders) {
        if (!may_change(call.caller, group)) return refusal("Unauthorized");
        const Group changed = with_attributes(group, attributes->value, services.now());
        return publish_update(orders, changed, attributes_changed(attributes->value));
      });
}

}  // namespace chat21::server
