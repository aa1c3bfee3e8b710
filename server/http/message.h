// An HTTP request and its answer, as plain values.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace chat21::server {

struct HttpRequest {
  std::string method;         // "GET", "POST", ...
  std::string target;         // path and query as sent, percent-encoded
  std::string authorization;  // the header; empty if there is none
  std::string body;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};  // besides those every answer has
};

}  // namespace chat21::server
