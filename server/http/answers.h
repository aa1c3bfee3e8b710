// Answers that the server makes itself, and what it lets a handler send. Pure.
#pragma once

#include <string_view>

#include "server/http/message.h"

namespace chat21::server {

// {"success":false,"err":`reason`}
HttpResponse problem(unsigned status, std::string_view reason);
// The same in the words of the status.
HttpResponse problem(unsigned status);

// Whether it is one header and nothing more: a line break in a value would let who
// chose the value write headers and whole answers of his own.
bool is_header(std::string_view name, std::string_view value);

// Whether all of its headers are that, and its status ends an exchange.
bool can_be_sent(const HttpResponse& response);

}  // namespace chat21::server
