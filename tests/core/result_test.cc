#include "chat21/result.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace chat21 {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(Error::Code::InvalidArgument, "odd");
  return number / 2;
}

TEST(Result, HoldsAValue) {
  const auto result = half(8);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 4);
}

TEST(Result, HoldsAnError) {
  const auto result = half(7);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Error::Code::InvalidArgument);
  EXPECT_EQ(result.error().message, "odd");
}

TEST(Result, GivesItsValueAway) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 5);
}

TEST(Result, ReachesIntoItsValue) {
  Result<std::string> result(std::string("abc"));
  EXPECT_EQ(result->size(), 3U);
}

TEST(Result, OfNothingIsGoodUnlessItFailed) {
  EXPECT_TRUE(Result<>());
  const Result<> failed = fail(Error::Code::Unavailable, "away");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "away");
}

}  // namespace
}  // namespace chat21
