// HTTP requests to others: webhooks and look-ups.
//
// Blocks the calling thread; one object may be used from several threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "chat21/result.h"

namespace chat21::server {

struct HttpCall {
  std::string url;  // http:// or https://, nothing else
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};  // empty: GET, otherwise POST as application/json
};

struct HttpReply {
  long status = 0;
  std::string body;
};

class HttpClient {
 public:
  struct Options {
    std::chrono::milliseconds timeout{10000};  // of the whole exchange
    std::size_t max_reply_bytes = 1U << 20U;
  };

  explicit HttpClient(Options options);
  virtual ~HttpClient() = default;  // tests replace perform()

  // Verifies certificates; follows no redirect. Any status is a reply. Errors:
  // InvalidArgument (the URL), Unavailable (no answer in time, too large a reply).
  virtual Result<HttpReply> perform(const HttpCall& call);

 private:
  Options options_;
};

}  // namespace chat21::server
