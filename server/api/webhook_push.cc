#include <utility>

#include "chat21/json.h"

#include "server/api/push.h"

namespace chat21::server {
namespace {

std::string request_body(const PushNotification& notification) {
  std::string instances = "[";
  for (const std::string& instance : notification.instances) {
    if (instances.size() > 1) instances += ',';
    instances += instance;
  }
  instances += ']';
  const std::string shown =
      JsonWriter().text("title", notification.title).text("body", notification.text).object();
  return JsonWriter()
      .text("app_id", notification.app)
      .text("user_id", notification.user)
      .json("instances", instances)
      .json("notification", shown)
      .json("data", notification.data)
      .object();
}

std::vector<std::string> gone_instances(const std::string& reply) {
  JsonObject fields;
  // Services need not say anything.
  if (!fields.parse(reply)) return {};
  const JsonMember* invalid = fields.find("invalid");
  if (invalid == nullptr || !invalid->is(JsonMember::Type::Array)) return {};
  return decode_strings(*invalid);
}

class WebhookPush final : public Push {
 public:
  WebhookPush(std::string url, HttpClient& client) : url_(std::move(url)), client_(client) {}

  Result<std::vector<std::string>> notify(const PushNotification& notification) override {
    const auto reply = client_.perform({.url = url_, .body = request_body(notification)});
    if (!reply) return reply.error();
    if (reply->status < 200 || reply->status > 299) {
      return fail(Error::Code::Unavailable,
                  "the push webhook answered " + std::to_string(reply->status));
    }
    return gone_instances(reply->body);
  }

 private:
  const std::string url_;
  HttpClient& client_;
};

}  // namespace

std::unique_ptr<Push> make_webhook_push(std::string url, HttpClient& client) {
  return std::make_unique<WebhookPush>(std::move(url), client);
}

}  // namespace chat21::server
