// What those Transports promise in addition that can lose a connection.
#include <chrono>

#include "tests/contract/transport_contract.h"

namespace chat21::testing {
namespace {

const std::vector<Publish> kOut{{"out.a", "x"}};

TEST_P(LostConnection, ReportsALostConnectionAndGoesOn) {
  enter();
  ASSERT_TRUE(transport().receive(std::chrono::milliseconds(10)));  // connects
  world().disconnect();
  const auto published = transport().publish(kOut);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Error::Code::Unavailable);
  EXPECT_FALSE(published.error().message.empty());
  world().offer({"in.a", "after"});
  EXPECT_EQ(take(1)[0].body, "after");
}

TEST_P(LostConnection, CannotSettleWhatALostConnectionDelivered) {
  enter();
  world().offer({"in.a", "1"});
  const auto batch = receive_some();
  world().disconnect();
  ASSERT_FALSE(transport().publish(kOut));
  const std::vector<Settle> settled{{batch[0].tag, Outcome::Done}};
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto late = transport().settle(settled);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Error::Code::Unavailable);
    // Also once there is a new connection, whose tags must not be confused.
    if (attempt == 0) {
      EXPECT_TRUE(take(1)[0].redelivered);
    }
  }
}

TEST_P(LostConnection, HasRecoveredWhenAllWasOfferedAgain) {
  enter({.prefetch = 4});
  for (const auto* body : {"1", "2", "3", "4"}) world().offer({"in.a", body});
  std::vector<Delivery> batch = receive_some();
  while (batch.size() < 4) batch = receive_some();  // the others came a moment later
  settle({batch[0]});
  receive_until_settled(batch[0].tag);
  world().disconnect();
  world().offer({"in.a", "never out"});
  ASSERT_FALSE(transport().publish(kOut));
  EXPECT_FALSE(transport().recovered()) << "nothing was offered again";
  std::size_t again = 0;
  while (again < 3) {
    batch = receive_some();
    ASSERT_FALSE(batch.empty());
    again += batch.size();
    if (again < 3) {
      EXPECT_FALSE(transport().recovered());
    }
    settle(batch);
  }
  receive_until_recovered();
}

// There is no delivery then that tells.
TEST_P(LostConnection, HasRecoveredWhenNothingComesAfterwards) {
  enter();
  world().offer({"in.a", "1"});
  receive_some();
  world().disconnect();
  ASSERT_FALSE(transport().publish(kOut));
  EXPECT_FALSE(transport().recovered());
  EXPECT_TRUE(take(1)[0].redelivered);
  receive_until_recovered();
  const Tag settled = transport().settled_up_to();
  world().disconnect();
  ASSERT_FALSE(transport().publish(kOut));
  receive_until_recovered();
  EXPECT_GE(transport().settled_up_to(), settled) << "it never goes down";
}

TEST_P(LostConnection, ForgetsASettlementThatNobodyMayHaveHeardOf) {
  enter({.prefetch = 2});
  world().offer({"in.a", "1"});
  world().offer({"in.a", "2"});
  std::vector<Delivery> batch = receive_some();
  while (batch.size() < 2) batch = receive_some();  // the second came a moment later
  const Tag out = batch[0].tag;
  settle({batch[1]});
  world().disconnect();
  ASSERT_FALSE(transport().publish(kOut));
  EXPECT_FALSE(transport().recovered());
  EXPECT_LT(transport().settled_up_to(), out);
  batch = receive_some();
  EXPECT_EQ(batch.front().body, "1");
  EXPECT_LT(transport().settled_up_to(), batch.front().tag);
}

}  // namespace
}  // namespace chat21::testing
