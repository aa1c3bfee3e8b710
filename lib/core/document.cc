#include "chat21/document.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "chat21/json.h"

#include "lib/core/hash.h"
#include "lib/core/text.h"

namespace chat21 {
namespace {

// 24 hex digits, as clients know them from MongoDB. Derived from what identifies
// the document, so every Store gives it the same one and none has to keep it.
std::string document_id(std::initializer_list<std::string_view> parts) {
  constexpr char kHex[] = "0123456789abcdef";
  const std::uint64_t high = hash(kHashBasis, parts);
  const std::uint64_t low = hash(0x84222325cbf29ce4ULL, parts);
  std::string id;
  for (unsigned shift = 64; shift != 0; shift -= 4) id += kHex[(high >> (shift - 4)) & 0xFU];
  for (unsigned shift = 32; shift != 0; shift -= 4) id += kHex[(low >> (shift - 4)) & 0xFU];
  return id;
}

// The fields of a stored body; none if it is damaged.
JsonObject fields_of(std::string_view body) {
  JsonObject fields;
  if (!fields.parse(body)) return {};
  return fields;
}

// The fields that are named in `replaced` give way to the additions.
std::string document(const JsonObject& fields, std::initializer_list<std::string_view> replaced,
                     const JsonWriter& additions) {
  Arena arena;
  return std::string(
      splice(arena, fields, std::span(replaced.begin(), replaced.size()), additions.members()));
}

void add_copy(JsonWriter& out, const StoredCopy& copy) {
  out.text("timelineOf", copy.timeline)
      .text("conversWith", copy.conversation)
      .number("status", static_cast<int>(copy.status));
}

void add_any_text(JsonWriter& out, std::string_view key, std::string_view text) {
  if (is_utf8(text)) {
    out.text(key, text);
    return;
  }
  std::string base64;
  append_base64(base64, text);
  out.text(std::string(key) + "_base64", base64);
}

}  // namespace

std::string message_document(const StoredCopy& copy) {
  JsonWriter out;
  out.text("_id",
           document_id({"messages", copy.app, copy.timeline, copy.conversation, copy.message_id}));
  add_copy(out, copy);
  return document(fields_of(copy.body), {"_id", "timelineOf", "conversWith", "status"}, out);
}

std::string conversation_document(const StoredConversation& conversation) {
  const StoredCopy& last = conversation.last;
  const JsonObject fields = fields_of(last.body);
  const JsonMember* text = fields.find("text");
  JsonWriter out;
  out.text("_id", document_id({"conversations", last.app, last.timeline, last.conversation}));
  add_copy(out, last);
  out.text("key", last.conversation)
      .boolean("is_new", conversation.is_new)
      .boolean("archived", conversation.archived)
      .json("last_message_text", text == nullptr ? "null" : text->value);
  return document(fields,
                  {"_id", "timelineOf", "conversWith", "status", "key", "is_new", "archived",
                   "last_message_text"},
                  out);
}

std::string stored_document(std::string_view kind, std::string_view app, std::string_view id,
                            std::string_view body) {
  JsonWriter out;
  out.text("_id", document_id({kind, app, id}));
  return document(fields_of(body), {"_id"}, out);
}

std::string set_aside_document(const StoredAside& aside) {
  JsonWriter out;
  out.number("number", aside.number)
      .number("time", aside.time.time_since_epoch().count())
      .text("reason", aside.reason);
  add_any_text(out, "routing_key", aside.routing_key);
  add_any_text(out, "body", aside.body);
  return out.object();
}

std::string block_document(std::string_view blocked) {
  return JsonWriter().text("user_id", blocked).object();
}

std::vector<std::string> group_members(std::string_view body) {
  JsonObject group;
  if (!group.parse(body)) return {};
  const JsonMember* listed = group.find("members");
  JsonObject members;
  if (listed == nullptr || !members.parse(listed->value)) return {};
  std::vector<std::string> ids;
  for (const JsonMember& member : members.members()) ids.emplace_back(member.key);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace chat21
