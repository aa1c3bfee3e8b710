// Documents as they are given out, whatever the body that was kept says.
#include "chat21/document.h"

#include <array>
#include <chrono>
#include <gmock/gmock.h>
#include <set>
#include <string>

namespace chat21 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

StoredCopy copy_with(std::string_view body) {
  return {.app = "a",
          .timeline = "u1",
          .conversation = "u2",
          .message_id = "m1",
          .status = Status::Delivered,
          .body = body};
}

// The document without its _id, which stands first of what is added.
std::string without_id(std::string document) {
  const std::size_t id = document.find("\"_id\":\"");
  EXPECT_NE(id, std::string::npos);
  constexpr std::size_t kMember = sizeof(R"("_id":"0123456789abcdef01234567",)") - 1;
  return document.erase(id, kMember);
}

TEST(Document, OfAMessageHasTheFieldsOfItsCopy) {
  EXPECT_EQ(without_id(message_document(copy_with(R"({"text":"hi","n":1.50})"))),
            R"({"text":"hi","n":1.50,"timelineOf":"u1","conversWith":"u2","status":150})");
  EXPECT_THAT(message_document(copy_with("{}")), MatchesRegex(R"re(.*"_id":"[0-9a-f]{24}",.*)re"));
}

TEST(Document, TakesNoReservedFieldFromTheBody) {
  constexpr std::string_view kForged =
      R"({"_id":"f","\u005fid":"g","timelineOf":"u9","convers\u0057ith":"u9","status":300,)"
      R"("text":"hi","key":"u9","is_new":7,"archived":"no","last_message_text":"forged"})";
  EXPECT_EQ(without_id(message_document(copy_with(kForged))),
            R"({"text":"hi","key":"u9","is_new":7,"archived":"no","last_message_text":"forged",)"
            R"("timelineOf":"u1","conversWith":"u2","status":150})");
  EXPECT_EQ(without_id(conversation_document(
                {.last = copy_with(kForged), .is_new = false, .archived = true})),
            R"({"text":"hi","timelineOf":"u1","conversWith":"u2","status":150,"key":"u2",)"
            R"("is_new":false,"archived":true,"last_message_text":"hi"})");
  EXPECT_THAT(stored_document("groups", "a", "group-1", R"({"_id":"f","uid":"group-1"})"),
              MatchesRegex(R"re(\{"uid":"group-1","_id":"[0-9a-f]{24}"\})re"));
}

TEST(Document, ShowsTheTextOfTheLastMessageAsItIs) {
  const auto shown = [](std::string_view body) {
    return conversation_document({.last = copy_with(body)});
  };
  EXPECT_THAT(shown(R"({"text":"a\"\u00e9"})"), HasSubstr(R"("last_message_text":"a\"\u00e9"})"));
  EXPECT_THAT(shown(R"({"text":5})"), HasSubstr(R"("last_message_text":5})"));
  EXPECT_THAT(shown(R"({"text":"first","text":"second"})"),
              HasSubstr(R"("last_message_text":"second"})"));
  EXPECT_THAT(shown("{}"), HasSubstr(R"("last_message_text":null})"));
}

TEST(Document, OfADamagedBodyHasNoneOfItsFields) {
  for (const std::string_view body : {"", "{\"text\":", "[1]", "null", "\xFF"}) {
    EXPECT_EQ(without_id(message_document(copy_with(body))),
              R"({"timelineOf":"u1","conversWith":"u2","status":150})")
        << body;
  }
}

TEST(Document, HasAnIdThatTellsAllOthersApart) {
  const auto id_of = [](const std::string& document) {
    return document.substr(document.find("\"_id\":\"") + 7, 24);
  };
  std::set<std::string> ids;
  for (const auto& [timeline, conversation, id] :
       {std::array{"u1", "u2", "m1"}, std::array{"u2", "u1", "m1"}, std::array{"u1", "u2", "m2"},
        std::array{"u1u2", "", "m1"}, std::array{"", "u1u2", "m1"}}) {
    StoredCopy copy = copy_with("{}");
    copy.timeline = timeline;
    copy.conversation = conversation;
    copy.message_id = id;
    ids.insert(id_of(message_document(copy)));
    EXPECT_EQ(id_of(message_document(copy)), id_of(message_document(copy)));
  }
  ids.insert(id_of(conversation_document({.last = copy_with("{}")})));
  ids.insert(id_of(stored_document("groups", "a", "x", "{}")));
  ids.insert(id_of(stored_document("instances", "a", "x", "{}")));
  EXPECT_EQ(ids.size(), 8U);
}

TEST(Document, ShowsWhatWasSetAsideAsText) {
  EXPECT_EQ(set_aside_document({.number = 7,
                                .time = Time(std::chrono::milliseconds(1'700'000'000'000)),
                                .reason = "it \"died\"",
                                .routing_key = "apps.a",
                                .body = R"({"text":"\u00eb"})"}),
            R"({"number":7,"time":1700000000000,"reason":"it \"died\"","routing_key":"apps.a",)"
            R"("body":"{\"text\":\"\\u00eb\"}"})");
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(set_aside_document({.routing_key = "", .body = "a\0\n"sv}),
            R"({"number":0,"time":0,"reason":"","routing_key":"","body":"a\u0000\n"})");
}

TEST(Document, ShowsWhatWasSetAsideAndIsNoTextInBase64) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(
      set_aside_document({.routing_key = "\xff"sv, .body = "\0\xfe\0"sv}),
      R"({"number":0,"time":0,"reason":"","routing_key_base64":"/w==","body_base64":"AP4A"})");
  EXPECT_EQ(set_aside_document({.routing_key = "a", .body = "\xed\xa0\x80"}),
            R"({"number":0,"time":0,"reason":"","routing_key":"a","body_base64":"7aCA"})");
}

TEST(Document, NamesWhoIsBlocked) {
  EXPECT_EQ(block_document("o\"brien"), R"({"user_id":"o\"brien"})");
}

TEST(Document, KnowsTheMembersOfAGroup) {
  EXPECT_THAT(group_members(R"({"members":{"bob":1,"\u0061da":0,"bob":{}},"uid":"g"})"),
              ElementsAre("ada", "bob"));
  for (const std::string_view body :
       {"", "{", "[]", "{}", R"({"members":null})", R"({"members":["ada"]})",
        R"({"members":"ada"})", R"({"members":{"ada":1},"members":7})"}) {
    EXPECT_THAT(group_members(body), IsEmpty()) << body;
  }
}

}  // namespace
}  // namespace chat21
