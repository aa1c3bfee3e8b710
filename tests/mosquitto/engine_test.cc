// The Engine over a store on disk, with this thread as the broker's.
#include <signal.h>
#include <thread>
#include <unistd.h>

#include "chat21/attempts_file.h"

#include "tests/mosquitto/engine_case.h"

namespace chat21::mosquitto {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What one message of Ada to Bob makes the observer publish.
constexpr std::size_t kPublishes = 2;

std::vector<std::string> numbers(std::size_t count) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

class EngineTest : public EngineCase {};

TEST_F(EngineTest, StoresAndPublishesAMessage) {
  start();
  ASSERT_TRUE(accept("hello"));
  turn_until_published(kPublishes);
  EXPECT_THAT(stored(), ElementsAre("hello"));
  ASSERT_THAT(published_, SizeIs(kPublishes));
  EXPECT_THAT(published_[0].topic, HasSubstr("apps/tilechat/users/"));
  EXPECT_THAT(published_[0].body, HasSubstr("hello"));
  EXPECT_THAT(log_, IsEmpty());
  EXPECT_EQ(engine_->trouble(), "");
}

TEST_F(EngineTest, SetsAsideWhatItDiedOfTooOften) {
  const Fingerprint poison[] = {fingerprint(kAdaToBob, text_message("poison"))};
  for (int i = 0; i < 5; ++i) contract::value(open_attempts(beside("-attempts")))->begin(poison);
  start();
  ASSERT_TRUE(accept("hello"));
  ASSERT_TRUE(accept("poison"));
  ASSERT_TRUE(accept("bye"));
  turn_until_published(2 * kPublishes + 1);
  engine_->stop();
  EXPECT_THAT(stored(), ElementsAre("hello", "bye"));
  EXPECT_EQ(lines_with("set-aside"), 1U);
  EXPECT_THAT(contract::value(read()->set_aside({})).documents,
              ElementsAre(AllOf(HasSubstr("poison"), HasSubstr("ended 5 times"))));
}

TEST_F(EngineTest, KeepsTheOrderAcrossTurns) {
  start();
  for (const std::string& text : numbers(500)) {
    ASSERT_TRUE(accept(text));
    if (text.back() == '7') turn();
  }
  turn_until_published(500 * kPublishes);
  EXPECT_EQ(stored(), numbers(500));
}

TEST_F(EngineTest, StoresNothingBeforeTheTurnEnds) {
  start();
  ASSERT_TRUE(accept("1"));
  EXPECT_THAT(stored(), IsEmpty());
  turn_until_published(kPublishes);
  EXPECT_THAT(stored(), ElementsAre("1"));
}

TEST_F(EngineTest, StrictHasStoredWhatItAccepted) {
  engine_options_.strict = true;
  start();
  for (const std::string& text : numbers(20)) ASSERT_TRUE(accept(text));
  EXPECT_EQ(stored(), numbers(20)) << "without any turn";
  turn();
  EXPECT_THAT(published_, SizeIs(20 * kPublishes));
}

TEST_F(EngineTest, StrictDoesNotWaitForATurnThatCannotCome) {
  engine_options_.strict = true;
  engine_options_.max_outgoing_bytes = 1;
  start();
  for (const std::string& text : numbers(20)) ASSERT_TRUE(accept(text));
  turn();
  EXPECT_THAT(published_, SizeIs(20 * kPublishes));
}

TEST_F(EngineTest, GoesOnWithTheSmallestLimits) {
  engine_options_.max_pending = 1;
  engine_options_.max_pending_bytes = 1;
  engine_options_.max_outgoing_bytes = 1;
  start();
  for (const std::string& text : numbers(300)) {
    ASSERT_TRUE(accept(text));
    if (text.back() == '9') turn();
  }
  turn_until_published(300 * kPublishes);
  EXPECT_EQ(stored(), numbers(300));
}

TEST_F(EngineTest, StopCarriesOutWhatWasAccepted) {
  engine_options_.max_outgoing_bytes = 1;
  start();
  for (const std::string& text : numbers(1000)) ASSERT_TRUE(accept(text));
  engine_->stop();
  EXPECT_EQ(stored(), numbers(1000));
  const auto late = accept("late");
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error(), contract::Refuses(Error::Code::Unavailable, HasSubstr("was stopped")));
  turn();
  EXPECT_THAT(published_, SizeIs(1000 * kPublishes));
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(EngineTest, ItsEndIsAStop) {
  start();
  for (const std::string& text : numbers(10)) ASSERT_TRUE(accept(text));
  engine_.reset();
  EXPECT_EQ(stored(), numbers(10));
}

TEST_F(EngineTest, RejectsABodyThatIsTooLargeAndSaysSo) {
  engine_options_.strict = true;
  engine_options_.max_body_bytes = 1000;
  start();
  ASSERT_TRUE(accept(std::string(5000, 'x')));
  ASSERT_TRUE(accept("small"));
  turn();
  EXPECT_THAT(stored(), ElementsAre("small"));
  ASSERT_THAT(log_, SizeIs(1));
  EXPECT_EQ(log_[0].level, LogLevel::Warning);
  EXPECT_THAT(log_[0].text, AllOf(HasSubstr("outcome=too-large"), HasSubstr(kAdaToBob)));
}

TEST_F(EngineTest, LogsWhatWasRejectedOnThisThread) {
  engine_options_.strict = true;
  std::vector<std::thread::id> loggers;
  engine_options_.log = [&](LogLevel, const std::string&) {
    loggers.push_back(std::this_thread::get_id());
  };
  start();
  ASSERT_TRUE(engine_->accept(kAdaToBob, "no JSON"));
  turn();
  EXPECT_THAT(loggers, ElementsAre(std::this_thread::get_id()));
}

// A signal goes to any thread that does not block it.
TEST_F(EngineTest, LeavesSignalsToTheBroker) {
  start();
  sigset_t usr1;
  sigset_t before;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, &before);
  kill(getpid(), SIGUSR1);  // ends the process if the engine's thread takes it
  int taken = 0;
  sigwait(&usr1, &taken);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(taken, SIGUSR1);
  EXPECT_EQ(sigismember(&before, SIGUSR1), 0) << "this thread still gets its signals";
}

}  // namespace
}  // namespace chat21::mosquitto
