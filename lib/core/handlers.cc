#include "lib/core/handlers.h"

#include "lib/core/text.h"

namespace chat21 {
namespace {

// Whether a draft may call itself a group message. Only a hint, and never wrong
// about a "no": the word can be spelled with \u escapes, nothing else.
bool may_name_a_group(std::string_view body) {
  return body.find("group") != std::string_view::npos || body.find("\\u") != std::string_view::npos;
}

}  // namespace

bool record_of(const Topic& topic, std::string_view body, Record& out) {
  switch (topic.kind) {
    case Topic::Kind::Outgoing:
      if (!is_group_id(topic.conversation) && !may_name_a_group(body)) return false;
      out = Record::group(topic.app, topic.conversation);
      return true;
    case Topic::Kind::Receipt:
      out = Record::copy(topic.app, topic.user, topic.conversation, topic.id);
      return true;
    case Topic::Kind::Archive:
      out = Record::of_conversation(topic.app, topic.user, topic.conversation);
      return true;
    case Topic::Kind::Delivered:
    case Topic::Kind::Persist:
    case Topic::Kind::ConversationPatch:
    case Topic::Kind::Presence:
    case Topic::Kind::GroupUpdate:
    case Topic::Kind::GroupDelete:
    case Topic::Kind::ConversationsDelete:
    case Topic::Kind::MessagesDelete:
    case Topic::Kind::InstanceSave:
    case Topic::Kind::InstanceRemove:
    case Topic::Kind::BlockSave:
    case Topic::Kind::BlockRemove:
    case Topic::Kind::Fence:
      return false;
  }
  return false;
}

Handled parse_body(Handling& handling) {
  const auto parsed = handling.body.parse(handling.delivery.body);
  if (!parsed) return {Outcome::Malformed, "the body is refused: " + parsed.error().message};
  return {};
}

Handled validate_member(std::string_view app, std::string_view group, std::string_view member) {
  const Topic copy{.kind = Topic::Kind::Outgoing,
                   .form = Form::Current,
                   .app = app,
                   .user = member,
                   .conversation = group,
                   .id = {}};
  const auto valid = validate(copy);
  if (valid) return {};
  return {Outcome::InvalidId, "a member of the group: " + valid.error().message};
}

void add_text(std::string& out, std::string_view key, std::string_view text) {
  if (!out.empty()) out += ',';
  append_json_string(out, key);
  out += ':';
  append_json_string(out, text);
}

Attributes read_attributes(const JsonObject& message) {
  Attributes found;
  const JsonMember* member = message.find("attributes");
  if (member == nullptr || !member->is(JsonMember::Type::Object)) return found;
  JsonObject attributes;
  if (!attributes.parse(member->value)) return found;
  const JsonMember* update = attributes.find("updateconversation");
  found.leaves_conversation = update != nullptr && update->is(JsonMember::Type::False);
  const JsonMember* hidden_for = attributes.find("hiddenFor");
  if (hidden_for != nullptr && hidden_for->is(JsonMember::Type::String)) {
    found.hidden_for = decode_string(*hidden_for);
  }
  return found;
}

void save_copy(Effects& out, const Copy& copy) {
  out.writes.emplace_back(SaveCopy{.app = copy.app,
                                   .timeline = copy.owner,
                                   .conversation = copy.conversation,
                                   .message_id = copy.message_id,
                                   .status = copy.status,
                                   .own_body = copy.own_body});
  if (!copy.updates_conversation) return;
  out.writes.emplace_back(SaveLastMessage{.app = copy.app,
                                          .timeline = copy.owner,
                                          .conversation = copy.conversation,
                                          .message_id = copy.message_id,
                                          .time = copy.time});
}

void publish_copy(Effects& out, const Copy& copy, std::string_view key, std::string_view body) {
  out.publishes.push_back({.routing_key = key, .body = body});
  Event event;
  event.kind =
      copy.status == Status::Sent ? Event::Kind::MessageSent : Event::Kind::MessageDelivered;
  event.app = copy.app;
  event.user = copy.owner;
  event.conversation = copy.conversation;
  event.message_id = copy.message_id;
  event.routing_key = key;
  event.body = body;
  out.events.push_back(event);
}

}  // namespace chat21
