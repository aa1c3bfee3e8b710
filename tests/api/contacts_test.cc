// Names of users: what is made of the answers of the product's service, and what
// happens when it is slow, wrong or away.
#include "server/api/contacts.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "tests/api/scripted_client.h"

namespace chat21::tests {
namespace {

using server::Contact;
using server::HttpCall;
using server::HttpReply;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string line(const Contact& contact) {
  return contact.id + '|' + contact.fullname + '|' + contact.firstname + '|' + contact.lastname;
}

class ContactsTest : public ::testing::Test {
 protected:
  std::string find(std::string_view user) { return line(contacts->find(user)); }

  std::chrono::steady_clock::time_point now{};
  ScriptedClient client;
  std::unique_ptr<server::Contacts> contacts =
      server::make_contacts("http://names.example/contacts/", client, [this] { return now; });
};

TEST_F(ContactsTest, WithoutAnEndpointTheFullNameIsTheIdAndNobodyIsAsked) {
  contacts = server::make_contacts("", client);
  EXPECT_EQ(find("u1"), "u1|u1||");
  EXPECT_THAT(client.urls(), IsEmpty());
}

TEST_F(ContactsTest, MakesTheFullNameOfWhatThereIs) {
  struct Case {
    std::string_view reply, contact;
  };
  for (const Case& one : {
           Case{R"({"fullname":" User One ","firstname":"A","lastname":"B"})", "u|User One|A|B"},
           Case{R"({"firstname":"User","lastname":"One"})", "u|User One|User|One"},
           Case{R"({"fullname":"  ","firstname":"User","lastname":"One"})", "u|User One|User|One"},
           Case{R"({"firstname":"User"})", "u|User|User|"},
           Case{R"({"lastname":"One"})", "u|One||One"},
           Case{R"({"email":"x@example.org"})", "u|||"},
           Case{R"({"fullname":"\u0041\"b","uid":"forged"})", "u|A\"b||"},
       }) {
    client.follow([&](const HttpCall&) { return HttpReply{200, std::string(one.reply)}; });
    now += seconds(1000);
    EXPECT_EQ(find("u"), one.contact) << one.reply;
  }
}

TEST_F(ContactsTest, TakesOddAnswersForNone) {
  const std::string long_name(1025, 'x');
  struct Case {
    long status;
    std::string reply, contact;
  };
  for (const Case& one : {
           Case{404, R"({"fullname":"Not Me"})", "u|u||"},
           Case{204, "", "u|u||"},
           Case{200, "", "u|u||"},
           Case{200, "<html>", "u|u||"},
           Case{200, R"(["fullname"])", "u|u||"},
           Case{200, R"({"fullname":{"a":1},"firstname":["x"],"lastname":7})", "u|||"},
           Case{200, R"({"fullname":")" + long_name + R"(","firstname":"User"})", "u|User|User|"},
       }) {
    client.follow([&](const HttpCall&) { return HttpReply{one.status, one.reply}; });
    now += seconds(1000);
    EXPECT_EQ(find("u"), one.contact) << one.reply.substr(0, 80);
  }
}

TEST_F(ContactsTest, EncodesTheIdInTheUrl) {
  contacts->find("a b?c=d&\xc3\xa9");
  EXPECT_THAT(client.urls(), ElementsAre("http://names.example/contacts/a%20b%3Fc%3Dd%26%C3%A9"));
  EXPECT_THAT(client.calls().front().body, IsEmpty());
}

TEST_F(ContactsTest, RemembersAnAnswerForTwoMinutesAndNoAnswerForTenSeconds) {
  client.follow([](const HttpCall&) { return HttpReply{200, R"({"fullname":"One"})"}; });
  find("u1");
  now += milliseconds(119'999);
  EXPECT_EQ(find("u1"), "u1|One||");
  EXPECT_EQ(client.calls().size(), 1U);
  now += milliseconds(1);
  client.follow([](const HttpCall&) { return HttpReply{404, ""}; });
  EXPECT_EQ(find("u1"), "u1|u1||");
  EXPECT_EQ(client.calls().size(), 2U);
  now += milliseconds(9'999);
  find("u1");
  EXPECT_EQ(client.calls().size(), 2U);
  now += milliseconds(1);
  find("u1");
  EXPECT_EQ(client.calls().size(), 3U);
}

TEST_F(ContactsTest, AfterNoAnswerAsksNobodyForTenSeconds) {
  client.follow([](const HttpCall&) -> Result<HttpReply> {
    return fail(Error::Code::Unavailable, "timed out");
  });
  EXPECT_EQ(find("u1"), "u1|u1||");
  for (int i = 0; i < 100; ++i) contacts->find("other" + std::to_string(i));
  EXPECT_EQ(client.calls().size(), 1U);
  client.follow([](const HttpCall&) { return HttpReply{200, R"({"fullname":"One"})"}; });
  now += seconds(10);
  EXPECT_EQ(find("u1"), "u1|One||");
}

TEST_F(ContactsTest, UsesASlowAnswerAndAsksNobodyForTenSeconds) {
  client.follow([this](const HttpCall&) {
    now += milliseconds(1001);
    return HttpReply{200, R"({"fullname":"One"})"};
  });
  EXPECT_EQ(find("u1"), "u1|One||");
  EXPECT_EQ(find("u2"), "u2|u2||");
  EXPECT_EQ(client.calls().size(), 1U);
}

TEST_F(ContactsTest, ForgetsThoseNotAskedForLongestWhenThereAreTooMany) {
  client.follow([](const HttpCall&) { return HttpReply{200, R"({"fullname":"X"})"}; });
  for (int i = 0; i < 10'000; ++i) contacts->find("u" + std::to_string(i));
  contacts->find("u0");
  contacts->find("one more");
  EXPECT_EQ(client.calls().size(), 10'001U);
  contacts->find("u0");
  EXPECT_EQ(client.calls().size(), 10'001U);
  contacts->find("u1");
  EXPECT_EQ(client.calls().size(), 10'002U);
}

}  // namespace
}  // namespace chat21::tests
