#include "chat21/json.h"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
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

TEST(Json, SplicesNothingIntoNothing) {
  Arena arena;
  const JsonObject object = parsed("{}");
  EXPECT_EQ(splice(arena, object, {}, {}), "{}");
  EXPECT_EQ(splice(arena, object, {}, R"("a":1)"), R"({"a":1})");
  constexpr std::array<std::string_view, 1> kWithout = {"a"};
  EXPECT_EQ(splice(arena, parsed(R"({"a":1})"), kWithout, {}), "{}");
}

}  // namespace
}  // namespace chat21
