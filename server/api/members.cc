// Who is in a group: added one by one, set as a whole, removed.

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "server/api/group_change.h"
#include "server/api/handlers.h"
#include "server/api/trouble.h"

namespace chat21::server {
namespace {

// What a new member gets to see of the group's past.
constexpr std::size_t kHistoryMessages = 200;
// Of one request, for all new members together.
constexpr std::size_t kMaxReplayed = 20'000;
constexpr std::size_t kMaxReplayedBytes = 256U << 20U;

// The newest messages of the group, marked as history, oldest first: as many as
// `readers` may get.
Result<std::vector<std::string>> read_history(Services& services, const Group& group,
                                              std::size_t readers) {
  const Page page{.limit = std::min(kHistoryMessages, kMaxReplayed / readers)};
  auto newest = services.histories.with([&](History& history) -> Result<History::Documents> {
    return history.messages(group.app, group.id, group.id, page);
  });
  if (!newest) return newest.error();
  std::vector<std::string> messages;
  std::size_t bytes = 0;
  for (const std::string& document : *newest) {
    std::string message = as_history(document);
    if (message.size() > services.options.max_order_bytes) continue;  // the observer drops it
    messages.push_back(std::move(message));
    bytes += messages.back().size();
    if (bytes * readers > kMaxReplayedBytes) break;
  }
  std::reverse(messages.begin(), messages.end());
  return messages;
}

void announce(Services& services, const Group& group, const Contact& contact, Orders& orders) {
  const std::string& name = contact.firstname.empty() ? contact.id : contact.firstname;
  orders.add(info_message(group, member_joined(contact), name + " added to group", services.now()));
}

// The group's messages tell of those who are new, and they get its history. The update
// of the group, which is already in `orders`, is carried out first: what was sent
// before it is then in the history, and what comes after it reaches the new members
// live, so nothing falls in between.
HttpResponse welcome(Services& services, const Group& group, const std::vector<std::string>& added,
                     Orders& orders) {
  if (added.empty()) return orders.finish(success());
  orders.carry_out();
  const auto history = read_history(services, group, added.size());
  Names names(services);
  std::size_t left = most_announced(group);
  for (const std::string& member : added) {
    if (left > 0) {
      announce(services, group, names.of(member), orders);
      --left;
    }
    if (!history) continue;
    for (const std::string& message : *history) {
      orders.add(history_message(group, member, message));
    }
  }
  HttpResponse answer = orders.finish(success());
  return history ? answer : store_away(services, history.error());
}

// Those of `members` that are not in `others`, in order.
std::vector<std::string> not_in(const std::vector<std::string>& members,
                                const std::vector<std::string>& others) {
  const std::unordered_set<std::string_view> known(others.begin(), others.end());
  std::vector<std::string> found;
  for (const std::string& member : members) {
    if (!known.contains(member)) found.push_back(member);
  }
  return found;
}

// Joining has its reason one level down.
HttpResponse join_refused(const JsonWriter& reason) {
  HttpResponse response;
  response.status = 405;
  response.body = JsonWriter()
                      .boolean("success", false)
                      .json("err", reason.object())
                      .number("http_status", 405)
                      .object();
  return response;
}

JsonWriter reason(std::string_view text) {
  return JsonWriter().boolean("success", false).text("err", text);
}

HttpResponse leave_refused() {
  HttpResponse response;
  response.status = 405;
  response.body = reason("Not found").number("http_status", 404).object();
  return response;
}

HttpResponse add_to(Services& services, const Call& call, const Group& group,
                    const std::string& member, Orders& orders) {
  if (!may_change(call.caller, group)) return join_refused(reason("Not allowed"));
  if (group.has(member)) return join_refused(reason("Already a member").number("http_status", 401));
  std::vector<std::string> members = group.members;
  members.push_back(member);
  const Group joined = with_members(group, std::move(members), services.now());
  if (auto valid = check_limits(joined); !valid) return invalid(valid.error().message);
  orders.change(
      group_update(joined, member_joined(services.contacts.find(member)), joined.members));
  return welcome(services, joined, {member}, orders);
}

HttpResponse replace_members(Services& services, const Call& call, const Group& group,
                             std::vector<std::string> members, Orders& orders) {
  if (!may_change(call.caller, group)) return refusal("Unauthorized");
  const auto added = not_in(members, group.members);
  if (added.empty() && not_in(group.members, members).empty()) {
    return refusal("Same members in group, skipping setGroupMembers()");
  }
  const Group changed = with_members(group, std::move(members), services.now());
  if (auto valid = check_limits(changed); !valid) return invalid(valid.error().message);
  orders.change(group_update(changed, group.members));
  return welcome(services, changed, added, orders);
}

}  // namespace

HttpResponse add_member(Services& services, const Call& call) {
  const std::string member = text_of(call.body, "member_id");
  if (member.empty()) return invalid("member_id is mandatory!");
  if (auto valid = validate_group_member(call.ids.app, call.ids.group, member); !valid) {
    return invalid(valid.error().message);
  }
  return change_group(services, call, join_refused(reason("Not found").number("http_status", 404)),
                      [&](const Group& group, Orders& orders) {
                        return add_to(services, call, group, member, orders);
                      });
}

HttpResponse set_members(Services& services, const Call& call) {
  const JsonMember* wanted = call.body.find("members");
  if (wanted == nullptr || !wanted->is(JsonMember::Type::Object)) {
    return invalid("members is mandatory");
  }
  const auto members = read_members(call.ids.app, call.ids.group, "members", wanted);
  if (!members) return invalid(members.error().message);
  return change_group(services, call, refusal("Not found"),
                      [&](const Group& group, Orders& orders) {
                        return replace_members(services, call, group, *members, orders);
                      });
}

HttpResponse remove_member(Services& services, const Call& call) {
  const std::string& member = call.ids.member;
  return change_group(services, call, leave_refused(), [&](const Group& group, Orders& orders) {
    const bool allowed = may_change(call.caller, group) || call.caller.user == member;
    if (!allowed || !group.has(member)) return leave_refused();
    const Group left = without_member(group, member);
    const MessageLabel label = member_left(member);
    orders.change(group_update(left, label, group.members));
    orders.add(info_message(left, label, member + " removed from group", services.now()));
    return orders.finish(success());
  });
}

}  // namespace chat21::server
