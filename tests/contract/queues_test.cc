// Which keys the queues of an observer take: all that it has to process, and nothing
// that it publishes, which would come back to it.
#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/rabbitmq.h"
#include "chat21/router.h"
#include "chat21/topic.h"

namespace chat21 {
namespace {

std::vector<std::string_view> levels_of(std::string_view key) {
  std::vector<std::string_view> levels;
  while (true) {
    const std::size_t dot = key.find('.');
    levels.push_back(key.substr(0, dot));
    if (dot == std::string_view::npos) return levels;
    key.remove_prefix(dot + 1);
  }
}

using Levels = std::span<const std::string_view>;

// Topics of AMQP 0-9-1 (§3.1.3.3): * is one level, # any number of them.
bool matches(Levels pattern, Levels key) {
  if (pattern.empty()) return key.empty();
  if (pattern.front() == "#") {
    return matches(pattern.subspan(1), key) || (!key.empty() && matches(pattern, key.subspan(1)));
  }
  return !key.empty() && (pattern.front() == "*" || pattern.front() == key.front()) &&
         matches(pattern.subspan(1), key.subspan(1));
}

bool takes(const RabbitmqOptions::Queue& queue, std::string_view key) {
  const auto levels = levels_of(key);
  return std::any_of(queue.bindings.begin(), queue.bindings.end(), [&](const std::string& pattern) {
    return matches(levels_of(pattern), levels);
  });
}

bool consumed(std::string_view key) {
  return takes(messages_queue("a"), key) || takes(persist_queue("a"), key);
}

constexpr std::array kForms = {Form::Current, Form::Legacy, Form::Readme, Form::ReadmeSlash};

TEST(Pattern, MatchesAsABrokerDoes) {
  struct Case {
    std::string_view pattern, key;
    bool match;
  };
  for (const auto& [pattern, key, match] :
       {Case{"a.b", "a.b", true}, Case{"a.b", "a", false}, Case{"a.*", "a.b", true},
        Case{"a.*", "a", false}, Case{"a.*", "a.b.c", false}, Case{"a.*", "a.", true},
        Case{"a.#", "a", true}, Case{"a.#.c", "a.c", true}, Case{"a.#.c", "a.b.b.c", true},
        Case{"a.#.c", "a.c.b", false}, Case{"#", "", true}, Case{".a", "a", false}}) {
    EXPECT_EQ(matches(levels_of(pattern), levels_of(key)), match) << pattern << " and " << key;
  }
}

TEST(Queues, TakeWhatAnObserverProcesses) {
  Arena arena;
  const auto messages = messages_queue("a");
  for (const Form form : kForms) {
    EXPECT_TRUE(takes(messages, outgoing_key(arena, "a", "me", "to", form)));
  }
  for (const std::string_view key :
       {receipt_key(arena, "a", "me", "to", "m1"), conversation_patch_key(arena, "a", "me", "to"),
        archive_key(arena, "a", "me", "to"), presence_key(arena, "a", "me", "c1"),
        delivered_key(arena, "a", "me", "to")}) {
    EXPECT_TRUE(takes(messages, key)) << key;
  }
  EXPECT_TRUE(takes(persist_queue("a"), persist_key(arena, "a", "me", "to")));
}

TEST(Queues, TakeTheOrdersOfServicesIntoOneQueue) {
  Arena arena;
  for (auto kind = static_cast<int>(Topic::Kind::GroupUpdate);
       kind <= static_cast<int>(Topic::Kind::Fence); ++kind) {
    const auto key = order_key(arena, "a", static_cast<Topic::Kind>(kind));
    EXPECT_TRUE(takes(messages_queue("a"), key)) << key;
    EXPECT_FALSE(takes(persist_queue("a"), key)) << key;
    EXPECT_FALSE(takes(messages_queue("b"), key)) << key;
  }
}

// Ids that look like levels of the protocol are allowed, and the worst.
constexpr std::array<std::string_view, 14> kIds = {
    "u1",        "update",   "archive",   "outgoing", "messages", "presence", "users",
    "delivered", "observer", "group-api", "apps",     "persist",  "a",        "conversations"};

TEST(Queues, TakeNothingThatAnObserverPublishes) {
  Arena arena;
  for (const std::string_view x : kIds) {
    for (const std::string_view y : kIds) {
      for (const std::string_view key :
           {conversation_updated_key(arena, "a", x, y), conversation_deleted_key(arena, "a", x, y),
            archived_conversation_added_key(arena, "a", x, y), group_updated_key(arena, "a", x, y),
            rejected_key(arena, x)}) {
        EXPECT_FALSE(consumed(key)) << key;
      }
      for (const Form form : kForms) {
        EXPECT_FALSE(consumed(message_added_key(arena, "a", x, y, form)));
      }
      for (const std::string_view id : kIds) {
        EXPECT_FALSE(consumed(message_updated_key(arena, "a", x, y, id)));
      }
    }
  }
}

// A token may be any word; the Router refuses those with which the answer would come back.
TEST(Queues, TakeNoAnswerToAFence) {
  for (const std::string_view inbox : kIds) {
    for (const std::string_view token : kIds) {
      const std::string body =
          R"({"inbox":")" + std::string(inbox) + R"(","token":")" + std::string(token) + "\"}";
      const Delivery fence{.tag = 1, .routing_key = "apps.observer.a.api.fence", .body = body};
      Effects effects;
      ASSERT_EQ(Router({.seed = 1}).route({&fence, 1}, {}, Time{}, effects), 1U);
      ASSERT_EQ(effects.publishes.size(), 1U);
      EXPECT_FALSE(consumed(effects.publishes.front().routing_key)) << body;
    }
  }
}

// Keys near the bindings: their stars filled with words of the protocol, and a level or
// two changed.
class NearKeys {
 public:
  std::string next() {
    std::vector<std::string> levels;
    for (const std::string_view level : levels_of(pick(patterns_))) {
      if (level == "#") {
        for (std::size_t more = below(4); more > 0; --more) levels.push_back(word());
      } else {
        levels.push_back(level == "*" ? word() : std::string(level));
      }
    }
    for (std::size_t changes = below(3); changes > 0; --changes) change(levels);
    std::string key;
    for (const std::string& level : levels) key += key.empty() ? level : '.' + level;
    return below(8) == 0 ? '.' + key : key;
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }
  const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }
  std::string word() { return pick(words_); }
  void change(std::vector<std::string>& levels) {
    const auto at = static_cast<std::ptrdiff_t>(below(levels.size()));
    switch (below(3)) {
      case 0:
        levels[static_cast<std::size_t>(at)] = word();
        break;
      case 1:
        levels.insert(levels.begin() + at, word());
        break;
      default:
        if (levels.size() > 1) levels.erase(levels.begin() + at);
    }
  }

  std::mt19937 random_{21};
  std::vector<std::string> words_ = {"u1",      "",         "a",        "b",         "apps",
                                     "users",   "observer", "messages", "outgoing",  "update",
                                     "archive", "presence", "groups",   "delivered", "persist"};
  std::vector<std::string> patterns_ = [] {
    auto all = messages_queue("a").bindings;
    const auto more = persist_queue("a").bindings;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
};

TEST(Queues, AgreeWithTheRuleForBrokersWithoutQueues) {
  NearKeys keys;
  int taken = 0;
  constexpr int kTries = 20000;
  for (int i = 0; i < kTries; ++i) {
    const std::string key = keys.next();
    EXPECT_EQ(is_for_observer("a", key), consumed(key)) << key;
    taken += consumed(key) ? 1 : 0;
  }
  EXPECT_GT(taken, kTries / 10) << "too few keys that the queues take";
  EXPECT_LT(taken, kTries * 9 / 10) << "too few keys that they do not take";
}

TEST(Queues, TakeUpdatesThatNobodyKnowsSoThatTheyAreRejectedVisibly) {
  EXPECT_TRUE(is_for_observer("a", "apps.a.users.me.groups.update"));
  EXPECT_TRUE(is_for_observer("a", "apps.a.users.update"));
  EXPECT_FALSE(is_for_observer("a", "apps.b.users.me.groups.update"));
  EXPECT_FALSE(is_for_observer("a", "apps.ab.users.me.groups.update"));
}

}  // namespace
}  // namespace chat21
