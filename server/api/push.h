// Push notifications: who brings a message to sleeping devices.
//
// May block; called on a background thread, one call at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat21/result.h"

namespace chat21::server {

struct PushNotification {
  std::string app, user;               // to whom
  std::vector<std::string> instances;  // documents of the user's devices, never empty
  std::string title, text;
  std::string data;  // a JSON object of strings
};

class Push {
 public:
  virtual ~Push() = default;

  // The ids of instances that do not exist any more; they will be removed.
  virtual Result<std::vector<std::string>> notify(const PushNotification& notification) = 0;
};

}  // namespace chat21::server
