#include "tests/api/world.h"

#include <algorithm>
#include <utility>

#include "chat21/json.h"
#include "chat21/topic.h"

#include "server/token.h"

namespace chat21::tests {

using namespace server;
using namespace std::chrono_literals;

namespace {

// One of many readers of the only store.
class SharedHistory final : public History {
 public:
  SharedHistory(History& store, std::mutex& mutex, const bool& away)
      : store_(store), mutex_(mutex), away_(away) {}

  Result<Listing> conversations(std::string_view app, std::string_view timeline, bool archived,
                                const Slice& slice) override {
    return read([&] { return store_.conversations(app, timeline, archived, slice); });
  }
  Result<std::size_t> unread(std::string_view app, std::string_view timeline) override {
    return read([&] { return store_.unread(app, timeline); });
  }
  Result<Document> conversation(std::string_view app, std::string_view timeline,
                                std::string_view conversation) override {
    return read([&] { return store_.conversation(app, timeline, conversation); });
  }
  Result<Documents> messages(std::string_view app, std::string_view timeline,
                             std::string_view conversation, const Page& page) override {
    return read([&] { return store_.messages(app, timeline, conversation, page); });
  }
  Result<Document> group(std::string_view app, std::string_view group) override {
    return read([&] { return store_.group(app, group); });
  }
  Result<Listing> groups(std::string_view app, std::string_view user, const Slice& slice) override {
    return read([&] { return store_.groups(app, user, slice); });
  }
  Result<Documents> instances(std::string_view app, std::string_view user) override {
    return read([&] { return store_.instances(app, user); });
  }
  Result<Listing> blocks(std::string_view app, std::string_view user, const Slice& slice) override {
    return read([&] { return store_.blocks(app, user, slice); });
  }
  Result<Listing> set_aside(const Slice& slice) override {
    return read([&] { return store_.set_aside(slice); });
  }
  Result<bool> blocked(std::string_view app, std::string_view user,
                       std::string_view other) override {
    return read([&] { return store_.blocked(app, user, other); });
  }

 private:
  template <class Read>
  auto read(Read what) -> decltype(what()) {
    const std::lock_guard lock(mutex_);
    if (away_) return fail(Error::Code::Unavailable, "cannot open /secret/chat.db: disk on fire");
    return what();
  }

  History& store_;
  std::mutex& mutex_;
  const bool& away_;
};

}  // namespace

// --- The broker and the observer ----------------------------------------------------

WorldGateway::WorldGateway(testing::MemoryStore& store, std::mutex& mutex, Observer::Clock clock)
    : mutex_(mutex),
      router_({.seed = 7}, {&policy_, 1}),
      observer_(transport_, store, router_, std::move(clock), {}) {}

Result<> WorldGateway::publish(std::vector<Outgoing> messages) {
  const std::lock_guard lock(mutex_);
  if (away) return fail(Error::Code::Unavailable, "cannot publish to 10.0.0.7: connection refused");
  for (Outgoing& message : messages) {
    taken.push_back({message.routing_key, message.body});
    transport_.offer(std::move(message.routing_key), std::move(message.body));
  }
  if (!slow) run();
  return {};
}

Result<Gateway::Done> WorldGateway::carry_out(std::vector<Outgoing> messages) {
  if (const auto published = publish(std::move(messages)); !published) return published.error();
  if (const auto happens = std::exchange(before_answer, nullptr)) happens();
  return slow ? Done::Accepted : Done::Carried;
}

void WorldGateway::resume() {
  const std::lock_guard lock(mutex_);
  slow = false;
  run();
}

void WorldGateway::forget() {
  taken.clear();
  transport_.clear_published();
}

Verdict WorldGateway::review(const Message& message, Time) {
  if (!refused.contains(std::string(message.recipient))) return Verdict::allow();
  return Verdict::deny("refused", "nobody may send to them");
}

void WorldGateway::run() {
  while (transport_.pending() > 0) {
    const auto processed = observer_.run_once(0ms);
    ASSERT_TRUE(processed) << processed.error().message;
  }
}

// --- The others ---------------------------------------------------------------------

Contact WorldContacts::find(std::string_view user) {
  asked();
  const auto found = known.find(user);
  if (found != known.end()) return found->second;
  return {.id = std::string(user), .fullname = std::string(user), .firstname = {}, .lastname = {}};
}

Result<std::vector<std::string>> WorldPush::notify(const PushNotification& notification) {
  notifications.push_back(notification);
  return gone;
}

Result<HttpReply> WorldClient::perform(const HttpCall& call) {
  calls.push_back(call);
  return HttpReply{.status = 200, .body = {}};
}

// --- The world ----------------------------------------------------------------------

World::World()
    : gateway(store, mutex_, [this] { return now; }),
      histories_(
          [this]() -> Result<std::unique_ptr<History>> {
            return std::unique_ptr<History>(
                std::make_unique<SharedHistory>(store, mutex_, store_away));
          },
          4),
      log_(LogLevel::Debug, LogFormat::Text, log_text_),
      services{.options = options,
               .histories = histories_,
               .gateway = gateway,
               .contacts = contacts,
               .push = &push,
               .client = client,
               .background = background,
               .group_locks = group_locks_,
               .troubles = [this] { return troubles; },
               .now = [this] { return now; },
               .log = log_},
      api(services) {
  options.token = {.key = "tokenKey", .audience = "rabbitmq"};
}

HttpResponse World::ask(std::string_view method, std::string_view target, std::string_view token,
                        std::string_view body) {
  return api.handle({.method = std::string(method),
                     .target = options.base_path + std::string(target),
                     .authorization = std::string(token),
                     .body = std::string(body)});
}

std::string World::token(const TokenOf& of) const {
  const auto made = mint_token({.subject = TokenRequest::Subject::User,
                                .user = of.user,
                                .app = of.app,
                                .admin_role = of.admin,
                                .lifetime = 1h},
                               {.key = "tokenKey",
                                .audience = "rabbitmq",
                                .now = std::chrono::floor<std::chrono::seconds>(now),
                                .id = "the-id"});
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : std::string();
}

void World::publish(const std::string& routing_key, const std::string& body) {
  const auto published = gateway.publish({{routing_key, body}});
  ASSERT_TRUE(published) << published.error().message;
}

void World::send(const std::string& from, const std::string& to, const std::string& body) {
  Arena arena;
  publish(std::string(outgoing_key(arena, "tilechat", from, to)), body);
}

void World::know_group(const std::string& id, const std::string& owner,
                       const std::vector<std::string>& members) {
  JsonWriter listed;
  for (const std::string& member : members) listed.number(member, 1);
  JsonWriter group;
  group.text("name", "Support").text("uid", id).text("appId", "tilechat").text("owner", owner);
  group.json("members", listed.object());
  group.number("createdOn", 1750000000000).number("updatedOn", 1750000000000);
  const std::string body = group.object();
  ASSERT_TRUE(store.apply(std::vector<Write>{
      SaveGroup{.app = "tilechat", .group = id, .body = body, .updated_on = 1750000000000}}));
}

std::vector<testing::MemoryTransport::Published> World::inbox(const std::string& user) const {
  const std::string begin = "apps.tilechat.users." + user + ".";
  std::vector<testing::MemoryTransport::Published> seen;
  for (const auto& published : gateway.transport().published()) {
    if (published.routing_key.starts_with(begin)) seen.push_back(published);
  }
  return seen;
}

rapidjson::Document json(std::string_view text) {
  rapidjson::Document document;
  document.Parse(text.data(), text.size());
  EXPECT_FALSE(document.HasParseError()) << text;
  if (document.HasParseError()) document.SetObject();
  return document;
}

rapidjson::Document json(const HttpResponse& response) {
  EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
  return json(std::string_view(response.body));
}

std::vector<std::string> results(const HttpResponse& response, const char* member) {
  std::vector<std::string> all;
  const auto document = json(response);
  EXPECT_TRUE(document.HasMember("result") && document["result"].IsArray()) << response.body;
  if (!document.HasMember("result") || !document["result"].IsArray()) return all;
  for (const auto& one : document["result"].GetArray()) {
    all.emplace_back(one.HasMember(member) ? one[member].GetString() : "(missing)");
  }
  return all;
}

}  // namespace chat21::tests
