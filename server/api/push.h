// Push notifications: who brings a message to sleeping devices.
//
// May block; called on a background thread, one call at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/result.h"

#include "server/http/client.h"

namespace chat21::server {

struct PushNotification {
  std::string app, user;               // to whom
  std::vector<std::string> instances;  // documents of the user's devices, never empty, each
                                       // with "platforms" (push_rules.h)
  std::string title, text;
  std::string data;  // a JSON object of strings
};

class Push {
 public:
  virtual ~Push() = default;

  // The ids of instances that do not exist any more; they will be removed.
  virtual Result<std::vector<std::string>> notify(const PushNotification& notification) = 0;
};

// Hands notifications to a service of the product's own, which knows Firebase or
// whatever brings them to devices:
//
//   POST {url}
//   {"app_id":"tilechat","user_id":"u200",
//    "instances":[{"instance_id":"…","app_id":"tilechat","user_id":"u200",
//                  "device_model":"…","language":"…","platform":"android",
//                  "platform_version":"…","platforms":{…}}],
//    "notification":{"title":"User One","body":"hi there"},
//    "data":{"recipient":"u200","sender":"u100",…}}
//
// "platforms" has what differs per platform in the words of Firebase's HTTP v1 API:
// {"token":instance_id, "notification":…, "data":…} with the members of "platforms"
// added is a message as that API takes it.
//
// Any 2xx is success. A JSON body of it may name instances that are gone for good:
// {"invalid":["instance_id",…]}. Errors: Unavailable. Borrows the client.
std::unique_ptr<Push> make_webhook_push(std::string url, HttpClient& client);

}  // namespace chat21::server
