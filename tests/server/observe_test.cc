#include "server/observe.h"

#include <csignal>
#include <deque>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using Code = Error::Code;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Does in receive() what the script says, one step per call, and after the last
// raises SIGTERM. What is not settled is offered again before the next step.
class ScriptedTransport final : public RabbitmqTransport {
 public:
  using Step = std::function<Result<std::vector<std::string>>()>;  // routing keys that arrive

  std::deque<Step> script;
  RabbitmqStats numbers{.connects = 1, .connected = true};
  Result<> settle_result;
  std::vector<Outcome> settled;
  std::size_t published = 0;
  int stops = 0;

  Result<std::span<const Delivery>> receive(std::chrono::milliseconds) override {
    if (!deliveries_.empty()) return std::span<const Delivery>(deliveries_);
    if (script.empty()) {
      if (stops == 0) ::raise(SIGTERM);
      return std::span<const Delivery>();
    }
    const auto step = script.front();
    script.pop_front();
    auto keys = step();
    if (!keys) return keys.error();
    keys_ = *std::move(keys);
    for (const std::string& key : keys_) {
      deliveries_.push_back({.tag = ++tag_, .routing_key = key, .body = R"({"text":"secret"})"});
    }
    return std::span<const Delivery>(deliveries_);
  }
  Result<> publish(std::span<const Publish> publishes) override {
    published += publishes.size();
    return {};
  }
  Result<> settle(std::span<const Settle> all) override {
    if (!settle_result) return settle_result;
    for (const Settle& one : all) {
      settled.push_back(one.outcome);
      std::erase_if(deliveries_, [&one](const Delivery& d) { return d.tag == one.tag; });
    }
    return {};
  }
  Tag settled_up_to() const override { return deliveries_.empty() ? tag_ : 0; }
  bool recovered() const override { return true; }
  void stop() noexcept override { ++stops; }
  void wake() noexcept override {}
  // As when the connection is lost.
  void take_back() { deliveries_.clear(); }
  RabbitmqStats stats() const override { return numbers; }

 private:
  std::vector<std::string> keys_;
  std::vector<Delivery> deliveries_;
  Tag tag_ = 0;
};

// Knows nothing, and fails to apply as often as it is told.
class ForgetfulStore final : public Store {
 public:
  std::deque<Error> failures;
  std::size_t saved = 0;  // messages
  std::function<void()> when_failing = [] {};

  Result<std::span<const Fact>> fetch(std::span<const Record> records) override {
    facts_.assign(records.size(), Fact{});
    return std::span<const Fact>(facts_);
  }
  Result<> apply(std::span<const Write> writes) override {
    if (!failures.empty()) {
      when_failing();
      const Error error = failures.front();
      failures.pop_front();
      return error;
    }
    for (const Write& write : writes) {
      if (std::holds_alternative<SaveMessage>(write)) ++saved;
    }
    return {};
  }

 private:
  std::vector<Fact> facts_;
};

class Observing : public testing::Test {
 protected:
  int run() {
    Log log(level_, LogFormat::Text, out_);
    const Signals signals(transport_);
    return observe(transport_, store_, options_, log, signals);
  }
  void receives(std::vector<std::string> keys) {
    transport_.script.emplace_back([keys] { return keys; });
  }
  void fails(Code code, std::string message) {
    transport_.script.emplace_back(
        [=]() -> Result<std::vector<std::string>> { return fail(code, message); });
  }
  std::string log() const { return out_.str(); }
  std::size_t count(const std::string& text) const {
    std::size_t found = 0;
    for (auto at = log().find(text); at != std::string::npos; at = log().find(text, at + 1)) {
      ++found;
    }
    return found;
  }

  static constexpr const char* kDirect = "apps.tilechat.outgoing.users.ALICE.messages.BOB.outgoing";

  ScriptedTransport transport_;
  ForgetfulStore store_;
  ObserveOptions options_{.seed = 1, .turn = 1ms};
  LogLevel level_ = LogLevel::Info;

 private:
  std::ostringstream out_;
};

TEST_F(Observing, CarriesMessagesOutAndEndsWithTheSignal) {
  receives({kDirect});
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(transport_.settled, ElementsAre(Outcome::Done));
  EXPECT_EQ(transport_.published, 2U);
  EXPECT_EQ(store_.saved, 1U);
  EXPECT_EQ(transport_.stops, 1);
  EXPECT_THAT(log(), AllOf(HasSubstr("msg=\"started\""), HasSubstr("msg=\"stopping\" signal=15"),
                           HasSubstr("message-sent=1 message-delivered=1"),
                           HasSubstr("msg=\"stopped\" status=0")));
}

TEST_F(Observing, FinishesWhatWasReceivedBeforeTheSignal) {
  transport_.script.emplace_back([] {
    ::raise(SIGINT);
    return std::vector<std::string>{kDirect};
  });
  receives({kDirect, kDirect});
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(transport_.settled.size(), 3U);
}

TEST_F(Observing, SaysWhatWasRejectedAndWhy) {
  receives({"apps.tilechat.nonsense"});
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(transport_.settled, ElementsAre(Outcome::UnknownTopic));
  EXPECT_THAT(log(), testing::ContainsRegex(
                         "level=warn msg=\"message rejected\" outcome=unknown-topic "
                         "topic=apps.tilechat.nonsense reason=\"[^\"]+\" bytes=[0-9]+\n"));
  EXPECT_THAT(log(), HasSubstr("rejected/unknown-topic=1"));
}

// In which it was found at work before.
class Suspecting final : public Attempts {
 public:
  void begin(std::span<const Fingerprint>) noexcept override {}
  unsigned failed(Fingerprint) const noexcept override { return 5; }
  void forget(Fingerprint) noexcept override { ++forgotten; }
  int forgotten = 0;
};

TEST_F(Observing, SaysWhatWasSetAsideAndWhy) {
  Suspecting attempts;
  options_.attempts = &attempts;
  receives({kDirect});
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(transport_.settled, ElementsAre(Outcome::SetAside));
  EXPECT_EQ(attempts.forgotten, 1);
  EXPECT_THAT(log(), HasSubstr("level=warn msg=\"message rejected\" outcome=set-aside topic=" +
                               std::string(kDirect) +
                               " reason=\"the server has ended 5 times while it worked on this "
                               "delivery\" bytes="));
  EXPECT_THAT(log(), AllOf(HasSubstr("rejected/set-aside=1"), Not(HasSubstr("secret"))));
}

TEST_F(Observing, NeverLogsBodies) {
  level_ = LogLevel::Debug;
  receives({kDirect, "apps.tilechat.nonsense"});
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(log(), HasSubstr("level=debug msg=\"message-sent\" app=tilechat user=ALICE"));
  EXPECT_THAT(log(), Not(HasSubstr("secret")));
}

TEST_F(Observing, GoesOnWhenTheBrokerComesBack) {
  fails(Code::Unavailable, "lost the broker");
  receives({kDirect});
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(transport_.settled.size(), 1U);
}

TEST_F(Observing, EndsWithAFailureThatCannotHeal) {
  for (const Code code : {Code::InvalidArgument, Code::Corrupt, Code::Internal}) {
    fails(code, "queue 'messages' exists with other properties");
    EXPECT_EQ(run(), 1);
  }
  EXPECT_THAT(log(), HasSubstr("level=error msg=\"cannot go on\" reason=\"queue 'messages'"));
}

TEST_F(Observing, WaitsForTheStoreAndSaysSoOnce) {
  store_.failures = {fail(Code::Unavailable, "disk full"), fail(Code::Unavailable, "disk full"),
                     fail(Code::Unavailable, "busy")};
  receives({kDirect});
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(store_.saved, 1U);
  EXPECT_THAT(transport_.settled, ElementsAre(Outcome::Done));
  EXPECT_EQ(count("the store is away; trying again\" reason=\"disk full\""), 1U);
  EXPECT_EQ(count("the store is away; trying again\" reason=busy"), 1U);
  EXPECT_EQ(count("the store works again"), 1U);
}

TEST_F(Observing, DoesNotPraiseAStoreThatNobodyAsked) {
  store_.failures = {fail(Code::Unavailable, "disk full"), fail(Code::Unavailable, "disk full")};
  // The broker takes the batch back, is away for a turn, and offers it again.
  store_.when_failing = [this] { transport_.take_back(); };
  receives({kDirect});
  receives({});
  receives({kDirect});
  receives({});
  receives({kDirect});
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(store_.saved, 1U);
  EXPECT_EQ(count("the store is away; trying again"), 1U);
  EXPECT_EQ(count("the store works again"), 1U);
}

TEST_F(Observing, LeavesTheBatchWhenToldToStopWhileTheStoreIsAway) {
  store_.failures.assign(3, fail(Code::Unavailable, "disk full"));
  store_.when_failing = [] { ::raise(SIGTERM); };
  // A second SIGTERM would end this process: the store must be asked once only,
  // and the transport, whose deliveries are not settled, for nothing more.
  receives({kDirect});
  receives({kDirect});
  EXPECT_EQ(run(), 1);
  EXPECT_TRUE(transport_.settled.empty());
  EXPECT_EQ(transport_.script.size(), 1U);
  EXPECT_THAT(log(), HasSubstr("the broker will offer it again\" reason=\"disk full\""));
}

TEST_F(Observing, EndsWithAStoreThatIsCorrupt) {
  store_.failures = {fail(Code::Corrupt, "not a database")};
  receives({kDirect});
  EXPECT_EQ(run(), 1);
  EXPECT_TRUE(transport_.settled.empty());
}

TEST_F(Observing, EndsWellIfTheBrokerLeavesWhileStopping) {
  transport_.script.emplace_back([this] {
    ::raise(SIGTERM);
    transport_.numbers.connected = false;
    transport_.settle_result = fail(Code::Unavailable, "lost the broker");
    return std::vector<std::string>{kDirect};
  });
  fails(Code::Unavailable, "lost the broker");
  EXPECT_EQ(run(), 0);
}

TEST_F(Observing, EndsWithTheFirstLostConnectionIfToldSo) {
  options_.auto_restart = false;
  transport_.script.emplace_back([this]() -> Result<std::vector<std::string>> {
    transport_.numbers.connected = false;
    return fail(Code::Unavailable, "lost the broker");
  });
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(log(), HasSubstr("the broker is away, and AUTO_RESTART is false"));
}

TEST_F(Observing, EndsWithABrokerThatWasNeverThereIfToldSo) {
  options_.auto_restart = false;
  transport_.numbers = {};
  receives({});
  EXPECT_EQ(run(), 1);
}

TEST_F(Observing, EndsWithAConnectionThatWasReplacedIfToldSo) {
  options_.auto_restart = false;
  transport_.script.emplace_back([this] {
    transport_.numbers.connects = 2;
    return std::vector<std::string>{};
  });
  EXPECT_EQ(run(), 1);
}

TEST_F(Observing, ReportsNowAndThen) {
  level_ = LogLevel::Debug;
  options_.report_every = 0ms;
  receives({});
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(log(), HasSubstr("level=debug msg=\"totals\" events=\"\" connects=1"));
}

// --- Health -----------------------------------------------------------------------

class ObserverHealth : public Observing {
 protected:
  ObserverHealth() { options_.health = &health_; }
  // What is wrong after the steps so far.
  void looks() {
    transport_.script.emplace_back([this] {
      seen_.push_back(health_.troubles());
      return std::vector<std::string>{};
    });
  }
  static auto trouble(const std::string& component, const std::string& reason) {
    return ElementsAre(testing::Pair(component, HasSubstr(reason)));
  }

  Health health_;
  std::vector<std::map<std::string, std::string>> seen_;
};

TEST_F(ObserverHealth, IsWellWhileMessagesAreCarriedOut) {
  health_.set("broker", "not connected yet");
  receives({kDirect});
  looks();
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(seen_, ElementsAre(IsEmpty()));
}

TEST_F(ObserverHealth, NamesTheLastReasonWhyThereIsNoBroker) {
  transport_.numbers.connected = false;
  receives({});
  looks();
  fails(Code::Unavailable, "refused by the broker");
  receives({});
  looks();
  transport_.script.emplace_back([this] {
    transport_.numbers.connected = true;
    return std::vector<std::string>{};
  });
  looks();
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(seen_, ElementsAre(trouble("broker", "not connected"), trouble("broker", "refused"),
                                 IsEmpty()));
}

TEST_F(ObserverHealth, NamesAnAlarmOfTheBroker) {
  transport_.numbers.blocked = true;
  receives({});
  looks();
  transport_.script.emplace_back([this] {
    transport_.numbers.blocked = false;
    return std::vector<std::string>{};
  });
  looks();
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(seen_, ElementsAre(trouble("broker", "memory or disk"), IsEmpty()));
}

TEST_F(ObserverHealth, NamesTheTroubleWithTheStore) {
  store_.failures = {fail(Code::Unavailable, "disk full")};
  store_.when_failing = [this] { transport_.take_back(); };
  receives({kDirect});
  looks();
  receives({kDirect});
  looks();
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(seen_, ElementsAre(trouble("store", "disk full"), IsEmpty()));
}

TEST(SignalsDeathTest, EndTheProcessAtOnceWithTheSecond) {
  ScriptedTransport transport;
  EXPECT_EXIT(
      {
        const Signals signals(transport);
        ::raise(SIGINT);
        ::raise(SIGTERM);
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(Signals, IgnoreHangupsBrokenPipesAndFullFiles) {
  ScriptedTransport transport;
  const Signals signals(transport);
  ::raise(SIGHUP);
  ::raise(SIGPIPE);
  ::raise(SIGXFSZ);
  EXPECT_EQ(signals.received(), 0);
  EXPECT_EQ(transport.stops, 0);
}

TEST(Signals, EndAWait) {
  ScriptedTransport transport;
  const Signals signals(transport);
  ::raise(SIGTERM);
  const auto begin = std::chrono::steady_clock::now();
  signals.wait(60s);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
  EXPECT_EQ(signals.received(), SIGTERM);
}

}  // namespace
}  // namespace chat21::server
