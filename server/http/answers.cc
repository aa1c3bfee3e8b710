#include "server/http/answers.h"

#include <algorithm>

#include "chat21/json.h"

namespace chat21::server {
namespace {

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 400:
      return "The request is malformed.";
    case 408:
      return "The request took too long to arrive.";
    case 413:
      return "The body is too large.";
    case 431:
      return "The header is too large.";
    case 501:
      return "The transfer coding is not supported.";
    case 503:
      return "The server is busy.";
    default:
      return "Internal server error.";
  }
}

}  // namespace

HttpResponse problem(unsigned status, std::string_view reason) {
  return {.status = status,
          .body = JsonWriter().boolean("success", false).text("err", reason).object()};
}

HttpResponse problem(unsigned status) {
  return problem(status, reason_of(status));
}

bool is_header(std::string_view name, std::string_view value) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char) &&
         std::all_of(value.begin(), value.end(), is_value_char);
}

bool can_be_sent(const HttpResponse& response) {
  return response.status >= 200 && response.status <= 599 &&
         is_header("Content-Type", response.content_type) &&
         std::all_of(response.headers.begin(), response.headers.end(),
                     [](const auto& header) { return is_header(header.first, header.second); });
}

}  // namespace chat21::server
