// Messages that are sent over HTTP.
#include <gmock/gmock.h>

#include "tests/api/world.h"

namespace chat21::tests {
namespace {

using server::HttpResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

// Of a message to bob, with more members if need be.
std::string draft(const std::string& more = {}) {
  return R"({"sender_fullname":"Ann","recipient_id":"bob","recipient_fullname":"Bob")" +
         (more.empty() ? "" : "," + more) + "}";
}

class Sending : public World {
 protected:
  HttpResponse post(const std::string& body, const std::string& who = {}) {
    return ask("POST", "/tilechat/messages", who.empty() ? as("ann") : who, body);
  }
  HttpResponse post_and_wait(const std::string& body, const std::string& who = {}) {
    return ask("POST",
               "/tilechat/messages/sync?mqtt_endpoint=ws://evil/ws&chatapi_endpoint=http://evil",
               who.empty() ? as("ann") : who, body);
  }
  std::string published() {
    EXPECT_EQ(gateway.taken.size(), 1U);
    return gateway.taken.empty() ? "" : gateway.taken.back().body;
  }
};

TEST_F(Sending, PublishesADraftAsClientsDo) {
  const auto response = post(draft(R"("text":"hi","type":"text")"));
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  ASSERT_EQ(gateway.taken.size(), 1U);
  EXPECT_EQ(gateway.taken[0].routing_key, "apps.tilechat.outgoing.users.ann.messages.bob.outgoing");
  EXPECT_EQ(gateway.taken[0].body, R"({"text":"hi","type":"text","recipient_fullname":"Bob",)"
                                   R"("sender_fullname":"Ann","channel_type":"direct"})");
  ASSERT_EQ(inbox("bob").size(), 1U);
  EXPECT_EQ(json(inbox("bob")[0].body)["sender"].GetString(), std::string("ann"));
}

TEST_F(Sending, PassesWhatIsInsideByteForByte) {
  post(draft(R"("text":"\u00e9é\/","attributes":{ "n" : 1.50e+3 },"metadata":[1 , 2],)"
             R"("timestamp":1.76e12,"channel_type":"group")"));
  EXPECT_EQ(published(),
            R"({"text":"\u00e9é\/","recipient_fullname":"Bob","sender_fullname":"Ann",)"
            R"("channel_type":"group","attributes":{ "n" : 1.50e+3 },"metadata":[1 , 2],)"
            R"("timestamp":1.76e12})");
}

TEST_F(Sending, PassesTheIdByWhichTheCallerKnowsTheMessage) {
  post(draft(R"("client_message_id":"c\u0031")"));
  EXPECT_EQ(published(), R"({"recipient_fullname":"Bob","sender_fullname":"Ann",)"
                         R"("channel_type":"direct","client_message_id":"c\u0031"})");
}

TEST_F(Sending, LeavesOutWhatIsFalsyOrUnknown) {
  post(draft(
      R"("attributes":null,"metadata":"","timestamp":0,"text":null,"type":null,)"
      R"("client_message_id":null,"channel_type":"","group":{"members":{"eve":1}},"message_id":"mine",)"
      R"("sender":"bob","temp_webhook_endpoints":["http://evil"],"app_id":"x")"));
  EXPECT_EQ(published(), R"({"recipient_fullname":"Bob","sender_fullname":"Ann",)"
                         R"("channel_type":"direct"})");
}

TEST_F(Sending, KeepsAnEmptyText) {
  post(draft(R"("text":"")"));
  EXPECT_THAT(published(), StartsWith(R"({"text":"",)"));
}

TEST_F(Sending, MissesWhatIsMandatoryInThisOrder) {
  struct Case {
    std::string_view body, sentence;
  };
  for (const auto& [body, sentence] : {
           Case{"{}", "Sender Fullname is mandatory"},
           Case{R"({"sender_fullname":""})", "Sender Fullname is mandatory"},
           Case{R"({"sender_fullname":null,"recipient_id":"b"})", "Sender Fullname is mandatory"},
           Case{R"({"sender_fullname":0})", "Sender Fullname is mandatory"},
           Case{R"({"sender_fullname":"A"})", "Recipient id is mandatory"},
           Case{R"({"sender_fullname":"A","recipient_id":""})", "Recipient id is mandatory"},
           Case{R"({"sender_fullname":"A","recipient_fullname":"B"})", "Recipient id is mandatory"},
           Case{R"({"sender_fullname":"A","recipient_id":"b"})", "Recipient Fullname is mandatory"},
       }) {
    for (const char* path : {"/tilechat/messages", "/tilechat/messages/sync"}) {
      const auto response = ask("POST", path, as("ann"), body);
      EXPECT_EQ(response.status, 405U) << body;
      EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
      EXPECT_EQ(response.body, sentence) << body;
    }
  }
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Sending, RefusesOtherTypes) {
  struct Case {
    std::string body, sentence;
  };
  for (const auto& [body, sentence] : {
           Case{R"({"sender_fullname":{},"recipient_id":"b","recipient_fullname":"B"})",
                "Sender Fullname is not a text"},
           Case{R"({"sender_fullname":"A","recipient_id":["b"],"recipient_fullname":"B"})",
                "Recipient id is not a text"},
           Case{R"({"sender_fullname":"A","recipient_id":"b","recipient_fullname":5})",
                "Recipient Fullname is not a text"},
           Case{draft(R"("text":5)"), "text is not a text"},
           Case{draft(R"("text":{"$ne":1})"), "text is not a text"},
           Case{draft(R"("type":[])"), "type is not a text"},
           Case{draft(R"("channel_type":true)"), "channel_type is not a text"},
           Case{draft(R"("attributes":"x")"), "attributes is not an object"},
           Case{draft(R"("attributes":[])"), "attributes is not an object"},
           Case{draft(R"("timestamp":"now")"), "timestamp is not a number"},
           Case{draft(R"("client_message_id":5)"), "client_message_id is not a text"},
           Case{draft(R"("client_message_id":")" + std::string(65, 'x') + "\""),
                "client_message_id has 65 bytes, more than 64"},
       }) {
    const auto response = post(body);
    EXPECT_EQ(response.status, 405U) << body;
    EXPECT_EQ(response.body, sentence) << body;
  }
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Sending, RefusesRecipientsThatWouldReachOthers) {
  for (const char* id :
       {"*", "#", "a.b", "a/b", "+", "%2a", "$x", R"(a\nb)", R"(\u0000)", R"(bob.outgoing)"}) {
    const auto response = post(std::string(R"({"sender_fullname":"A","recipient_fullname":"B",)"
                                           R"("recipient_id":")") +
                               id + R"("})");
    EXPECT_EQ(response.status, 405U) << id;
    EXPECT_THAT(response.body, StartsWith("recipient or conversation ")) << id;
  }
  const std::string long_id(172, 'x');
  EXPECT_EQ(post(R"({"sender_fullname":"A","recipient_fullname":"B","recipient_id":")" + long_id +
                 R"("})")
                .status,
            405U);
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Sending, LetsAdminsSendForOthers) {
  EXPECT_EQ(post(draft(R"("sender_id":"carol")"), as_admin()).status, 200U);
  EXPECT_EQ(gateway.taken.back().routing_key,
            "apps.tilechat.outgoing.users.carol.messages.bob.outgoing");
  for (const char* nobody : {R"("")", "null", "0"}) {
    EXPECT_EQ(post(draft(std::string(R"("sender_id":)") + nobody), as_admin()).status, 200U);
    EXPECT_EQ(gateway.taken.back().routing_key,
              "apps.tilechat.outgoing.users.root.messages.bob.outgoing");
  }
  const std::size_t before = gateway.taken.size();
  for (const char* id : {R"("*")", R"("a.b")", "5", "{}"}) {
    EXPECT_EQ(post(draft(std::string(R"("sender_id":)") + id), as_admin()).status, 405U) << id;
  }
  EXPECT_EQ(gateway.taken.size(), before);
}

TEST_F(Sending, IgnoresWhomOthersNameAsSender) {
  for (const char* id : {R"("carol")", R"("*")", "5", "{}"}) {
    EXPECT_EQ(post(draft(std::string(R"("sender_id":)") + id)).status, 200U) << id;
    EXPECT_EQ(gateway.taken.back().routing_key,
              "apps.tilechat.outgoing.users.ann.messages.bob.outgoing");
  }
}

TEST_F(Sending, StaysInTheApp) {
  EXPECT_EQ(ask("POST", "/other/messages", as("ann"), draft()).status, 401U);
  EXPECT_EQ(ask("POST", "/other/messages/sync", as_admin(), draft()).status, 401U);
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(Sending, FailsWithoutABroker) {
  gateway.away = true;
  for (const auto& response : {post(draft()), post_and_wait(draft())}) {
    EXPECT_EQ(response.status, 404U);
    EXPECT_FALSE(json(response)["success"].GetBool());
    EXPECT_THAT(response.body, Not(HasSubstr("10.0.0.7")));
  }
}

TEST_F(Sending, WaitsForTheBrokerAlone) {
  gateway.slow = true;
  EXPECT_EQ(post(draft()).status, 200U);
}

// --- And waiting ------------------------------------------------------------------

TEST_F(Sending, AnswersWithTheStampedCopyOfThisVeryMessage) {
  send("ann", "bob", R"({"text":"before"})");
  const auto response = post_and_wait(draft(R"("text":"hi","attributes":{"n":1.0})"));
  EXPECT_EQ(response.status, 200U) << response.body;
  const auto answer = json(response);
  EXPECT_TRUE(answer["success"].GetBool());
  const auto& message = answer["message"];
  EXPECT_STREQ(message["text"].GetString(), "hi");
  EXPECT_STREQ(message["sender"].GetString(), "ann");
  EXPECT_STREQ(message["recipient"].GetString(), "bob");
  EXPECT_STREQ(message["app_id"].GetString(), "tilechat");
  EXPECT_EQ(message["status"].GetInt(), 100);
  EXPECT_EQ(message["timestamp"].GetInt64(), 1760000000456);
  for (const char* name : {"_id", "timelineOf", "conversWith"}) {
    EXPECT_FALSE(message.HasMember(name)) << name;
  }
  EXPECT_THAT(response.body, HasSubstr(R"("attributes":{"n":1.0})"));
  // It is what arrives in the inbox.
  const auto live = json(inbox("ann").back().body);
  EXPECT_STREQ(live["message_id"].GetString(), message["message_id"].GetString());
  EXPECT_EQ(live, message);
}

TEST_F(Sending, MarksTheMessageWithAFreshIdIfTheCallerHasNone) {
  post_and_wait(draft(R"("client_message_id":"")"));
  post_and_wait(draft());
  ASSERT_EQ(gateway.taken.size(), 2U);
  const std::string first = json(gateway.taken[0].body)["client_message_id"].GetString();
  const std::string second = json(gateway.taken[1].body)["client_message_id"].GetString();
  EXPECT_THAT(first, MatchesRegex("[0-9a-f-]{36}"));
  EXPECT_NE(first, second);
}

TEST_F(Sending, AnswersWithTheFirstMessageIfItIsSentAgain) {
  const std::string body = draft(R"("text":"hi","client_message_id":"c\/1")");
  const auto first = post_and_wait(body);
  EXPECT_EQ(first.status, 200U) << first.body;
  EXPECT_THAT(first.body, HasSubstr(R"("client_message_id":"c\/1")"));
  now += std::chrono::milliseconds(1);
  const auto second = post_and_wait(body);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(post(body).status, 200U);
  ASSERT_EQ(inbox("bob").size(), 3U);
  EXPECT_EQ(inbox("bob")[2].body, inbox("bob")[0].body);
  EXPECT_EQ(store.messages("tilechat", "bob", "ann", {})->size(), 1U);
}

TEST_F(Sending, AnswersNeverWithAnotherMessageOfTheSameId) {
  know_group("group-1", "bob", {"ann", "bob"});
  const auto body = [](const std::string& text, const std::string& more = {}) {
    return R"({"sender_fullname":"A","recipient_id":"group-1","recipient_fullname":"G","text":")" +
           text + R"(","client_message_id":"c1")" + more + "}";
  };
  EXPECT_EQ(post_and_wait(body("hi"), as("bob")).status, 200U);
  const auto of_ann = post_and_wait(body("hi"));
  EXPECT_EQ(of_ann.status, 200U) << of_ann.body;
  EXPECT_STREQ(json(of_ann)["message"]["sender"].GetString(), "ann");
  for (const auto& other :
       {body("ho"), body("hi", R"(,"metadata":1)"), body("hi", R"(,"timestamp":1)")}) {
    EXPECT_EQ(post_and_wait(other).status, 422U) << other;
  }
  EXPECT_EQ(store.messages("tilechat", "ann", "group-1", {})->size(), 2U);
}

TEST_F(Sending, FindsTheMessageAmongLaterOnes) {
  for (const std::size_t later : {0U, 1U, 19U, 20U, 50U}) {
    gateway.before_answer = [&] {
      for (std::size_t i = 0; i < later; ++i) {
        now += std::chrono::milliseconds(1);
        send("bob", "ann", R"({"text":"later"})");
      }
    };
    now += std::chrono::milliseconds(1);
    const auto response = post_and_wait(draft(R"("text":"hi")"));
    ASSERT_EQ(response.status, 200U) << later << response.body;
    EXPECT_STREQ(json(response)["message"]["text"].GetString(), "hi") << later;
  }
}

TEST_F(Sending, GivesMembersTheirCopyAndOthersThatOfTheGroup) {
  know_group("group-1", "bob", {"ann", "bob"});
  const std::string body =
      R"({"sender_fullname":"A","recipient_id":"group-1","recipient_fullname":"G","text":"hi"})";
  const auto of_member = post_and_wait(body);
  EXPECT_EQ(of_member.status, 200U) << of_member.body;
  EXPECT_EQ(json(of_member)["message"]["status"].GetInt(), 150);
  const auto of_stranger = post_and_wait(body, as("eve"));
  EXPECT_EQ(of_stranger.status, 200U) << of_stranger.body;
  EXPECT_EQ(json(of_stranger)["message"]["status"].GetInt(), 100);
  EXPECT_STREQ(json(of_stranger)["message"]["sender"].GetString(), "eve");
}

TEST_F(Sending, AnswersAdminsWithWhatTheySentForOthers) {
  const auto response = post_and_wait(draft(R"("sender_id":"carol")"), as_admin());
  EXPECT_EQ(response.status, 200U) << response.body;
  EXPECT_STREQ(json(response)["message"]["sender"].GetString(), "carol");
}

TEST_F(Sending, SaysThatTheMessageWasRefused) {
  gateway.refused.insert("bob");
  const auto response = post_and_wait(draft());
  EXPECT_EQ(response.status, 422U);
  EXPECT_EQ(response.body, R"({"success":false,"err":"the message was not accepted"})");
  EXPECT_THAT(inbox("bob"), IsEmpty());
}

TEST_F(Sending, DoesNotWaitForEver) {
  gateway.slow = true;
  const auto response = post_and_wait(draft());
  EXPECT_EQ(response.status, 504U);
  EXPECT_FALSE(json(response)["success"].GetBool());
}

TEST_F(Sending, SaysThatTheStoreIsAway) {
  store_away = true;
  const auto response = post_and_wait(draft());
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(response.body, R"({"success":false,"err":"the store is away"})");
}

TEST_F(Sending, CallsNobody) {
  post_and_wait(draft());
  EXPECT_THAT(client.calls, IsEmpty()) << "the endpoints of the query are ignored";
}

}  // namespace
}  // namespace chat21::tests
