// What is offered again, to the same Observer or to the next one, is stored once and
// published under one id, though its sender has given it none.
#include <gmock/gmock.h>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "chat21/observer.h"
#include "chat21/testing/memory_store.h"
#include "chat21/testing/memory_transport.h"

namespace chat21 {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr std::string_view kToUser = "apps.tilechat.outgoing.users.u100.messages.u200.outgoing";

// Of one thing at a time, as often as it is told.
class CountedAttempts final : public Attempts {
 public:
  void begin(std::span<const Fingerprint> work) noexcept override {
    working.assign(work.begin(), work.end());
    largest = std::max(largest, work.size());
  }
  unsigned failed(Fingerprint fingerprint) const noexcept override {
    const auto found = failures.find(fingerprint);
    return found == failures.end() ? 0 : found->second;
  }
  void forget(Fingerprint fingerprint) noexcept override { failures.erase(fingerprint); }
  // The process has ended, and another one begins.
  void die() {
    for (const Fingerprint one : working) ++failures[one];
    working.clear();
    largest = 0;
  }

  std::map<Fingerprint, unsigned> failures;
  std::vector<Fingerprint> working;
  std::size_t largest = 0;
};

class OfferedAgain : public ::testing::Test {
 protected:
  void offer(std::string_view text) {
    transport.offer(std::string(kToUser), R"({"text":")" + std::string(text) + R"("})");
  }
  void run() {
    const auto done = observer->run_once(0ms);
    ASSERT_TRUE(done) << done.error().message;
  }
  void run_all() {
    while (transport.pending() > 0) run();
  }
  void fail_once() { ASSERT_FALSE(observer->run_once(0ms)); }
  // Another process, which finds what the last one has left in the store.
  void restart() {
    observer.reset();
    router = std::make_unique<Router>(Router::Options{.seed = ++seed});
    observer = make_observer();
  }
  std::unique_ptr<Observer> make_observer() {
    return std::make_unique<Observer>(
        transport, store, *router, [] { return Time(1760000000456ms); }, nullptr,
        Observer::Options{.attempts = &attempts, .max_attempts = 3});
  }

  std::size_t stored() const { return history().messages("tilechat", "u200", "u100", {})->size(); }
  History& history() const { return store; }
  // Ids under which a text has reached the recipient.
  std::set<std::string> ids_of(std::string_view text) const {
    std::set<std::string> ids;
    for (const auto& [key, body] : transport.published()) {
      if (!key.starts_with("apps.tilechat.users.u200.")) continue;
      if (body.find("\"text\":\"" + std::string(text) + "\"") == std::string::npos) continue;
      ids.insert(body.substr(body.find("\"message_id\":\"") + 14, 36));
    }
    return ids;
  }
  std::string ledger() {
    const std::vector wanted = {Record::of_ledger("messages")};
    return std::string((*store.fetch(wanted)).front().document);
  }

  testing::MemoryTransport transport;
  mutable testing::MemoryStore store;
  CountedAttempts attempts;
  std::uint64_t seed = 1;
  std::unique_ptr<Router> router = std::make_unique<Router>(Router::Options{.seed = seed});
  std::unique_ptr<Observer> observer = make_observer();
};

TEST_F(OfferedAgain, IsStoredOnceWhenConfirmsAreLost) {
  offer("one");
  offer("two");
  transport.lose_confirms();
  fail_once();
  run_all();
  EXPECT_EQ(stored(), 2U);
  EXPECT_THAT(ids_of("one"), SizeIs(1));
  EXPECT_THAT(ids_of("two"), SizeIs(1));
}

TEST_F(OfferedAgain, IsStoredOnceByTheNextProcess) {
  offer("one");
  offer("two");
  transport.fail_publish_after(1);
  fail_once();
  restart();
  offer("three");
  run_all();
  EXPECT_EQ(stored(), 3U);
  for (const auto* text : {"one", "two", "three"}) EXPECT_THAT(ids_of(text), SizeIs(1)) << text;
}

TEST_F(OfferedAgain, IsNotTakenForAnEqualOne) {
  offer("ok");
  offer("ok");
  transport.lose_confirms();
  fail_once();
  restart();
  offer("ok");
  run_all();
  EXPECT_EQ(stored(), 3U);
  EXPECT_THAT(ids_of("ok"), SizeIs(3));
}

TEST_F(OfferedAgain, IsNotTakenForAnEqualOneThatWasSettled) {
  offer("ok");
  run_all();
  run();  // nothing comes: the ledger is tidied up
  EXPECT_EQ(ledger(), "");
  offer("ok");
  store.fail_next_apply();
  fail_once();  // it is out, and not stored
  transport.disconnect();
  fail_once();
  restart();
  run_all();
  EXPECT_EQ(stored(), 2U);
}

TEST_F(OfferedAgain, IsOfferedAgainByAnObserverThatHasFailed) {
  offer("ok");
  run_all();
  offer("ok");
  store.fail_next_apply();
  fail_once();
  run_all();
  EXPECT_EQ(stored(), 2U);
}

TEST_F(OfferedAgain, LeavesNoLedgerBehind) {
  for (int i = 0; i < 20; ++i) {
    offer("text " + std::to_string(i));
    if (i % 3 == 0) transport.lose_confirms();
    if (i % 3 == 0) fail_once();
    if (i % 7 == 0) restart();
    run_all();
  }
  run();
  EXPECT_EQ(ledger(), "");
  EXPECT_EQ(stored(), 20U);
}

// --- Whoever works on it dies -----------------------------------------------------------

TEST_F(OfferedAgain, IsWorkedOnAloneWhenAProcessHasDiedOfIt) {
  for (const auto* text : {"one", "two", "three"}) offer(text);
  const auto batch = transport.receive(0ms);
  std::vector<Fingerprint> all;
  for (const Delivery& one : *batch) all.push_back(fingerprint(one.routing_key, one.body));
  attempts.begin(all);
  attempts.die();
  offer("four");
  run_all();
  EXPECT_EQ(attempts.largest, 1U);
  EXPECT_EQ(stored(), 4U);
  EXPECT_TRUE(attempts.failures.empty());
  EXPECT_TRUE(attempts.working.empty());
}

TEST_F(OfferedAgain, IsSetAsideWhenItWasFatalTooOften) {
  offer("before");
  offer("fatal");
  offer("after");
  attempts.failures[fingerprint(kToUser, R"({"text":"fatal"})")] = 3;
  run_all();
  EXPECT_EQ(stored(), 2U);
  EXPECT_EQ(transport.settled(Outcome::SetAside), 1U);
  EXPECT_TRUE(attempts.failures.empty());
  const auto aside = history().set_aside({});
  ASSERT_TRUE(aside);
  ASSERT_THAT(aside->documents, SizeIs(1));
  EXPECT_THAT(
      aside->documents[0],
      ::testing::AllOf(::testing::HasSubstr(R"("reason":"the server has ended 3 times while)"),
                       ::testing::HasSubstr(R"("body":"{\"text\":\"fatal\"}")")));
}

TEST_F(OfferedAgain, IsSetAsideOnceThoughItCannotBePublishedAtFirst) {
  offer("fatal");
  attempts.failures[fingerprint(kToUser, R"({"text":"fatal"})")] = 3;
  for (int i = 0; i < 3; ++i) {
    transport.fail_publish_after(0);
    fail_once();
  }
  run_all();
  EXPECT_THAT(history().set_aside({})->documents, SizeIs(1));
  EXPECT_EQ(transport.settled(Outcome::SetAside), 1U);
}

// Traffic that writes nothing must not keep what an equal message could be taken for.
TEST_F(OfferedAgain, IsForgottenThoughTheNextOnesWriteNothing) {
  offer("ok");
  run_all();
  EXPECT_NE(ledger(), "");
  transport.offer("nonsense", "{}");
  run_all();
  EXPECT_EQ(ledger(), "");
}

TEST_F(OfferedAgain, IsTriedAgainBeforeThat) {
  offer("suspicious");
  attempts.failures[fingerprint(kToUser, R"({"text":"suspicious"})")] = 2;
  run_all();
  EXPECT_EQ(stored(), 1U);
  EXPECT_EQ(transport.settled(Outcome::SetAside), 0U);
}

// A broker or a disk that is away is nobody's fault.
TEST_F(OfferedAgain, DoesNotCountWhatHealsByItself) {
  offer("one");
  store.fail_next_apply();
  fail_once();
  attempts.die();
  EXPECT_TRUE(attempts.failures.empty());
}

}  // namespace
}  // namespace chat21
