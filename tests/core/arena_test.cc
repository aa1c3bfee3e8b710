#include "chat21/arena.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace chat21 {
namespace {

TEST(Arena, KeepsEveryTextUntilItIsCleared) {
  Arena arena;
  std::vector<std::string_view> views;
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < 2000; ++i) {
    wanted.push_back(std::string(i, static_cast<char>('a' + i % 26)) + std::to_string(i));
    views.push_back(
        arena.join({std::string(i, static_cast<char>('a' + i % 26)), std::to_string(i)}));
  }
  EXPECT_TRUE(std::equal(views.begin(), views.end(), wanted.begin(), wanted.end()));
}

TEST(Arena, TakesTextsLargerThanABlock) {
  Arena arena;
  const std::string large(1U << 20U, 'x');
  const std::string_view before = arena.join({"before"});
  const std::string_view kept = arena.join({large, "y"});
  EXPECT_EQ(before, "before");
  EXPECT_EQ(kept, large + "y");
}

TEST(Arena, JoinsNothingToNothing) {
  Arena arena;
  EXPECT_EQ(arena.join({}), "");
  EXPECT_EQ(arena.join({"", ""}), "");
  EXPECT_EQ(arena.allocate(0).size(), 0U);
}

TEST(Arena, CountsWhatItHandedOut) {
  Arena arena;
  arena.join({"four"});
  const std::string large(1U << 20U, 'x');
  arena.join({large, "four"});
  EXPECT_EQ(arena.bytes(), large.size() + 8);
  arena.clear();
  EXPECT_EQ(arena.bytes(), 0U);
}

TEST(Arena, UsesTheSameBytesAgainAfterClear) {
  Arena arena;
  const char* first = arena.join({"one"}).data();
  arena.clear();
  EXPECT_EQ(arena.join({"two"}).data(), first);
}

}  // namespace
}  // namespace chat21
