#include "lib/mosquitto/log_limit.h"

#include <gtest/gtest.h>

namespace chat21::mosquitto {
namespace {

using namespace std::chrono_literals;

constexpr auto kNow = std::chrono::sys_seconds(1'700'000'000s);

TEST(LogLimit, LetsAFewLinesASecondThroughAndCountsTheRest) {
  LogLimit limit(2);
  EXPECT_TRUE(limit.pass(kNow));
  EXPECT_TRUE(limit.pass(kNow));
  EXPECT_FALSE(limit.pass(kNow));
  EXPECT_FALSE(limit.pass(kNow));
  EXPECT_EQ(limit.take_left_out(kNow), 0U) << "once a second is enough";
  EXPECT_EQ(limit.take_left_out(kNow + 1s), 2U);
  EXPECT_EQ(limit.take_left_out(kNow + 1s), 0U);
  EXPECT_TRUE(limit.pass(kNow + 1s));
}

TEST(LogLimit, CountsOverSecondsUntilSomebodyAsks) {
  LogLimit limit(1);
  for (const auto second : {0s, 1s, 2s}) {
    EXPECT_TRUE(limit.pass(kNow + second));
    EXPECT_FALSE(limit.pass(kNow + second));
  }
  EXPECT_EQ(limit.take_left_out(kNow + 3s), 3U);
}

}  // namespace
}  // namespace chat21::mosquitto
