// Bad input is an outcome: settled, told about, kept, and never more.
#include <array>
#include <gmock/gmock.h>
#include <string>
#include <vector>

#include "tests/support/routing.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kKey = "apps.tilechat.outgoing.users.u100.messages.u200.outgoing";

class BadInput : public Routing {
 protected:
  void expect_rejected(Outcome wanted) {
    EXPECT_EQ(outcome(), wanted);
    EXPECT_THAT(writes(), IsEmpty());
    EXPECT_THAT(events(), ElementsAre(Event::Kind::Rejected));
    EXPECT_EQ(published().size(), 1U);
    EXPECT_THAT(published_keys(), ElementsAre(::testing::StartsWith("observer.rejected.apps.")));
  }
};

std::string repeat(std::string_view what, std::size_t times) {
  std::string all;
  all.reserve(what.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += what;
  return all;
}

TEST_F(BadInput, ThatIsNoJsonObjectIsMalformed) {
  for (const std::string_view body :
       {"", " ", "{", "{\"a\":}", "{\"a\":1,}", "{'a':1}", "null", "true", "5", "\"x\"", "[]",
        "[{\"a\":1}]", "{}x", "{} {}", "{\"a\":1e}", "{\"a\":1e400}", "{\"a\":\"\\ud800\"}",
        "\xEF\xBB\xBF{}"}) {
    arrive(kKey, body);
    SCOPED_TRACE(body);
    expect_rejected(Outcome::Malformed);
  }
}

TEST_F(BadInput, WithANulByteIsMalformed) {
  for (const std::string_view body :
       {std::string_view("{}\0", 3), std::string_view("{\"a\0\":1}", 8),
        std::string_view("\0{}", 3), std::string_view("{\"a\":\"\0\"}", 9)}) {
    arrive(kKey, body);
    expect_rejected(Outcome::Malformed);
  }
}

TEST_F(BadInput, WithInvalidUtf8IsKeptAsBase64) {
  arrive(kKey, "{\"text\":\"\xFF\xFE\"}");
  expect_rejected(Outcome::Malformed);
  EXPECT_THAT(published()[0].body, HasSubstr(R"("body_base64":"eyJ0ZXh0Ijoi//4ifQ==")"));
}

TEST_F(BadInput, SaysWhatWhereAndWhy) {
  arrive(kKey, R"({"text":"hi" "x":1})");
  EXPECT_EQ(published()[0].body,
            R"({"reason":"malformed","detail":"the body is refused: not JSON at byte 13: )"
            R"(Missing a comma or '}' after an object member.",)"
            R"("routing_key":"apps.tilechat.outgoing.users.u100.messages.u200.outgoing",)"
            R"("app_id":"tilechat","body_bytes":19,"body":"{\"text\":\"hi\" \"x\":1}"})");
}

TEST_F(BadInput, NestedAMillionLevelsDeepIsMalformed) {
  options.max_body_bytes = std::size_t{64} << 20U;
  for (const std::string& body :
       {"{\"a\":" + repeat("[", 1000000) + repeat("]", 1000000) + "}",
        repeat("{\"a\":", 1000000) + "1" + repeat("}", 1000000), repeat("[", 1000000)}) {
    arrive(kKey, body);
    expect_rejected(Outcome::Malformed);
    EXPECT_THAT(detail(), HasSubstr("nested deeper than 128 levels"));
  }
}

TEST_F(BadInput, NestedAsDeepAsAllowedPasses) {
  arrive(kKey, "{\"a\":" + repeat("[", 127) + repeat("]", 127) + "}");
  EXPECT_EQ(outcome(), Outcome::Done);
  arrive(kKey, "{\"a\":" + repeat("[", 128) + repeat("]", 128) + "}");
  EXPECT_EQ(outcome(), Outcome::Malformed);
}

TEST_F(BadInput, OverTheLimitIsTooLargeAndNotCopied) {
  arrive(kKey, "{\"text\":\"" + std::string(std::size_t{10} << 20U, 'x') + "\"}");
  expect_rejected(Outcome::TooLarge);
  EXPECT_LT(published()[0].body.size(), 1000U);
  EXPECT_THAT(published()[0].body, HasSubstr("\"body_bytes\":10485771"));
}

TEST_F(BadInput, OverTheLimitIsNotCopiedWhateverElseIsWrong) {
  const std::string body(std::size_t{2} << 20U, 'x');
  arrive("nonsense", body);
  expect_rejected(Outcome::UnknownTopic);
  EXPECT_LT(published()[0].body.size(), 1000U);
  arrive("apps.tilechat.outgoing.users.u+.messages.u200.outgoing", body);
  expect_rejected(Outcome::InvalidId);
  EXPECT_LT(published()[0].body.size(), 1000U);
  arrive(Delivery{.tag = 9, .routing_key = "nonsense", .body = "{}", .omitted = 5});
  expect_rejected(Outcome::UnknownTopic);
  EXPECT_THAT(published()[0].body, Not(HasSubstr("\"body\":")));
}

TEST_F(BadInput, ThatTheTransportDidNotKeepWholeIsTooLarge) {
  arrive(Delivery{.tag = 9, .routing_key = kKey, .body = "{}", .omitted = 5});
  expect_rejected(Outcome::TooLarge);
}

TEST_F(BadInput, WithForbiddenIdsIsRefused) {
  for (const std::string_view id :
       {"", "a+b", "a#b", "a*b", "a%b", "$a", "a/b", "a\tb", "a\x7F", "a\xFFz", "a\xC2\x85z"}) {
    arrive("apps.tilechat.outgoing.users." + std::string(id) + ".messages.u200.outgoing", "{}");
    SCOPED_TRACE(id);
    expect_rejected(Outcome::InvalidId);
    arrive("apps.tilechat.outgoing.users.u100.messages." + std::string(id) + ".outgoing", "{}");
    expect_rejected(Outcome::InvalidId);
  }
}

TEST_F(BadInput, WithIdsTooLongForTheKeysDerivedFromThemIsRefused) {
  const std::string fits(174 - 4, 'u');
  arrive("apps.tilechat.outgoing.users." + fits + ".messages.u200.outgoing", "{}");
  EXPECT_EQ(outcome(), Outcome::Done);
  for (const std::string& key : published_keys()) EXPECT_LE(key.size(), kMaxRoutingKey);

  const std::string long_one = fits + "u";
  arrive("apps.tilechat.outgoing.users." + long_one + ".messages.u200.outgoing", "{}");
  expect_rejected(Outcome::InvalidId);
  EXPECT_THAT(detail(), HasSubstr("183 bytes together, more than 182"));
}

TEST_F(BadInput, WithAGroupIdTooLongForTheGroupsOwnTimelineIsRefused) {
  const std::string fits = "group-" + std::string(81, 'g');
  arrive("apps.tilechat.outgoing.users.u.messages." + fits + ".outgoing", "{}");
  EXPECT_EQ(outcome(), Outcome::Done);
  arrive("apps.tilechat.outgoing.users.u.messages." + fits + "g.outgoing", "{}");
  expect_rejected(Outcome::InvalidId);
}

TEST_F(BadInput, WithAMessageIdLongerThanAnyIsRefused) {
  arrive("apps.tilechat.users.u2.messages.u1." + std::string(37, 'm') + ".update",
         R"({"status":200})");
  expect_rejected(Outcome::InvalidId);
}

TEST_F(BadInput, CountsBytesNotCharacters) {
  const std::string euros = repeat("€", 58);  // 174 bytes
  arrive("apps.tilechat.outgoing.users." + euros + ".messages.u.outgoing", "{}");
  expect_rejected(Outcome::InvalidId);
}

TEST_F(BadInput, OnAnUnknownTopicIsRefused) {
  for (const std::string_view key :
       {"", "apps", "apps.tilechat", "apps.tilechat.users.u100.messages.u200.update",
        "apps.tilechat.users.u100.conversations.u200.messages.update",
        "apps.tilechat.users.u100.groups.g.update", "apps.tilechat.outgoing",
        "apps.tilechat.outgoing.users.u100.messages.u200.extra.outgoing", "a.b.c.d.e.f.g.h.i.j.k",
        "apps.tilechat.users.u100.foo.u200.archive", "apps.tilechat.outgoing.users.u100.outgoing",
        "apps.observer.tilechat.users.u100.messages.delivered",
        "apps.observer.tilechat.users.u100.messages.persist", "apps.tilechat.users.u100.update",
        "apps.tilechat.users.u100.conversations.archive",
        "apps.tilechat.users.u100.conversations.u200.foo", "apps.tilechat.users.presence.c",
        "apps.tilechat.users.u100.presence", "apps.observer.tilechat.groups.create",
        // What services may publish is not for users.
        "apps.tilechat.users.u100.messages.u200.persist",
        "apps.tilechat.users.u100.messages.u200.delivered"}) {
    arrive(key, "{}");
    SCOPED_TRACE(key);
    expect_rejected(Outcome::UnknownTopic);
  }
}

constexpr std::array<std::string_view, 10> kKeysOfEveryKind = {
    "apps.tilechat.outgoing.users.u100.messages.u200.outgoing",
    "apps.tilechat.users.u100.messages.u200.outgoing",
    "apps.tilechat.users.u100.u200.messages.outgoing",
    ".apps.tilechat.users.u100.u200.messages.outgoing",
    "apps.tilechat.users.u100.messages.u200.m1.update",
    "apps.tilechat.users.u100.conversations.u200.update",
    "apps.tilechat.users.u100.presence.c1",
    "apps.observer.tilechat.users.u100.messages.u200.delivered",
    "apps.observer.tilechat.users.u100.messages.u200.persist",
    "apps.observer.tilechat.groups.update"};
constexpr std::string_view kArchive = "apps.tilechat.users.u100.conversations.u200.archive";

TEST_F(BadInput, ThatIsNoJsonObjectIsMalformedOnEveryTopic) {
  know_copy("u100", "u200", "m1");
  for (const std::string_view key : kKeysOfEveryKind) {
    SCOPED_TRACE(key);
    for (const std::string_view body :
         {"", "{\"status\":200", "5", "\"x\"", "[]", "null", "\xFF"}) {
      arrive(key, body);
      expect_rejected(Outcome::Malformed);
    }
  }
}

TEST_F(BadInput, OverTheLimitIsTooLargeOnEveryTopic) {
  options.max_body_bytes = 100;
  know_copy("u100", "u200", "m1");
  know_conversation("u100", "u200", "{}");
  const std::string body = R"({"status":200,"x":")" + std::string(100, 'x') + "\"}";
  for (const std::string_view key : kKeysOfEveryKind) {
    SCOPED_TRACE(key);
    arrive(key, body);
    expect_rejected(Outcome::TooLarge);
  }
  arrive(kArchive, body);
  expect_rejected(Outcome::TooLarge);
}

TEST_F(BadInput, WithForbiddenIdsIsRefusedOnEveryTopic) {
  std::vector<std::string_view> keys(kKeysOfEveryKind.begin(), kKeysOfEveryKind.end());
  keys.push_back(kArchive);
  for (const std::string_view key : keys) {
    for (const std::string_view id : {"tilechat", "u100", "u200", "m1", "c1"}) {
      const std::size_t at = key.find(id);
      if (at == std::string_view::npos) continue;
      for (const std::string_view bad : {"", "#", "a*", "$a", "a\n", "\xC3"}) {
        std::string broken(key);
        broken.replace(at, id.size(), bad);
        SCOPED_TRACE(broken);
        arrive(broken, R"({"status":200})");
        expect_rejected(Outcome::InvalidId);
      }
    }
  }
}

TEST_F(BadInput, WithoutAUsableAppIsKeptUnderUnknown) {
  for (const std::string_view key : {"", "x.y", "apps..users.u.presence.c", "apps.a*.x"}) {
    arrive(key, "{}");
    EXPECT_THAT(published_keys(), ElementsAre("observer.rejected.apps.unknown")) << key;
  }
}

TEST_F(BadInput, OfAnAppCalledObserverIsRefused) {
  arrive("apps.observer.users.u100.presence.c", "{}");
  expect_rejected(Outcome::InvalidId);
}

TEST_F(BadInput, WithABadInlineGroupIsRefused) {
  struct Case {
    std::string_view group;
    Outcome outcome;
  };
  const std::string too_long = R"({"members":{")" + std::string(170, 'u') + R"(":1}})";
  for (const Case& one : {
           Case{"5", Outcome::Malformed},
           Case{"true", Outcome::Malformed},
           Case{"\"g\"", Outcome::Malformed},
           Case{"[1]", Outcome::Malformed},
           Case{"{}", Outcome::Malformed},
           Case{R"({"members":5})", Outcome::Malformed},
           Case{R"({"members":["u1"]})", Outcome::Malformed},
           Case{R"({"members":{"":1}})", Outcome::InvalidId},
           Case{R"({"members":{"u.1":1}})", Outcome::InvalidId},
           Case{R"({"members":{"u1":1,"#":1}})", Outcome::InvalidId},
           Case{R"({"members":{"u\u0000":1}})", Outcome::InvalidId},
           Case{too_long, Outcome::InvalidId},
       }) {
    arrive("apps.tilechat.outgoing.users.u100.messages.group-1.outgoing",
           "{\"group\":" + std::string(one.group) + "}");
    SCOPED_TRACE(one.group);
    expect_rejected(one.outcome);
  }
}

TEST_F(BadInput, WithTooManyInlineMembersIsTooLarge) {
  options.max_inline_members = 2;
  arrive("apps.tilechat.outgoing.users.u100.messages.group-1.outgoing",
         R"({"group":{"members":{"a":1,"b":1,"c":1}}})");
  expect_rejected(Outcome::TooLarge);
}

// Every member gets the whole body: without a bound, 1 MiB would become 5 GiB.
TEST_F(BadInput, WithAnInlineGroupWhoseCopiesAreTooManyBytesIsTooLarge) {
  options.max_inline_bytes = 10000;
  const std::string key = "apps.tilechat.outgoing.users.u100.messages.group-1.outgoing";
  const std::string members = R"({"group":{"members":{"a":1,"b":1,"c":1}},"text":")";
  arrive(key, members + std::string(3000, 'x') + "\"}");
  expect_rejected(Outcome::TooLarge);
  EXPECT_THAT(detail(), HasSubstr("more than 10000"));
  arrive(key, members + std::string(1000, 'x') + "\"}");
  EXPECT_EQ(outcome(), Outcome::Done);
}

TEST_F(BadInput, WithOddAttributesIsAnOrdinaryMessage) {
  for (const std::string_view attributes :
       {"5", "\"x\"", "[]", "true", R"({"hiddenFor":5})", R"({"hiddenFor":["u1"]})",
        R"({"updateconversation":null})"}) {
    arrive("apps.tilechat.outgoing.users.u100.messages.group-1.outgoing",
           "{\"attributes\":" + std::string(attributes) + "}");
    EXPECT_EQ(outcome(), Outcome::Done) << attributes;
    EXPECT_EQ(published().size(), 2U);
  }
}

TEST_F(BadInput, WithAHundredThousandKeysCostsNoMoreThanItsSize) {
  std::string body = "{";
  for (int i = 0; i < 50000; ++i) body += "\"k" + std::to_string(i) + "\":1,";
  for (int i = 0; i < 50000; ++i) body += "\"same\":1,";
  body += "\"text\":\"x\"}";
  arrive(kKey, body);
  EXPECT_EQ(outcome(), Outcome::Done);
}

TEST_F(BadInput, WithAKeyTwiceCountsTheLastAsJavaScriptDoes) {
  arrive(kKey, R"({"text":"first","text":"second"})");
  EXPECT_THAT(published()[1].body, HasSubstr("second"));
  EXPECT_THAT(published()[1].body, Not(HasSubstr("first")));
}

TEST_F(BadInput, DoesNotStopWhatComesBehindIt) {
  const std::vector<Published> batch = {
      {std::string(kKey), "{broken"}, {"nonsense", "{}"}, {std::string(kKey), "{}"}};
  EXPECT_EQ(arrive_together(batch), 3U);
  EXPECT_EQ(effects().settled[0].outcome, Outcome::Malformed);
  EXPECT_EQ(effects().settled[1].outcome, Outcome::UnknownTopic);
  EXPECT_EQ(effects().settled[2].outcome, Outcome::Done);
}

}  // namespace
}  // namespace chat21::tests
