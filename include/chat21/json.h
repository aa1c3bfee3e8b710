// JSON objects, taken apart and put together without building a tree.
//
// For handlers of messages, and for programs that embed the library and pass parts
// of JSON texts on as they are. Pure, safe from any thread; views point into what
// was parsed.
//
// JsonObject: where the top-level members of a JSON object are in its text.
// Bodies are spliced, not rebuilt: what a client sent reaches the recipient byte
// for byte, however odd its numbers are. So this does not build a tree; it
// checks the whole text once (RFC 8259, UTF-8) and remembers the slices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/arena.h"
#include "chat21/result.h"

namespace chat21 {

// A text nested deeper is refused: no client needs it, and recursion on what a
// stranger sends must have a bound.
inline constexpr std::size_t kMaxJsonDepth = 128;

struct JsonMember {
  enum class Type : std::uint8_t { Null, False, True, Number, String, Object, Array };
  std::string_view key;    // decoded
  std::string_view text;   // key and value, as written
  std::string_view value;  // as written
  Type type = Type::Null;

  bool is(Type wanted) const { return type == wanted; }
};

class JsonObject {
 public:
  JsonObject() = default;
  ~JsonObject() = default;
  // The views of a copy would point into the original.
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;
  JsonObject(JsonObject&&) = default;
  JsonObject& operator=(JsonObject&&) = default;

  // Replaces the content. Views of the members point into `text` and into this
  // object. Of a key that occurs twice the last member counts, as in JSON.parse,
  // and the others are gone. The error (InvalidArgument) says where and why.
  Result<> parse(std::string_view text);

  std::span<const JsonMember> members() const { return members_; }
  const JsonMember* find(std::string_view key) const;  // null if there is none

 private:
  friend class MemberScanner;
  void drop_superseded();

  std::vector<JsonMember> members_;
  std::forward_list<std::string> decoded_keys_;  // of keys written with escapes
};

// Whether JavaScript takes the member for true. A missing one (null) is false.
bool is_truthy(const JsonMember* member);

// The text of a member of type String, decoded.
std::string decode_string(const JsonMember& member);

// The strings among the elements of a member of type Array, decoded.
std::vector<std::string> decode_strings(const JsonMember& member);

// The value of a member of type Number as near as a double gets.
double decode_number(const JsonMember& member);

// Appends `text` as a JSON string with its quotes (RFC 8259 §7). Bytes that are
// no UTF-8 become U+FFFD, so the result is always valid.
void append_json_string(std::string& out, std::string_view text);

// Puts the text of a JSON object together, member by member, in this order.
class JsonWriter {
 public:
  JsonWriter& text(std::string_view key, std::string_view value);
  JsonWriter& number(std::string_view key, std::int64_t value);
  JsonWriter& boolean(std::string_view key, bool value);
  // `value` is a JSON text and goes in as it stands.
  JsonWriter& json(std::string_view key, std::string_view value);

  // `"key":value,"key":value`, as splice() takes it.
  const std::string& members() const { return members_; }
  std::string object() const { return '{' + members_ + '}'; }

 private:
  void start(std::string_view key);

  std::string members_;
};

// Whether both have the same members in any order: values as written, keys decoded.
// Those named in `without` do not count.
bool equal_members(const JsonObject& a, const JsonObject& b,
                   std::span<const std::string_view> without);

// The object's members except those named in `without`, then `additions` (as
// `"key":value,"key":value`, may be empty), from `{` up to but not including the
// closing brace.
std::string_view splice_open(Arena& arena, const JsonObject& object,
                             std::span<const std::string_view> without, std::string_view additions);

// The same with the closing brace.
std::string_view splice(Arena& arena, const JsonObject& object,
                        std::span<const std::string_view> without, std::string_view additions);

}  // namespace chat21
