#include "server/http/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace chat21::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::string> segments(std::string_view target) {
  const auto parsed = parse_target(target);
  EXPECT_TRUE(parsed) << target;
  return parsed ? parsed->segments : std::vector<std::string>{"(refused)"};
}

std::vector<std::pair<std::string, std::string>> query(std::string_view target) {
  const auto parsed = parse_target(target);
  EXPECT_TRUE(parsed) << target;
  return parsed ? parsed->query : std::vector<std::pair<std::string, std::string>>{};
}

TEST(Target, IsTakenApart) {
  EXPECT_THAT(segments("/api/a%20b/"), ElementsAre("api", "a b"));
  EXPECT_THAT(segments("/api/a%20b"), ElementsAre("api", "a b"));
  EXPECT_THAT(segments("/"), IsEmpty());
}

TEST(Target, KeepsEmptySegmentsButTheLast) {
  EXPECT_THAT(segments("//"), ElementsAre(""));
  EXPECT_THAT(segments("//a"), ElementsAre("", "a"));
  EXPECT_THAT(segments("/a//b//"), ElementsAre("a", "", "b", ""));
}

TEST(Target, DoesNotClimb) {
  EXPECT_THAT(segments("/a/../b"), ElementsAre("a", "..", "b"));
  EXPECT_THAT(segments("/%2e%2e/"), ElementsAre(".."));
}

TEST(Target, DecodesOnceAndInsideOfItsSegment) {
  EXPECT_THAT(segments("/a%2Fb/c"), ElementsAre("a/b", "c"));
  EXPECT_THAT(segments("/a%3fb%23c?x"), ElementsAre("a?b#c"));
  EXPECT_THAT(segments("/%2541"), ElementsAre("%41"));
  EXPECT_THAT(segments("/a+b"), ElementsAre("a+b"));
  EXPECT_THAT(segments("/%00/"), ElementsAre(std::string(1, '\0')));
  EXPECT_THAT(segments("/%c3%A9/\xc3\xa9"), ElementsAre("\xc3\xa9", "\xc3\xa9"));
  EXPECT_THAT(segments("/%c0%af"), ElementsAre("\xc0\xaf")) << "overlong, for others to refuse";
}

TEST(Target, IsRefusedIfWronglyEncoded) {
  for (const auto* target : {"/%", "/a%", "/%4", "/%zz", "/%4g", "/%%41", "/a/%-1/b", "/% 41",
                             "/a?%", "/a?b=%zz", "/a?b=1&%4=2"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
}

TEST(Target, IsRefusedIfItIsNoPath) {
  for (const auto* target :
       {"", "*", "a", "host:443", "ftp://host/a", "http:/a", "?a=b", "#", "//host"}) {
    EXPECT_EQ(parse_target(target).has_value(), std::string_view(target) == "//host") << target;
  }
}

TEST(Target, MayHaveTheAbsoluteFormOfProxies) {
  EXPECT_THAT(segments("http://host:80/a/b?c=d"), ElementsAre("a", "b"));
  EXPECT_THAT(query("https://host/a/b?c=d"), ElementsAre(Pair("c", "d")));
  EXPECT_THAT(segments("http://host"), IsEmpty());
}

TEST(Target, HasParameters) {
  EXPECT_THAT(query("/a?b=1&c=&d&=e&&f=g=h"),
              ElementsAre(Pair("b", "1"), Pair("c", ""), Pair("d", ""), Pair("", "e"), Pair("", ""),
                          Pair("f", "g=h")));
  EXPECT_THAT(query("/a?b+c=d+e%2B%26%3D%20"), ElementsAre(Pair("b c", "d e+&= ")));
  EXPECT_THAT(query("/a?b/c?d"), ElementsAre(Pair("b/c?d", "")));
  EXPECT_THAT(query("/a?"), IsEmpty());
  EXPECT_THAT(query("/a#?b=c"), IsEmpty());
}

TEST(Target, GivesTheFirstOfARepeatedParameter) {
  const auto target = parse_target("/?a=1&a=2&b=3");
  ASSERT_TRUE(target);
  ASSERT_TRUE(target->parameter("a"));
  EXPECT_EQ(*target->parameter("a"), "1");
  EXPECT_EQ(target->parameter("c"), nullptr);
}

TEST(Target, HasNoMorePartsThanBytes) {
  const std::string slashes(16000, '/');
  EXPECT_EQ(segments(slashes).size(), slashes.size() - 1);
  EXPECT_EQ(query("/?" + std::string(16000, '&')).size(), 16000U);
}

}  // namespace
}  // namespace chat21::server
