// Whom a user wants to hear nothing from.

#include <string>
#include <utility>
#include <vector>

#include "chat21/topic.h"

#include "server/api/handlers.h"
#include "server/api/lists.h"
#include "server/api/trouble.h"

namespace chat21::server {
namespace {

HttpResponse state(bool blocked) {
  return success_with("result", JsonWriter().boolean("blocked", blocked).object());
}

HttpResponse change(Services& services, const Call& call, Topic::Kind order, bool blocked) {
  Arena arena;
  std::vector<Outgoing> messages;
  messages.push_back(
      {std::string(order_key(arena, call.ids.app, order)),
       JsonWriter().text("user_id", call.ids.user).text("blocked_id", call.ids.other).object()});
  const auto done = services.gateway.carry_out(std::move(messages));
  if (!done) return broker_away(services, done.error());
  return *done == Gateway::Done::Carried ? state(blocked) : not_carried_out();
}

}  // namespace

HttpResponse list_blocks(Services& services, const Call& call) {
  return list_slice(services, call, 503, [&](History& history, const Slice& slice) {
    return history.blocks(call.ids.app, call.ids.user, slice);
  });
}

HttpResponse get_block(Services& services, const Call& call) {
  const auto blocked = services.histories.with([&](History& history) {
    return history.blocked(call.ids.app, call.ids.user, call.ids.other);
  });
  if (!blocked) return store_away(services, blocked.error());
  return state(*blocked);
}

HttpResponse put_block(Services& services, const Call& call) {
  if (call.ids.user == call.ids.other) return invalid("nobody can block themselves");
  return change(services, call, Topic::Kind::BlockSave, true);
}

HttpResponse delete_block(Services& services, const Call& call) {
  return change(services, call, Topic::Kind::BlockRemove, false);
}

}  // namespace chat21::server
