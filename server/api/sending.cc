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

// By which the copy in the store is found again; nobody else knows it beforehand.
constexpr std::string_view kClientMessageId = "client_message_id";

struct Draft {
  std::string sender, recipient;
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
constexpr std::array<Typed, 2> kTypedExtras = {{
    {"attributes", Type::Object, "attributes is not an object"},
    {"timestamp", Type::Number, "timestamp is not a number"},
}};
constexpr std::array<std::string_view, 3> kExtras = {"attributes", "metadata", "timestamp"};

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
  return {};
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

// As it went to inboxes: without what only documents have.
std::string live_copy(const JsonObject& document) {
  constexpr std::array<std::string_view, 3> kOfDocuments = {"_id", "timelineOf", "conversWith"};
  Arena arena;
  return std::string(splice(arena, document, kOfDocuments, {}));
}

Result<Found> find_copy(History& history, const std::string& app, const std::string& timeline,
                        const std::string& conversation, const std::string& client_message_id) {
  constexpr std::size_t kPage = 20;
  constexpr std::size_t kPages = 10;  // more do not arrive while we wait
  std::string before;
  for (std::size_t i = 0; i < kPages; ++i) {
    const auto page =
        history.messages(app, timeline, conversation, {.before = before, .limit = kPage});
    if (!page) return page.error();
    if (page->empty()) break;
    JsonObject document;
    for (const std::string& text : *page) {
      if (const auto parsed = document.parse(text); !parsed) return parsed.error();
      if (text_of(document, kClientMessageId) == client_message_id) {
        return Found(live_copy(document));
      }
    }
    before = text_of(document, "message_id");
  }
  return Found();
}

Result<Found> find_message(History& history, const std::string& app, const Draft& draft,
                           const std::string& client_message_id) {
  auto own = find_copy(history, app, draft.sender, draft.recipient, client_message_id);
  if (!own || *own || !draft.to_group) return own;
  // Who is not a member has no copy, the group has.
  return find_copy(history, app, draft.recipient, draft.recipient, client_message_id);
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
  const std::string client_message_id = random_uuid();
  draft->body.text(kClientMessageId, client_message_id);
  const auto done = services.gateway.carry_out(only(*draft));
  if (!done) return broker_away(services, done.error(), 404);
  if (*done != Gateway::Done::Carried) return not_carried_out();
  const auto found = services.histories.with([&](History& history) {
    return find_message(history, call.ids.app, *draft, client_message_id);
  });
  if (!found) return store_away(services, found.error());
  if (!*found) return failure_text(422, "the message was not accepted");
  return success_with("message", **found);
}

}  // namespace chat21::server
