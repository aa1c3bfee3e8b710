// What docs/PROTOCOL.md says about the orders of services that are not about groups.
#include <gmock/gmock.h>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/routing.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Orders : public Routing {
 protected:
  void order(std::string_view what, std::string_view body) {
    arrive("apps.observer.tilechat." + std::string(what), body);
  }
  // Done, by this write alone.
  void expect_write(std::string_view what, std::string_view body, std::string_view write) {
    order(what, body);
    EXPECT_EQ(outcome(), Outcome::Done) << what << ' ' << body;
    EXPECT_THAT(writes(), ElementsAre(write));
    EXPECT_THAT(published(), IsEmpty());
    EXPECT_THAT(events(), IsEmpty());
  }
  void expect_refusal(std::string_view what, std::string_view body, Outcome why,
                      std::string_view how) {
    order(what, body);
    EXPECT_EQ(outcome(), why) << what << ' ' << body;
    EXPECT_EQ(detail(), how) << what << ' ' << body;
    EXPECT_THAT(writes(), IsEmpty());
    EXPECT_THAT(published_keys(), ElementsAre("observer.rejected.apps.tilechat"));
  }
};

class Removals : public Orders {};
class Instances : public Orders {};
class Blocks : public Orders {};
class Fences : public Orders {};

// With the app "tilechat" exactly kMaxIds bytes.
const std::string kLongest(kMaxIds - 8, 'x');

TEST_F(Orders, WithBrokenBodiesAreRefused) {
  for (const std::string_view what :
       {"groups.delete", "conversations.delete", "messages.delete", "instances.save",
        "instances.remove", "blocks.save", "blocks.remove", "api.fence"}) {
    expect_refusal(what, "", Outcome::Malformed, "the body is refused: it is empty");
    expect_refusal(what, "[1]", Outcome::Malformed, "the body is refused: not a JSON object");
  }
}

TEST_F(Orders, ThatNobodyKnowsAreRefused) {
  expect_refusal("groups.create", "{}", Outcome::UnknownTopic, "the protocol knows no such topic");
}

TEST_F(Orders, OfAUserAreRefused) {
  arrive("apps.tilechat.users.u100.blocks.save", R"({"user_id":"u200","blocked_id":"u100"})");
  EXPECT_EQ(outcome(), Outcome::UnknownTopic);
  EXPECT_THAT(writes(), IsEmpty());
}

TEST_F(Removals, AreOfConversationsAndOfMessages) {
  expect_write("conversations.delete", R"({"conversation":"group-1"})",
               "remove-conversations group-1");
  expect_write("messages.delete", R"({"conversation":"group-1"})", "remove-messages group-1");
  expect_write("conversations.delete", R"({"conversation":")" + kLongest + "\"}",
               "remove-conversations " + kLongest);
}

TEST_F(Removals, NeedAUsableId) {
  for (const std::string_view what : {"conversations.delete", "messages.delete"}) {
    expect_refusal(what, "{}", Outcome::Malformed, "conversation is missing or not a string");
    expect_refusal(what, R"({"conversation":5})", Outcome::Malformed,
                   "conversation is missing or not a string");
    expect_refusal(what, R"({"conversation":""})", Outcome::InvalidId, "conversation is empty");
    expect_refusal(what, R"({"conversation":"a.b"})", Outcome::InvalidId,
                   "conversation contains .");
    expect_refusal(what, R"({"conversation":")" + kLongest + "x\"}", Outcome::InvalidId,
                   "app and conversation have 183 bytes together, more than 182");
  }
}

TEST_F(Removals, CountForTheNextArchiveOrReceiptOfTheSameBatch) {
  know_conversation("u100", "group-1", "{}");
  know_copy("u100", "group-1", "m1");
  for (const std::string_view what : {"conversations.delete", "messages.delete"}) {
    const Published forget{"apps.observer.tilechat." + std::string(what),
                           R"({"conversation":"group-1"})"};
    EXPECT_EQ(
        arrive_together({forget, {"apps.tilechat.users.u100.conversations.group-1.archive", "{}"}}),
        1U);
    EXPECT_EQ(
        arrive_together(
            {forget, {"apps.tilechat.users.u100.messages.group-1.m1.update", R"({"status":200})"}}),
        1U);
    EXPECT_EQ(arrive_together(
                  {forget, forget, {"apps.tilechat.outgoing.users.u1.messages.u2.outgoing", "{}"}}),
              3U)
        << "what needs to know nothing goes on";
  }
}

TEST_F(Instances, AreSavedAsTheyAreSent) {
  expect_write("instances.save",
               R"({"instance":{"_id":"1","instance_id":"fGci:APA91b/+#.*%","app_id":"tilechat",)"
               R"("user_id":"u\u003100","device_model":"x","n":1.50}})",
               R"(instance fGci:APA91b/+#.*% of u100 {"instance_id":"fGci:APA91b/+#.*%",)"
               R"("app_id":"tilechat","user_id":"u\u003100","device_model":"x","n":1.50})");
  expect_write("instances.save", R"({"instance":{"instance_id":"t","user_id":"u100"}})",
               R"(instance t of u100 {"instance_id":"t","user_id":"u100"})");
}

TEST_F(Instances, AreNotSavedUnlessWhole) {
  const auto refused = [this](std::string_view instance, Outcome why, std::string_view how) {
    expect_refusal("instances.save", R"({"instance":)" + std::string(instance) + "}", why, how);
  };
  expect_refusal("instances.save", "{}", Outcome::Malformed,
                 "instance is missing or not an object");
  refused("[]", Outcome::Malformed, "instance is missing or not an object");
  refused(R"({"user_id":"u1"})", Outcome::Malformed,
          "instance.instance_id is missing or not a string");
  refused(R"({"instance_id":"","user_id":"u1"})", Outcome::InvalidId, "instance id is empty");
  refused(R"({"instance_id":"a\nb","user_id":"u1"})", Outcome::InvalidId,
          "instance id contains a control character");
  refused(R"({"instance_id":")" + std::string(1025, 'x') + R"(","user_id":"u1"})",
          Outcome::InvalidId, "instance id has 1025 bytes, more than 1024");
  refused(R"({"instance_id":"t"})", Outcome::Malformed,
          "instance.user_id is missing or not a string");
  refused(R"({"instance_id":"t","user_id":null})", Outcome::Malformed,
          "instance.user_id is missing or not a string");
  refused(R"({"instance_id":"t","user_id":"a/b"})", Outcome::InvalidId,
          "instance.user_id contains /");
  refused(R"({"instance_id":"t","user_id":")" + kLongest + "x\"}", Outcome::InvalidId,
          "app and instance.user_id have 183 bytes together, more than 182");
  refused(R"({"instance_id":"t","user_id":"u1","app_id":"other"})", Outcome::Malformed,
          "instance.app_id is not the app of the topic");
  refused(R"({"instance_id":"t","user_id":"u1","app_id":null})", Outcome::Malformed,
          "instance.app_id is not the app of the topic");
}

TEST_F(Instances, AreRemoved) {
  expect_write("instances.remove", R"({"instance_id":"fGci:APA91b"})",
               "remove-instance fGci:APA91b");
  expect_refusal("instances.remove", "{}", Outcome::Malformed,
                 "instance_id is missing or not a string");
  expect_refusal("instances.remove", R"({"instance_id":"\u0000"})", Outcome::InvalidId,
                 "instance id contains a control character");
}

TEST_F(Blocks, AreSavedAndRemoved) {
  expect_write("blocks.save", R"({"user_id":"ann","blocked_id":"bob"})", "block ann bob");
  expect_write("blocks.remove", R"({"user_id":"ann","blocked_id":"bob"})", "remove-block ann bob");
}

TEST_F(Blocks, AreBetweenTwoUsers) {
  const std::string half(kMaxIds / 2, 'x');
  for (const std::string_view what : {"blocks.save", "blocks.remove"}) {
    expect_refusal(what, R"({"blocked_id":"bob"})", Outcome::Malformed,
                   "user_id is missing or not a string");
    expect_refusal(what, R"({"user_id":"ann"})", Outcome::Malformed,
                   "blocked_id is missing or not a string");
    expect_refusal(what, R"({"user_id":"ann","blocked_id":"ann"})", Outcome::Malformed,
                   "blocked_id is user_id: nobody blocks himself");
    expect_refusal(what, R"({"user_id":"ann","blocked_id":"b#"})", Outcome::InvalidId,
                   "blocked_id contains #");
    expect_refusal(what, R"({"user_id":"$ann","blocked_id":"bob"})", Outcome::InvalidId,
                   "user_id begins with $");
    expect_refusal(what, R"({"user_id":")" + half + R"(","blocked_id":"y)" + half + "\"}",
                   Outcome::InvalidId,
                   "app and user_id and blocked_id have 191 bytes together, more than 182");
  }
}

TEST_F(Fences, AreAnsweredInTheInboxTheyName) {
  order("api.fence", R"({"inbox":"api-1","token":"t1"})");
  EXPECT_EQ(outcome(), Outcome::Done);
  EXPECT_THAT(published(), ElementsAre(Published{"apps.tilechat.users.api-1.fence.t1", "{}"}));
  EXPECT_THAT(writes(), IsEmpty());
  EXPECT_THAT(events(), IsEmpty());
}

TEST_F(Fences, AreAnsweredAfterWhatCameBefore) {
  const std::string to_user = "apps.tilechat.outgoing.users.u100.messages.u200.outgoing";
  EXPECT_EQ(arrive_together({{to_user, "{}"},
                             {"apps.observer.tilechat.api.fence", R"({"inbox":"i","token":"t"})"},
                             {to_user, "{}"}}),
            3U);
  ASSERT_EQ(published_keys().size(), 5U);
  EXPECT_EQ(published_keys()[2], "apps.tilechat.users.i.fence.t");
}

TEST_F(Fences, AreRefusedWithoutAUsableAddress) {
  expect_refusal("api.fence", R"({"token":"t"})", Outcome::Malformed,
                 "inbox is missing or not a string");
  expect_refusal("api.fence", R"({"inbox":"i","token":7})", Outcome::Malformed,
                 "token is missing or not a string");
  expect_refusal("api.fence", R"({"inbox":"a.b","token":"t"})", Outcome::InvalidId,
                 "inbox contains .");
  expect_refusal("api.fence", R"({"inbox":"i","token":""})", Outcome::InvalidId, "token is empty");
  expect_refusal("api.fence", R"({"inbox":"i","token":")" + kLongest + "\"}", Outcome::InvalidId,
                 "app and inbox and token have 183 bytes together, more than 182");
}

// The queue of messages is bound to apps.{app}.users.#.update and .archive.
TEST_F(Fences, AreNotAnsweredWhereTheAnswerWouldComeBack) {
  for (const std::string token : {"update", "archive"}) {
    expect_refusal("api.fence", R"({"inbox":"i","token":")" + token + "\"}", Outcome::InvalidId,
                   "token is a verb of users: the answer would come back");
  }
}

}  // namespace
}  // namespace chat21::tests
