#include "lib/core/handlers.h"

#include <algorithm>
#include <array>
#include <utility>

namespace chat21 {
namespace {

using Type = JsonMember::Type;

// Whether a draft may call itself a group message. Only a hint, and never wrong
// about a "no": the word can be spelled with \u escapes, nothing else.
bool may_name_a_group(std::string_view body) {
  return body.find("group") != std::string_view::npos || body.find("\\u") != std::string_view::npos;
}

// Whether a draft may have a client_message_id. A hint of the same kind, so that drafts
// without one are not parsed to find out: the key can be spelled with escapes of its
// characters, which are U+005F and between U+0061 and U+0073.
bool may_have_client_message_id(std::string_view body) {
  constexpr std::array<std::string_view, 4> kHints = {kClientMessageId, "\\u005", "\\u006",
                                                      "\\u007"};
  return std::any_of(kHints.begin(), kHints.end(), [&](std::string_view hint) {
    return body.find(hint) != std::string_view::npos;
  });
}

// Empty if there is no valid one.
std::string_view client_message_id_in(std::string_view body) {
  if (!may_have_client_message_id(body)) return {};
  JsonObject draft;
  std::string_view id;
  if (!draft.parse(body) || !read_client_message_id(draft, id).done()) return {};
  return id;
}

std::string_view key_of(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

Handled malformed(std::string_view path, std::string_view why) {
  std::string detail(path);
  detail += why;
  return {Outcome::Malformed, std::move(detail)};
}

}  // namespace

Needed needed_by(const Topic& topic, const Delivery& delivery) {
  Needed needed;
  switch (topic.kind) {
    case Topic::Kind::Outgoing:
      if (is_group_id(topic.conversation) || may_name_a_group(delivery.body)) {
        needed.by_topic = Record::group(topic.app, topic.conversation);
      }
      if (const std::string_view id = client_message_id_in(delivery.body); !id.empty()) {
        needed.sent = Record::sent(topic.app, topic.user, id);
      } else if (!delivery.known_as.empty()) {
        needed.sent = Record::message(topic.app, delivery.known_as);
      }
      break;
    case Topic::Kind::Receipt:
      needed.by_topic = Record::copy(topic.app, topic.user, topic.conversation, topic.id);
      break;
    case Topic::Kind::Archive:
      needed.by_topic = Record::of_conversation(topic.app, topic.user, topic.conversation);
      break;
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
      break;
  }
  return needed;
}

Handled parse_body(Handling& handling) {
  const auto parsed = handling.body.parse(handling.delivery.body);
  if (!parsed) return {Outcome::Malformed, "the body is refused: " + parsed.error().message};
  return {};
}

Handled validate_ids(std::string_view app, std::initializer_list<NamedId> ids) {
  std::size_t total = app.size();
  std::string names = "app";
  for (const auto& [what, id] : ids) {
    if (auto valid = validate_id(what, id); !valid) {
      return {Outcome::InvalidId, valid.error().message};
    }
    total += id.size();
    names.append(" and ").append(what);
  }
  if (total <= kMaxIds) return {};
  return {Outcome::InvalidId, names + " have " + std::to_string(total) +
                                  " bytes together, more than " + std::to_string(kMaxIds)};
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

Handled read_object(const JsonObject& in, std::string_view path, JsonObject& out) {
  const JsonMember* member = in.find(key_of(path));
  if (member == nullptr || !member->is(Type::Object)) {
    return malformed(path, " is missing or not an object");
  }
  if (auto parsed = out.parse(member->value); !parsed) {
    return malformed(path, ": " + parsed.error().message);
  }
  return {};
}

Handled read_text(Arena& arena, const JsonObject& in, std::string_view path,
                  std::string_view& out) {
  const JsonMember* member = in.find(key_of(path));
  if (member == nullptr || !member->is(Type::String)) {
    return malformed(path, " is missing or not a string");
  }
  out = arena.join({decode_string(*member)});
  return {};
}

Handled check_app(const JsonObject& in, std::string_view path, std::string_view app) {
  const JsonMember* member = in.find(key_of(path));
  if (member == nullptr) return {};
  if (member->is(Type::String) && decode_string(*member) == app) return {};
  return malformed(path, " is not the app of the topic");
}

Handled read_client_message_id(const JsonObject& draft, std::string_view& out) {
  const JsonMember* member = draft.find(kClientMessageId);
  if (member == nullptr) return {};
  if (!member->is(Type::String)) return malformed(kClientMessageId, " is not a string");
  const std::string_view written = member->value.substr(1, member->value.size() - 2);
  if (auto valid = validate_client_message_id(written); !valid) {
    return {Outcome::Malformed, valid.error().message};
  }
  out = written;
  return {};
}

std::string_view object_of(Arena& arena, const JsonWriter& members) {
  return arena.join({"{", members.members(), "}"});
}

Attributes read_attributes(const JsonObject& message) {
  Attributes found;
  const JsonMember* member = message.find("attributes");
  if (member == nullptr || !member->is(Type::Object)) return found;
  JsonObject attributes;
  if (!attributes.parse(member->value)) return found;
  const JsonMember* update = attributes.find("updateconversation");
  found.leaves_conversation = update != nullptr && update->is(Type::False);
  const JsonMember* hidden_for = attributes.find("hiddenFor");
  if (hidden_for != nullptr && hidden_for->is(Type::String)) {
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
