// The Engine on a full disk, and killed, in a process of its own.
#include <csignal>
#include <filesystem>
#include <functional>
#include <random>
#include <stdexcept>
#include <sys/resource.h>

#include "tests/contract/child.h"
#include "tests/mosquitto/engine_case.h"

namespace chat21::mosquitto {
namespace {

using contract::check;
using contract::Child;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class EngineInAChild : public EngineCase {
 protected:
  EngineInAChild() { engine_options_.log = {}; }

  // What is expected in the child, where no test can fail.
  static void require(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what);
  }
};

// --- A full disk --------------------------------------------------------------

class EngineFullDisk : public EngineInAChild {
 protected:
  // Files grow no more: neither by a message nor by what the engine tries.
  void fill_disk() {
    signal(SIGXFSZ, SIG_IGN);
    let_files_grow_to(std::filesystem::file_size(beside("-wal")));
  }
  static void make_room() { let_files_grow_to(RLIM_INFINITY); }

  // Some of its retries long.
  void turn_for_a_while() {
    const auto until = steady_clock::now() + std::chrono::milliseconds(500);
    turn_while([&] {
      require(!engine_->trouble().empty(), "the trouble ended though the disk is full");
      return steady_clock::now() < until;
    });
  }

  auto tells_of_disk() const {
    return AllOf(StartsWith("cannot "), HasSubstr(options_.path.string()),
                 HasSubstr("disk I/O error"));
  }

  void require_refused(const std::string& text) {
    const auto refused = accept(text);
    require(!refused, "it accepted a message on a full disk");
    require(refused.error().code == Error::Code::Unavailable, refused.error().message);
  }

 private:
  static void let_files_grow_to(rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    require(setrlimit(RLIMIT_FSIZE, &limit) == 0, "cannot limit the size of files");
  }
};

TEST_F(EngineFullDisk, GroupStoresWhatItAcceptedOnceThereIsRoom) {
  Child child([this](const Child::Voice& parent) {
    start();
    check(accept("1"));
    turn_until_published(1);
    fill_disk();
    check(accept("2"));
    turn_while([this] { return engine_->trouble().empty(); });
    parent.say(engine_->trouble());
    require_refused("3");
    turn_for_a_while();
    make_room();
    turn_until_well();
    check(accept("4"));
    engine_->stop();
  });
  EXPECT_THAT(child.hear_all(), tells_of_disk());
  EXPECT_THAT(stored(), ElementsAre("1", "2", "4"));
}

TEST_F(EngineFullDisk, StrictRefusesUntilThereIsRoomAndFindsOutByItself) {
  engine_options_.strict = true;
  Child child([this](const Child::Voice& parent) {
    start();
    check(accept("1"));
    fill_disk();
    require_refused("2");
    parent.say(engine_->trouble());
    require_refused("3");
    turn_for_a_while();
    make_room();
    turn_until_well();
    check(accept("4"));
  });
  EXPECT_THAT(child.hear_all(), tells_of_disk());
  EXPECT_THAT(stored(), ElementsAre("1", "4"));
}

// --- kill -9 ------------------------------------------------------------------

class EngineKilled : public EngineInAChild {
 protected:
  // Says the number of each message that was accepted, until it is killed.
  void accept_until_killed(const Child::Voice& parent) {
    start();
    for (int number = 0;; ++number) {
      check(accept(std::to_string(number)));
      parent.say(std::to_string(number) + "\n");
      if (number % 7 == 0) turn();
    }
  }

  // Kills it after it has said so many, and `later`. Returns how many it has said.
  std::size_t kill_after(std::size_t messages, steady_clock::duration later) {
    Child child([this](const Child::Voice& parent) { accept_until_killed(parent); });
    std::size_t said = 0;
    while (said < messages && !child.hear_line().empty()) ++said;
    // Not a wait for something: the moment of death is to be any.
    const auto death = steady_clock::now() + later;
    while (steady_clock::now() < death) continue;
    child.kill_hard();
    while (!child.hear_line().empty()) ++said;
    return said;
  }
};

TEST_F(EngineKilled, StrictHasStoredOnceWhatItAccepted) {
  engine_options_.strict = true;
  std::mt19937 dice(20);
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE(round);
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(beside(ending));
    const std::size_t said = kill_after(1 + dice() % 50, std::chrono::microseconds(dice() % 3000));
    const auto texts = stored();
    EXPECT_GE(texts.size(), said);
    EXPECT_LE(texts.size(), said + 1) << "at most the one that it was about to accept";
    for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(texts[i], std::to_string(i));
    start();  // its lock died with it
    engine_.reset();
  }
}

}  // namespace
}  // namespace chat21::mosquitto
