// The order store, publish, settle, and what a failure at each step leaves.
#include "chat21/observer.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <string>
#include <utility>
#include <vector>

#include "chat21/testing/memory_store.h"
#include "chat21/testing/memory_transport.h"

namespace chat21 {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kToUser = "apps.tilechat.outgoing.users.u100.messages.u200.outgoing";
constexpr std::string_view kToSender = "apps.tilechat.users.u100.messages.u200.clientadded";
constexpr std::string_view kToRecipient = "apps.tilechat.users.u200.messages.u100.clientadded";

class ObserverLoop : public ::testing::Test {
 protected:
  void offer(std::string_view key, std::string_view body = "{}") {
    transport.offer(std::string(key), std::string(body));
  }
  std::size_t run() {
    const auto processed = observer.run_once(0ms);
    EXPECT_TRUE(processed) << (processed ? "" : processed.error().message);
    return processed ? *processed : 0;
  }
  void run_into(Error::Code code) {
    const auto processed = observer.run_once(0ms);
    ASSERT_FALSE(processed);
    EXPECT_EQ(processed.error().code, code);
  }
  std::size_t stored(std::string_view timeline, std::string_view conversation) {
    return store.messages("tilechat", timeline, conversation, {})->size();
  }
  std::vector<std::string> published_keys() const {
    std::vector<std::string> keys;
    for (const auto& published : transport.published()) keys.push_back(published.routing_key);
    return keys;
  }

  testing::MemoryTransport transport;
  testing::MemoryStore store;
  Router router{{.seed = 1}};
  std::vector<Event::Kind> heard;
  Observer observer{transport, store, router, [] { return Time(1760000000456ms); },
                    [this](const Event& event) { heard.push_back(event.kind); }};
};

TEST_F(ObserverLoop, StoresPublishesTellsAndSettles) {
  offer(kToUser);
  EXPECT_EQ(run(), 1U);
  EXPECT_EQ(stored("u100", "u200"), 1U);
  EXPECT_EQ(stored("u200", "u100"), 1U);
  EXPECT_THAT(published_keys(), ElementsAre(kToRecipient, kToSender));
  EXPECT_EQ(transport.settled(Outcome::Done), 1U);
  EXPECT_EQ(transport.pending(), 0U);
  EXPECT_THAT(heard, ElementsAre(Event::Kind::MessageDelivered, Event::Kind::MessageSent));
}

// The bytes of a delivery are gone once it is settled, and events point to them.
TEST_F(ObserverLoop, TellsOfEventsWhileTheirBytesAreThere) {
  const std::string topic = "nonsense." + std::string(100, 'x');
  const std::string body(200000, 'y');
  std::vector<std::pair<std::string, std::string>> told;
  Observer careful(
      transport, store, router, [] { return Time(1760000000456ms); },
      [&](const Event& event) {
        told.emplace_back(event.routing_key, event.body);
        EXPECT_EQ(transport.settled(event.outcome), 0U);
      });
  offer(topic, body);
  ASSERT_TRUE(careful.run_once(0ms));
  EXPECT_THAT(told, ElementsAre(std::pair(topic, body)));
  EXPECT_EQ(transport.settled(Outcome::UnknownTopic), 1U);
}

TEST_F(ObserverLoop, DoesNothingWhenNothingArrives) {
  EXPECT_EQ(run(), 0U);
  EXPECT_THAT(heard, IsEmpty());
}

TEST_F(ObserverLoop, PublishesAndSettlesNothingThatIsNotStored) {
  offer(kToUser);
  store.fail_next_apply();
  run_into(Error::Code::Unavailable);
  EXPECT_THAT(published_keys(), IsEmpty());
  EXPECT_EQ(transport.pending(), 1U);
  EXPECT_THAT(heard, IsEmpty());

  EXPECT_EQ(run(), 1U);
  EXPECT_EQ(stored("u200", "u100"), 1U);
  EXPECT_EQ(transport.pending(), 0U);
}

TEST_F(ObserverLoop, DecidesNothingWithoutFacts) {
  offer("apps.tilechat.outgoing.users.u100.messages.group-1.outgoing");
  store.fail_next_fetch();
  run_into(Error::Code::Unavailable);
  EXPECT_EQ(transport.pending(), 1U);
}

TEST_F(ObserverLoop, SettlesNothingThatIsNotPublished) {
  offer(kToUser);
  transport.fail_publish_after(1);
  run_into(Error::Code::Unavailable);
  EXPECT_EQ(stored("u200", "u100"), 1U);
  EXPECT_EQ(transport.settled(Outcome::Done), 0U);
  EXPECT_EQ(transport.pending(), 1U);
  EXPECT_THAT(heard, IsEmpty());

  EXPECT_EQ(run(), 1U);
  EXPECT_EQ(transport.settled(Outcome::Done), 1U);
  EXPECT_EQ(published_keys().back(), kToSender);
}

TEST_F(ObserverLoop, RepeatsRatherThanLosesWhenConfirmsAreLost) {
  offer(kToUser);
  transport.lose_confirms();
  run_into(Error::Code::Unavailable);
  EXPECT_EQ(transport.pending(), 1U);
  EXPECT_EQ(run(), 1U);
  EXPECT_THAT(published_keys(), ElementsAre(kToRecipient, kToSender, kToRecipient, kToSender));
}

// Without an id of the client's the recipient would have two messages.
TEST_F(ObserverLoop, RepeatsAMessageUnderItsIdWhenConfirmsAreLost) {
  constexpr std::string_view kDraft = R"({"client_message_id":"c1"})";
  offer(kToUser, kDraft);
  transport.lose_confirms();
  run_into(Error::Code::Unavailable);
  offer(kToUser, kDraft);  // the client has heard nothing, and connects again
  EXPECT_EQ(run(), 2U);
  EXPECT_EQ(stored("u200", "u100"), 1U);
  EXPECT_EQ(stored("u100", "u200"), 1U);
  ASSERT_EQ(transport.published().size(), 6U);
  for (std::size_t i = 2; i < 6; ++i) {
    EXPECT_EQ(transport.published()[i].body, transport.published()[i - 2].body);
  }
  EXPECT_EQ(heard.size(), 4U);
}

TEST_F(ObserverLoop, SettlesBadInputAndGoesOn) {
  offer(kToUser, "broken");
  offer("nonsense");
  offer(kToUser);
  EXPECT_EQ(run(), 3U);
  EXPECT_EQ(transport.settled(Outcome::Malformed), 1U);
  EXPECT_EQ(transport.settled(Outcome::UnknownTopic), 1U);
  EXPECT_EQ(transport.settled(Outcome::Done), 1U);
  EXPECT_EQ(transport.pending(), 0U);
}

TEST_F(ObserverLoop, ShowsALaterDeliveryWhatAnEarlierOneChanged) {
  offer("apps.observer.tilechat.groups.update",
        R"({"group":{"uid":"group-1","members":{"u200":1}},"notify_to":{}})");
  offer("apps.tilechat.outgoing.users.u100.messages.group-1.outgoing");
  offer("apps.tilechat.users.u200.conversations.group-1.archive");
  EXPECT_EQ(run(), 3U);
  EXPECT_EQ(stored("u200", "group-1"), 1U);
  EXPECT_EQ(transport.settled(Outcome::Done), 3U);
  const auto archived = store.conversations("tilechat", "u200", true, {.limit = 10});
  ASSERT_TRUE(archived);
  EXPECT_EQ(archived->documents.size(), 1U);
}

class CountingStore final : public Store {
 public:
  explicit CountingStore(Store& store) : store_(store) {}
  Result<std::span<const Fact>> fetch(std::span<const Record> records) override {
    fetched += records.size();
    most = std::max(most, records.size());
    return store_.fetch(records);
  }
  Result<> apply(std::span<const Write> writes) override { return store_.apply(writes); }

  std::size_t fetched = 0;
  std::size_t most = 0;  // at once

 private:
  Store& store_;
};

// Each archive changes what the next one asks for, so each is decided alone.
// Asking again for all the rest each time would be 32,896 records for 256.
TEST_F(ObserverLoop, AsksTheStoreInProportionToWhatItDecides) {
  offer(kToUser);
  run();
  constexpr std::size_t kArchives = 256;
  for (std::size_t i = 0; i < kArchives; ++i) {
    offer("apps.tilechat.users.u200.conversations.u100.archive");
  }
  CountingStore counting(store);
  Observer thrifty(transport, counting, router, [] { return Time(1760000000456ms); }, {});
  const auto processed = thrifty.run_once(0ms);
  ASSERT_TRUE(processed);
  EXPECT_EQ(*processed, kArchives);
  EXPECT_EQ(transport.settled(Outcome::Done), kArchives + 1);
  EXPECT_LE(counting.fetched, 6 * kArchives);
}

TEST_F(ObserverLoop, FetchesFewDocumentsAtOnceAndManyCopies) {
  const auto most_of = [&](std::string_view key) {
    for (int i = 0; i < 200; ++i) offer(key, R"({"status":200})");
    CountingStore counting(store);
    Observer careful(transport, counting, router, [] { return Time(1760000000456ms); }, {});
    EXPECT_EQ(*careful.run_once(0ms), 200U);
    return counting.most;
  };
  EXPECT_EQ(most_of("apps.tilechat.users.u200.conversations.u100.archive"), 64U);
  EXPECT_EQ(most_of("apps.tilechat.users.u200.messages.u100.m1.update"), 200U);
}

TEST_F(ObserverLoop, FollowsAMessageToItsReceipt) {
  offer(kToUser);
  run();
  const auto conversation = store.conversation("tilechat", "u200", "u100");
  ASSERT_TRUE(conversation && *conversation);
  const std::string& document = **conversation;
  const std::size_t at = document.find("\"message_id\":\"") + 14;
  const std::string id = document.substr(at, 36);

  transport.clear_published();
  offer("apps.tilechat.users.u200.messages.u100." + id + ".update", R"({"status":200})");
  EXPECT_EQ(run(), 1U);
  EXPECT_THAT(published_keys(),
              ElementsAre("apps.tilechat.users.u100.messages.u200." + id + ".clientupdated"));
  EXPECT_THAT(store.messages("tilechat", "u100", "u200", {})->front(),
              ::testing::HasSubstr("\"status\":250"));
  EXPECT_THAT(store.messages("tilechat", "u200", "u100", {})->front(),
              ::testing::HasSubstr("\"status\":200"));
}

TEST_F(ObserverLoop, DeliversToNoMemberOfAGroupThatIsGoneInTheSameBatch) {
  const std::string group = R"("uid":"group-1","updatedOn":5,"members":{"u300":1})";
  const std::string order = R"({"group":{)" + group + R"(},"notify_to":{}})";
  constexpr std::string_view kToGroup =
      "apps.tilechat.outgoing.users.u100.messages.group-1.outgoing";
  offer("apps.observer.tilechat.groups.update", order);
  offer(kToGroup);
  offer("apps.observer.tilechat.groups.delete", order);
  offer(kToGroup);
  while (transport.pending() > 0) ASSERT_GT(run(), 0U);
  EXPECT_EQ(stored("u300", "group-1"), 1U);
  EXPECT_EQ(stored("group-1", "group-1"), 2U);
  EXPECT_FALSE(store.group("tilechat", "group-1")->has_value());
}

TEST_F(ObserverLoop, ArchivesNoConversationThatIsGoneInTheSameBatch) {
  offer(kToUser);
  offer("apps.observer.tilechat.conversations.delete", R"({"conversation":"u200"})");
  offer("apps.tilechat.users.u100.conversations.u200.archive");
  offer("apps.tilechat.users.u200.conversations.u100.archive");
  while (transport.pending() > 0) ASSERT_GT(run(), 0U);
  EXPECT_EQ(transport.settled(Outcome::NotFound), 1U) << "of the one that was forgotten";
  EXPECT_EQ(transport.settled(Outcome::Done), 3U);
}

TEST_F(ObserverLoop, TakesNoReceiptForAMessageThatIsGoneInTheSameBatch) {
  offer("apps.observer.tilechat.users.u100.messages.u200.persist",
        R"({"message_id":"m1","status":150})");
  offer("apps.observer.tilechat.messages.delete", R"({"conversation":"u200"})");
  offer("apps.tilechat.users.u100.messages.u200.m1.update", R"({"status":200})");
  while (transport.pending() > 0) ASSERT_GT(run(), 0U);
  EXPECT_EQ(transport.settled(Outcome::NotFound), 1U);
  EXPECT_EQ(stored("u100", "u200"), 0U);
}

}  // namespace
}  // namespace chat21
