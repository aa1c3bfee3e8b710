// A batch is a matter of speed only: decided one by one, the same deliveries must
// give the same publishes. The Router keeps that promise by stopping short wherever
// a delivery needs what an earlier one has changed; this looks for where it does not.
#include <array>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/observer.h"
#include "chat21/testing/memory_store.h"
#include "chat21/testing/memory_transport.h"

namespace chat21::tests {
namespace {

using namespace std::chrono_literals;
using Published = testing::MemoryTransport::Published;

// Few users, groups and ids, so that deliveries are about the same things.
class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : random_(seed) {}

  Published next() {
    const std::string me = user();
    const std::string other = peer();
    const std::string inbox = "apps.a.users." + me;
    switch (random_() % 11) {
      case 0:
        return {"apps.a.outgoing.users." + me + ".messages." + other + ".outgoing",
                "{\"attributes\":" + attributes() + client_message_id() + "}"};
      case 1:
        return {"apps.observer.a.users." + me + ".messages." + other + ".persist",
                stamped(pick({"100", "150", "200", "250"}))};
      case 2:
        return {"apps.observer.a.users." + me + ".messages." + other + ".delivered",
                stamped("150")};
      case 3:
        return {inbox + ".messages." + other + "." + id() + ".update", R"({"status":200})"};
      case 4:
        return {inbox + ".conversations." + other + ".update", R"({"is_new":false})"};
      case 5:
        return {inbox + ".conversations." + other + ".archive", "{}"};
      case 6:
        return {"apps.observer.a.groups.update", R"({"group":{"uid":"group-1","updatedOn":)" +
                                                     pick({"1", "2", "3"}) + ",\"members\":{\"" +
                                                     user() + "\":1}},\"notify_to\":{}}"};
      case 7:
        return {"apps.observer.a.groups.delete", R"({"group":{"uid":"group-1","updatedOn":)" +
                                                     pick({"1", "2", "3"}) + "},\"notify_to\":{\"" +
                                                     user() + "\":1}}"};
      case 8:
        return {"apps.observer.a." + pick({"conversations", "messages"}) + ".delete",
                "{\"conversation\":\"" + other + "\"}"};
      case 9:
        return {"apps.observer.a.api.fence", "{\"inbox\":\"i\",\"token\":\"" + id() + "\"}"};
      default:
        return {inbox + ".messages." + other + ".outgoing", pick({"{", "{\"group\":5}", "{}"})};
    }
  }

 private:
  std::string pick(const std::vector<std::string>& of) { return of[random_() % of.size()]; }
  std::string user() { return pick({"u1", "u2"}); }
  std::string peer() { return pick({"u1", "u2", "group-1"}); }
  std::string id() { return pick({"m1", "m2"}); }
  std::string attributes() {
    return pick({"null", R"({"updateconversation":false})", R"({"hiddenFor":"u2"})"});
  }
  std::string client_message_id() {
    return pick({"", R"(,"client_message_id":"c1")", R"(,"client_message_id":"c2")",
                 R"(,"client\u005fmessage_id":"c1")", R"(,"client_message_id":1)"});
  }
  std::string stamped(const std::string& status) {
    return "{\"message_id\":\"" + id() + "\",\"timestamp\":" + pick({"1", "2"}) +
           ",\"status\":" + status + ",\"attributes\":" + attributes() + "}";
  }

  std::mt19937_64 random_;
};

struct Seen {
  std::vector<Published> published;
  std::vector<std::string> told;
  std::array<std::size_t, kOutcomes> outcomes{};
};

// What becomes of the traffic if as many deliveries as `prefetch` come at once.
Seen observe(const std::vector<Published>& traffic, std::size_t prefetch) {
  testing::MemoryTransport transport({.prefetch = prefetch});
  testing::MemoryStore store;
  Router router({.seed = 1});
  Seen seen;
  Observer observer(
      transport, store, router, [] { return Time(1760000000456ms); },
      [&](const Event& event) {
        std::string& line = seen.told.emplace_back(to_string(event.kind));
        for (const std::string_view part :
             {event.app, event.user, event.conversation, event.message_id, event.client,
              event.routing_key, event.body, event.detail}) {
          line.append(" ").append(part);
        }
      });
  for (const Published& one : traffic) transport.offer(one.routing_key, one.body);
  while (transport.pending() > 0) {
    const auto done = observer.run_once(0ms);
    EXPECT_TRUE(done && *done > 0);
    if (!done || *done == 0) break;
  }
  seen.published = transport.published();
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    seen.outcomes.at(i) = transport.settled(static_cast<Outcome>(i));
  }
  return seen;
}

TEST(Batch, GivesWhatItsDeliveriesGiveOneByOne) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Traffic source(seed);
    std::vector<Published> traffic;
    for (int i = 0; i < 24; ++i) traffic.push_back(source.next());
    const Seen together = observe(traffic, 256);
    const Seen single = observe(traffic, 1);
    ASSERT_EQ(together.published, single.published);
    ASSERT_EQ(together.told, single.told);
    ASSERT_EQ(together.outcomes, single.outcomes);
  }
}

}  // namespace
}  // namespace chat21::tests
