// Devices and what is sent to them: instances, notify, the relay of webhooks.
#include <condition_variable>
#include <gmock/gmock.h>
#include <mutex>
#include <string>

#include "tests/api/world.h"

namespace chat21::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PushRoutes : public World {
 protected:
  PushRoutes() {
    options.web_click_action = "https://chat.example/";
    options.relay_token = "the token";
    options.relay_url = "https://push.example/notify";
    options.relay_authorization = "the authorization";
  }
  server::HttpResponse save(const std::string& who, const std::string& id,
                            const std::string& body = {}) {
    return ask("POST", "/tilechat/u200/instances/" + id, who, body);
  }
  std::vector<std::string> instances(const std::string& user) {
    const auto found = store.instances("tilechat", user);
    EXPECT_TRUE(found);
    return found ? *found : std::vector<std::string>();
  }
  server::HttpResponse notify(const std::string& body) {
    const auto response = ask("POST", "/tilechat/notify", as_admin(), body);
    background.drain();
    return response;
  }
  server::HttpResponse relay(const std::string& token, const std::string& body) {
    const auto response = ask("POST", "/tilechat/push/webhook/endpoint/" + token, {}, body);
    background.drain();
    return response;
  }
};

constexpr const char* kEvent =
    R"({"event_type":"message-delivered","delivered_to":"u200","data":{"text":"hi",)"
    R"("sender":"u100","sender_fullname":"User One","recipient":"u200","app_id":"tilechat"}})";

// --- Instances ------------------------------------------------------------------------------

TEST_F(PushRoutes, StoreAnInstanceOfTheCaller) {
  const auto response = save(as("u200"), "token:1",
                             R"({"device_model":"P\u00e9","language":"en","platform":"android",)"
                             R"("platform_version":"14","user_id":"forged","more":1})");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  ASSERT_THAT(gateway.taken, SizeIs(1));
  EXPECT_EQ(gateway.taken[0].routing_key, "apps.observer.tilechat.instances.save");
  EXPECT_EQ(gateway.taken[0].body,
            R"({"instance":{"instance_id":"token:1","app_id":"tilechat","user_id":"u200",)"
            R"("device_model":"P\u00e9","language":"en","platform":"android",)"
            R"("platform_version":"14"}})");
  ASSERT_THAT(instances("u200"), SizeIs(1));
  EXPECT_THAT(instances("u200")[0], HasSubstr(R"("instance_id":"token:1")"));
}

TEST_F(PushRoutes, StoreAnInstanceWithoutAnyFieldOnce) {
  EXPECT_EQ(save(as("u200"), "t1").status, 200U);
  EXPECT_EQ(save(as("u200"), "t1", R"({"platform":null})").status, 200U);
  EXPECT_THAT(instances("u200"), SizeIs(1));
}

TEST_F(PushRoutes, StoreInstancesForNobodyElse) {
  for (const std::string& who : {as("u100"), as_admin(), token({.user = "u200", .app = "other"})}) {
    const auto refused = save(who, "t1");
    EXPECT_EQ(refused.status, 401U);
    EXPECT_EQ(refused.body, "Unauthorized.");
  }
  EXPECT_EQ(save("", "t1").status, 403U);
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(PushRoutes, RefuseFieldsThatAreNoTextsOrTooLong) {
  for (const std::string& value : {std::string("7"), std::string("{}"), std::string("[\"x\"]"),
                                   std::string("true"), '"' + std::string(1025, 'x') + '"'}) {
    const auto refused = save(as("u200"), "t1", R"({"language":)" + value + "}");
    EXPECT_EQ(refused.status, 405U);
    EXPECT_EQ(refused.body, "language must be a text of at most 1024 bytes");
  }
  EXPECT_EQ(save(as("u200"), "t1", "[]").status, 400U);
  EXPECT_THAT(gateway.taken, IsEmpty());
}

TEST_F(PushRoutes, BoundTheInstancesOfAUser) {
  for (int i = 0; i < 1000; ++i) save(as("u200"), "t" + std::to_string(i));
  const auto refused = save(as("u200"), "one-more");
  EXPECT_EQ(refused.status, 405U);
  EXPECT_EQ(refused.body, "a user has at most 1000 instances");
  EXPECT_EQ(save(as("u200"), "t999").status, 200U) << "it is there already";
}

TEST_F(PushRoutes, SayWhyAnInstanceIsNotStored) {
  store_away = true;
  EXPECT_EQ(save(as("u200"), "t1").status, 404U);
  store_away = false;
  gateway.away = true;
  EXPECT_EQ(save(as("u200"), "t1").status, 404U);
  gateway.away = false;
  gateway.slow = true;
  EXPECT_EQ(save(as("u200"), "t1").status, 504U);
}

// --- Notify ---------------------------------------------------------------------------------

TEST_F(PushRoutes, HandAMessageToThePushService) {
  save(as("u200"), "t1", R"({"platform":"web/chrome"})");
  save(as("u200"), "t2");
  const auto response = notify(kEvent);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  ASSERT_THAT(push.notifications, SizeIs(1));
  const auto& sent = push.notifications[0];
  EXPECT_EQ(sent.app, "tilechat");
  EXPECT_EQ(sent.user, "u200");
  EXPECT_EQ(sent.title, "User One");
  EXPECT_EQ(sent.text, "hi");
  EXPECT_THAT(sent.instances,
              ::testing::UnorderedElementsAre(
                  R"({"instance_id":"t1","app_id":"tilechat","user_id":"u200",)"
                  R"("platform":"web/chrome","platforms":{"webpush":{"headers":{"Urgency":"high"},)"
                  R"("fcm_options":{"link":"https://chat.example/"}}}})",
                  R"({"instance_id":"t2","app_id":"tilechat","user_id":"u200","platforms":{}})"));
}

TEST_F(PushRoutes, AreForAdmins) {
  save(as("u200"), "t1");
  const auto refused = ask("POST", "/tilechat/notify", as("u100"), kEvent);
  EXPECT_EQ(refused.status, 403U);
  EXPECT_EQ(refused.body, R"({"success":false,"msg":"Unauthorized."})");
  const std::string foreign = token({.user = "root", .app = "other", .admin = true});
  EXPECT_EQ(ask("POST", "/tilechat/notify", foreign, kEvent).status, 401U);
  EXPECT_EQ(ask("POST", "/other/notify", foreign, kEvent).status, 401U)
      << "the message is of another app";
  background.drain();
  EXPECT_THAT(push.notifications, IsEmpty());
}

TEST_F(PushRoutes, SendNothingToWhoHasNoDeviceOrWithoutAService) {
  EXPECT_EQ(notify(kEvent).status, 200U);
  EXPECT_EQ(notify("{}").status, 200U);
  save(as("u200"), "t1");
  services.push = nullptr;
  server::Api without_push(services);
  const auto response = without_push.handle({.method = "POST",
                                             .target = "/api/tilechat/notify",
                                             .authorization = as_admin(),
                                             .body = kEvent});
  background.drain();
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(push.notifications, IsEmpty());
}

TEST_F(PushRoutes, RemoveDevicesThatAreGoneAndNoOthers) {
  save(as("u200"), "t1");
  save(as("u200"), "t2");
  ask("POST", "/tilechat/u300/instances/t3", as("u300"));
  push.gone = {"t2", "t3", "never-there"};
  gateway.forget();
  notify(kEvent);
  ASSERT_THAT(gateway.taken, SizeIs(1));
  EXPECT_EQ(gateway.taken[0].routing_key, "apps.observer.tilechat.instances.remove");
  EXPECT_EQ(gateway.taken[0].body, R"({"instance_id":"t2"})");
  ASSERT_THAT(instances("u200"), SizeIs(1));
  EXPECT_THAT(instances("u200")[0], HasSubstr("\"t1\""));
  EXPECT_THAT(instances("u300"), SizeIs(1));
}

TEST_F(PushRoutes, LogWhyNothingWasSent) {
  store_away = true;
  EXPECT_EQ(notify(kEvent).status, 200U);
  EXPECT_THAT(logged(), HasSubstr("no push notification was sent"));
  EXPECT_THAT(logged(), HasSubstr("disk on fire"));
}

// --- Relay ------------------------------------------------------------------------------------

TEST_F(PushRoutes, RelayADeliveredMessageAsItCame) {
  const auto response = relay("the%20token", kEvent);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"success":true})");
  ASSERT_THAT(client.calls, SizeIs(1));
  EXPECT_EQ(client.calls[0].url, "https://push.example/notify");
  EXPECT_EQ(client.calls[0].body, kEvent);
  EXPECT_THAT(client.calls[0].headers, ElementsAre(std::pair<std::string, std::string>(
                                           "Authorization", "the authorization")));
}

TEST_F(PushRoutes, RelayNothingElseAndTellNobody) {
  for (const char* wrong : {"the%20tokem", "the%20toke", "the%20token%20", "x"}) {
    EXPECT_EQ(relay(wrong, kEvent).body, R"({"success":true})") << wrong;
  }
  for (const char* event : {R"({"event_type":"message-sent"})", R"({"event_type":7})", "{}"}) {
    EXPECT_EQ(relay("the%20token", event).status, 200U) << event;
  }
  options.relay_token.clear();
  EXPECT_EQ(relay("x", kEvent).status, 200U);
  EXPECT_THAT(client.calls, IsEmpty());
}

TEST_F(PushRoutes, LogWhatIsTooMuchAndAnswer) {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  background.add([&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return open; });
  });
  while (background.add([] {})) {
  }
  const auto response = ask("POST", "/tilechat/push/webhook/endpoint/the%20token", {}, kEvent);
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(logged(), HasSubstr("too much work waits"));
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  changed.notify_all();
  background.drain();
  EXPECT_THAT(client.calls, IsEmpty());
}

}  // namespace
}  // namespace chat21::tests
