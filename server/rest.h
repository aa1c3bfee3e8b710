// The REST API of a server: everything that it works with, put together.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "chat21/result.h"

#include "server/api/api.h"
#include "server/api/background.h"
#include "server/api/broker_gateway.h"
#include "server/api/contacts.h"
#include "server/api/group_locks.h"
#include "server/api/history_pool.h"
#include "server/api/push.h"
#include "server/broker.h"
#include "server/config.h"
#include "server/health.h"
#include "server/http/client.h"
#include "server/http/server.h"
#include "server/log.h"
#include "server/observer_probe.h"

namespace chat21::server {

class RestServer {
 public:
  // Serves once it returns; the store's file must have been opened before. What is
  // wrong in `health` is asked for by GET /ready; an observer of the embedded engine that
  // does not answer is "observer" there. Borrows all three.
  //
  // Errors: InvalidArgument (an option), Unavailable (the port is taken).
  static Result<std::unique_ptr<RestServer>> start(const Config& config, Health& health, Log& log);

  // As stop() with no time.
  ~RestServer();
  RestServer(const RestServer&) = delete;
  RestServer& operator=(const RestServer&) = delete;

  std::uint16_t port() const { return http_->port(); }

  // Whoever waits for broker or observer waits no longer, other requests that have
  // arrived are answered; `patience` is how long clients have to take the answers.
  void stop(std::chrono::milliseconds patience);

 private:
  RestServer(const Config& config, ServiceLink link, const std::string& inbox, const Health& health,
             Log& log);
  Result<> listen(const Config& config, Log& log);
  Services services(const Health& health, Log& log);
  std::map<std::string, std::string> troubles(const Health& health) const;

  // In the order in which they use each other.
  const ApiOptions options_;
  HistoryPool histories_;
  const std::function<void()> stop_link_;  // of the gateway
  BrokerGateway gateway_;
  HttpClient client_;
  const std::unique_ptr<Contacts> contacts_;
  const std::unique_ptr<Push> push_;  // null: off
  Background background_;
  GroupLocks group_locks_;
  Api api_;
  std::unique_ptr<HttpServer> http_;
  std::optional<ObserverProbe> probe_;
};

// Null, and the reason logged, if it cannot.
std::unique_ptr<RestServer> serve_http(const Config& config, Health& health, Log& log);

}  // namespace chat21::server
