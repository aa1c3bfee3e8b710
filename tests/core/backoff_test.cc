#include "chat21/backoff.h"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>

namespace chat21 {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, GrowsToItsCapAndStartsAgain) {
  Backoff backoff(milliseconds(1000), 7);
  milliseconds longest(0);
  for (int bound : {100, 200, 400, 800, 1000, 1000, 1000}) {
    const auto wait = backoff.next();
    EXPECT_GE(wait, milliseconds(1));
    EXPECT_LE(wait, milliseconds(bound));
  }
  for (int i = 0; i < 100; ++i) longest = std::max(longest, backoff.next());
  EXPECT_GT(longest, milliseconds(500));
  backoff.lasted(milliseconds(1000));
  EXPECT_LE(backoff.next(), milliseconds(100));
  EXPECT_LE(Backoff(milliseconds(5), 7).next(), milliseconds(5));
}

TEST(Backoff, GrowsOnWhenConnectionsDoNotLast) {
  Backoff backoff(milliseconds(1000), 7);
  milliseconds longest(0);
  for (int i = 0; i < 100; ++i) {
    longest = std::max(longest, backoff.next());
    backoff.lasted(milliseconds(999));
  }
  EXPECT_GT(longest, milliseconds(500));
}

}  // namespace
}  // namespace chat21
