// A message of which the server dies each time, among others, from start to start: with the
// real store, the real file of attempts, and a queue that outlives the process.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <ostream>
#include <signal.h>
#include <span>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "chat21/attempts_file.h"
#include "chat21/observer.h"
#include "chat21/policy.h"
#include "chat21/sqlite.h"
#include "chat21/testing/memory_transport.h"

#include "tests/contract/child.h"
#include "tests/contract/sqlite_files.h"

namespace chat21::contract {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr unsigned kMaxAttempts = 3;
constexpr std::string_view kPoison = "poison";

const std::string kKey = "apps.tilechat.outgoing.users.ada.messages.bob.outgoing";

std::string message(const std::string& text) {
  return R"({"text":")" + text + R"("})";
}

bool is_poison(std::string_view body) {
  return body.find(kPoison) != std::string_view::npos;
}

// Where the process dies of it.
enum class Death { Deciding, Publishing };

class DeadlyPolicy final : public Policy {
 public:
  std::string_view name() const override { return "deadly"; }
  Verdict review(const Message& message, Time) override {
    if (is_poison(message.body)) std::abort();
    return Verdict::allow();
  }
};

// A queue as the broker has it: what was not settled comes again, in its order, marked. Each
// settlement is told to the parent, which keeps the queue.
class Queue final : public Transport {
 public:
  Queue(const std::vector<std::string>& bodies, bool is_first, bool is_deadly,
        const Child::Voice& parent)
      : is_deadly_(is_deadly), parent_(parent) {
    for (const std::string& body : bodies) queue_.offer(kKey, body);
    if (is_first) return;
    if (const auto taken = queue_.receive({}); !taken || taken->size() != bodies.size()) {
      throw std::runtime_error("the queue gave out less than it has");
    }
    queue_.disconnect();
    if (queue_.receive({})) throw std::runtime_error("the connection was not lost");
    before_first_ = bodies.size();
  }

  Result<std::span<const Delivery>> receive(std::chrono::milliseconds wait) override {
    return queue_.receive(wait);
  }
  // After the commit: the message is in the store already.
  Result<> publish(std::span<const Publish> publishes) override {
    const auto deadly = [](const Publish& one) {
      return one.routing_key.starts_with("apps.") && is_poison(one.body);
    };
    if (is_deadly_ && std::any_of(publishes.begin(), publishes.end(), deadly)) ::raise(SIGKILL);
    return queue_.publish(publishes);
  }
  Result<> settle(std::span<const Settle> settled) override {
    for (const Settle& one : settled) {
      parent_.say(std::to_string(one.tag - before_first_ - 1) + "\n");
    }
    return queue_.settle(settled);
  }
  Tag settled_up_to() const override { return queue_.settled_up_to(); }
  bool recovered() const override { return queue_.recovered(); }

 private:
  testing::MemoryTransport queue_;
  bool is_deadly_;
  const Child::Voice& parent_;
  Tag before_first_ = 0;
};

struct Case {
  const char* name;
  Death death;
  std::size_t place;  // of the poison among the innocent
  friend std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }
};

class Poison : public SqliteFiles, public ::testing::WithParamInterface<Case> {
 protected:
  // One life of the server: until all is settled, or until it dies.
  void live(const std::vector<std::string>& bodies, unsigned start, const Child::Voice& parent) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const auto store = open();
    const auto attempts = value(open_attempts(options_.path.string() + "-attempts"));
    const bool publishing = GetParam().death == Death::Publishing;
    Queue queue(bodies, start == 1, publishing, parent);
    DeadlyPolicy deadly;
    Policy* const policies[] = {&deadly};
    Router router({.seed = start}, publishing ? std::span<Policy* const>() : policies);
    Observer observer(queue, *store, router, [] { return at(1000); }, nullptr,
                      {.attempts = attempts.get(), .max_attempts = kMaxAttempts});
    while (value(observer.run_once({})) > 0) {
    }
    parent.say("done\n");
  }

  // Starts a server with what is left in the queue; whether it got to its end.
  bool start(unsigned number) {
    Child child([&](const Child::Voice& parent) { live(queue_, number, parent); });
    std::vector<bool> settled(queue_.size());
    for (std::string line = child.hear_line(); !line.empty(); line = child.hear_line()) {
      if (line == "done") return true;
      settled.at(std::stoul(line)) = true;
    }
    std::vector<std::string> left;
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      if (!settled[i]) left.push_back(queue_[i]);
    }
    queue_ = std::move(left);
    return false;
  }

  std::map<std::string, int> stored() {
    std::map<std::string, int> counts;
    for (const std::string& document : messages(kBob, {.limit = kMaxPage})) {
      JsonObject fields;
      check(fields.parse(document));
      ++counts[decode_string(*fields.find("text"))];
    }
    return counts;
  }

  std::vector<std::string> queue_;  // bodies
};

TEST_P(Poison, IsSetAsideOnceAndTakesNobodyAlong) {
  std::map<std::string, int> expected;
  for (int i = 0; i < 20; ++i) {
    const std::string text = "text " + std::to_string(i / 2);  // each is said twice
    queue_.push_back(message(text));
    ++expected[text];
  }
  const std::string poison = message(std::string(kPoison));
  queue_.insert(queue_.begin() + static_cast<std::ptrdiff_t>(GetParam().place), poison);

  unsigned starts = 1;
  while (!start(starts) && starts <= kMaxAttempts + 1) ++starts;
  EXPECT_EQ(starts, kMaxAttempts + 1);

  // Who died after the commit has stored it.
  if (GetParam().death == Death::Publishing) expected[std::string(kPoison)] = 1;
  EXPECT_EQ(stored(), expected);
  EXPECT_THAT(value(read()->set_aside({})).documents,
              ElementsAre(AllOf(HasSubstr(kPoison), HasSubstr(kKey), HasSubstr("ended 3 times"))));
}

INSTANTIATE_TEST_SUITE_P(At, Poison,
                         ::testing::Values(Case{"FirstDeciding", Death::Deciding, 0},
                                           Case{"AmongDeciding", Death::Deciding, 10},
                                           Case{"LastDeciding", Death::Deciding, 20},
                                           Case{"FirstPublishing", Death::Publishing, 0},
                                           Case{"AmongPublishing", Death::Publishing, 10},
                                           Case{"LastPublishing", Death::Publishing, 20}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace chat21::contract
