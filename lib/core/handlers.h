// The handlers: one function per kind of topic, each deciding one delivery.
//
// Private to lib/core; the Router calls them. A handler appends to the effects
// only what is to be done if it returns Done or Ignored, plus, for Denied and
// Conflict, what tells the sender.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "chat21/delivery.h"
#include "chat21/effects.h"
#include "chat21/json.h"
#include "chat21/policy.h"
#include "chat21/router.h"
#include "chat21/store.h"
#include "chat21/topic.h"

#include "lib/core/message_ids.h"

namespace chat21 {

// What a handler is given.
struct Handling {
  const Router::Options& options;
  std::span<Policy* const> policies;
  MessageIds& ids;
  JsonObject& body;  // for the handler to parse the delivery's body into
  const Delivery& delivery;
  const Topic& topic;
  const Fact* fact;  // of Needed::by_topic; null if it needs none
  const Fact* sent;  // of Needed::sent, likewise
  Time now;
  Effects& out;
};

struct Handled {
  Outcome outcome = Outcome::Done;
  std::string detail;  // for people: why it was not Done

  bool done() const { return outcome == Outcome::Done; }
};

// The records that a delivery needs: none, one or two. Views point into it.
struct Needed {
  // What its kind of topic asks for; of kind Record::Kind::Group for a message that may
  // go to a group.
  std::optional<Record> by_topic;
  // What the sender of a message has sent before with its client_message_id, or what the
  // delivery is known as.
  std::optional<Record> sent;
};
Needed needed_by(const Topic& topic, const Delivery& delivery);

Handled handle_outgoing(Handling& handling);              // handle_outgoing.cc
Handled handle_receipt(Handling& handling);               // handle_updates.cc
Handled handle_conversation_patch(Handling& handling);    //   "
Handled handle_archive(Handling& handling);               //   "
Handled handle_presence(Handling& handling);              //   "
Handled handle_delivered(Handling& handling);             // handle_services.cc
Handled handle_persist(Handling& handling);               //   "
Handled handle_group_update(Handling& handling);          // handle_groups.cc
Handled handle_group_delete(Handling& handling);          //   "
Handled handle_conversations_delete(Handling& handling);  // handle_orders.cc
Handled handle_messages_delete(Handling& handling);       //   "
Handled handle_instance_save(Handling& handling);         //   "
Handled handle_instance_remove(Handling& handling);       //   "
Handled handle_block_save(Handling& handling);            //   "
Handled handle_block_remove(Handling& handling);          //   "
Handled handle_fence(Handling& handling);                 //   "

// --- Shared by the handlers -----------------------------------------------------

// Parses the delivery's body; Done if it is a JSON object.
Handled parse_body(Handling& handling);

// An id, with its name for the detail.
struct NamedId {
  std::string_view what, id;
};
// Done if the ids are valid and have, with the app, at most kMaxIds bytes.
Handled validate_ids(std::string_view app, std::initializer_list<NamedId> ids);

// Done if the member's copies of the group's messages can be addressed.
Handled validate_member(std::string_view app, std::string_view group, std::string_view member);

// --- Reading what should be there. `path` is where it stands, "group.uid", for the
// detail; its last part is the key of the member. Malformed if it is not that.

// Views of `out` point into `in`'s text.
Handled read_object(const JsonObject& in, std::string_view path, JsonObject& out);

// `out` is in the arena.
Handled read_text(Arena& arena, const JsonObject& in, std::string_view path, std::string_view& out);

// Done also if there is no such member.
Handled check_app(const JsonObject& in, std::string_view path, std::string_view app);

// A draft's client_message_id as it stands between its quotes. Done also if there is
// none; then `out` is empty.
inline constexpr std::string_view kClientMessageId = "client_message_id";
Handled read_client_message_id(const JsonObject& draft, std::string_view& out);

// --- Writing ---

// The object in the arena.
std::string_view object_of(Arena& arena, const JsonWriter& members);

// The attributes of a message that steer its way.
struct Attributes {
  // attributes.updateconversation is exactly false: the message is kept and
  // delivered, but does not become the last one of its conversations.
  bool leaves_conversation = false;
  std::string hidden_for;  // the member of a group who gets no copy
};
Attributes read_attributes(const JsonObject& message);

// A message in `owner`'s timeline and, if it `updates_conversation`, as the last
// one of that conversation.
struct Copy {
  std::string_view app, owner, conversation, message_id;
  Status status = Status::Sent;
  std::string_view own_body;  // as SaveCopy::own_body
  bool updates_conversation = true;
  Time time{};  // when the server took the message
};
void save_copy(Effects& out, const Copy& copy);

// Publishes `body` as `key` in the inbox of the copy's owner and tells about it.
void publish_copy(Effects& out, const Copy& copy, std::string_view key, std::string_view body);

}  // namespace chat21
