// What the handlers of the REST API work with. Borrowed; everything is safe from any
// thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "chat21/delivery.h"

#include "server/api/background.h"
#include "server/api/contacts.h"
#include "server/api/gateway.h"
#include "server/api/group_locks.h"
#include "server/api/history_pool.h"
#include "server/api/identity.h"
#include "server/api/push.h"
#include "server/http/client.h"
#include "server/log.h"

namespace chat21::server {

struct ApiOptions {
  std::string base_path = "/api";  // of all routes but the few without; "" or begins with "/"
  TokenRules token;
  std::string app{};  // the only one that is served; empty: any
  std::size_t max_body_bytes = 100U << 10U;
  std::size_t max_order_bytes = 1U << 20U;  // the observer refuses larger bodies

  // What pushed notifications open.
  std::string web_click_action = "NEW_MESSAGE";
  std::string mobile_click_action = "NEW_MESSAGE";
  // The relay of webhooks to another server.
  std::string relay_token{};          // that callers must know; empty: there is no relay
  std::string relay_url{};            // where bodies go
  std::string relay_authorization{};  // the header sent along
};

struct Services {
  const ApiOptions& options;
  HistoryPool& histories;
  Gateway& gateway;
  Contacts& contacts;
  Push* push;  // null: off
  HttpClient& client;
  Background& background;
  GroupLocks& group_locks;
  std::function<std::map<std::string, std::string>()> troubles;  // for GET /ready
  std::function<Time()> now;
  Log& log;
};

}  // namespace chat21::server
