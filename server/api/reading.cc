// Conversations, messages and groups, as they are in the store.

#include <span>
#include <string>

#include "server/api/handlers.h"
#include "server/api/lists.h"
#include "server/api/trouble.h"

namespace chat21::server {
namespace {

HttpResponse list(Services& services, const Call& call, bool archived, unsigned error_status) {
  return list_slice(services, call, error_status, [&](History& history, const Slice& slice) {
    return history.conversations(call.ids.app, call.ids.user, archived, slice);
  });
}

bool is_archived(const std::string& document) {
  JsonObject conversation;
  return conversation.parse(document) && is_truthy(conversation.find("archived"));
}

// A list of one, or of none.
HttpResponse find(Services& services, const Call& call, bool archived) {
  const auto found = services.histories.with([&](History& history) {
    return history.conversation(call.ids.app, call.ids.user, call.ids.conversation);
  });
  if (!found) return store_away(services, found.error(), 501);
  if (!*found || is_archived(**found) != archived) return list_of({});
  return list_of(std::span(&**found, 1));
}

}  // namespace

HttpResponse list_conversations(Services& services, const Call& call) {
  return list(services, call, false, 200);
}

HttpResponse list_archived_conversations(Services& services, const Call& call) {
  // One list with two addresses, which differ in what they answer without a store.
  const bool by_word = call.target.segments.back() == "archived";
  return list(services, call, true, by_word ? 200 : 501);
}

HttpResponse get_conversation(Services& services, const Call& call) {
  return find(services, call, false);
}

HttpResponse get_archived_conversation(Services& services, const Call& call) {
  return find(services, call, true);
}

HttpResponse list_messages(Services& services, const Call& call) {
  const auto page = read_page(call);
  if (!page) return invalid(page.error().message);
  const auto messages = services.histories.with([&](History& history) {
    return history.messages(call.ids.app, call.ids.user, call.ids.conversation, *page);
  });
  if (!messages) return store_away(services, messages.error(), 500);
  return list_of(*messages);
}

HttpResponse get_unread(Services& services, const Call& call) {
  const auto unread = services.histories.with(
      [&](History& history) { return history.unread(call.ids.app, call.ids.user); });
  if (!unread) return store_away(services, unread.error());
  const auto count = static_cast<std::int64_t>(*unread);
  return success_with("result", JsonWriter().number("conversations", count).object());
}

HttpResponse list_groups(Services& services, const Call& call) {
  return list_slice(services, call, 503, [&](History& history, const Slice& slice) {
    return history.groups(call.ids.app, call.ids.user, slice);
  });
}

}  // namespace chat21::server
