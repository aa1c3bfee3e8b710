#include "server/observer_probe.h"

#include <condition_variable>
#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::Key;
using testing::UnorderedElementsAre;

// Answers as it is told, and from the last answer on not before it ends.
class ScriptedGateway final : public Gateway {
 public:
  explicit ScriptedGateway(std::deque<Result<Done>> answers) : answers_(std::move(answers)) {}

  Result<> publish(std::vector<Outgoing>) override { return {}; }
  Result<Done> carry_out(std::vector<Outgoing> messages) override {
    EXPECT_THAT(messages, IsEmpty());
    std::unique_lock lock(mutex_);
    if (answers_.empty()) {
      at_end_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return stopped_; });
      return fail(Error::Code::Unavailable, "stopped");
    }
    auto answer = answers_.front();
    answers_.pop_front();
    return answer;
  }
  // All were given, and what follows from the last has happened.
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return at_end_; });
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Result<Done>> answers_;
  bool at_end_ = false;
  bool stopped_ = false;
};

std::map<std::string, std::string> troubles_after(std::deque<Result<Gateway::Done>> answers) {
  ScriptedGateway gateway(std::move(answers));
  Health health;
  const ObserverProbe probe(gateway, health, 0ms);
  gateway.wait();
  auto troubles = health.troubles();
  gateway.stop();
  return troubles;
}

TEST(ObserverProbe, IsSilentWhileTheObserverAnswers) {
  EXPECT_THAT(troubles_after({Gateway::Done::Carried}), IsEmpty());
}

TEST(ObserverProbe, NamesAnObserverThatDoesNotAnswer) {
  EXPECT_THAT(troubles_after({Gateway::Done::Carried, Gateway::Done::Accepted}),
              UnorderedElementsAre(Key("observer")));
}

TEST(ObserverProbe, ForgetsItWhenItAnswersAgain) {
  EXPECT_THAT(troubles_after({Gateway::Done::Accepted, Gateway::Done::Carried}), IsEmpty());
}

TEST(ObserverProbe, LeavesTheBrokerToTheGateway) {
  EXPECT_THAT(troubles_after({fail(Error::Code::Unavailable, "no broker")}), IsEmpty());
}

TEST(ObserverProbe, EndsBetweenTwoQuestions) {
  ScriptedGateway gateway({Gateway::Done::Carried});
  Health health;
  const ObserverProbe probe(gateway, health, 1h);
}

}  // namespace
}  // namespace chat21::server
