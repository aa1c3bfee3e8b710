#include <algorithm>
#include <cmath>
#include <limits>
#include <rapidjson/document.h>
#include <string>
#include <vector>

#include "chat21/json.h"

#include "tests/fuzz/core/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {
namespace {

using Type = JsonMember::Type;
using Tree = rapidjson::Document;
using Keys = std::vector<std::string_view>;

bool parse_tree(Tree& tree, std::string_view text) {
  tree.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag>(text.data(),
                                                                                     text.size());
  return !tree.HasParseError();
}

bool is_inside(std::string_view part, std::string_view whole) {
  return std::less_equal<>()(whole.data(), part.data()) &&
         std::less_equal<>()(part.data() + part.size(), whole.data() + whole.size());
}

std::string_view text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

// Of equal keys the last one counts.
const rapidjson::Value* member_of(const Tree& tree, std::string_view key) {
  for (auto at = tree.MemberEnd(); at != tree.MemberBegin();) {
    --at;
    if (text_of(at->name) == key) return &at->value;
  }
  return nullptr;
}

void check_value(const JsonMember& member, const rapidjson::Value& value) {
  switch (member.type) {
    case Type::Null:
      return promise(value.IsNull() && !is_truthy(&member), "null is null");
    case Type::False:
      return promise(value.IsFalse() && !is_truthy(&member), "false is false");
    case Type::True:
      return promise(value.IsTrue() && is_truthy(&member), "true is true");
    case Type::Number: {
      const double number = decode_number(member);
      promise(value.IsNumber() && std::isfinite(number), "a number is a number");
      // The tree's parser is not exact to the last bit.
      promise(std::abs(number - value.GetDouble()) <=
                  std::abs(number) * 1e-15 + std::numeric_limits<double>::min(),
              "a number has its value");
      return promise(is_truthy(&member) == (number != 0), "zero is not truthy");
    }
    case Type::String:
      promise(value.IsString() && decode_string(member) == text_of(value), "a string is decoded");
      return promise(is_truthy(&member) == (value.GetStringLength() > 0), "\"\" is not truthy");
    case Type::Array: {
      promise(value.IsArray() && is_truthy(&member), "an array is an array");
      std::vector<std::string> texts;
      for (const auto& one : value.GetArray()) {
        if (one.IsString()) texts.emplace_back(text_of(one));
      }
      return promise(decode_strings(member) == texts, "the strings of an array are decoded");
    }
    case Type::Object:
      return promise(value.IsObject() && is_truthy(&member), "an object is an object");
  }
}

void check_members(const JsonObject& object, const Tree& tree, std::string_view text) {
  const char* end = text.data();
  std::size_t checked = 0;
  for (const JsonMember& member : object.members()) {
    promise(is_inside(member.text, text) && is_inside(member.value, member.text),
            "a member is a part of the text");
    promise(member.text.data() >= end, "members are in their order");
    end = member.text.data() + member.text.size();
    if (++checked > 32) continue;  // each of these is looked for among all
    const rapidjson::Value* value = member_of(tree, member.key);
    promise(value != nullptr, "a member is one");
    check_value(member, *value);
    promise(object.find(member.key) == &member, "a key is there once");
  }
}

// What is left out is gone, what is added is there, and the rest is as it was written.
void check_splice(const JsonObject& object, const Keys& without, std::string_view additions) {
  Arena arena;
  const std::string_view spliced = splice(arena, object, without, additions);
  promise(splice_open(arena, object, without, additions) == spliced.substr(0, spliced.size() - 1),
          "an open splice lacks the brace");
  JsonObject again;
  promise(again.parse(spliced).has_value(), "a splice is a JSON object");
  const JsonMember* next = again.members().data();
  const JsonMember* const end = next + again.members().size();
  for (const JsonMember& member : object.members()) {
    if (std::find(without.begin(), without.end(), member.key) != without.end()) continue;
    promise(next != end && next->text == member.text && next->key == member.key &&
                next->type == member.type,
            "what is not replaced stays as it was written");
    ++next;
  }
  if (additions.empty()) return promise(next == end, "a splice adds nothing");
  promise(end - next == 2 && next[0].key == "status" && next[0].value == "100" &&
              next[1].key == "own\"" && next[1].value == "{\"a\":[]}",
          "additions stand at the end");
}

void check_writing(std::string_view any) {
  std::string written;
  append_json_string(written, any);
  Tree tree;
  promise(parse_tree(tree, written) && tree.IsString(), "what is written is a JSON string");
  // Bytes that are no UTF-8 are replaced, each by three.
  promise(text_of(tree) == any || text_of(tree).find("\xEF\xBF\xBD") != std::string_view::npos,
          "what is written can be read");
}

}  // namespace

void fuzz_json(std::string_view input) {
  check_writing(input.substr(0, 256));
  Keys without = split(input, kBetweenParts);
  const std::string_view text = without.front();
  without.erase(without.begin());
  if (without.size() > 16) without.resize(16);
  Tree tree;
  // The tree's parser takes a NUL byte for the end, and passes over bytes of a byte order mark.
  const bool is_object = text.find('\0') == std::string_view::npos &&
                         text.find_first_of("\xEF\xBB\xBF") != 0 && parse_tree(tree, text) &&
                         tree.IsObject();
  JsonObject object;
  const auto parsed = object.parse(text);
  promise(parsed.has_value() == is_object ||
              (!parsed && parsed.error().message.find("deeper") != std::string::npos),
          "what is a JSON object is taken, and nothing else");
  if (!parsed) return promise(!parsed.error().message.empty(), "an error says why");
  check_members(object, tree, text);
  check_splice(object, without, {});
  for (const std::string_view key : {"status", "own\""}) without.push_back(key);
  check_splice(object, without, R"("status":100,"own\"":{"a":[]})");
  promise(equal_members(object, object, without), "an object is equal to itself");
}

}  // namespace chat21::tests
