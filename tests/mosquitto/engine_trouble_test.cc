// The Engine with a store that cannot be opened or written.
#include <functional>
#include <thread>

#include "tests/mosquitto/engine_case.h"

namespace chat21::mosquitto {
namespace {

using contract::check;
using contract::Refuses;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EngineTrouble : public EngineCase {
 protected:
  EngineTrouble() { engine_options_.patience = milliseconds(200); }

  Error refused_start() {
    const auto engine = Engine::start(engine_options_);
    if (!engine) return engine.error();
    ADD_FAILURE() << "it started";
    return {};
  }
};

// --- Opening ----------------------------------------------------------------

TEST_F(EngineTrouble, NamesTheFileInWhichItCannotNoteItsWork) {
  std::filesystem::create_directory(beside("-attempts"));
  EXPECT_THAT(refused_start(),
              Refuses(Error::Code::Unavailable,
                      AllOf(HasSubstr(beside("-attempts").string()), HasSubstr("directory"))));
}

TEST_F(EngineTrouble, RefusesASecondEngineOnTheFile) {
  start();
  EXPECT_THAT(refused_start(),
              Refuses(Error::Code::Unavailable,
                      AllOf(HasSubstr(options_.path.string()), HasSubstr("one Store per file"))));
  engine_.reset();
  start();
}

TEST_F(EngineTrouble, RefusesANewerSchema) {
  start();
  engine_.reset();
  change_raw("PRAGMA user_version = 1000");
  EXPECT_THAT(refused_start(),
              Refuses(Error::Code::InvalidArgument,
                      AllOf(HasSubstr(options_.path.string()), HasSubstr("1000"))));
}

TEST_F(EngineTrouble, RefusesAFolderThatDoesNotExist) {
  engine_options_.store = folder_ / "nowhere" / "chat.db";
  EXPECT_THAT(refused_start(), Refuses(Error::Code::InvalidArgument,
                                       AllOf(HasSubstr("nowhere"), HasSubstr("does not exist"))));
}

// --- A locked store -----------------------------------------------------------

class EngineLockedOut : public EngineTrouble {
 protected:
  void lock_store() { check(other_.execute("BEGIN IMMEDIATE", "hold the lock")); }
  void free_store() { check(other_.execute("ROLLBACK", "free the lock")); }
  void start() {
    EngineTrouble::start();
    other_ = open_raw();
  }

  Database other_ = open_raw(Database::Access::Create);
};

TEST_F(EngineLockedOut, GroupKeepsWhatItAcceptedAndRefusesMore) {
  start();
  lock_store();
  ASSERT_TRUE(accept("1"));
  turn_while([this] { return engine_->trouble().empty(); });
  EXPECT_THAT(engine_->trouble(), HasSubstr("another process"));
  const auto refused = accept("2");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), Refuses(Error::Code::Unavailable, HasSubstr("another process")));

  free_store();
  turn_until_well();
  ASSERT_TRUE(accept("3"));
  engine_->stop();
  EXPECT_THAT(stored(), ElementsAre("1", "3"));
  EXPECT_EQ(lines_with("refusing messages until the store works again"), 1U);
  EXPECT_EQ(lines_with("the store works again"), 2U);  // the line above has these words, too
}

TEST_F(EngineLockedOut, StrictRefusesWhatItCouldNotStoreAndRecoversByItself) {
  engine_options_.strict = true;
  start();
  lock_store();
  const auto refused = accept("1");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), Refuses(Error::Code::Unavailable, HasSubstr("another process")));
  EXPECT_FALSE(accept("2"));
  free_store();
  turn_until_well();
  EXPECT_THAT(stored(), IsEmpty()) << "refused is refused";
  ASSERT_TRUE(accept("3"));
  EXPECT_THAT(stored(), ElementsAre("3"));
}

TEST_F(EngineLockedOut, StaysInTroubleUntilTheProbeCanWrite) {
  engine_options_.strict = true;
  start();
  lock_store();
  EXPECT_FALSE(accept("1"));
  const std::string before = engine_->trouble();
  EXPECT_FALSE(before.empty());
  // Some retries long.
  const auto until = std::chrono::steady_clock::now() + milliseconds(500);
  turn_while([&] {
    EXPECT_FALSE(engine_->trouble().empty());
    return std::chrono::steady_clock::now() < until;
  });
  free_store();
  turn_until_well();
}

TEST_F(EngineLockedOut, StopTellsWhatIsLost) {
  start();
  lock_store();
  ASSERT_TRUE(accept("1"));
  ASSERT_TRUE(accept("2"));
  engine_->stop();
  EXPECT_EQ(lines_with("lost: 2"), 1U);
}

TEST_F(EngineLockedOut, DoesNotHoldUpTheBrokerForEveryMessage) {
  engine_options_.max_pending = 1;
  start();
  lock_store();
  ASSERT_TRUE(accept("1"));
  EXPECT_FALSE(accept("2"));
  EXPECT_FALSE(engine_->trouble().empty());
  free_store();
  turn_until_well();
  engine_->stop();
  EXPECT_THAT(stored(), ElementsAre("1"));
}

// --- A store that is broken ---------------------------------------------------

TEST_F(EngineTrouble, RefusesEverythingWhenTheStoreIsNoLongerOurs) {
  start();
  change_raw("DROP TABLE copies");
  ASSERT_TRUE(accept("1"));
  turn_while([this] { return engine_->trouble().empty(); });
  EXPECT_THAT(engine_->trouble(), HasSubstr(options_.path.string()));
  const auto refused = accept("2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Error::Code::Unavailable);
  engine_->stop();
  EXPECT_EQ(lines_with("needs an operator"), 1U);
  EXPECT_EQ(lines_with("lost: 1"), 1U);
  for (const Line& line : log_) EXPECT_EQ(line.level, LogLevel::Error) << line.text;
}

TEST_F(EngineTrouble, StrictReturnsWhenTheStoreIsNoLongerOurs) {
  engine_options_.strict = true;
  start();
  change_raw("DROP TABLE copies");
  EXPECT_FALSE(accept("1"));
  EXPECT_FALSE(accept("2"));
}

}  // namespace
}  // namespace chat21::mosquitto
