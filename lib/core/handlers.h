// The handlers: one function per kind of topic, each deciding one delivery.
//
// Private to lib/core; the Router calls them. A handler appends to the effects
// only what is to be done if it returns Done or Ignored, plus, for Denied, what
// tells the sender.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "chat21/delivery.h"
#include "chat21/effects.h"
#include "chat21/policy.h"
#include "chat21/router.h"
#include "chat21/store.h"
#include "chat21/topic.h"

#include "chat21/json.h"
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
  const Fact* fact;  // of the one record that this kind of topic may need; null if it needs none
  Time now;
  Effects& out;
};

struct Handled {
  Outcome outcome = Outcome::Done;
  std::string detail;  // for people: why it was not Done
};

// The record that a delivery needs, of kind Record::Kind::Group for a message
// that may go to a group. Returns false if it needs none.
bool record_of(const Topic& topic, std::string_view body, Record& out);

Handled handle_outgoing(Handling& handling);            // handle_outgoing.cc
Handled handle_receipt(Handling& handling);             // handle_updates.cc
Handled handle_conversation_patch(Handling& handling);  //   "
Handled handle_archive(Handling& handling);             //   "
Handled handle_presence(Handling& handling);            //   "
Handled handle_delivered(Handling& handling);           // handle_services.cc
Handled handle_persist(Handling& handling);             //   "
Handled handle_group_update(Handling& handling);        //   "

// --- Shared by the handlers -----------------------------------------------------

// Parses the delivery's body; Done if it is a JSON object.
Handled parse_body(Handling& handling);

// Done if the member's copies of the group's messages can be addressed.
Handled validate_member(std::string_view app, std::string_view group, std::string_view member);

// `"key":"text"` with both made safe, after a comma if `out` is not empty.
void add_text(std::string& out, std::string_view key, std::string_view text);

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
