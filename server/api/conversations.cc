// Archiving a conversation, and forgetting those of a group.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat21/topic.h"

#include "server/api/behalf.h"
#include "server/api/group_change.h"
#include "server/api/handlers.h"
#include "server/api/trouble.h"

namespace chat21::server {
namespace {

using Kind = Topic::Kind;

// Nothing if the caller may forget what the group has said.
std::optional<HttpResponse> refuse(Services& services, const Call& call) {
  if (call.caller.admin) return std::nullopt;
  const auto group = read_group(services, call.ids.app, call.ids.group);
  if (!group) return store_away(services, group.error(), 405);
  if (*group && may_change(call.caller, **group)) return std::nullopt;
  return failure_text(401, "Permission denied");
}

HttpResponse forget(Services& services, const Call& call, Kind order) {
  if (auto refused = refuse(services, call)) return *std::move(refused);
  const auto lock = services.group_locks.try_lock_forgetting();
  if (!lock) return failure_text(503, "another group is being forgotten, try again later");
  Arena arena;
  std::vector<Outgoing> messages;
  messages.push_back({std::string(order_key(arena, call.ids.app, order)),
                      JsonWriter().text("conversation", call.ids.group).object()});
  const auto done = services.gateway.carry_out(std::move(messages));
  if (!done) return broker_away(services, done.error(), 405);
  return *done == Gateway::Done::Carried ? success() : not_carried_out();
}

}  // namespace

HttpResponse archive_conversation(Services& services, const Call& call) {
  const auto user = acting_user(call, "user_id");
  if (!user) return invalid(user.error().message);
  const Topic topic{.kind = Kind::Archive,
                    .app = call.ids.app,
                    .user = *user,
                    .conversation = call.ids.conversation,
                    .id = {}};
  if (const auto valid = validate(topic); !valid) return invalid(valid.error().message);
  Arena arena;
  std::vector<Outgoing> messages;
  messages.push_back({std::string(archive_key(arena, topic.app, topic.user, topic.conversation)),
                      JsonWriter().text("action", "archive").object()});
  const auto done = services.gateway.carry_out(std::move(messages));
  if (!done) return broker_away(services, done.error(), 500);
  // Also if the observer is slow: the broker has it, so it will be done.
  return success(201);
}

HttpResponse delete_conversations(Services& services, const Call& call) {
  return forget(services, call, Kind::ConversationsDelete);
}

HttpResponse delete_messages(Services& services, const Call& call) {
  return forget(services, call, Kind::MessagesDelete);
}

}  // namespace chat21::server
