// Users tell what they did: received a message, read or archived a conversation,
// came or went.

#include <array>
#include <optional>

#include "lib/core/handlers.h"

namespace chat21 {
namespace {

using Type = JsonMember::Type;

Event event_of(const Handling& handling, Event::Kind kind) {
  Event event;
  event.kind = kind;
  event.app = handling.topic.app;
  event.user = handling.topic.user;
  event.conversation = handling.topic.conversation;
  return event;
}

// Reads the optional bool `name`; false if it is something else.
bool read_bool(const JsonObject& body, std::string_view name, std::optional<bool>& out) {
  const JsonMember* member = body.find(name);
  if (member == nullptr) return true;
  if (!member->is(Type::True) && !member->is(Type::False)) return false;
  out = member->is(Type::True);
  return true;
}

// The copy of the other side, which has it under `conversation`.
void raise_peer(Handling& handling, std::string_view conversation) {
  handling.out.writes.emplace_back(RaiseStatus{.app = handling.topic.app,
                                               .timeline = handling.topic.conversation,
                                               .conversation = conversation,
                                               .message_id = handling.topic.id,
                                               .status = Status::ReturnReceipt});
}

}  // namespace

Handled handle_receipt(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  const JsonMember* status = handling.body.find("status");
  if (status == nullptr || !status->is(Type::Number)) {
    return {Outcome::Malformed, "status is missing or not a number"};
  }
  if (decode_number(*status) != static_cast<int>(Status::Received)) return {Outcome::Ignored, {}};
  // Else anybody could make anybody's client show that something was read.
  if (handling.fact == nullptr || !handling.fact->found) {
    return {Outcome::NotFound, "the sender of the receipt has no such message"};
  }

  const Topic& topic = handling.topic;
  const std::string_view peer = topic.conversation;
  Arena& arena = handling.out.arena;
  handling.out.writes.emplace_back(RaiseStatus{.app = topic.app,
                                               .timeline = topic.user,
                                               .conversation = peer,
                                               .message_id = topic.id,
                                               .status = Status::Received});
  // In a group it is the group's own copy that is raised, not the author's: as
  // the Node server does, and clients expect nothing else. Whether a message's
  // channel_type made a group of another id is not known here; so both copies are
  // raised, of which one does not exist.
  if (!is_group_id(peer) && peer != topic.user) raise_peer(handling, topic.user);
  raise_peer(handling, peer);
  JsonWriter notice;
  notice.text("timelineOf", peer)
      .text("message_id", topic.id)
      .number("status", static_cast<int>(Status::ReturnReceipt));
  const Publish publish{
      .routing_key = message_updated_key(arena, topic.app, peer, topic.user, topic.id),
      .body = object_of(arena, notice)};
  handling.out.publishes.push_back(publish);

  Event event = event_of(handling, Event::Kind::ReturnReceipt);
  event.message_id = topic.id;
  event.routing_key = publish.routing_key;
  event.body = publish.body;
  handling.out.events.push_back(event);
  return {};
}

Handled handle_conversation_patch(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  const Topic& topic = handling.topic;
  PatchConversation patch{.app = topic.app,
                          .timeline = topic.user,
                          .conversation = topic.conversation,
                          .is_new = {},
                          .archived = {}};
  if (!read_bool(handling.body, "is_new", patch.is_new)) {
    return {Outcome::Malformed, "is_new is neither true nor false"};
  }
  if (!read_bool(handling.body, "archived", patch.archived)) {
    return {Outcome::Malformed, "archived is neither true nor false"};
  }
  if (!patch.is_new && !patch.archived) return {Outcome::Ignored, {}};
  handling.out.writes.emplace_back(patch);

  // Only what was applied is told: other fields are not the client's to change.
  JsonWriter notice;
  if (patch.is_new) notice.boolean("is_new", *patch.is_new);
  if (patch.archived) notice.boolean("archived", *patch.archived);
  notice.text("timelineOf", topic.user).text("conversWith", topic.conversation);
  Arena& arena = handling.out.arena;
  handling.out.publishes.push_back(
      {.routing_key = conversation_updated_key(arena, topic.app, topic.user, topic.conversation),
       .body = object_of(arena, notice)});
  return {};
}

Handled handle_archive(Handling& handling) {
  const Topic& topic = handling.topic;
  if (handling.fact == nullptr || !handling.fact->found) {
    return {Outcome::NotFound, "the user has no such conversation"};
  }
  // The Node server reads the conversation back after it has archived it; we
  // patch the document that we know, and clients must not notice.
  JsonObject document;
  if (auto parsed = document.parse(handling.fact->document); !parsed) {
    return {Outcome::NotFound, "the stored conversation is refused: " + parsed.error().message};
  }
  handling.out.writes.emplace_back(PatchConversation{.app = topic.app,
                                                     .timeline = topic.user,
                                                     .conversation = topic.conversation,
                                                     .is_new = {},
                                                     .archived = true});
  Arena& arena = handling.out.arena;
  constexpr std::array<std::string_view, 1> kReplaced = {"archived"};
  const std::string_view body = splice(arena, document, kReplaced, "\"archived\":true");
  handling.out.publishes.push_back(
      {.routing_key = conversation_deleted_key(arena, topic.app, topic.user, topic.conversation),
       .body = body});
  handling.out.publishes.push_back({.routing_key = archived_conversation_added_key(
                                        arena, topic.app, topic.user, topic.conversation),
                                    .body = body});

  Event event = event_of(handling, Event::Kind::ConversationArchived);
  event.routing_key = handling.delivery.routing_key;
  event.body = body;
  handling.out.events.push_back(event);
  return {};
}

Handled handle_presence(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  const bool online = is_truthy(handling.body.find("connected"));
  Event event =
      event_of(handling, online ? Event::Kind::PresenceOnline : Event::Kind::PresenceOffline);
  event.client = handling.topic.id;
  event.routing_key = handling.delivery.routing_key;
  event.body = handling.delivery.body;
  handling.out.events.push_back(event);
  return {};
}

}  // namespace chat21
