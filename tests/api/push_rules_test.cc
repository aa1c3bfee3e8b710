// Who is told about a message by push, what, and how a webhook hears of it.
#include "server/api/push_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

#include "tests/api/scripted_client.h"

namespace chat21::tests {
namespace {

using server::HttpCall;
using server::HttpReply;
using server::PushNotification;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Time kNow{std::chrono::milliseconds(1760000000500)};

std::optional<PushNotification> judge(std::string_view event) {
  JsonObject parsed;
  EXPECT_TRUE(parsed.parse(event)) << event;
  return server::notification_of("tilechat", parsed, kNow);
}

std::string event(std::string_view sender, std::string_view recipient, std::string_view attributes,
                  std::string_view to = "u200") {
  return JsonWriter()
      .text("delivered_to", to)
      .json("data", JsonWriter()
                        .text("sender", sender)
                        .text("recipient", recipient)
                        .text("text", "hi")
                        .json("attributes", attributes)
                        .object())
      .object();
}

TEST(PushRules, SayWhoIsTold) {
  struct Case {
    std::string_view sender, recipient, attributes;
    bool told;
    std::string_view to = "u200";
  };
  constexpr std::string_view kForced = R"({"forcenotification":true,"sendnotification":false})";
  for (const Case& one : {
           Case{"u100", "u200", "null", true},
           Case{"u100", "u200", "{}", true},
           Case{"u100", "u200", "\"odd\"", true},
           Case{"u100", "group-77", "null", true},
           Case{"u100", "system", "null", false, "system"},
           Case{"u100", "system", kForced, false, "system"},
           Case{"u200", "u200", "null", false},
           Case{"u200", "u200", kForced, false},
           Case{"u200", "group-77", "null", false},  // the author's own copy
           Case{"system", "group-77", "null", false},
           Case{"system", "group-77", kForced, true},
           Case{"u100", "u200", R"({"sendnotification":false})", false},
           Case{"u100", "u200", R"({"sendnotification":true})", true},
           Case{"u100", "u200", R"({"sendnotification":0})", true},
           Case{"u100", "u200", kForced, true},
           Case{"u100", "u200", R"({"forcenotification":0,"sendnotification":false})", false},
           Case{"u100", "u200", R"({"forcenotification":"yes","sendnotification":false})", true},
           Case{"u100", "general_group", "null", false},
           Case{"u100", "general_group", kForced, true},
       }) {
    EXPECT_EQ(judge(event(one.sender, one.recipient, one.attributes, one.to)).has_value(), one.told)
        << one.sender << " to " << one.recipient << ' ' << one.attributes;
  }
}

TEST(PushRules, AreSilentAboutWhatIsNoDelivery) {
  for (const std::string_view odd :
       {R"({})", R"({"data":true,"delivered_to":"u200"})", R"({"data":{"sender":"u1"}})",
        R"({"data":{"sender":"u1"},"delivered_to":7})",
        R"({"data":{"sender":"u1"},"delivered_to":""})"}) {
    EXPECT_FALSE(judge(odd)) << odd;
  }
}

TEST(PushRules, TellTextsOfTheMessageAndTheTime) {
  const auto told = judge(
      R"({"event_type":"message-delivered","delivered_to":"u200","data":{"text":"h\u0069 \"x\"",)"
      R"("sender":"u100","sender_fullname":"User One","recipient":"u200","channel_type":"direct",)"
      R"("recipient_fullname":7,"attributes":{"a":1},"timestamp":5}})");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->app, "tilechat");
  EXPECT_EQ(told->user, "u200");
  EXPECT_EQ(told->title, "User One");
  EXPECT_EQ(told->text, "hi \"x\"");
  EXPECT_EQ(told->data,
            R"({"recipient":"u200","sender":"u100","sender_fullname":"User One",)"
            R"("channel_type":"direct","text":"h\u0069 \"x\"","timestamp":"1760000000500"})");
}

TEST(PushRules, AddWhatAPlatformNeeds) {
  server::ApiOptions options;
  options.web_click_action = "https://x/#";
  options.mobile_click_action = "OPEN";
  constexpr std::string_view kWeb =
      R"({"webpush":{"headers":{"Urgency":"high"},"fcm_options":{"link":"https://x/#"}}})";
  constexpr std::string_view kAndroid =
      R"({"android":{"priority":"normal","notification":{"click_action":"OPEN","sound":"default"}}})";
  constexpr std::string_view kIos = R"({"apns":{"headers":{"apns-priority":"5"},)"
                                    R"("payload":{"aps":{"category":"OPEN","sound":"default"}}}})";
  struct Case {
    std::string_view platform, expected;
  };
  for (const Case& one : {
           Case{R"("ionic")", kWeb},
           Case{R"("web/chrome")", kWeb},
           Case{R"("a web/firefox")", kWeb},
           Case{R"("android")", kAndroid},
           Case{R"("ios")", kIos},
           Case{R"("windows")", "{}"},
           Case{R"(null)", "{}"},
           Case{R"({"odd":1})", "{}"},
       }) {
    const std::string platform(one.platform);
    EXPECT_EQ(server::with_platforms(
                  R"({"_id":"665f","instance_id":"t:1","platform":)" + platform + "}", options),
              R"({"instance_id":"t:1","platform":)" + platform + R"(,"platforms":)" +
                  std::string(one.expected) + "}");
  }
  EXPECT_EQ(server::with_platforms(R"({"instance_id":"t:1","platforms":"forged"})", options),
            R"({"instance_id":"t:1","platforms":{}})");
}

const PushNotification kNotification{
    .app = "tilechat",
    .user = "u200",
    .instances = {R"({"instance_id":"a"})", R"({"instance_id":"b"})"},
    .title = "User One",
    .text = "hi",
    .data = R"({"sender":"u100"})"};

TEST(WebhookPush, PostsTheNotificationWithAllInstances) {
  ScriptedClient client(204, "");
  const auto gone =
      server::make_webhook_push("http://push.example/x", client)->notify(kNotification);
  ASSERT_TRUE(gone);
  EXPECT_THAT(*gone, IsEmpty());
  ASSERT_EQ(client.calls().size(), 1U);
  EXPECT_EQ(client.calls()[0].url, "http://push.example/x");
  EXPECT_EQ(client.calls()[0].body,
            R"({"app_id":"tilechat","user_id":"u200",)"
            R"("instances":[{"instance_id":"a"},{"instance_id":"b"}],)"
            R"("notification":{"title":"User One","body":"hi"},"data":{"sender":"u100"}})");
}

TEST(WebhookPush, ReadsWhichInstancesAreGone) {
  ScriptedClient client(200, R"({"invalid":["b","x\u0079",7,["no"]],"more":1})");
  const auto gone =
      server::make_webhook_push("http://push.example/", client)->notify(kNotification);
  ASSERT_TRUE(gone);
  EXPECT_THAT(*gone, ElementsAre("b", "xy"));
}

TEST(WebhookPush, NeedsNoBodyAndTakesOddOnesForNone) {
  for (const char* odd : {"", "OK", "[]", R"({"invalid":"b"})", R"({"invalid":{"b":1}})"}) {
    ScriptedClient client(200, odd);
    const auto gone =
        server::make_webhook_push("http://push.example/", client)->notify(kNotification);
    ASSERT_TRUE(gone) << odd;
    EXPECT_THAT(*gone, IsEmpty()) << odd;
  }
}

TEST(WebhookPush, ReportsARefusalAndNoAnswer) {
  ScriptedClient client(500, R"({"invalid":["a"]})");
  const auto push = server::make_webhook_push("http://push.example/", client);
  const auto refused = push->notify(kNotification);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "the push webhook answered 500");
  client.follow([](const HttpCall&) -> Result<HttpReply> {
    return fail(Error::Code::Unavailable, "nobody there");
  });
  EXPECT_EQ(push->notify(kNotification).error().message, "nobody there");
}

}  // namespace
}  // namespace chat21::tests
