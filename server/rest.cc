#include "server/rest.h"

#include <algorithm>
#include <utility>

#include "chat21/sqlite.h"

#include "server/broker.h"
#include "server/open_files.h"
#include "server/token.h"

namespace chat21::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Of others' services; whoever stops the server waits at most as long for the call that
// is under way.
constexpr milliseconds kCallTimeout = seconds(5);

// Without those of clients: the store's files, as often as workers read, the broker,
// calls of others, and clients who are told that there are too many.
constexpr std::size_t kOtherFiles = 512;

constexpr seconds kProbeInterval{5};

Time now() {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

ApiOptions api_options(const Config& config) {
  return {.base_path = config.base_url,
          .token = {.key = config.jwt_key, .audience = config.jwt_audience},
          .app = config.app_id,
          .max_body_bytes = config.http_max_body,
          .max_order_bytes = config.max_body_bytes,
          .web_click_action = config.web_click_action,
          .mobile_click_action = config.mobile_click_action,
          .relay_token = config.relay_token,
          .relay_url = config.relay_url,
          .relay_authorization = config.relay_authorization};
}

BrokerGatewayOptions gateway_options(const Config& config, const std::string& inbox) {
  return {.app = config.app_id,
          .inbox = inbox,
          // The plugin keeps for itself what observers publish.
          .inbox_is_open = config.engine != Engine::Embedded,
          .accept_timeout = config.http_apply_timeout,
          .carry_timeout = config.http_apply_timeout};
}

// Clients must not take what broker and store need to come back.
std::size_t max_connections(const Config& config, Log& log) {
  const std::size_t wanted = config.http_max_connections + kOtherFiles;
  const std::size_t allowed = allow_open_files(wanted);
  if (allowed >= wanted) return config.http_max_connections;
  const std::size_t possible = allowed - std::min(kOtherFiles, allowed / 2);
  log.warn("http-max-connections is lowered, for the system allows too few open files",
           {{"connections", possible}, {"open_files", allowed}});
  return possible;
}

HttpServerOptions http_options(const Config& config, Log& log) {
  HttpServerOptions options;
  options.address = config.http_address;
  options.port = config.http_port;
  options.certificate_file = config.cert_pem;
  options.key_file = config.key_pem;
  options.workers = config.http_threads;
  options.max_connections = max_connections(config, log);
  options.max_header_bytes = config.http_max_header;
  options.max_body_bytes = config.http_max_body;
  options.request_timeout = config.http_request_timeout;
  options.nice = config.http_nice;
  options.headers = common_headers();
  options.log = [&log](const std::string& message) { log.warn(message); };
  return options;
}

}  // namespace

Result<std::unique_ptr<RestServer>> RestServer::start(const Config& config, Health& health,
                                                      Log& log) {
  const std::string inbox = random_uuid();
  auto link = make_service_link(config, inbox, log);
  if (!link) return link.error();
  std::unique_ptr<RestServer> server(new RestServer(config, *std::move(link), inbox, health, log));
  if (auto listening = server->listen(config, log); !listening) return listening.error();
  // The one of engine rabbitmq is in this process, and tells how it is by itself.
  if (config.engine == Engine::Embedded) {
    server->probe_.emplace(server->gateway_, health, kProbeInterval);
  }
  return server;
}

RestServer::RestServer(const Config& config, ServiceLink link, const std::string& inbox,
                       const Health& health, Log& log)
    : options_(api_options(config)),
      histories_([path = config.store] { return open_sqlite_history({.path = path}); },
                 config.http_readers),
      stop_link_(std::move(link.stop)),
      gateway_(gateway_options(config, inbox), std::move(link.transport), std::move(link.wake)),
      client_({.timeout = kCallTimeout}),
      contacts_(make_contacts(config.contacts_endpoint, client_)),
      push_(config.push_enabled ? make_webhook_push(config.push_endpoint, client_) : nullptr),
      group_locks_(config.http_apply_timeout),
      api_(services(health, log)) {}

Result<> RestServer::listen(const Config& config, Log& log) {
  auto http = HttpServer::start(http_options(config, log), [this](const HttpRequest& request) {
    return api_.handle(request);
  });
  if (!http) return http.error();
  http_ = *std::move(http);
  return {};
}

RestServer::~RestServer() {
  if (http_) stop(milliseconds(0));
}

void RestServer::stop(milliseconds patience) {
  // First, so that no wait for the broker holds the gateway up.
  stop_link_();
  gateway_.stop();
  probe_.reset();
  http_->stop(patience);
}

Services RestServer::services(const Health& health, Log& log) {
  return {.options = options_,
          .histories = histories_,
          .gateway = gateway_,
          .contacts = *contacts_,
          .push = push_.get(),
          .client = client_,
          .background = background_,
          .group_locks = group_locks_,
          .troubles = [this, &health] { return troubles(health); },
          .now = now,
          .log = log};
}

std::map<std::string, std::string> RestServer::troubles(const Health& health) const {
  auto all = health.troubles();
  if (auto reason = gateway_.trouble(); !reason.empty()) all.emplace("gateway", std::move(reason));
  return all;
}

std::unique_ptr<RestServer> serve_http(const Config& config, Health& health, Log& log) {
  auto rest = RestServer::start(config, health, log);
  if (!rest) {
    log.error("cannot serve HTTP", {{"reason", rest.error().message}});
    return nullptr;
  }
  log.info("serving HTTP", {{"address", config.http_address},
                            {"port", (*rest)->port()},
                            {"tls", !config.cert_pem.empty()}});
  return *std::move(rest);
}

}  // namespace chat21::server
