#include "chat21/document.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <initializer_list>

#include "chat21/json.h"

#include "lib/core/text.h"

namespace chat21 {
namespace {

// FNV-1a (Fowler, Noll, Vo); the bytes of each part and a separator.
std::uint64_t hash(std::uint64_t basis, std::initializer_list<std::string_view> parts) {
  std::uint64_t state = basis;
  const auto add = [&](unsigned char byte) { state = (state ^ byte) * 0x100000001b3ULL; };
  for (const std::string_view part : parts) {
    for (const char byte : part) add(static_cast<unsigned char>(byte));
    add(0xFF);  // no part of UTF-8
  }
  return state;
}

// 24 hex digits, as clients know them from MongoDB. Derived from what identifies
// the document, so every Store gives it the same one and none has to keep it.
std::string document_id(std::initializer_list<std::string_view> parts) {
  constexpr char kHex[] = "0123456789abcdef";
  const std::uint64_t high = hash(0xcbf29ce484222325ULL, parts);
  const std::uint64_t low = hash(0x84222325cbf29ce4ULL, parts);
  std::string id;
  for (unsigned shift = 64; shift != 0; shift -= 4) id += kHex[(high >> (shift - 4)) & 0xFU];
  for (unsigned shift = 32; shift != 0; shift -= 4) id += kHex[(low >> (shift - 4)) & 0xFU];
  return id;
}

class DocumentWriter {
 public:
  explicit DocumentWriter(std::string_view body) { valid_ = body_.parse(body).has_value(); }

  const JsonObject& body() const { return body_; }

  void add(std::string_view key, std::string_view json) {
    if (!additions_.empty()) additions_ += ',';
    append_json_string(additions_, key);
    additions_ += ':';
    additions_ += json;
  }
  void add_text(std::string_view key, std::string_view text) {
    std::string json;
    append_json_string(json, text);
    add(key, json);
  }
  void add_bool(std::string_view key, bool value) { add(key, value ? "true" : "false"); }

  // Fields of the body that are named in `without` give way to the additions.
  std::string finish(std::initializer_list<std::string_view> without) {
    static const JsonObject kNoFields;
    Arena arena;
    return std::string(splice(arena, valid_ ? body_ : kNoFields,
                              std::span(without.begin(), without.size()), additions_));
  }

 private:
  JsonObject body_;
  bool valid_ = false;
  std::string additions_;
};

void add_copy(DocumentWriter& out, const StoredCopy& copy) {
  std::array<char, 8> digits{};
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<int>(copy.status));
  out.add_text("timelineOf", copy.timeline);
  out.add_text("conversWith", copy.conversation);
  out.add("status", std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

}  // namespace

std::string message_document(const StoredCopy& copy) {
  DocumentWriter out(copy.body);
  out.add_text("_id", document_id({"messages", copy.app, copy.timeline, copy.conversation,
                                   copy.message_id}));
  add_copy(out, copy);
  return out.finish({"_id", "timelineOf", "conversWith", "status"});
}

std::string conversation_document(const StoredConversation& conversation) {
  const StoredCopy& last = conversation.last;
  DocumentWriter out(last.body);
  out.add_text("_id", document_id({"conversations", last.app, last.timeline, last.conversation}));
  add_copy(out, last);
  out.add_text("key", last.conversation);
  out.add_bool("is_new", conversation.is_new);
  out.add_bool("archived", conversation.archived);
  const JsonMember* text = out.body().find("text");
  out.add("last_message_text", text == nullptr ? "null" : text->value);
  return out.finish({"_id", "timelineOf", "conversWith", "status", "key", "is_new", "archived",
                     "last_message_text"});
}

std::string stored_document(std::string_view kind, std::string_view app, std::string_view id,
                            std::string_view body) {
  DocumentWriter out(body);
  out.add_text("_id", document_id({kind, app, id}));
  return out.finish({"_id"});
}

}  // namespace chat21
