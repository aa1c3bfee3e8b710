#include <chrono>
#include <gmock/gmock.h>
#include <numeric>
#include <set>
#include <utility>

#include "tests/contract/transport_contract.h"

namespace chat21::testing {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportContract);

std::vector<Delivery> TransportContract::receive_some() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    const auto received = transport().receive(std::chrono::milliseconds(500));
    if (!received) {
      EXPECT_EQ(received.error().code, Error::Code::Unavailable) << received.error().message;
    } else if (!received->empty()) {
      return {received->begin(), received->end()};
    }
  }
  ADD_FAILURE() << "nothing was delivered";
  return {};
}

void TransportContract::settle(const std::vector<Delivery>& deliveries) {
  std::vector<Settle> settled;
  for (const Delivery& delivery : deliveries) settled.push_back({delivery.tag, Outcome::Done});
  const auto done = transport().settle(settled);
  EXPECT_TRUE(done) << done.error().message;
}

std::vector<TransportContract::Received> TransportContract::take(std::size_t count) {
  std::vector<Received> taken;
  while (taken.size() < count) {
    const auto batch = receive_some();
    if (batch.empty()) break;
    for (const Delivery& delivery : batch) {
      taken.push_back({std::string(delivery.routing_key), std::string(delivery.body),
                       delivery.redelivered, delivery.omitted, delivery.tag});
    }
    settle(batch);
  }
  EXPECT_EQ(taken.size(), count);
  return taken;
}

void TransportContract::receive_until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it never knows";
    const auto received = transport().receive(std::chrono::milliseconds(10));
    if (!received) {
      EXPECT_EQ(received.error().code, Error::Code::Unavailable) << received.error().message;
    }
  }
}

void TransportContract::receive_until_settled(Tag up_to) {
  receive_until([&] { return transport().settled_up_to() >= up_to; });
  EXPECT_EQ(transport().settled_up_to(), up_to);
}

void TransportContract::receive_until_recovered() {
  receive_until([&] { return transport().recovered(); });
}

namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Message> numbered(const std::string& key, std::size_t count) {
  std::vector<Message> messages;
  for (std::size_t i = 0; i < count; ++i) messages.push_back({key, std::to_string(i)});
  return messages;
}

std::vector<Publish> publishes_of(const std::vector<Message>& messages) {
  std::vector<Publish> publishes;
  for (const Message& message : messages) publishes.push_back({message.routing_key, message.body});
  return publishes;
}

// Connects, in the case of a Transport that does.
void expect_nothing(Transport& transport) {
  const auto received = transport.receive(milliseconds(10));
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_THAT(*received, IsEmpty());
}

TEST_P(TransportContract, ReturnsNothingWhenNothingIsThere) {
  enter();
  expect_nothing(transport());
  const auto without_waiting = transport().receive(milliseconds(0));
  ASSERT_TRUE(without_waiting);
  EXPECT_THAT(*without_waiting, IsEmpty());
}

TEST_P(TransportContract, DeliversInOrderOfArrival) {
  enter();
  const auto offered = numbered("in.a", 500);
  for (const Message& message : offered) world().offer(message);
  std::vector<Message> taken;
  for (const auto& delivery : take(offered.size())) {
    taken.push_back({delivery.routing_key, delivery.body});
  }
  EXPECT_EQ(taken, offered);
  expect_nothing(transport());
}

TEST_P(TransportContract, DeliversWhatArrivesLater) {
  enter();
  expect_nothing(transport());
  world().offer({"in.late", "1"});
  EXPECT_EQ(take(1)[0].body, "1");
  world().offer({"in.late", "2"});
  EXPECT_EQ(take(1)[0].body, "2");
}

TEST_P(TransportContract, KeepsBytesWhileOtherThingsHappen) {
  enter();
  world().offer({"in.first", "kept"});
  const auto batch = receive_some();
  ASSERT_EQ(batch.size(), 1U);
  for (int i = 0; i < 50; ++i) world().offer({"in.more", std::string(1000, 'x')});
  const auto out = numbered("out.a", 50);
  ASSERT_TRUE(transport().publish(publishes_of(out)));
  EXPECT_THAT(messages_of(batch), ElementsAre(Message{"in.first", "kept"}));
  settle(batch);
  take(50);
}

TEST_P(TransportContract, NeverOffersASettledDeliveryAgain) {
  enter();
  world().offer({"in.a", "settled"});
  take(1);
  world().disconnect();
  world().offer({"in.a", "next"});
  // Redelivered or not: a broker may have sent it to a consumer that it did not yet
  // know to be gone.
  EXPECT_EQ(take(1)[0].body, "next");
  expect_nothing(transport());
}

TEST_P(TransportContract, OffersUnsettledDeliveriesAgainAndSaysSo) {
  enter({.prefetch = 3});
  for (const auto* body : {"1", "2", "3"}) world().offer({"in.a", body});
  auto batch = receive_some();
  // At least one is left unsettled, however many came at once.
  const auto first = batch.front();
  EXPECT_FALSE(first.redelivered);
  if (batch.size() > 1) settle({first});
  const std::size_t left = batch.size() > 1 ? 2 : 3;
  world().disconnect();
  const auto taken = take(left);
  EXPECT_EQ(taken.front().body, left == 2 ? "2" : "1");
  EXPECT_TRUE(taken.front().redelivered);
  EXPECT_EQ(taken.back().body, "3");
}

TEST_P(TransportContract, OffersADroppedBatchAgainWithoutLosingTheConnection) {
  enter({.prefetch = 3});
  for (const auto* body : {"1", "2", "3"}) world().offer({"in.a", body});
  std::vector<Delivery> batch = receive_some();
  while (batch.size() < 3) batch = receive_some();  // the others came a moment later
  const Tag dropped = batch[0].tag;
  settle({batch[1]});
  batch = receive_some();
  EXPECT_THAT(messages_of(batch), ElementsAre(Message{"in.a", "1"}, Message{"in.a", "3"}));
  EXPECT_EQ(batch[0].tag, dropped);
  EXPECT_TRUE(batch[0].redelivered);
  EXPECT_TRUE(batch[1].redelivered);
  settle(batch);
  expect_nothing(transport());
}

TEST_P(TransportContract, RefusesToSettleTwice) {
  enter();
  world().offer({"in.a", "1"});
  const auto batch = receive_some();
  settle(batch);
  const std::vector<Settle> settled{{batch[0].tag, Outcome::Done}};
  const auto again = transport().settle(settled);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Error::Code::Internal);
  // A slip of the caller; the connection does not suffer from it.
  world().offer({"in.a", "2"});
  EXPECT_FALSE(take(1)[0].redelivered);
}

TEST_P(TransportContract, NeverReusesATag) {
  enter();
  std::set<Tag> tags;
  for (int connection = 0; connection < 3; ++connection) {
    for (int i = 0; i < 3; ++i) world().offer({"in.a", "x"});
    for (const auto& delivery : take(3)) EXPECT_TRUE(tags.insert(delivery.tag).second);
    world().disconnect();
  }
}

TEST_P(TransportContract, SettlesABatchInParts) {
  enter();
  for (const Message& message : numbered("in.a", 20)) world().offer(message);
  std::size_t settled = 0;
  while (settled < 20) {
    const auto batch = receive_some();
    ASSERT_FALSE(batch.empty());
    for (const Delivery& delivery : batch) settle({delivery});
    settled += batch.size();
  }
  world().disconnect();
  world().offer({"in.a", "the last"});
  EXPECT_EQ(take(1)[0].body, "the last");
}

TEST_P(TransportContract, DoesNotLoseADeliveryThatIsSettledLate) {
  enter({.prefetch = 2});
  world().offer({"in.a", "1"});
  world().offer({"in.a", "2"});
  auto batch = receive_some();
  while (batch.size() == 1) batch = receive_some();  // the second came a moment later
  ASSERT_EQ(batch.size(), 2U);
  settle({batch[1]});
  world().disconnect();
  EXPECT_EQ(receive_some().front().body, "1");
}

TEST_P(TransportContract, KnowsInTheEndWhatTheOtherSideHasHeard) {
  enter({.prefetch = 3});
  EXPECT_EQ(transport().settled_up_to(), 0U);
  for (const auto* body : {"1", "2", "3"}) world().offer({"in.a", body});
  std::vector<Delivery> batch = receive_some();
  while (batch.size() < 3) batch = receive_some();  // the others came a moment later
  EXPECT_EQ(transport().settled_up_to(), 0U) << "received is not settled";
  settle({batch[0]});
  receive_until_settled(batch[0].tag);
  settle({batch[2]});
  ASSERT_TRUE(transport().receive(milliseconds(50)));
  EXPECT_EQ(transport().settled_up_to(), batch[0].tag) << "not past one that is not settled";
  settle({batch[1]});
  receive_until_settled(batch[2].tag);
}

TEST_P(TransportContract, SaysNothingOfASettlementThatCanBeForgotten) {
  enter();
  Tag last = 0;
  for (int round = 0; round < 30; ++round) {
    world().offer({"in.a", std::to_string(round)});
    const auto batch = receive_some();
    ASSERT_EQ(batch.size(), 1U);
    EXPECT_LE(transport().settled_up_to(), last);
    EXPECT_GE(batch.front().tag, transport().settled_up_to());
    settle(batch);
    const Tag known = transport().settled_up_to();
    last = batch.front().tag;
    EXPECT_LE(known, last);
    ASSERT_TRUE(transport().receive(milliseconds(0)));
    EXPECT_GE(transport().settled_up_to(), known) << "it never goes down";
  }
  receive_until_settled(last);
}

TEST_P(TransportContract, HasRecoveredWhenNothingWasOut) {
  enter();
  receive_until_recovered();
  world().offer({"in.a", "1"});
  take(1);
  EXPECT_TRUE(transport().recovered());
}

TEST_P(TransportContract, SettlesAndPublishesNothing) {
  enter();
  expect_nothing(transport());
  EXPECT_TRUE(transport().settle({}));
  EXPECT_TRUE(transport().publish({}));
  EXPECT_THAT(world().published(), IsEmpty());
}

TEST_P(TransportContract, HandsOutAtMostPrefetch) {
  enter({.prefetch = 3});
  for (const Message& message : numbered("in.a", 10)) world().offer(message);
  std::size_t taken = 0;
  while (taken < 10) {
    const auto batch = receive_some();
    ASSERT_FALSE(batch.empty());
    EXPECT_LE(batch.size(), 3U);
    taken += batch.size();
    settle(batch);
  }
}

TEST_P(TransportContract, PublishesInOrder) {
  enter();
  expect_nothing(transport());
  const auto out = numbered("out.b", 2500);
  const auto published = transport().publish(publishes_of(out));
  ASSERT_TRUE(published) << published.error().message;
  EXPECT_EQ(world().published(), out);
}

TEST_P(TransportContract, PublishesAnyBytes) {
  enter();
  expect_nothing(transport());
  std::string all_bytes(256, '\0');
  std::iota(all_bytes.begin(), all_bytes.end(), '\0');
  const std::vector<Message> out{
      {"out.empty", ""}, {"out.binary", all_bytes}, {"out.large", std::string(1U << 20U, 'x')}};
  const auto published = transport().publish(publishes_of(out));
  ASSERT_TRUE(published) << published.error().message;
  EXPECT_EQ(world().published(), out);
}

TEST_P(TransportContract, PublishesWhatNobodyWants) {
  enter();
  expect_nothing(transport());
  const std::vector<Message> out{{"nobody.listens", "x"}, {"out.a", "y"}};
  ASSERT_TRUE(transport().publish(publishes_of(out)));
  const auto kept = world().published();
  ASSERT_FALSE(kept.empty());
  EXPECT_EQ(kept.back(), out.back());
}

TEST_P(TransportContract, PublishesAKeyOf255BytesButNone256BytesLong) {
  enter();
  expect_nothing(transport());
  const std::vector<Message> longest{{"out." + std::string(251, 'k'), "x"}};
  ASSERT_TRUE(transport().publish(publishes_of(longest)));
  EXPECT_EQ(world().published(), longest);

  const std::vector<Message> with_longer{{"out.a", "x"}, {"out." + std::string(252, 'k'), "x"}};
  const auto refused = transport().publish(publishes_of(with_longer));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Error::Code::InvalidArgument);
  EXPECT_THAT(world().published(), IsEmpty()) << "all or nothing";
  EXPECT_TRUE(transport().publish(publishes_of(longest))) << "it is no fault of the connection";
}

TEST_P(TransportContract, DeliversAnyBytes) {
  enter();
  std::string all_bytes(256, '\0');
  std::iota(all_bytes.begin(), all_bytes.end(), '\0');
  const std::vector<Message> offered{
      {"in.empty", ""},
      {"in.binary", all_bytes},
      {"in." + std::string(252, 'k'), "a key of 255 bytes"},
      {"in.large", std::string(400000, 'x')},
      {"in.after", "small again"},
  };
  for (const Message& message : offered) world().offer(message);
  std::vector<Message> taken;
  for (const auto& delivery : take(offered.size())) {
    taken.push_back({delivery.routing_key, delivery.body});
    EXPECT_EQ(delivery.omitted, 0U);
  }
  EXPECT_EQ(taken, offered);
}

TEST_P(TransportContract, CutsABodyThatIsTooLarge) {
  enter({.max_body_bytes = 1000});
  const std::string large(300000, 'x');
  for (const std::size_t size : {999U, 1000U, 1001U, 300000U, 5U}) {
    world().offer({"in.a", large.substr(0, size)});
  }
  const auto taken = take(5);
  ASSERT_EQ(taken.size(), 5U);
  EXPECT_EQ(taken[0].omitted, 0U);
  EXPECT_EQ(taken[1].omitted, 0U);
  EXPECT_EQ(taken[2].omitted, 1U);
  EXPECT_EQ(taken[3].omitted, 299000U);
  EXPECT_EQ(taken[3].body, large.substr(0, 1000));
  EXPECT_EQ(taken[4].omitted, 0U);
  EXPECT_EQ(taken[4].body, "xxxxx");
}

}  // namespace
}  // namespace chat21::testing
