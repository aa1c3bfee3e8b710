// Routing keys as topics of MQTT and back.
#pragma once

#include <string>
#include <string_view>

#include "chat21/result.h"

namespace chat21::mqtt {

// The errors (InvalidArgument) name the key and what is wrong with it.
Result<std::string> topic_of(std::string_view routing_key);
// With * for one level and # for the rest.
Result<std::string> filter_of(std::string_view pattern);

// Two different topics never become one key: a dot within a level becomes a slash.
std::string routing_key_of(std::string_view topic);

}  // namespace chat21::mqtt
