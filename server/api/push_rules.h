// Who is told about a message by push, and what. Pure; docs/PROTOCOL.md, "Push".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chat21/delivery.h"
#include "chat21/json.h"

#include "server/api/push.h"
#include "server/api/services.h"

namespace chat21::server {

// What a webhook's event makes of a message's delivery: all but the instances. Nothing
// if the rules, or an event without a message, ask for silence.
std::optional<PushNotification> notification_of(std::string_view app, const JsonObject& event,
                                                Time now);

// The document of an instance with "platforms", which is {} for a platform without
// fields of its own:
//   "ionic" or with "web/": {"webpush":{"headers":{"Urgency":"high"},
//                            "fcm_options":{"link":options.web_click_action}}}
//   "android": {"android":{"priority":"normal","notification":{
//               "click_action":options.mobile_click_action,"sound":"default"}}}
//   "ios": {"apns":{"headers":{"apns-priority":"5"},"payload":{"aps":{
//           "category":options.mobile_click_action,"sound":"default"}}}}
std::string with_platforms(const std::string& instance, const ApiOptions& options);

}  // namespace chat21::server
