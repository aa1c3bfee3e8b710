#include "chat21/json.h"

#include <array>
#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <string>

namespace chat21 {
namespace {

using Type = JsonMember::Type;

JsonObject parsed(std::string_view text) {
  JsonObject object;
  const auto result = object.parse(text);
  EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error().message);
  return object;
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Json, FindsWhereMembersBeginAndEnd) {
  constexpr std::string_view kText = R"( { "a" : 1 , "b":"x\"}", "c":{"d":[1,{"a":2}]},"e":[] } )";
  const JsonObject object = parsed(kText);
  ASSERT_EQ(object.members().size(), 4U);
  EXPECT_EQ(object.members()[0].key, "a");
  EXPECT_EQ(object.members()[0].text, "\"a\" : 1");
  EXPECT_EQ(object.members()[0].value, "1");
  EXPECT_EQ(object.members()[1].value, R"("x\"}")");
  EXPECT_EQ(object.members()[2].value, R"({"d":[1,{"a":2}]})");
  EXPECT_EQ(object.members()[3].text, R"("e":[])");
}

TEST(Json, KnowsTheTypes) {
  const JsonObject object =
      parsed(R"({"a":null,"b":false,"c":true,"d":-1.5e3,"e":"","f":{},"g":[]})");
  std::vector<Type> types;
  for (const JsonMember& member : object.members()) types.push_back(member.type);
  EXPECT_THAT(types, ::testing::ElementsAre(Type::Null, Type::False, Type::True, Type::Number,
                                            Type::String, Type::Object, Type::Array));
  EXPECT_EQ(object.members()[3].value, "-1.5e3");
}

TEST(Json, DecodesKeysThatAreWrittenWithEscapes) {
  for (const std::string_view text :
       {R"({"\u0073tatus":1})", R"({"statu\u0073":1})", R"({ "\u0073\u0074atus" :1})"}) {
    const JsonObject object = parsed(text);
    ASSERT_NE(object.find("status"), nullptr) << text;
    EXPECT_EQ(object.find("status")->value, "1");
  }
  const JsonObject quotes = parsed(R"({"a\"b":1,"c\\":2,"\\\"":3,"/\/":4})");
  EXPECT_EQ(quotes.find("a\"b")->text, R"("a\"b":1)");
  EXPECT_EQ(quotes.find("c\\")->text, R"("c\\":2)");
  EXPECT_EQ(quotes.find("\\\"")->text, R"("\\\"":3)");
  EXPECT_EQ(quotes.find("//")->text, R"("/\/":4)");
}

TEST(Json, KeepsTheLastOfTwoMembersWithOneKey) {
  const JsonObject object = parsed(R"({"a":1,"b":2,"a":3,"\u0061":4})");
  ASSERT_EQ(object.members().size(), 2U);
  EXPECT_EQ(object.find("a")->value, "4");
}

TEST(Json, ForgetsWhatItHeldBefore) {
  JsonObject object;
  ASSERT_TRUE(object.parse(R"({"a":1})"));
  ASSERT_FALSE(object.parse("["));
  ASSERT_TRUE(object.parse("{}"));
  EXPECT_TRUE(object.members().empty());
}

TEST(Json, IsTrueWhereJavaScriptSaysSo) {
  const JsonObject object = parsed(
      R"({"a":null,"b":false,"c":0,"d":-0.0,"e":"","f":0e5,"g":true,"h":1,"i":"0","j":{},"k":[],)"
      R"("l":1e-320,"m":1.9e308,"n":1e-999})");
  for (const std::string_view key : {"a", "b", "c", "d", "e", "f", "n", "missing"}) {
    EXPECT_FALSE(is_truthy(object.find(key))) << key;
  }
  for (const std::string_view key : {"g", "h", "i", "j", "k", "l", "m"}) {
    EXPECT_TRUE(is_truthy(object.find(key))) << key;
  }
  const std::string zeros(400, '0');
  for (const std::string& tiny :
       {"0." + zeros + "1", "-0." + zeros + "1e+5", "0." + zeros + "1E9"}) {
    EXPECT_FALSE(is_truthy(parsed("{\"a\":" + tiny + "}").find("a"))) << tiny;
  }
  EXPECT_TRUE(is_truthy(parsed("{\"a\":1" + zeros.substr(0, 300) + "e20}").find("a")));
}

TEST(Json, DecodesStrings) {
  const JsonObject object = parsed(R"({"a":"plain","b":"\u00e9\n\"\ud83d\ude00"})");
  EXPECT_EQ(decode_string(*object.find("a")), "plain");
  EXPECT_EQ(decode_string(*object.find("b")), "é\n\"😀");
}

TEST(Json, SplicesWithoutTouchingTheRest) {
  Arena arena;
  const JsonObject object = parsed(R"({ "a" : 1.0, "b":2, "c":[ ] })");
  constexpr std::array<std::string_view, 1> kWithout = {"b"};
  EXPECT_EQ(splice(arena, object, kWithout, R"("d":4)"), R"({"a" : 1.0,"c":[ ],"d":4})");
  EXPECT_EQ(splice(arena, object, kWithout, {}), R"({"a" : 1.0,"c":[ ]})");
  EXPECT_EQ(splice_open(arena, object, kWithout, {}), R"({"a" : 1.0,"c":[ ])");
}

TEST(Json, DecodesTheStringsOfAnArray) {
  const JsonObject object = parsed(
      R"({"a":["x",5,"y\u00e9\"",null,["in"],{"k":"v"},true,1e99,""],"b":[],"c":[1e99,"z"]})");
  EXPECT_EQ(decode_strings(*object.find("a")), (std::vector<std::string>{"x", "yé\"", ""}));
  EXPECT_TRUE(decode_strings(*object.find("b")).empty());
  EXPECT_EQ(decode_strings(*object.find("c")), std::vector<std::string>{"z"});
}

TEST(Json, SplicesNothingIntoNothing) {
  Arena arena;
  const JsonObject object = parsed("{}");
  EXPECT_EQ(splice(arena, object, {}, {}), "{}");
  EXPECT_EQ(splice(arena, object, {}, R"("a":1)"), R"({"a":1})");
  constexpr std::array<std::string_view, 1> kWithout = {"a"};
  EXPECT_EQ(splice(arena, parsed(R"({"a":1})"), kWithout, {}), "{}");
}

TEST(JsonString, EscapesWhatItMust) {
  EXPECT_EQ(json_string("a\"b\\c/\n\r\t\x01\x1F\x7F"),
            "\"a\\\"b\\\\c/\\n\\r\\t\\u0001\\u001f\x7F\"");
  EXPECT_EQ(json_string(std::string_view("\0", 1)), "\"\\u0000\"");
}

TEST(JsonString, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(json_string("a\xFFz\xE2\x82"), "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonString, IsReadBackAsItWas) {
  std::string all;
  for (char c = 0; c != 0x7F; ++c) all += c;
  all += "é\xE2\x82\xAC😀";
  const std::string text = "{\"a\":" + json_string(all) + "}";
  EXPECT_EQ(decode_string(*parsed(text).find("a")), all);
}

TEST(JsonWriter, WritesMembersInOrder) {
  JsonWriter writer;
  EXPECT_EQ(writer.members(), "");
  EXPECT_EQ(writer.object(), "{}");
  writer.text("a", "x\"y").number("b", -5).boolean("c", true).boolean("d", false);
  writer.json("e", "[1, 2]").json("f", "null");
  EXPECT_EQ(writer.members(), R"("a":"x\"y","b":-5,"c":true,"d":false,"e":[1, 2],"f":null)");
  EXPECT_EQ(writer.object(), "{" + writer.members() + "}");
}

TEST(JsonWriter, MakesKeysAndTextsSafe) {
  JsonWriter writer;
  writer.text("k\n\"\xFF", "\\\x01\xFF");
  EXPECT_EQ(writer.object(), "{\"k\\n\\\"\xEF\xBF\xBD\":\"\\\\\\u0001\xEF\xBF\xBD\"}");
  const std::string text = writer.object();
  EXPECT_EQ(parsed(text).members().size(), 1U);
}

TEST(JsonWriter, WritesEveryWholeNumber) {
  JsonWriter writer;
  writer.number("least", std::numeric_limits<std::int64_t>::min())
      .number("most", std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(writer.members(), R"("least":-9223372036854775808,"most":9223372036854775807)");
}

TEST(JsonWriter, GivesWhatASpliceTakes) {
  Arena arena;
  JsonWriter writer;
  writer.text("b", "new").number("c", 3);
  constexpr std::array<std::string_view, 1> kWithout = {"b"};
  const JsonObject object = parsed(R"({"a":1,"b":2})");
  EXPECT_EQ(splice(arena, object, kWithout, writer.members()), R"({"a":1,"b":"new","c":3})");
}

TEST(EqualMembers, CompareKeysDecodedAndValuesAsWritten) {
  const auto equal = [](std::string_view a, std::string_view b) {
    constexpr std::array<std::string_view, 2> kWithout = {"id", "time"};
    return equal_members(parsed(a), parsed(b), kWithout);
  };
  EXPECT_TRUE(equal("{}", "{}"));
  EXPECT_TRUE(equal(R"({"a":1,"b":{"c" : 2}})", R"({ "\u0062":{"c" : 2}, "a" : 1 })"));
  EXPECT_TRUE(equal(R"({"a":1,"id":1})", R"({"time":2,"a":1,"id":3})"));
  EXPECT_TRUE(equal(R"({"a":2,"a":1})", R"({"a":1})"));
  EXPECT_FALSE(equal(R"({"a":1})", "{}"));
  EXPECT_FALSE(equal("{}", R"({"a":1})"));
  EXPECT_FALSE(equal(R"({"a":1})", R"({"a":1.0})"));
  EXPECT_FALSE(equal(R"({"a":1})", R"({"b":1})"));
  EXPECT_FALSE(equal(R"({"a":{"b":1}})", R"({"a":{"b": 1}})"));
  EXPECT_FALSE(equal(R"({"a":1,"b":2})", R"({"a":2,"b":1})"));
}

}  // namespace
}  // namespace chat21
