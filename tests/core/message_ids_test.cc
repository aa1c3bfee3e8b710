#include "lib/core/message_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace chat21 {
namespace {

Time at(std::int64_t milliseconds) {
  return Time(std::chrono::milliseconds(milliseconds));
}

std::string next(MessageIds& ids, std::int64_t milliseconds) {
  const auto id = ids.next(at(milliseconds));
  return {id.data(), id.size()};
}

TEST(MessageIds, AreVersion7OfTheRfcsVariant) {
  MessageIds ids(1);
  constexpr std::string_view kHex = "[0-9a-f]";
  const auto digits = [&](int count) {
    std::string regex;
    while (count-- > 0) regex += kHex;
    return regex;
  };
  const std::string form =
      digits(8) + "-" + digits(4) + "-7" + digits(3) + "-[89ab]" + digits(3) + "-" + digits(12);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_THAT(next(ids, 1760000000000 + i), ::testing::MatchesRegex(form));
  }
}

TEST(MessageIds, CarryTheTime) {
  MessageIds ids(1);
  // The example of RFC 9562, appendix A.6.
  EXPECT_EQ(next(ids, 0x017F22E279B0).substr(0, 14), "017f22e2-79b0-");
  EXPECT_EQ(time_of_message_id("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), at(0x017F22E279B0));
}

TEST(MessageIds, GrowWithinAMillisecond) {
  MessageIds ids(1);
  std::string last;
  for (int i = 0; i < 10000; ++i) {
    const std::string id = next(ids, 1760000000000);
    EXPECT_GT(id, last);
    last = id;
  }
}

TEST(MessageIds, GrowWhenTheClockStepsBack) {
  MessageIds ids(1);
  const std::string before = next(ids, 1760000000000);
  const std::string after = next(ids, 1760000000000 - 3600000);
  EXPECT_GT(after, before);
  EXPECT_GT(next(ids, 1760000000001), after);
}

TEST(MessageIds, AreTheSameForTheSameSeed) {
  MessageIds one(42);
  MessageIds two(42);
  MessageIds other(43);
  EXPECT_EQ(next(one, 5), next(two, 5));
  EXPECT_NE(next(one, 5), next(other, 5));
}

TEST(MessageIds, TakeATimeBefore1970ForZero) {
  MessageIds ids(1);
  EXPECT_EQ(next(ids, -5).substr(0, 13), "00000000-0000");
}

TEST(MessageIds, OfAnotherKindHaveNoTime) {
  for (const std::string_view id :
       {"", "m1", "5b0d6c0e-6a0b-4f5c-9d0a-3c1e7f9d2a11", "017f22e2x79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g"}) {
    EXPECT_EQ(time_of_message_id(id), std::nullopt) << id;
  }
}

}  // namespace
}  // namespace chat21
