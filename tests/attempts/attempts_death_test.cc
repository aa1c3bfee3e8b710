// Processes that die in the middle of work.
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "lib/attempts/image.h"
#include "tests/attempts/attempts_case.h"
#include "tests/contract/child.h"

namespace chat21::contract {
namespace {

using std::chrono::steady_clock;
using ::testing::AnyOf;
using ::testing::Pair;

class AttemptsDeath : public AttemptsCase {
 protected:
  // Of the last line.
  static Fingerprint last_number(std::string lines) {
    lines.pop_back();
    return std::stoull(lines.substr(lines.rfind('\n') + 1));
  }
  // Not for something to happen: the moment of death is to be any.
  static void wait_for_any_moment(std::chrono::microseconds time) {
    const auto end = steady_clock::now() + time;
    while (steady_clock::now() < end) continue;
  }
};

TEST_F(AttemptsDeath, ByKillIsCountedEachTime) {
  for (unsigned deaths = 0; deaths < 5; ++deaths) {
    Child child([&](const Child::Voice& parent) {
      const auto attempts = open();
      attempts->begin(std::vector<Fingerprint>{1});
      attempts->begin(std::vector<Fingerprint>{7, 8});
      parent.say(std::to_string(attempts->failed(7)) + "\n");
      for (;;) pause();
    });
    EXPECT_EQ(child.hear_line(), std::to_string(deaths));
    child.kill_hard();
  }
  const auto attempts = open();
  EXPECT_EQ(attempts->failed(1), 0U);
  EXPECT_EQ(attempts->failed(7), 5U);
  EXPECT_EQ(attempts->failed(8), 5U);
}

TEST_F(AttemptsDeath, ByAbortIsCounted) {
  Child child([&](const Child::Voice&) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const auto attempts = open();
    attempts->begin(std::vector<Fingerprint>{7});
    std::abort();
  });
  EXPECT_EQ(child.hear_all(), "");
  EXPECT_EQ(open()->failed(7), 1U);
}

// Nearly all of the time it is in the middle of noting.
TEST_F(AttemptsDeath, AtAnyMomentLeavesOneBatchOrNone) {
  const auto one = range(1, attempts::kMostWork);
  const auto other = range(1'000'000, attempts::kMostWork);
  std::mt19937 random(20'251'124);
  for (int round = 0; round < 20; ++round) {
    std::filesystem::remove(path_);
    Child child([&](const Child::Voice& parent) {
      const auto attempts = open();
      parent.say("\n");
      for (;;) {
        attempts->begin(one);
        attempts->begin(other);
      }
    });
    child.hear_line();
    wait_for_any_moment(std::chrono::microseconds(random() % 3000));
    child.kill_hard();
    const auto attempts = open();
    const auto failed = std::pair(failed_of(*attempts, one), failed_of(*attempts, other));
    EXPECT_THAT(failed, AnyOf(Pair(0, 0), Pair(one.size(), 0), Pair(0, other.size())));
  }
}

// Neither does a start count a death twice, nor does it miss one.
TEST_F(AttemptsDeath, AtTheStartIsCountedOnce) {
  const auto work = range(7, attempts::kMostWork);
  std::mt19937 random(20'251'124);
  for (int round = 0; round < 30; ++round) {
    Child child([&](const Child::Voice& parent) {
      for (;;) {
        const auto attempts = open();
        parent.say(std::to_string(attempts->failed(7)) + "\n");
        attempts->begin(work);
      }
    });
    child.hear_line();
    const auto before = steady_clock::now();
    const std::string heard = child.hear_line() + "\n";
    const auto start = std::chrono::floor<std::chrono::microseconds>(steady_clock::now() - before);
    wait_for_any_moment(start * (random() % 100) / 100);
    child.kill_hard();
    const Fingerprint last = last_number(heard + child.hear_all());
    EXPECT_THAT(open()->failed(7), AnyOf(last, last + 1));
  }
}

}  // namespace
}  // namespace chat21::contract
