// Messages that are sent over HTTP: made into drafts as clients publish them.

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat21/topic.h"

#include "server/api/behalf.h"
#include "server/api/handlers.h"
#include "server/api/trouble.h"
#include "server/token.h"

namespace chat21::server {
namespace {

using Type = JsonMember::Type;

// By which a message is recognized that is sent again, and its copy found in the store.
constexpr std::string_view kClientMessageId = "client_message_id";

struct Draft {
  std::string sender, recipient;
  std::string client_message_id;  // empty if the caller has given none
  bool to_group = false;
  std::string key;
  JsonWriter body;
};

// --- Reading ----------------------------------------------------------------------

struct Mandatory {
  std::string_view key, name;
};

// In the order in which they are missed.
constexpr std::array<Mandatory, 3> kMandatory = {{{"sender_fullname", "Sender Fullname"},
                                                  {"recipient_id", "Recipient id"},
                                                  {"recipient_fullname", "Recipient Fullname"}}};

struct Typed {
  std::string_view key;
  Type type;
  std::string_view sentence;  // if it is of another type
};

// Null counts as missing.
constexpr std::array<Typed, 3> kTexts = {{
    {"text", Type::String, "text is not a text"},
    {"type", Type::String, "type is not a text"},
    {"channel_type", Type::String, "channel_type is not a text"},
}};

// What JavaScript takes for false counts as missing.
constexpr std::array<Typed, 3> kTypedExtras = {{
    {kClientMessageId, Type::String, "client_message_id is not a text"},
    {"attributes", Type::Object, "attributes is not an object"},
    {"timestamp", Type::Number, "timestamp is not a number"},
}};
constexpr std::array<std::string_view, 4> kExtras = {"attributes", "metadata", "timestamp",
                                                     kClientMessageId};

Error refuse(std::string sentence) {
  return fail(Error::Code::InvalidArgument, std::move(sentence));
}

Result<> check_mandatory(const JsonObject& body) {
  for (const auto& [key, name] : kMandatory) {
    const JsonMember* member = body.find(key);
    if (!is_truthy(member)) return refuse(std::string(name) + " is mandatory");
    if (!member->is(Type::String)) return refuse(std::string(name) + " is not a text");
  }
  return {};
}

Result<> check_types(const JsonObject& body) {
  for (const auto& [key, type, sentence] : kTexts) {
    const JsonMember* member = body.find(key);
    if (member != nullptr && !member->is(Type::Null) && !member->is(type)) {
      return refuse(std::string(sentence));
    }
  }
  for (const auto& [key, type, sentence] : kTypedExtras) {
    const JsonMember* member = body.find(key);
    if (is_truthy(member) && !member->is(type)) return refuse(std::string(sentence));
  }
  const JsonMember* id = body.find(kClientMessageId);
  if (!is_truthy(id)) return {};
  return validate_client_message_id(id->value.substr(1, id->value.size() - 2));
}

JsonWriter write_draft(const JsonObject& body, const std::string& channel_type) {
  JsonWriter draft;
  for (const std::string_view key : {"text", "type"}) {
    const JsonMember* member = body.find(key);
    if (member != nullptr && member->is(Type::String)) draft.json(key, member->value);
  }
  for (const std::string_view key : {"recipient_fullname", "sender_fullname"}) {
    draft.json(key, body.find(key)->value);
  }
  draft.text("channel_type", channel_type);
  for (const std::string_view key : kExtras) {
    const JsonMember* member = body.find(key);
    if (is_truthy(member)) draft.json(key, member->value);
  }
  return draft;
}

Result<Draft> read_draft(const Call& call) {
  const JsonObject& body = call.body;
  if (const auto valid = check_mandatory(body); !valid) return valid.error();
  if (const auto valid = check_types(body); !valid) return valid.error();
  auto sender = acting_user(call, "sender_id");
  if (!sender) return sender.error();
  Draft draft;
  draft.sender = *std::move(sender);
  draft.recipient = text_of(body, "recipient_id");
  draft.client_message_id = text_of(body, kClientMessageId);
  const Topic topic{.kind = Topic::Kind::Outgoing,
                    .app = call.ids.app,
                    .user = draft.sender,
                    .conversation = draft.recipient,
                    .id = {}};
  if (const auto valid = validate(topic); !valid) return valid.error();
  std::string channel_type = text_of(body, "channel_type");
  if (channel_type.empty()) channel_type = "direct";
  draft.to_group = is_group_id(draft.recipient) || channel_type == "group";
  Arena arena;
  draft.key = outgoing_key(arena, topic.app, topic.user, topic.conversation);
  draft.body = write_draft(body, channel_type);
  return draft;
}

std::vector<Outgoing> only(Draft& draft) {
  std::vector<Outgoing> messages;
  messages.push_back({std::move(draft.key), draft.body.object()});
  return messages;
}

// --- Finding the stamped copy -------------------------------------------------------

using Found = std::optional<std::string>;

// Whether this is the message that was sent: others may use the same id, and the sender may
// have used it for another message, with which this one is in conflict.
bool is_copy_of(const Draft& draft, const JsonObject& sent, const JsonObject& document) {
  if (text_of(document, kClientMessageId) != draft.client_message_id) return false;
  if (text_of(document, "sender") != draft.sender) return false;
  std::vector<std::string_view> stamps = {"_id",        "timelineOf", "conversWith", "status",
                                          "message_id", "sender",     "recipient",   "app_id"};
  if (sent.find("timestamp") == nullptr) stamps.emplace_back("timestamp");
  return equal_members(document, sent, stamps);
}

// As it went to inboxes: without what only documents have.
std::string live_copy(const JsonObject& document) {
  constexpr std::array<std::string_view, 3> kOfDocuments = {"_id", "timelineOf", "conversWith"};
  Arena arena;
  return std::string(splice(arena, document, kOfDocuments, {}));
}

Result<Found> find_copy(History& history, const std::string& app, const std::string& timeline,
                        const Draft& draft) {
  const std::string sent_text = draft.body.object();
  JsonObject sent;
  if (const auto parsed = sent.parse(sent_text); !parsed) return parsed.error();
  constexpr std::size_t kPage = 20;
  constexpr std::size_t kPages = 10;  // more do not arrive while we wait; repeats may be older
  std::string before;
  for (std::size_t i = 0; i < kPages; ++i) {
    const auto page =
        history.messages(app, timeline, draft.recipient, {.before = before, .limit = kPage});
    if (!page) return page.error();
    if (page->empty()) break;
    JsonObject document;
    for (const std::string& text : *page) {
      if (const auto parsed = document.parse(text); !parsed) return parsed.error();
      if (is_copy_of(draft, sent, document)) return Found(live_copy(document));
    }
    before = text_of(document, "message_id");
  }
  return Found();
}

Result<Found> find_message(History& history, const std::string& app, const Draft& draft) {
  auto own = find_copy(history, app, draft.sender, draft);
  if (!own || *own || !draft.to_group) return own;
  // Who is not a member has no copy, the group has.
  return find_copy(history, app, draft.recipient, draft);
}

}  // namespace

HttpResponse send_message(Services& services, const Call& call) {
  auto draft = read_draft(call);
  if (!draft) return invalid(draft.error().message);
  const auto published = services.gateway.publish(only(*draft));
  if (!published) return broker_away(services, published.error(), 404);
  return success();
}

HttpResponse send_message_and_wait(Services& services, const Call& call) {
  auto draft = read_draft(call);
  if (!draft) return invalid(draft.error().message);
  if (draft->client_message_id.empty()) {
    draft->client_message_id = random_uuid();
    draft->body.text(kClientMessageId, draft->client_message_id);
  }
  const auto done = services.gateway.carry_out(only(*draft));
  if (!done) return broker_away(services, done.error(), 404);
  if (*done != Gateway::Done::Carried) return not_carried_out();
  const auto found = services.histories.with(
      [&](History& history) { return find_message(history, call.ids.app, *draft); });
  if (!found) return store_away(services, found.error());
  if (!*found) return failure_text(422, "the message was not accepted");
  return success_with("message", **found);
}

}  // namespace chat21::server
