// Rights without a broker. What RabbitMQ says to the same table: scopes_at_broker_test.cc.
#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

#include "tests/token/scope_cases.h"

namespace chat21::tests {
namespace {

Rights rights(const std::vector<std::string>& scopes) {
  return {scopes, "rabbitmq"};
}

TEST(Rights, AllowWhatTheTableSays) {
  for (const ScopeCase& one : scope_cases()) {
    EXPECT_EQ(allowed_by(rights(one.scopes), one), one.allowed) << describe(one);
  }
}

TEST(Rights, AreNoneAtFirst) {
  const Rights none;
  EXPECT_FALSE(none.connect());
  EXPECT_FALSE(none.allow(Permission::Read, ""));
  EXPECT_FALSE(none.allow(Permission::Write, "a"));
}

TEST(Rights, ToConfigureAreTheirOwn) {
  const Rights only = rights({"rabbitmq.configure:*/*/a.*"});
  EXPECT_TRUE(only.allow(Permission::Configure, "a.b"));
  EXPECT_FALSE(only.allow(Permission::Configure, "b"));
  EXPECT_FALSE(only.allow(Permission::Read, "a.b"));
  EXPECT_FALSE(only.allow(Permission::Write, "a.b"));
}

// No MQTT client can ask for these topics.
TEST(Rights, KnowTheEmptyTopicAndAnyByte) {
  const auto may_write = [](const std::string& pattern, std::string_view topic) {
    return rights({"rabbitmq.write:*/*/" + pattern}).allow(Permission::Write, topic);
  };
  EXPECT_TRUE(may_write("", ""));
  EXPECT_TRUE(may_write("*", ""));
  EXPECT_FALSE(may_write("**", ""));
  EXPECT_FALSE(may_write("a", ""));
  EXPECT_TRUE(may_write("a%00*", std::string_view("a\0b", 3)));
  EXPECT_FALSE(may_write("a", std::string_view("a\0b", 3)));
  EXPECT_TRUE(may_write("%ff*", "\xff\xfe"));
}

TEST(Rights, AreThoseOfTheirAudience) {
  const std::vector<std::string> scopes = {"chat.one.write:*/*/a", "chat.read:*/*/a"};
  EXPECT_TRUE(Rights(scopes, "chat.one").allow(Permission::Write, "a"));
  EXPECT_FALSE(Rights(scopes, "chat.one").allow(Permission::Read, "a"));
  EXPECT_TRUE(Rights(scopes, "chat").allow(Permission::Read, "a"));
  EXPECT_FALSE(Rights(scopes, "chat").allow(Permission::Write, "a"));
  EXPECT_FALSE(Rights(scopes, "").connect());
}

// Backtracking would not end within anybody's life, and a naive search would be slow.
TEST(Rights, EndWithAnyPattern) {
  std::string stars;
  for (int i = 0; i < 1000; ++i) stars += "a*";
  const std::string topic(65535, 'a');
  EXPECT_FALSE(rights({"rabbitmq.write:*/*/" + stars + "b"}).allow(Permission::Write, topic));
  EXPECT_TRUE(rights({"rabbitmq.write:*/*/" + stars}).allow(Permission::Write, topic));
  const std::string nearly = std::string(4000, 'a') + "b";
  EXPECT_FALSE(rights({"rabbitmq.write:*/*/*" + nearly}).allow(Permission::Write, topic));
}

TEST(ScopeCases, AreManyAndOfBothKinds) {
  std::set<std::string> all;
  for (const ScopeCase& one : scope_cases()) all.insert(describe(one));
  EXPECT_EQ(all.size(), scope_cases().size()) << "one is there twice";
  EXPECT_GE(all.size(), 100U);
  const auto allowed = std::count_if(scope_cases().begin(), scope_cases().end(),
                                     [](const ScopeCase& one) { return one.allowed; });
  EXPECT_GE(allowed, 40);
  EXPECT_GE(std::ssize(scope_cases()) - allowed, 40);
}

}  // namespace
}  // namespace chat21::tests
