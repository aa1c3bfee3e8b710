// The mailbox beyond what every Transport does: turns, limits, who waits for whom.
#include "lib/mosquitto/mailbox.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

namespace chat21::mosquitto {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr milliseconds kLong{60'000};  // longer than any test lasts

const Error kDiskFull = fail(Error::Code::Unavailable, "the disk is full");

std::vector<std::string> bodies(const Result<std::span<const Delivery>>& received) {
  std::vector<std::string> bodies;
  for (const Delivery& delivery : *received) bodies.emplace_back(delivery.body);
  return bodies;
}

void settle_all(Mailbox& mailbox, std::span<const Delivery> deliveries) {
  std::vector<Settle> settled;
  for (const Delivery& delivery : deliveries) settled.push_back({delivery.tag, Outcome::Done});
  ASSERT_TRUE(mailbox.settle(settled));
}

// The thread of the observer: carries out all that comes until the mailbox is finished.
class Observing {
 public:
  using Work = std::function<void(std::span<const Delivery>)>;
  Observing(
      Mailbox& mailbox, Work work = [](auto) {})
      : mailbox_(mailbox), thread_([this, work = std::move(work)] {
          while (!mailbox_.finished()) {
            const auto received = mailbox_.receive(kLong);
            work(*received);
            settle_all(mailbox_, *received);
          }
        }) {}
  ~Observing() {
    mailbox_.close(steady_clock::now() + kLong);
    thread_.join();
  }

 private:
  Mailbox& mailbox_;
  std::thread thread_;
};

std::size_t taken_by(Mailbox& mailbox) {
  std::vector<Outgoing> taken;
  mailbox.take(taken);
  return taken.size();
}

// --- Turns --------------------------------------------------------------------

TEST(Mailbox, MakesOneBatchOfATurn) {
  Mailbox mailbox({});
  for (const char* body : {"1", "2", "3"}) ASSERT_TRUE(mailbox.put("in", body));
  EXPECT_THAT(bodies(mailbox.receive(milliseconds(0))), IsEmpty()) << "the turn has not ended";
  mailbox.flush();
  const auto batch = mailbox.receive(milliseconds(0));
  EXPECT_THAT(bodies(batch), ElementsAre("1", "2", "3"));
  settle_all(mailbox, *batch);
  EXPECT_EQ(mailbox.batches(), 1U);
}

TEST(Mailbox, CollectsTurnsWhileTheObserverWorks) {
  Mailbox mailbox({});
  for (const char* body : {"1", "2", "3"}) {
    ASSERT_TRUE(mailbox.put("in", body));
    mailbox.flush();
  }
  EXPECT_THAT(bodies(mailbox.receive(milliseconds(0))), ElementsAre("1", "2", "3"));
  EXPECT_EQ(mailbox.batches(), 1U);
}

TEST(Mailbox, BoundsABatchByItsBytes) {
  Mailbox mailbox({.prefetch_bytes = 100});
  const std::string large(60, 'x');
  const std::string huge(600, 'x');
  for (const auto& body : {large, large, huge, large}) ASSERT_TRUE(mailbox.put("in", body));
  mailbox.flush();
  for (const auto& expected : {large, large, huge, large}) {
    const auto batch = mailbox.receive(milliseconds(0));
    EXPECT_THAT(bodies(batch), ElementsAre(expected));
    settle_all(mailbox, *batch);
  }
}

TEST(Mailbox, KeepsBytesOfADeliveryWhileOthersAreSettled) {
  Mailbox mailbox({});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(mailbox.put("in", "body " + std::to_string(i)));
  mailbox.flush();
  const auto batch = mailbox.receive(milliseconds(0));
  const std::vector<Delivery> lent(batch->begin(), batch->end());
  for (std::size_t i = 0; i < 100; i += 2) settle_all(mailbox, {&lent[i], 1});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(mailbox.put("in", "other " + std::to_string(i)));
  for (std::size_t i = 1; i < 100; i += 2) EXPECT_EQ(lent[i].body, "body " + std::to_string(i));
}

// --- Waking -------------------------------------------------------------------

TEST(Mailbox, WakesAgainUntilItsMessagesAreTaken) {
  std::atomic<std::uint64_t> wakes = 0;
  Mailbox mailbox({.wake = [&wakes] {
    ++wakes;
    wakes.notify_one();
  }});
  Observing observing(mailbox, [&mailbox](std::span<const Delivery> deliveries) {
    for (const Delivery& delivery : deliveries) {
      const Publish publish[] = {{"out.x", delivery.body}};
      ASSERT_TRUE(mailbox.publish(publish));
    }
  });
  ASSERT_TRUE(mailbox.put("in", "1"));
  mailbox.flush();
  for (std::uint64_t seen = 0; seen < 5; seen = wakes) wakes.wait(seen);
  EXPECT_EQ(taken_by(mailbox), 1U);
}

TEST(Mailbox, DoesNotWakeForNothing) {
  int wakes = 0;
  Mailbox mailbox({.wake = [&wakes] { ++wakes; }});
  ASSERT_TRUE(mailbox.receive(milliseconds(20)));
  ASSERT_TRUE(mailbox.publish({}));
  EXPECT_EQ(wakes, 0);
}

TEST(Mailbox, NamesTopicsAsMqttDoes) {
  Mailbox mailbox({});
  const Publish publishes[] = {{".apps.x.users.ada", "1"}, {"plain", ""}};
  ASSERT_TRUE(mailbox.publish(publishes));
  std::vector<Outgoing> taken;
  mailbox.take(taken);
  ASSERT_THAT(taken, SizeIs(2));
  EXPECT_EQ(taken[0].topic, "/apps/x/users/ada");
  EXPECT_EQ(taken[1].topic, "plain");
  EXPECT_EQ(taken[1].size, 0U);
  EXPECT_NE(taken[1].body, nullptr);
}

// --- Limits -------------------------------------------------------------------

TEST(Mailbox, WaitsForRoomAsLongAsItHasPatience) {
  Mailbox mailbox({.max_pending = 2, .patience = milliseconds(20)});
  ASSERT_TRUE(mailbox.put("in", "1"));
  ASSERT_TRUE(mailbox.put("in", "2"));
  const auto start = steady_clock::now();
  const auto refused = mailbox.put("in", "3");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Error::Code::Unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("no message was stored within 20 ms"));
  EXPECT_GE(steady_clock::now() - start, milliseconds(20));
  EXPECT_TRUE(mailbox.outage());
  const auto batch = mailbox.receive(milliseconds(0));
  EXPECT_THAT(bodies(batch), ElementsAre("1", "2"));
}

TEST(Mailbox, RefusesAtOnceAfterItHasLostPatience) {
  Mailbox mailbox({.max_pending = 1, .patience = milliseconds(20)});
  ASSERT_TRUE(mailbox.put("in", "1"));
  ASSERT_FALSE(mailbox.put("in", "2"));
  settle_all(mailbox, *mailbox.receive(milliseconds(0)));
  EXPECT_FALSE(mailbox.put("in", "3")) << "until the observer says that it works";
  mailbox.end_outage();
  EXPECT_TRUE(mailbox.put("in", "3"));
}

TEST(Mailbox, TakesMoreAsSoonAsThereIsRoom) {
  Mailbox mailbox({.max_pending = 1, .patience = kLong});
  Observing observing(mailbox);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(mailbox.put("in", "x"));
}

TEST(Mailbox, CountsBytesOfWhatIsPending) {
  Mailbox mailbox({.max_pending_bytes = 1000, .patience = milliseconds(20)});
  ASSERT_TRUE(mailbox.put("in", std::string(5000, 'x'))) << "one is always taken";
  mailbox.flush();
  settle_all(mailbox, *mailbox.receive(milliseconds(0)));
  ASSERT_TRUE(mailbox.put("in", std::string(990, 'x')));
  ASSERT_TRUE(mailbox.put("in", std::string(990, 'x')));
  EXPECT_FALSE(mailbox.put("in", ""));
}

TEST(Mailbox, TheObserverWaitsUntilItsMessagesAreTaken) {
  Mailbox mailbox({.max_outgoing_bytes = 10});
  const Publish publishes[] = {{"out", "0123456789"}};
  auto published = std::async(std::launch::async, [&] { return mailbox.publish(publishes); });
  EXPECT_EQ(published.wait_for(milliseconds(20)), std::future_status::timeout);
  while (taken_by(mailbox) == 0) std::this_thread::yield();
  EXPECT_TRUE(published.get());
}

TEST(Mailbox, TakesMoreThanTheLimitInsteadOfFreeingTheObserver) {
  std::atomic<std::uint64_t> wakes = 0;
  Mailbox mailbox({.max_pending = 1, .max_outgoing_bytes = 1, .patience = kLong, .wake = [&wakes] {
                     ++wakes;
                     wakes.notify_one();
                   }});
  const Publish publishes[] = {{"out", "x"}};
  auto published = std::async(std::launch::async, [&] { return mailbox.publish(publishes); });
  // The second one it calls while it waits.
  for (std::uint64_t seen = 0; seen < 2; seen = wakes) wakes.wait(seen);
  for (const char* body : {"1", "2", "3"}) EXPECT_TRUE(mailbox.put("in", body));
  EXPECT_EQ(published.wait_for(milliseconds(0)), std::future_status::timeout);
  EXPECT_EQ(taken_by(mailbox), 1U);
  EXPECT_TRUE(published.get());
}

// Each thread would wait for the other.
TEST(Mailbox, TakesMoreThanTheLimitWhileTheObserverWaits) {
  Mailbox mailbox({.max_pending = 1, .max_outgoing_bytes = 1, .patience = kLong});
  Observing observing(mailbox, [&mailbox](std::span<const Delivery> deliveries) {
    for (const Delivery& delivery : deliveries) {
      const Publish publish[] = {{"out", delivery.body}};
      ASSERT_TRUE(mailbox.publish(publish));
    }
  });
  for (int turn = 0; turn < 100; ++turn) {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(mailbox.put("in", "xx"));
    mailbox.flush();
    taken_by(mailbox);
  }
}

TEST(Mailbox, ClosingFreesAnObserverThatWaits) {
  Mailbox mailbox({.max_outgoing_bytes = 1});
  const Publish publishes[] = {{"out", "x"}};
  auto published = std::async(std::launch::async, [&] { return mailbox.publish(publishes); });
  mailbox.close(steady_clock::now() + kLong);
  EXPECT_TRUE(published.get());
  EXPECT_EQ(taken_by(mailbox), 1U);
}

// --- Outages ------------------------------------------------------------------

TEST(Mailbox, KeepsWhatItTookDuringAnOutage) {
  Mailbox mailbox({});
  ASSERT_TRUE(mailbox.put("in", "1"));
  mailbox.flush();
  ASSERT_TRUE(mailbox.receive(milliseconds(0)));
  mailbox.begin_outage(kDiskFull);
  const auto refused = mailbox.put("in", "2");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the disk is full"));
  const auto again = mailbox.receive(milliseconds(0));
  EXPECT_THAT(bodies(again), ElementsAre("1"));
  EXPECT_TRUE(again->front().redelivered);
  EXPECT_EQ(mailbox.batches(), 1U);
}

TEST(Mailbox, WithdrawsWhatTheObserverCouldNotCarryOut) {
  Mailbox mailbox({.patience = kLong});
  auto observer = std::async(std::launch::async, [&] {
    const auto received = mailbox.receive(kLong);
    const auto seen = bodies(received);
    mailbox.begin_outage(kDiskFull);
    return seen;
  });
  const auto refused = mailbox.put_and_wait("in", "1");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the disk is full"));
  EXPECT_THAT(observer.get(), ElementsAre("1"));
  EXPECT_EQ(mailbox.pending(), 0U);
  EXPECT_THAT(bodies(mailbox.receive(milliseconds(0))), IsEmpty());
}

TEST(Mailbox, WithdrawsWhatTheObserverDidNotBeginWith) {
  Mailbox mailbox({.patience = milliseconds(20)});
  const auto refused = mailbox.put_and_wait("in", "1");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("did not begin"));
  EXPECT_EQ(mailbox.pending(), 0U);
}

TEST(Mailbox, WaitsOnForWhatTheObserverHasBegun) {
  Mailbox mailbox({.patience = milliseconds(20)});
  std::promise<void> much_later;
  Observing observing(mailbox, [&much_later](std::span<const Delivery> deliveries) {
    if (!deliveries.empty()) much_later.get_future().wait();
  });
  auto put = std::async(std::launch::async, [&] { return mailbox.put_and_wait("in", "1"); });
  EXPECT_EQ(put.wait_for(milliseconds(100)), std::future_status::timeout);
  much_later.set_value();
  EXPECT_TRUE(put.get());
}

TEST(Mailbox, IsFinishedAtTheDeadlineWhateverIsLeft) {
  Mailbox mailbox({});
  ASSERT_TRUE(mailbox.put("in", "1"));
  EXPECT_FALSE(mailbox.finished());
  mailbox.close(steady_clock::now() + kLong);
  EXPECT_FALSE(mailbox.finished());
  mailbox.close(steady_clock::now());
  EXPECT_TRUE(mailbox.finished());
  EXPECT_EQ(mailbox.pending(), 1U);
}

}  // namespace
}  // namespace chat21::mosquitto
