// A user sends a message to a user or to a group.

#include <algorithm>
#include <array>
#include <vector>

#include "lib/core/handlers.h"

namespace chat21 {
namespace {

using Type = JsonMember::Type;

// --- Who gets it ------------------------------------------------------------------

struct Group {
  std::vector<std::string_view> members;  // in the arena; the group itself is one
  // What stands in the message under "group" if the sender brought the group
  // along; empty otherwise.
  std::string_view document;
};

bool goes_to_group(const Handling& handling) {
  if (is_group_id(handling.topic.conversation)) return true;
  const JsonMember* channel = handling.body.find("channel_type");
  return channel != nullptr && channel->is(Type::String) && decode_string(*channel) == "group";
}

void add_member(Group& group, Arena& arena, std::string_view id) {
  group.members.push_back(arena.join({id}));
}

void add_member_once(Group& group, Arena& arena, std::string_view id) {
  if (std::find(group.members.begin(), group.members.end(), id) == group.members.end()) {
    add_member(group, arena, id);
  }
}

// Every copy carries the whole body, the list of members included.
Handled check_copies(const Handling& handling, std::size_t copies) {
  const std::size_t most = handling.options.max_inline_bytes;
  if (handling.delivery.body.size() <= most / copies) return {};
  return {Outcome::TooLarge, "the copies for " + std::to_string(copies) +
                                 " members of the group have more than " + std::to_string(most) +
                                 " bytes together"};
}

Handled list_inline_members(Handling& handling, const JsonObject& members, Group& group) {
  if (members.members().size() > handling.options.max_inline_members) {
    return {Outcome::TooLarge, "group.members has more than " +
                                   std::to_string(handling.options.max_inline_members) +
                                   " entries"};
  }
  Arena& arena = handling.out.arena;
  const Topic& topic = handling.topic;
  for (const JsonMember& member : members.members()) {
    auto valid = validate_member(topic.app, topic.conversation, member.key);
    if (!valid.done()) return valid;
    add_member(group, arena, member.key);
  }
  add_member_once(group, arena, topic.conversation);
  add_member_once(group, arena, topic.user);
  return check_copies(handling, group.members.size());
}

// `written` with its id and with the members that the group has by itself.
std::string_view complete_inline_group(const Handling& handling, const JsonObject& written,
                                       const JsonObject& members) {
  Arena& arena = handling.out.arena;
  const Topic& topic = handling.topic;
  JsonWriter added;
  added.number(topic.conversation, 1);
  if (topic.user != topic.conversation) added.number(topic.user, 1);
  const std::array added_keys = {topic.conversation, topic.user};
  JsonWriter completed;
  completed.text("uid", topic.conversation)
      .json("members", splice(arena, members, added_keys, added.members()));
  constexpr std::array<std::string_view, 2> kCompletedKeys = {"uid", "members"};
  return splice(arena, written, kCompletedKeys, completed.members());
}

// The sender brought the group along: its members are the group's members, and
// the group itself and the sender are added (protocol: "inline group").
Handled read_inline_group(Handling& handling, Group& group) {
  JsonObject object;
  if (auto read = read_object(handling.body, "group", object); !read.done()) return read;
  JsonObject members;
  if (auto read = read_object(object, "group.members", members); !read.done()) return read;
  auto read = list_inline_members(handling, members, group);
  if (!read.done()) return read;
  group.document = complete_inline_group(handling, object, members);
  return {};
}

// A group that the Store knows.
bool read_known_group(Handling& handling, Group& group) {
  if (handling.fact == nullptr || !handling.fact->found) return false;
  JsonObject object;
  if (!object.parse(handling.fact->document)) return false;
  JsonObject members;
  if (!read_object(object, "members", members).done()) return false;
  for (const JsonMember& member : members.members()) {
    // Ids are checked before a group is saved; one that slipped in by another
    // way cannot be addressed and is passed over, the others get their copy.
    const Topic& topic = handling.topic;
    if (validate_member(topic.app, topic.conversation, member.key).done()) {
      add_member(group, handling.out.arena, member.key);
    }
  }
  add_member_once(group, handling.out.arena, handling.topic.conversation);
  return true;
}

Handled read_group(Handling& handling, Group& group) {
  const Topic& topic = handling.topic;
  // The keys of the group's own timeline have its id twice.
  auto valid = validate_member(topic.app, topic.conversation, topic.conversation);
  if (!valid.done()) return valid;
  if (is_truthy(handling.body.find("group"))) return read_inline_group(handling, group);
  if (read_known_group(handling, group)) return {};
  // Nobody knows it: the message still reaches the sender and the group's own
  // timeline, from which it can be read once the group exists.
  add_member(group, handling.out.arena, topic.user);
  add_member_once(group, handling.out.arena, topic.conversation);
  return {};
}

// --- Whether it may -----------------------------------------------------------------

void tell_sender(Handling& handling, std::string_view id, const Verdict& verdict) {
  const Topic& topic = handling.topic;
  Arena& arena = handling.out.arena;
  JsonWriter notice;
  notice.text("timelineOf", topic.user)
      .text("conversWith", topic.conversation)
      .text("message_id", id)
      .number("status", static_cast<int>(Status::Failed))
      .text("reason", verdict.code)
      .text("detail", verdict.text);
  // By which the sender knows which of its messages this is about.
  const JsonMember* own_id = handling.body.find(kClientMessageId);
  if (own_id != nullptr) notice.json(kClientMessageId, own_id->value);
  handling.out.publishes.push_back(
      {.routing_key = message_updated_key(arena, topic.app, topic.user, topic.conversation, id),
       .body = object_of(arena, notice)});
}

Handled ask_policies(Handling& handling, bool to_group, std::string_view id) {
  const Message message{.app = handling.topic.app,
                        .sender = handling.topic.user,
                        .recipient = handling.topic.conversation,
                        .to_group = to_group,
                        .body = handling.delivery.body};
  for (Policy* policy : handling.policies) {
    const Verdict verdict = policy->review(message, handling.now);
    if (verdict.allowed) continue;
    tell_sender(handling, id, verdict);
    return {Outcome::Denied,
            std::string(policy->name()) + ": " + verdict.code + ": " + verdict.text};
  }
  return {};
}

// --- What they get ----------------------------------------------------------------

struct Stamped {
  std::string_view message_id;
  Time time{};                 // of the id: it does not step back with the clock
  std::string_view sent;       // as published with status 100
  std::string_view delivered;  // as published with status 150
  std::string_view stored;     // as SaveMessage::body
  Attributes attributes;
  bool is_stored = false;  // already, with its copies: it is only published again
};

bool names_what_differs_per_copy(const JsonObject& draft) {
  return draft.find("_id") != nullptr || draft.find("timelineOf") != nullptr ||
         draft.find("conversWith") != nullptr;
}

Stamped stamp(const Handling& handling, std::string_view id, const Group& group) {
  const JsonObject& draft = handling.body;
  Arena& arena = handling.out.arena;
  std::vector<std::string_view> replaced = {"message_id", "sender", "recipient", "app_id",
                                            "status"};
  JsonWriter stamps;
  stamps.text("message_id", id)
      .text("sender", handling.topic.user)
      .text("recipient", handling.topic.conversation)
      .text("app_id", handling.topic.app);
  if (!is_truthy(draft.find("timestamp"))) {
    replaced.emplace_back("timestamp");
    stamps.number("timestamp", handling.now.time_since_epoch().count());
  }
  if (!group.document.empty()) {
    replaced.emplace_back("group");
    stamps.json("group", group.document);
  }
  const std::string_view open = splice_open(arena, draft, replaced, stamps.members());
  Stamped stamped{.message_id = id,
                  .time = time_of_message_id(id).value_or(handling.now),
                  .sent = arena.join({open, ",\"status\":100}"}),
                  .delivered = arena.join({open, ",\"status\":150}"}),
                  .stored = {},
                  .attributes = read_attributes(draft)};
  if (names_what_differs_per_copy(draft)) {
    for (const std::string_view key : {"_id", "timelineOf", "conversWith"}) {
      replaced.push_back(key);
    }
    stamped.stored = splice(arena, draft, replaced, stamps.members());
  } else {
    stamped.stored = arena.join({open, "}"});
  }
  return stamped;
}

// --- Sent before ------------------------------------------------------------------

bool is_sent_before(const Handling& handling) {
  return handling.sent != nullptr && handling.sent->found;
}

// Whether it is the same message that is stored: what would be stored of it now is what is
// there, but for what the server has given it.
bool is_same(const Handling& handling, const Stamped& message, const JsonObject& stored) {
  std::vector<std::string_view> given = {"message_id"};
  if (!is_truthy(handling.body.find("timestamp"))) given.emplace_back("timestamp");
  JsonObject again;
  return again.parse(message.stored) && equal_members(again, stored, given);
}

Handled refuse_conflict(Handling& handling, std::string_view id) {
  const std::string why = "the sender has sent another message with the client_message_id " +
                          std::string(handling.body.find(kClientMessageId)->value);
  tell_sender(handling, id, Verdict::deny(std::string(to_string(Outcome::Conflict)), why));
  return {Outcome::Conflict, why};
}

// The message as the store has it takes the place of `message`, if they are the same.
void take_stored(Handling& handling, Stamped& message) {
  Arena& arena = handling.out.arena;
  JsonObject stored;
  std::string_view id;
  if (!stored.parse(handling.sent->document) ||
      !read_text(arena, stored, "message_id", id).done() || !is_same(handling, message, stored)) {
    return;
  }
  const std::string_view open = splice_open(arena, stored, {}, {});
  message.message_id = id;
  message.sent = arena.join({open, ",\"status\":100}"});
  message.delivered = arena.join({open, ",\"status\":150}"});
  message.is_stored = true;
}

// --- Its way ------------------------------------------------------------------------

void deliver(const Handling& handling, const Stamped& message, std::string_view owner,
             std::string_view conversation, Status status) {
  const Topic& topic = handling.topic;
  const Copy copy{.app = topic.app,
                  .owner = owner,
                  .conversation = conversation,
                  .message_id = message.message_id,
                  .status = status,
                  .own_body = {},
                  .updates_conversation = !message.attributes.leaves_conversation,
                  .time = message.time};
  if (!message.is_stored) save_copy(handling.out, copy);
  publish_copy(handling.out, copy,
               message_added_key(handling.out.arena, topic.app, owner, conversation, topic.form),
               status == Status::Sent ? message.sent : message.delivered);
}

void save_message(const Handling& handling, const Stamped& message, std::string_view own_id) {
  const Topic& topic = handling.topic;
  if (own_id.empty()) handling.out.births.push_back({handling.delivery.tag, message.message_id});
  handling.out.writes.emplace_back(
      SaveMessage{.app = topic.app,
                  .message_id = message.message_id,
                  .body = message.stored,
                  .sender = own_id.empty() ? std::string_view() : topic.user,
                  .client_message_id = own_id});
}

void deliver_to_group(const Handling& handling, const Stamped& message, const Group& group) {
  const std::string_view id = handling.topic.conversation;
  for (const std::string_view member : group.members) {
    if (member == id) {
      deliver(handling, message, id, id, Status::Sent);
    } else if (member != message.attributes.hidden_for) {
      // Skips this member only. The Node server leaves the loop at the hidden
      // one, and members listed after it get nothing: docs/decisions/0004.
      deliver(handling, message, member, id, Status::Delivered);
    }
  }
}

void deliver_to_user(const Handling& handling, const Stamped& message) {
  const std::string_view sender = handling.topic.user;
  const std::string_view recipient = handling.topic.conversation;
  // The recipient waits for it, the sender has seen it already. In one inbox, of
  // a message to oneself, the copies keep the order that clients know.
  const bool recipient_first = sender != recipient;
  if (recipient_first) deliver(handling, message, recipient, sender, Status::Delivered);
  deliver(handling, message, sender, recipient, Status::Sent);
  if (!recipient_first) deliver(handling, message, recipient, sender, Status::Delivered);
}

}  // namespace

Handled handle_outgoing(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  std::string_view own_id;
  if (auto read = read_client_message_id(handling.body, own_id); !read.done()) return read;
  const bool to_group = goes_to_group(handling);
  Group group;
  if (to_group) {
    if (auto read = read_group(handling, group); !read.done()) return read;
  }
  const auto text = handling.ids.next(handling.now);
  const std::string_view id = handling.out.arena.join({std::string_view(text.data(), text.size())});
  if (auto asked = ask_policies(handling, to_group, id); !asked.done()) {
    return asked;
  }
  Stamped message = stamp(handling, id, group);
  if (is_sent_before(handling)) take_stored(handling, message);
  if (!message.is_stored) {
    // What the ledger takes for a repeat by its bytes may be another message. An id that
    // the sender has given may not.
    if (is_sent_before(handling) && !own_id.empty()) return refuse_conflict(handling, id);
    save_message(handling, message, own_id);
  }
  if (to_group) {
    deliver_to_group(handling, message, group);
  } else {
    deliver_to_user(handling, message);
  }
  return {};
}

}  // namespace chat21
