// What the file remembers, and what it forgets.
#include <sys/stat.h>

#include "lib/attempts/image.h"
#include "tests/attempts/attempts_case.h"

namespace chat21::contract {
namespace {

using attempts::kMostSuspects;
using attempts::kMostWork;

class AttemptsFile : public AttemptsCase {};

TEST_F(AttemptsFile, KnowsNobodyAtFirst) {
  const auto attempts = open();
  EXPECT_EQ(attempts->failed(0), 0U);
  EXPECT_EQ(attempts->failed(7), 0U);
  attempts->forget(7);
}

TEST_F(AttemptsFile, CountsEachEndAtWork) {
  for (unsigned ends = 0; ends < 5; ++ends) {
    const auto attempts = open();
    EXPECT_EQ(attempts->failed(7), ends);
    EXPECT_EQ(attempts->failed(0), ends);
    EXPECT_EQ(attempts->failed(8), 0U);
    attempts->begin(std::vector<Fingerprint>{7, 0});
    EXPECT_EQ(attempts->failed(7), ends) << "it has not failed yet";
  }
}

TEST_F(AttemptsFile, CountsNobodyWhoIsDone) {
  {
    const auto attempts = open();
    attempts->begin(std::vector<Fingerprint>{1, 2, 3});
    attempts->begin(std::vector<Fingerprint>{4});
    attempts->begin({});
  }
  EXPECT_EQ(failed_of(*open(), {1, 2, 3, 4}), 0U);
}

TEST_F(AttemptsFile, CountsThoseOfTheLastCallOnly) {
  {
    const auto attempts = open();
    attempts->begin(std::vector<Fingerprint>{1, 2, 3});
    attempts->begin(std::vector<Fingerprint>{4});
  }
  const auto attempts = open();
  EXPECT_EQ(failed_of(*attempts, {1, 2, 3}), 0U);
  EXPECT_EQ(attempts->failed(4), 1U);
}

TEST_F(AttemptsFile, CountsAStartWithoutWorkAsNoFailure) {
  die_working_on({7});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(open()->failed(7), 1U);
}

// Two people say the same: one of them has done it.
TEST_F(AttemptsFile, CountsEqualOnesOfOneBatchOnce) {
  die_working_on({7, 7, 7});
  EXPECT_EQ(open()->failed(7), 1U);
  die_working_on({7, 7});
  EXPECT_EQ(open()->failed(7), 2U);
}

TEST_F(AttemptsFile, ForgetsForGood) {
  die_working_on({7, 8});
  {
    const auto attempts = open();
    attempts->forget(7);
    attempts->forget(9);
    EXPECT_EQ(attempts->failed(7), 0U);
    EXPECT_EQ(attempts->failed(8), 1U);
  }
  EXPECT_EQ(open()->failed(7), 0U);
  EXPECT_EQ(open()->failed(8), 1U);
  die_working_on({7, 8});
  EXPECT_EQ(open()->failed(7), 1U) << "counted from the beginning";
  EXPECT_EQ(open()->failed(8), 2U);
}

TEST_F(AttemptsFile, TakesWhatBatchesBeginWith) {
  const auto work = range(1, kMostWork + 100);
  die_working_on(work);
  const auto attempts = open();
  EXPECT_EQ(failed_of(*attempts, work), kMostWork);
  EXPECT_EQ(failed_of(*attempts, range(1, kMostWork)), kMostWork);
}

TEST_F(AttemptsFile, ForgetsThoseThatHaveFailedLeast) {
  for (int i = 0; i < 3; ++i) die_working_on({7});
  const auto others = range(1000, kMostWork);
  die_working_on(others);
  const auto attempts = open();
  EXPECT_EQ(attempts->failed(7), 3U);
  EXPECT_EQ(failed_of(*attempts, others), kMostSuspects - 1);
}

TEST_F(AttemptsFile, ForgetsOfThoseTheOldest) {
  const auto first = range(1'000'000, 100);
  const auto second = range(2'000'000, 200);
  const auto third = range(1, kMostSuspects - 250);
  for (const auto& work : {first, second, third}) die_working_on(work);
  const auto attempts = open();
  EXPECT_EQ(failed_of(*attempts, third), third.size());
  EXPECT_EQ(failed_of(*attempts, second), 200U);
  EXPECT_EQ(failed_of(*attempts, first), 50U);
}

TEST_F(AttemptsFile, IsForItsOwnerOnlyAndDoesNotGrow) {
  const mode_t before = umask(0);
  die_working_on({7});
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, mode_t{0600});
  EXPECT_EQ(status.st_size, static_cast<off_t>(sizeof(attempts::Image)));
  die_working_on(range(1, kMostWork + 1));
  EXPECT_EQ(std::filesystem::file_size(path_), sizeof(attempts::Image));
}

TEST_F(AttemptsFile, MovesWithItsStore) {
  die_working_on({7});
  std::filesystem::rename(path_, folder_ / "moved");
  EXPECT_EQ(open()->failed(7), 0U);
  path_ = folder_ / "moved";
  EXPECT_EQ(open()->failed(7), 1U);
}

}  // namespace
}  // namespace chat21::contract
