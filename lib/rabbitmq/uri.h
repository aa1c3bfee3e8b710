// The broker's address and credentials, as one string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "chat21/result.h"

namespace chat21::rabbitmq {

struct Uri {
  bool tls = false;
  std::string user = "guest";
  std::string password = "guest";
  std::string host = "localhost";  // IPv6 without brackets
  std::uint16_t port = 5672;
  std::string vhost = "/";
  std::uint16_t heartbeat = 10;  // seconds

  // "host:port", for messages: never the credentials.
  std::string address() const;
};

// amqp[s]://[user[:password]@][host][:port][/vhost][?heartbeat=SECONDS]
//
// amqp_parse_url() of rabbitmq-c refuses a query, bytes above 0x7f and ':' in a
// vhost, and reads "amqp://host/" as the empty vhost, where the Node server's
// library reads "/". Errors: InvalidArgument; they quote nothing of the text,
// since a slip of the pen can put the password anywhere.
Result<Uri> parse_uri(std::string_view text);

}  // namespace chat21::rabbitmq
