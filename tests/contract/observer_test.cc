// A whole observer, with a file and a broker that it loses again and again, and messages
// without client_message_id: what is offered again finds the message that it has become.
#include "chat21/observer.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "chat21/json.h"
#include "chat21/sqlite.h"

#include "tests/contract/rabbitmq_case.h"
#include "tests/contract/temp_folder.h"

namespace chat21::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

const std::string kSent = "apps.tilechat.outgoing.users.u100.messages.u200.outgoing";

Time now() {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

std::string member(std::string_view document, std::string_view name) {
  JsonObject json;
  EXPECT_TRUE(json.parse(document)) << document;
  const JsonMember* found = json.find(name);
  if (found == nullptr || found->value.size() < 2) return {};
  return std::string(found->value.substr(1, found->value.size() - 2));  // without the quotes
}

class ObserverOverRabbitmq : public RabbitmqCase {
 protected:
  void SetUp() override {
    enter();
    world().client().bind(world().queue(), world().exchange(), "apps.*.outgoing.#");
    world().client().bind(world().kept(), world().exchange(), "apps.*.users.#");
    auto store = open_sqlite({.path = folder_ / "chat.db"});
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    auto history = open_sqlite_history({.path = folder_ / "chat.db"});
    ASSERT_TRUE(history) << history.error().message;
    history_ = std::move(*history);
    observer_.emplace(transport(), *store_, router_, now, Observer::Listener());
    connect();
  }

  // Accepted: the broker has it.
  void send(const std::string& text) { world().offer({kSent, R"({"text":")" + text + R"("})"}); }

  // Returns whether it went well.
  bool run_once() {
    const auto done = observer_->run_once(milliseconds(50));
    if (done) return true;
    EXPECT_EQ(done.error().code, Error::Code::Unavailable) << done.error().message;
    return false;
  }

  // Until everything accepted is done with, and nothing can come again.
  void run_until_done() {
    const auto deadline = SteadyClock::now() + seconds(60);
    for (;;) {
      ASSERT_LT(SteadyClock::now(), deadline) << "it never ends";
      const auto done = observer_->run_once(milliseconds(50));
      if (done && *done == 0 && transport().recovered() &&
          world().client().ready_messages(world().queue()) == 0) {
        return;
      }
    }
  }

  // The texts in a timeline, the oldest first.
  std::vector<std::string> stored(std::string_view timeline, std::string_view other) {
    std::vector<std::string> texts;
    std::string after = " ";
    for (;;) {
      const auto page =
          history_->messages("tilechat", timeline, other, {.after = after, .limit = kMaxPage});
      EXPECT_TRUE(page) << page.error().message;
      if (!page || page->empty()) return texts;
      for (const std::string& one : *page) texts.push_back(member(one, "text"));
      after = member(page->back(), "message_id");
    }
  }

  // Both have each text once, and were sent it under one id, perhaps several times.
  void expect_each_once(const std::set<std::string>& accepted, const std::string& perhaps = "") {
    const auto published = world().published();
    for (const auto& [user, other] : {std::pair("u100", "u200"), std::pair("u200", "u100")}) {
      const auto texts = stored(user, other);
      std::set<std::string> distinct(texts.begin(), texts.end());
      EXPECT_EQ(texts.size(), distinct.size()) << "one is stored twice";
      if (accepted.count(perhaps) == 0) distinct.erase(perhaps);
      EXPECT_EQ(distinct, accepted);
      const Ids ids = published_to(user, published);
      for (const std::string& text : accepted) {
        const auto found = ids.find(text);
        ASSERT_NE(found, ids.end()) << text << " was not published";
        EXPECT_EQ(found->second.size(), 1U) << text << " has several ids";
      }
    }
  }

  // The ids under which each text was published to a user.
  using Ids = std::map<std::string, std::set<std::string>>;
  static Ids published_to(const std::string& user, const std::vector<Message>& published) {
    Ids ids;
    for (const Message& one : published) {
      if (one.routing_key.find(".users." + user + '.') == std::string::npos) continue;
      ids[member(one.body, "text")].insert(member(one.body, "message_id"));
    }
    return ids;
  }

  contract::TempFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<History> history_;
  Router router_{{.seed = 1}};
  std::optional<Observer> observer_;
  std::minstd_rand random_{1};
};

TEST_F(ObserverOverRabbitmq, StoresEachOnceHoweverTheNetworkCutsIt) {
  std::set<std::string> accepted;
  std::uniform_int_distribution<std::size_t> bytes(1, 12000);
  for (int round = 0; round < 25; ++round) {
    for (int i = 0; i < 20; ++i) {
      const std::string text = std::to_string(round) + '.' + std::to_string(i);
      send(text);
      accepted.insert(text);
    }
    world().proxy().cut_after(bytes(random_));
    while (run_once() && stored("u100", "u200").size() < accepted.size()) continue;
  }
  run_until_done();
  EXPECT_GT(transport().stats().connects, 10U);
  EXPECT_GT(transport().stats().redelivered, 10U);
  expect_each_once(accepted);
}

TEST_F(ObserverOverRabbitmq, StoresEachOnceWhenTheOperatorClosesItsConnections) {
  std::set<std::string> accepted;
  std::string perhaps;
  for (int round = 0; round < 3; ++round) {
    std::thread closer([this] {
      world().node().ctl({"close_all_connections", "--vhost", "/", "operator's wish"});
    });
    // The connection of those who send is closed with the others.
    try {
      for (int i = 0;; ++i) {
        perhaps = std::to_string(round) + '.' + std::to_string(i);
        send(perhaps);
        accepted.insert(perhaps);
        if (i % 8 == 0) run_once();
      }
    } catch (const std::runtime_error&) {
      closer.join();
    }
    world().reconnect_client();
    run_until_done();
    const auto texts = stored("u100", "u200");
    if (std::count(texts.begin(), texts.end(), perhaps) > 0) accepted.insert(perhaps);
  }
  EXPECT_GE(transport().stats().connects, 4U);
  expect_each_once(accepted);
}

// Hands out two messages that are new as one batch, and can cut the connection while what
// follows from them is published.
class InPairs final : public Transport {
 public:
  InPairs(Transport& inner, TcpProxy& proxy) : inner_(inner), proxy_(proxy) {}

  Result<std::span<const Delivery>> receive(milliseconds wait) override {
    auto received = inner_.receive(wait);
    const auto one = [&] { return received && received->size() == 1; };
    const bool is_new = one() && !received->front().redelivered;
    while (is_new && one()) received = inner_.receive(wait);
    if (!received) return received;
    batch_.assign(received->begin(), received->end());
    if (is_new) batch_.front().redelivered = false;
    return std::span<const Delivery>(batch_);
  }
  Result<> publish(std::span<const Publish> publishes) override {
    proxy_.cut_after(std::exchange(cut_after_, SIZE_MAX));
    auto published = inner_.publish(publishes);
    proxy_.cut_after(SIZE_MAX);
    return published;
  }
  Result<> settle(std::span<const Settle> settled) override { return inner_.settle(settled); }
  Tag settled_up_to() const override { return inner_.settled_up_to(); }
  bool recovered() const override { return inner_.recovered(); }

  // The next publish() comes as far as this.
  void cut_publish_after(std::size_t bytes) { cut_after_ = bytes; }

 private:
  Transport& inner_;
  TcpProxy& proxy_;
  std::vector<Delivery> batch_;
  std::size_t cut_after_ = SIZE_MAX;
};

// Their bytes are the same, but they are two: neither may be taken for the other, and
// neither stored again.
TEST_F(ObserverOverRabbitmq, KeepsTwoEqualMessagesOfABatchApart) {
  InPairs pairs(transport(), world().proxy());
  observer_.emplace(pairs, *store_, router_, now, Observer::Listener());
  std::set<std::string> texts;
  std::uniform_int_distribution<std::size_t> bytes(1, 1000);
  for (int round = 0; round < 10; ++round) {
    const std::string text = std::to_string(round);
    texts.insert(text);
    send(text);
    send(text);
    pairs.cut_publish_after(bytes(random_));
    while (run_once()) continue;
    EXPECT_EQ(stored("u100", "u200").size(), 2 * texts.size()) << "stored, and not published";
    run_until_done();
  }
  const auto published = world().published();
  for (const auto& [user, other] : {std::pair("u100", "u200"), std::pair("u200", "u100")}) {
    const auto all = stored(user, other);
    EXPECT_EQ(all.size(), 2 * texts.size());
    const Ids ids = published_to(user, published);
    for (const std::string& text : texts) {
      EXPECT_EQ(std::count(all.begin(), all.end(), text), 2) << text;
      EXPECT_EQ(ids.at(text).size(), 2U) << text;
    }
  }
}

}  // namespace
}  // namespace chat21::testing
