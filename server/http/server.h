// The HTTP/1.1 server: connections, limits and TLS. What requests mean is the
// handler's business (server/api).
//
// One thread waits for all connections, so a client that sends a byte a second costs
// a buffer and a timer, not a thread. Whole requests go to worker threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat21/result.h"

#include "server/http/message.h"

namespace chat21::server {

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  std::uint16_t port = 0;             // 0: any that is free
  std::string certificate_file{};     // PEM; with a key: HTTPS only
  std::string key_file{};
  // Handlers that run at the same time: of GET, HEAD and OPTIONS, and of the methods that
  // change something. Those may have to wait for others; nobody who only reads does, then.
  std::size_t workers = 4;
  std::size_t change_workers = 32;
  std::size_t max_connections = 1024;         // more are answered with 503 and closed
  std::size_t max_header_bytes = 16U << 10U;  // more: 431
  std::size_t max_body_bytes = 100U << 10U;   // more: 413
  // Of all answers that are not sent yet, together; more: 503.
  std::size_t max_pending_bytes = 64U << 20U;
  // From the first byte of a request to its last (then 408), as long until a handler is
  // free (then 503), and as long to take the answer.
  std::chrono::milliseconds request_timeout{30000};
  std::chrono::milliseconds idle_timeout{60000};  // of a connection between two requests
  int nice = 0;                                   // added to the niceness of its threads, 0 to 19
  // Of every answer, also of those that no handler has made.
  std::vector<std::pair<std::string, std::string>> headers{};
  // Told about what an operator should see (no request of a stranger is worth a line).
  std::function<void(const std::string&)> log{};
};

class HttpServer {
 public:
  // Called on the worker threads, several at the same time. HEAD comes as GET. What it
  // throws is answered with 500.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Listens once it returns. Errors: InvalidArgument (address, files), Unavailable (the
  // port is taken).
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, Handler handler);

  // As stop() with no time.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  // Accepts nothing new, answers what has arrived whole, waits at most `patience` for
  // that and ends. Handlers that still run are waited for in any case.
  void stop(std::chrono::milliseconds patience);

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat21::server
