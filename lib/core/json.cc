#include "chat21/json.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <numeric>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace chat21 {

using Type = JsonMember::Type;
using Stream = rapidjson::MemoryStream;

namespace {

// Numbers are checked and not converted: they are passed on as written. The
// reader refuses those far outside the range of a double, as RFC 8259 §6 allows;
// no JavaScript client can send one.
constexpr unsigned kParseFlags =
    rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

// Told by RapidJSON's reader about each token; looks at the stream's position to
// learn where a member of the outermost object begins and ends.
class MemberScanner {
 public:
  MemberScanner(std::string_view text, Stream& stream, JsonObject& object)
      : text_(text), stream_(stream), object_(object) {}

  bool too_deep() const { return depth_ > kMaxJsonDepth; }
  bool root_is_object() const { return root_is_object_; }

  // The names are RapidJSON's.
  // NOLINTBEGIN(readability-identifier-naming)
  bool Null() { return scalar(Type::Null); }
  bool Bool(bool value) { return scalar(value ? Type::True : Type::False); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return scalar(Type::Number); }
  bool String(const char*, rapidjson::SizeType, bool) { return scalar(Type::String); }
  bool StartObject() {
    if (depth_ == 0) root_is_object_ = true;
    return enter();
  }
  bool StartArray() { return enter(); }
  bool EndObject(rapidjson::SizeType) { return leave(Type::Object); }
  bool EndArray(rapidjson::SizeType) { return leave(Type::Array); }

  bool Key(const char* key, rapidjson::SizeType length, bool) {
    if (depth_ != 1) return true;
    const std::size_t end = stream_.Tell();
    key_ = written_key(end, std::string_view(key, length));
    value_begin_ = skip_to_value(end);
    return true;
  }

  // With kParseNumbersAsStringsFlag numbers arrive as RawNumber only.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  // NOLINTEND(readability-identifier-naming)

 private:
  // The key as it stands in the text if it was written without escapes, else a
  // copy of the decoded one, which the reader keeps only for a moment.
  std::string_view written_key(std::size_t end, std::string_view decoded) {
    if (decoded.find('\\') == std::string_view::npos && decoded.size() + 2 <= end) {
      const std::string_view written = text_.substr(end - 1 - decoded.size(), decoded.size());
      if (written == decoded && text_[end - 2 - decoded.size()] == '"') {
        key_begin_ = end - 2 - decoded.size();
        return written;
      }
    }
    key_begin_ = opening_quote(end);
    return object_.decoded_keys_.emplace_front(decoded);
  }

  // Backwards from the closing quote: an inner quote has an odd number of
  // backslashes before it.
  std::size_t opening_quote(std::size_t end) const {
    for (std::size_t i = end - 1; i-- > 0;) {
      if (text_[i] != '"') continue;
      std::size_t backslashes = 0;
      while (backslashes < i && text_[i - 1 - backslashes] == '\\') ++backslashes;
      if (backslashes % 2 == 0) return i;
    }
    assert(false && "a key without an opening quote was accepted by the reader");
    return 0;
  }

  std::size_t skip_to_value(std::size_t i) const {
    while (i < text_.size() && (is_space(text_[i]) || text_[i] == ':')) ++i;
    return i;
  }

  bool scalar(Type type) {
    if (depth_ == 1) add(type);
    return true;
  }

  bool enter() { return ++depth_ <= kMaxJsonDepth; }

  bool leave(Type type) {
    if (--depth_ == 1) add(type);
    return true;
  }

  void add(Type type) {
    // In an outermost array there are no keys; it is refused in the end.
    if (!root_is_object_) return;
    const std::size_t end = stream_.Tell();
    object_.members_.push_back({key_, text_.substr(key_begin_, end - key_begin_),
                                text_.substr(value_begin_, end - value_begin_), type});
  }

  std::string_view text_;
  Stream& stream_;
  JsonObject& object_;
  std::size_t depth_ = 0;
  bool root_is_object_ = false;
  std::string_view key_;
  std::size_t key_begin_ = 0;
  std::size_t value_begin_ = 0;
};

Result<> JsonObject::parse(std::string_view text) {
  members_.clear();
  decoded_keys_.clear();
  if (text.empty()) return fail(Error::Code::InvalidArgument, "it is empty");

  Stream stream(text.data(), text.size());
  MemberScanner scanner(text, stream, *this);
  rapidjson::Reader reader;
  const rapidjson::ParseResult parsed = reader.Parse<kParseFlags>(stream, scanner);
  if (scanner.too_deep()) {
    return fail(Error::Code::InvalidArgument,
                "it is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  if (parsed.IsError()) {
    return fail(Error::Code::InvalidArgument, "not JSON at byte " +
                                                  std::to_string(parsed.Offset()) + ": " +
                                                  rapidjson::GetParseError_En(parsed.Code()));
  }
  // The reader takes a NUL byte for the end of the text.
  if (stream.Tell() != text.size()) {
    return fail(Error::Code::InvalidArgument,
                "not JSON at byte " + std::to_string(stream.Tell()) + ": a NUL byte");
  }
  if (!scanner.root_is_object()) return fail(Error::Code::InvalidArgument, "not a JSON object");
  drop_superseded();
  return {};
}

void JsonObject::drop_superseded() {
  // Sorted by key and then by place, so that a stranger's body with a hundred
  // thousand keys costs n log n.
  std::vector<std::size_t> order(members_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int by_key = members_[a].key.compare(members_[b].key);
    return by_key != 0 ? by_key < 0 : a < b;
  });
  bool any = false;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    if (members_[order[i]].key != members_[order[i + 1]].key) continue;
    members_[order[i]].text = {};
    any = true;
  }
  if (any) std::erase_if(members_, [](const JsonMember& member) { return member.text.empty(); });
}

const JsonMember* JsonObject::find(std::string_view key) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const JsonMember& member) { return member.key == key; });
  return found == members_.end() ? nullptr : &*found;
}

bool is_truthy(const JsonMember* member) {
  if (member == nullptr) return false;
  switch (member->type) {
    case Type::Null:
    case Type::False:
      return false;
    case Type::Number:
      return decode_number(*member) != 0;
    case Type::String:
      return member->value != "\"\"";
    case Type::True:
    case Type::Object:
    case Type::Array:
      return true;
  }
  return true;
}

std::string decode_string(const JsonMember& member) {
  assert(member.is(Type::String));
  const std::string_view inside = member.value.substr(1, member.value.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return std::string(inside);

  struct Taker : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Taker> {
    std::string text;
    // NOLINTNEXTLINE(readability-identifier-naming): RapidJSON's name
    bool String(const char* bytes, rapidjson::SizeType length, bool) {
      text.assign(bytes, length);
      return true;
    }
  };
  Stream stream(member.value.data(), member.value.size());
  Taker taker;
  rapidjson::Reader reader;
  reader.Parse(stream, taker);
  return std::move(taker.text);
}

std::vector<std::string> decode_strings(const JsonMember& member) {
  assert(member.is(Type::Array));
  struct Taker : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Taker> {
    std::vector<std::string> texts;
    std::size_t depth = 0;
    // The names are RapidJSON's.
    // NOLINTBEGIN(readability-identifier-naming)
    bool String(const char* bytes, rapidjson::SizeType length, bool) {
      if (depth == 1) texts.emplace_back(bytes, length);
      return true;
    }
    bool StartArray() { return ++depth > 0; }
    bool EndArray(rapidjson::SizeType) { return depth-- > 0; }
    bool StartObject() { return ++depth > 0; }
    bool EndObject(rapidjson::SizeType) { return depth-- > 0; }
    bool Key(const char*, rapidjson::SizeType, bool) { return true; }
    bool RawNumber(const char*, rapidjson::SizeType, bool) { return true; }
    // NOLINTEND(readability-identifier-naming)
  };
  Stream stream(member.value.data(), member.value.size());
  Taker taker;
  rapidjson::Reader reader;
  reader.Parse<rapidjson::kParseNumbersAsStringsFlag>(stream, taker);
  return std::move(taker.texts);
}

namespace {

// Of a number that no double holds: whether it is too small, rather than too large.
bool is_tiny(std::string_view number) {
  const std::size_t e = number.find_first_of("eE");
  const std::string_view mantissa = number.substr(0, e);
  const std::size_t digit = mantissa.find_first_of("123456789");
  if (digit == std::string_view::npos) return true;
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  const auto magnitude = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(digit);
  if (e == std::string_view::npos) return magnitude < 0;
  std::string_view written = number.substr(e + 1);
  if (written.front() == '+') written.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto read = std::from_chars(written.data(), written.data() + written.size(), exponent);
  if (read.ec == std::errc::result_out_of_range) return written.front() == '-';
  return magnitude + exponent < 0;
}

}  // namespace

double decode_number(const JsonMember& member) {
  assert(member.is(Type::Number));
  double number = 0;
  const auto [end, error] =
      std::from_chars(member.value.data(), member.value.data() + member.value.size(), number);
  if (error != std::errc::result_out_of_range) return number;
  // from_chars does not say on which side it fell out.
  return is_tiny(member.value) ? 0 : std::numeric_limits<double>::infinity();
}

namespace {

bool is_named(const JsonMember& member, std::span<const std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), member.key) != keys.end();
}

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

// Sorted, since strangers make objects with very many members.
Fields fields_without(const JsonObject& object, std::span<const std::string_view> without) {
  Fields fields;
  for (const JsonMember& member : object.members()) {
    if (!is_named(member, without)) fields.emplace_back(member.key, member.value);
  }
  std::sort(fields.begin(), fields.end());
  return fields;
}

}  // namespace

bool equal_members(const JsonObject& a, const JsonObject& b,
                   std::span<const std::string_view> without) {
  return fields_without(a, without) == fields_without(b, without);
}

std::string_view splice_open(Arena& arena, const JsonObject& object,
                             std::span<const std::string_view> without,
                             std::string_view additions) {
  const auto kept = [&](const JsonMember& member) { return !is_named(member, without); };
  std::size_t size = 1 + additions.size();
  for (const JsonMember& member : object.members()) {
    if (kept(member)) size += member.text.size() + 1;
  }
  const std::span<char> bytes = arena.allocate(size);
  char* end = bytes.data();
  *end++ = '{';
  for (const JsonMember& member : object.members()) {
    if (!kept(member)) continue;
    end = std::copy(member.text.begin(), member.text.end(), end);
    *end++ = ',';
  }
  end = std::copy(additions.begin(), additions.end(), end);
  if (additions.empty() && end[-1] == ',') --end;
  return {bytes.data(), static_cast<std::size_t>(end - bytes.data())};
}

std::string_view splice(Arena& arena, const JsonObject& object,
                        std::span<const std::string_view> without, std::string_view additions) {
  return arena.join({splice_open(arena, object, without, additions), "}"});
}

}  // namespace chat21
