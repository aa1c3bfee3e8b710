// Push: which devices there are, and what is sent to them.

#include <algorithm>
#include <array>
#include <functional>
#include <openssl/crypto.h>
#include <string>
#include <utility>
#include <vector>

#include "chat21/topic.h"

#include "server/api/handlers.h"
#include "server/api/push_rules.h"
#include "server/api/trouble.h"

namespace chat21::server {
namespace {

using Type = JsonMember::Type;
using Kind = Topic::Kind;

// Of one user. Devices come and go, this many at a time nobody has.
constexpr std::size_t kMaxInstances = 1000;
constexpr std::size_t kMaxInstanceField = 1024;  // bytes as written

constexpr std::array<std::string_view, 4> kInstanceFields = {"device_model", "language", "platform",
                                                             "platform_version"};

Outgoing order(std::string_view app, Kind kind, std::string body) {
  Arena arena;
  return {.routing_key = std::string(order_key(arena, app, kind)), .body = std::move(body)};
}

std::string id_of(const std::string& instance) {
  JsonObject fields;
  return fields.parse(instance) ? text_of(fields, "instance_id") : std::string();
}

Result<History::Documents> read_instances(Services& services, std::string_view app,
                                          std::string_view user) {
  return services.histories.with(
      [&](History& history) -> Result<History::Documents> { return history.instances(app, user); });
}

// --- Saving an instance ---------------------------------------------------------------

// Error (InvalidArgument): a sentence for the client.
Result<std::string> new_instance(const Call& call) {
  JsonWriter instance;
  instance.text("instance_id", call.ids.instance)
      .text("app_id", call.ids.app)
      .text("user_id", call.ids.user);
  for (const std::string_view key : kInstanceFields) {
    const JsonMember* member = call.body.find(key);
    if (member == nullptr || member->is(Type::Null)) continue;
    if (!member->is(Type::String) || member->value.size() > kMaxInstanceField) {
      return fail(Error::Code::InvalidArgument, std::string(key) + " must be a text of at most " +
                                                    std::to_string(kMaxInstanceField) + " bytes");
    }
    instance.json(key, member->value);
  }
  return JsonWriter().json("instance", instance.object()).object();
}

bool may_add(const std::vector<std::string>& instances, std::string_view id) {
  if (instances.size() < kMaxInstances) return true;
  return std::any_of(instances.begin(), instances.end(),
                     [&](const std::string& instance) { return id_of(instance) == id; });
}

// --- Sending, in the background --------------------------------------------------------

// Only what was asked about: the service's answer removes no one else's devices.
std::vector<Outgoing> removals(const PushNotification& sent, const std::vector<std::string>& gone) {
  std::vector<Outgoing> orders;
  for (const std::string& instance : sent.instances) {
    const std::string id = id_of(instance);
    if (std::find(gone.begin(), gone.end(), id) == gone.end()) continue;
    orders.push_back(
        order(sent.app, Kind::InstanceRemove, JsonWriter().text("instance_id", id).object()));
  }
  return orders;
}

Result<> push(Services& services, PushNotification& notification) {
  const auto instances = read_instances(services, notification.app, notification.user);
  if (!instances) return instances.error();
  if (instances->empty()) return {};
  for (const std::string& instance : *instances) {
    notification.instances.push_back(with_platforms(instance, services.options));
  }
  const auto gone = services.push->notify(notification);
  if (!gone) return gone.error();
  auto orders = removals(notification, *gone);
  return orders.empty() ? Result<>() : services.gateway.publish(std::move(orders));
}

void push_or_log(Services& services, PushNotification notification) {
  const auto done = push(services, notification);
  if (done) return;
  services.log.warn(
      "no push notification was sent",
      {{"app", notification.app}, {"user", notification.user}, {"reason", done.error().message}});
}

void relay(Services& services, const HttpCall& call) {
  const auto reply = services.client.perform(call);
  if (reply && reply->status >= 200 && reply->status <= 299) return;
  services.log.warn("a webhook's event was not relayed",
                    {{"reason", reply ? "the answer was " + std::to_string(reply->status)
                                      : reply.error().message}});
}

// Nobody waits for it. The task has its own Services: it may outlive the handlers'.
void in_background(Services& services, std::function<void(Services&)> task) {
  const bool taken =
      services.background.add([own = services, task = std::move(task)]() mutable { task(own); });
  if (!taken) services.log.warn("too much work waits, an event was dropped");
}

// In a time that does not tell how much of it is right.
bool same_secret(std::string_view given, std::string_view secret) {
  return given.size() == secret.size() &&
         CRYPTO_memcmp(given.data(), secret.data(), given.size()) == 0;
}

bool is_relayed(const ApiOptions& options, const Call& call) {
  return !options.relay_token.empty() && same_secret(call.ids.token, options.relay_token) &&
         text_of(call.body, "event_type") == "message-delivered";
}

}  // namespace

HttpResponse save_instance(Services& services, const Call& call) {
  auto body = new_instance(call);
  if (!body) return invalid(body.error().message);
  const auto instances = read_instances(services, call.ids.app, call.ids.user);
  if (!instances) return store_away(services, instances.error(), 404);
  if (!may_add(*instances, call.ids.instance)) {
    return invalid("a user has at most " + std::to_string(kMaxInstances) + " instances");
  }
  const auto done =
      services.gateway.carry_out({order(call.ids.app, Kind::InstanceSave, *std::move(body))});
  if (!done) return broker_away(services, done.error(), 404);
  return *done == Gateway::Done::Carried ? success() : not_carried_out();
}

HttpResponse notify(Services& services, const Call& call) {
  // An admin of one app has no say about the devices of another.
  JsonObject message;
  const JsonMember* data = call.body.find("data");
  if (data != nullptr && data->is(Type::Object) && message.parse(data->value)) {
    const JsonMember* app = message.find("app_id");
    if (app != nullptr && text_of(message, "app_id") != call.ids.app) return other_app();
  }
  if (services.push == nullptr) return success();
  auto notification = notification_of(call.ids.app, call.body, services.now());
  if (!notification) return success();
  in_background(services, [notification = *std::move(notification)](Services& own) {
    push_or_log(own, notification);
  });
  return success();
}

HttpResponse relay_webhook(Services& services, const Call& call) {
  // Strangers get the same answer: it tells nothing about the token.
  if (!is_relayed(services.options, call)) return success();
  HttpCall relayed{.url = services.options.relay_url,
                   .headers = {{"Authorization", services.options.relay_authorization}},
                   .body = call.request.body};
  in_background(services, [relayed = std::move(relayed)](Services& own) { relay(own, relayed); });
  return success();
}

}  // namespace chat21::server
