// What can be read over HTTP, and by whom.
#include <gmock/gmock.h>

#include "tests/api/world.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kEmpty = R"({"success":true,"result":[]})";
constexpr std::string_view kStoreAway = R"({"success":false,"err":"the store is away"})";

class Reading : public World {
 protected:
  // One millisecond apart, so that every order is the order of sending.
  void say(const std::string& from, const std::string& to, const std::string& text) {
    now += std::chrono::milliseconds(1);
    send(from, to, R"({"text":")" + text + R"("})");
  }
  void archive(const std::string& user, const std::string& conversation) {
    publish("apps.tilechat.users." + user + ".conversations." + conversation + ".archive", "{}");
  }
  std::vector<std::string> texts(const std::string& path) {
    return results(ask("GET", "/tilechat/ann" + path, as("ann")), "text");
  }
  std::string next(const server::HttpResponse& response) {
    const auto answer = json(response);
    return answer.HasMember("next") ? answer["next"].GetString() : "";
  }
};

// --- Conversations ----------------------------------------------------------------

TEST_F(Reading, ListsConversationsTheLatestFirst) {
  say("ann", "bob", "1");
  say("carol", "ann", "2");
  say("ann", "bob", "3");
  say("ann", "dave", "4");
  archive("ann", "dave");
  const auto response = ask("GET", "/tilechat/ann/conversations", as("ann"));
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(results(response, "conversWith"), ElementsAre("bob", "carol"));
  EXPECT_THAT(results(response, "last_message_text"), ElementsAre("3", "2"));
  const auto answer = json(response);
  EXPECT_TRUE(answer["success"].GetBool());
  EXPECT_FALSE(answer.HasMember("next"));
  EXPECT_EQ(answer["result"][0]["_id"].GetStringLength(), 24U);
}

TEST_F(Reading, ListsArchivedConversationsAtTwoAddresses) {
  say("ann", "bob", "1");
  say("ann", "carol", "2");
  archive("ann", "bob");
  EXPECT_THAT(texts("/conversations/archived"), ElementsAre("1"));
  EXPECT_THAT(texts("/archived_conversations"), ElementsAre("1"));
}

TEST_F(Reading, FindsOneConversationOrNone) {
  say("ann", "bob", "1");
  EXPECT_THAT(texts("/conversations/bob"), ElementsAre("1"));
  EXPECT_THAT(texts("/archived_conversations/bob"), IsEmpty());
  archive("ann", "bob");
  EXPECT_THAT(texts("/conversations/bob"), IsEmpty());
  EXPECT_THAT(texts("/archived_conversations/bob"), ElementsAre("1"));
  EXPECT_THAT(texts("/conversations/nobody"), IsEmpty());
  EXPECT_THAT(texts("/archived_conversations/nobody"), IsEmpty());
}

TEST_F(Reading, DoesNotBelieveAMessageThatCallsItselfArchived) {
  send("ann", "bob", R"({"text":"1","archived":true,"timelineOf":"eve"})");
  EXPECT_THAT(texts("/conversations/bob"), ElementsAre("1"));
  EXPECT_THAT(texts("/archived_conversations/bob"), IsEmpty());
}

TEST_F(Reading, IsForTheUserAndAdmins) {
  say("ann", "bob", "secret");
  for (const char* path :
       {"/conversations", "/conversations/archived", "/archived_conversations",
        "/conversations/bob", "/archived_conversations/bob", "/unread", "/groups", "/blocks"}) {
    const std::string target = std::string("/tilechat/ann") + path;
    const auto refused = ask("GET", target, as("bob"));
    EXPECT_EQ(refused.status, 401U) << path;
    EXPECT_THAT(refused.body, IsEmpty()) << path;
    EXPECT_EQ(ask("GET", target, as("ann")).status, 200U) << path;
    EXPECT_EQ(ask("GET", target, as_admin()).status, 200U) << path;
    const std::string elsewhere = token({.user = "root", .app = "other", .admin = true});
    EXPECT_EQ(ask("GET", target, elsewhere).status, 401U) << path;
  }
}

TEST_F(Reading, ListsAtMostTwoHundred) {
  for (int i = 0; i < 205; ++i) say("ann", "user" + std::to_string(i), std::to_string(i));
  EXPECT_EQ(texts("/conversations").size(), 200U);
  EXPECT_THAT(texts("/conversations?limit=2"), ElementsAre("204", "203"));
}

TEST_F(Reading, GoesOnWhereAnAnswerEnded) {
  for (int i = 0; i < 5; ++i) say("ann", "user" + std::to_string(i), std::to_string(i));
  for (const char* path : {"/conversations", "/archived_conversations"}) {
    std::vector<std::string> all;
    std::string cursor;
    std::size_t answers = 0;
    do {
      const std::string query = "?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor);
      const auto response = ask("GET", std::string("/tilechat/ann") + path + query, as("ann"));
      ASSERT_EQ(response.status, 200U) << response.body;
      for (auto& text : results(response, "text")) all.push_back(std::move(text));
      cursor = next(response);
      ASSERT_LE(++answers, 3U);
    } while (!cursor.empty());
    EXPECT_THAT(all, ElementsAre("4", "3", "2", "1", "0")) << path;
    for (int i = 0; i < 5; ++i) archive("ann", "user" + std::to_string(i));
  }
}

// --- Messages ---------------------------------------------------------------------

TEST_F(Reading, ListsMessagesTheNewestFirst) {
  say("ann", "bob", "1");
  say("bob", "ann", "2");
  say("ann", "carol", "other");
  const auto response = ask("GET", "/tilechat/ann/conversations/bob/messages", as("ann"));
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(results(response, "text"), ElementsAre("2", "1"));
  EXPECT_THAT(results(response, "timelineOf"), ElementsAre("ann", "ann"));
  const auto answer = json(response);
  EXPECT_EQ(answer["result"][0]["status"].GetInt(), 150);
  EXPECT_EQ(answer["result"][1]["status"].GetInt(), 100);
  EXPECT_EQ(answer["result"][0]["_id"].GetStringLength(), 24U);
}

TEST_F(Reading, GivesMessagesToTheirOwnerAlone) {
  say("ann", "bob", "secret");
  for (const auto& other : {as("bob"), as("eve"), as_admin()}) {
    const auto response = ask("GET", "/tilechat/ann/conversations/bob/messages", other);
    EXPECT_EQ(response.status, 401U);
    EXPECT_THAT(response.body, IsEmpty());
  }
}

TEST_F(Reading, GivesFieldsByteForByte) {
  send("ann", "bob", R"({"text":"é\u00e9\/","n":1.50e+3,"attributes":{ "a" : [1 ,2] }})");
  const auto response = ask("GET", "/tilechat/bob/conversations/ann/messages", as("bob"));
  EXPECT_THAT(response.body, HasSubstr(R"("text":"é\u00e9\/","n":1.50e+3,)"));
  EXPECT_THAT(response.body, HasSubstr(R"("attributes":{ "a" : [1 ,2] })"));
}

TEST_F(Reading, PagesThroughHistoryInBothDirections) {
  for (int i = 0; i < 6; ++i) say("ann", "bob", std::to_string(i));
  const std::string path = "/conversations/bob/messages";
  const auto ids = results(ask("GET", "/tilechat/ann" + path, as("ann")), "message_id");
  ASSERT_EQ(ids.size(), 6U);
  EXPECT_THAT(texts(path + "?limit=2"), ElementsAre("5", "4"));
  EXPECT_THAT(texts(path + "?limit=2&before=" + ids[1]), ElementsAre("3", "2"));
  EXPECT_THAT(texts(path + "?limit=2&after=" + ids[4]), ElementsAre("2", "3"));
  EXPECT_THAT(texts(path + "?after=" + ids[4] + "&before=" + ids[1]), ElementsAre("2", "3"));
  EXPECT_THAT(texts(path + "?before=" + ids[5]), IsEmpty());
  EXPECT_THAT(texts(path + "?after=" + ids[0]), IsEmpty());
  EXPECT_THAT(texts(path + "?before=not-an-id-of-ours"), ::testing::SizeIs(6));
}

TEST_F(Reading, GivesTheNewestTwoHundredMessages) {
  for (int i = 0; i < 203; ++i) say("ann", "bob", std::to_string(i));
  const auto all = texts("/conversations/bob/messages");
  EXPECT_EQ(all.size(), 200U);
  EXPECT_EQ(all.front(), "202");
  EXPECT_EQ(all.back(), "3");
}

// --- Unread, groups ---------------------------------------------------------------

TEST_F(Reading, CountsWhatIsNew) {
  EXPECT_EQ(ask("GET", "/tilechat/ann/unread", as("ann")).body,
            R"({"success":true,"result":{"conversations":0}})");
  say("bob", "ann", "1");
  say("carol", "ann", "2");
  say("dave", "ann", "3");
  archive("ann", "dave");
  publish("apps.tilechat.users.ann.conversations.bob.update", R"({"is_new":false})");
  EXPECT_EQ(ask("GET", "/tilechat/ann/unread", as("ann")).body,
            R"({"success":true,"result":{"conversations":1}})");
}

TEST_F(Reading, ListsTheGroupsOfAUser) {
  know_group("group-1", "bob", {"ann", "bob"});
  know_group("group-2", "bob", {"bob"});
  know_group("group-3", "ann", {"ann"});
  const auto first = ask("GET", "/tilechat/ann/groups?limit=1", as("ann"));
  EXPECT_THAT(results(first, "uid"), ElementsAre("group-1"));
  const auto second = ask("GET", "/tilechat/ann/groups?limit=1&cursor=" + next(first), as("ann"));
  EXPECT_THAT(results(second, "uid"), ElementsAre("group-3"));
  EXPECT_EQ(next(second), "");
  EXPECT_EQ(ask("GET", "/tilechat/eve/groups", as("eve")).body, kEmpty);
}

// --- Parameters -------------------------------------------------------------------

TEST_F(Reading, RefusesLimitsThatAreNone) {
  for (const char* path : {"/conversations", "/conversations/archived", "/archived_conversations",
                           "/conversations/bob/messages", "/groups", "/blocks"}) {
    for (const char* limit : {"0", "201", "-1", "", "1e2", "0x10", "1.5", " 1", "1%20", "+1",
                              "%2B1", "99999999999999999999999", "two", "1%00"}) {
      const auto response =
          ask("GET", std::string("/tilechat/ann") + path + "?limit=" + limit, as("ann"));
      EXPECT_EQ(response.status, 405U) << path << ' ' << limit;
      EXPECT_EQ(response.body, "limit is not a number from 1 to 200");
    }
    for (const char* limit : {"1", "200", "007"}) {
      const auto response =
          ask("GET", std::string("/tilechat/ann") + path + "?limit=" + limit, as("ann"));
      EXPECT_EQ(response.status, 200U) << path << ' ' << limit;
    }
  }
}

TEST_F(Reading, RefusesMessageIdsThatAreNone) {
  for (const char* name : {"before", "after"}) {
    for (const char* id : {"", "a.b", "%25", "$x", "a%00", "%ff", "%27%2a",
                           "0123456789012345678901234567890123456"}) {
      const auto response =
          ask("GET", std::string("/tilechat/ann/conversations/bob/messages?") + name + "=" + id,
              as("ann"));
      EXPECT_EQ(response.status, 405U) << name << ' ' << id;
      EXPECT_THAT(response.body, HasSubstr(std::string(name) + ": message id ")) << id;
    }
  }
}

TEST_F(Reading, RefusesCursorsThatAreNone) {
  for (const char* path : {"/conversations", "/archived_conversations", "/groups", "/blocks"}) {
    for (const char* cursor : {"", "%00", "%ff", "a.b", "%27*"}) {
      const auto response =
          ask("GET", std::string("/tilechat/ann") + path + "?cursor=" + cursor, as("ann"));
      EXPECT_EQ(response.status, 405U) << path << ' ' << cursor << ' ' << response.body;
      EXPECT_EQ(response.body, "cursor is not the next of an answer of this list");
    }
  }
}

// --- The store is away ------------------------------------------------------------

TEST_F(Reading, SaysThatTheStoreIsAwayAndLogsTheReason) {
  struct Case {
    std::string_view path;
    unsigned status;
  };
  store_away = true;
  for (const auto& [path, status] :
       {Case{"/conversations", 200}, Case{"/conversations/archived", 200},
        Case{"/archived_conversations", 501}, Case{"/conversations/bob", 501},
        Case{"/archived_conversations/bob", 501}, Case{"/conversations/bob/messages", 500},
        Case{"/unread", 503}, Case{"/groups", 503}, Case{"/blocks", 503},
        Case{"/blocks/bob", 503}}) {
    const auto response = ask("GET", "/tilechat/ann" + std::string(path), as("ann"));
    EXPECT_EQ(response.status, status) << path;
    EXPECT_EQ(response.body, kStoreAway) << path;
  }
  EXPECT_THAT(logged(), HasSubstr("disk on fire"));
  store_away = false;
  EXPECT_EQ(ask("GET", "/tilechat/ann/conversations", as("ann")).body, kEmpty);
}

}  // namespace
}  // namespace chat21::tests
