#include "server/broker.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "chat21/arena.h"
#include "chat21/mqtt.h"
#include "chat21/topic.h"

#include "server/token.h"

namespace chat21::server {
namespace {

// The observer tells the operator how the broker is; here only trouble is news.
template <class Options>
auto log_to(Log& log) {
  return [&log](typename Options::Level level, const std::string& message) {
    log.write(level == Options::Level::Warning ? LogLevel::Warn : LogLevel::Debug,
              "the REST API and its broker", {{"reason", message}});
  };
}

template <class T>
ServiceLink link_of(std::unique_ptr<T> transport) {
  T* made = transport.get();
  return {.transport = std::move(transport),
          .wake = [made] { made->wake(); },
          .stop = [made] { made->stop(); }};
}

std::string answers_key(const Config& config, const std::string& inbox) {
  Arena arena;
  return std::string(fence_key(arena, config.app_id, inbox, "*"));
}

// A queue that lives as long as its connection: answers of the observer are for who
// waits now.
Result<ServiceLink> make_rabbitmq_link(const Config& config, const std::string& inbox, Log& log) {
  RabbitmqOptions options = rabbitmq_options(config);
  options.queues = {
      {.name = "chat21-api-" + inbox, .bindings = {answers_key(config, inbox)}, .exclusive = true}};
  options.log = log_to<RabbitmqOptions>(log);
  auto transport = make_rabbitmq_transport(std::move(options));
  if (!transport) return transport.error();
  return link_of(*std::move(transport));
}

// For one connection, and never written anywhere. Its expiry would end the connection
// while somebody waits, so it is a late one. Empty, which the broker refuses, if it cannot
// be made.
std::string service_token(const Config& config, Log& log) {
  const auto token =
      mint_token({.subject = TokenRequest::Subject::Observer,
                  .app = config.app_id,
                  .lifetime = default_lifetime(TokenRequest::Subject::Observer)},
                 {.key = config.jwt_key,
                  .audience = config.jwt_audience,
                  .now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()),
                  .id = random_uuid()});
  if (token) return *token;
  log.error("cannot make a token for the broker", {{"reason", token.error().message}});
  return {};
}

Result<ServiceLink> make_mqtt_link(const Config& config, const std::string& inbox, Log& log) {
  auto transport =
      make_mqtt_transport({.host = own_broker_host(config),
                           .port = config.mqtt_port,
                           .client_id = "chat21-api-" + inbox,
                           .password = [&config, &log] { return service_token(config, log); },
                           .filters = {answers_key(config, inbox)},
                           .publish_timeout = config.publish_timeout,
                           .log = log_to<MqttOptions>(log)});
  if (!transport) return transport.error();
  return link_of(*std::move(transport));
}

}  // namespace

RabbitmqOptions rabbitmq_options(const Config& config) {
  RabbitmqOptions options;
  options.uri = config.rabbitmq_uri;
  options.ca_file = config.rabbitmq_ca_file;
  options.verify_peer = config.rabbitmq_verify_peer;
  options.publish_timeout = config.publish_timeout;
  return options;
}

std::string own_broker_host(const Config& config) {
  // Those that mean every address are none to connect to.
  if (config.mqtt_address == "0.0.0.0") return "127.0.0.1";
  return config.mqtt_address == "::" ? "::1" : config.mqtt_address;
}

Result<ServiceLink> make_service_link(const Config& config, const std::string& inbox, Log& log) {
  return config.engine == Engine::Embedded ? make_mqtt_link(config, inbox, log)
                                           : make_rabbitmq_link(config, inbox, log);
}

}  // namespace chat21::server
