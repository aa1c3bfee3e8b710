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

}  // namespace
}  // namespace chat21::testing
