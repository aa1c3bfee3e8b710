#include "server/run.h"

#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "chat21/rabbitmq.h"
#include "chat21/sqlite.h"

#include "server/broker.h"
#include "server/health.h"
#include "server/log.h"
#include "server/observe.h"
#include "server/rest.h"
#include "server/signals.h"

namespace chat21::server {
namespace {

// For clients to take the answers to their last requests.
constexpr std::chrono::seconds kGoodbye{3};

RabbitmqOptions transport_options(const Config& config) {
  RabbitmqOptions options = broker_options(config);
  options.prefetch = config.prefetch;
  options.max_body_bytes = config.max_body_bytes;
  if (config.consume_messages) {
    options.queues.push_back(messages_queue(config.app_id));
  }
  if (config.consume_persist) {
    options.queues.push_back(persist_queue(config.app_id));
  }
  return options;
}

std::uint64_t random_seed() {
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random();
}

void log_start(const Configuration& configuration, Log& log) {
  const auto value = [&configuration](std::string_view key) {
    const Given& given = configuration.given(key);
    return shown(*given.setting, given.text);
  };
  log.info("chat21-server " CHAT21_VERSION, {{"app", value("app-id")},
                                             {"broker", value("rabbitmq-uri")},
                                             {"queues", value("active-queues")},
                                             {"store", value("store")},
                                             {"durability", value("durability")},
                                             {"prefetch", value("prefetch")}});
  for (const std::string& warning : configuration.warnings()) {
    log.warn(warning);
  }
}

// Null, and the reason logged, if it cannot.
std::unique_ptr<RestServer> serve_http(const Config& config, const Health& health, Log& log) {
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

}  // namespace

Result<> check_configuration(const Configuration& configuration) {
  if (auto runnable = configuration.check_runnable(); !runnable) {
    return runnable;
  }
  if (const auto transport = make_rabbitmq_transport(transport_options(configuration.config()));
      !transport) {
    // check_runnable() has seen to all else that it asks for.
    return fail(transport.error().code,
                configuration.complaint("rabbitmq-uri", transport.error().message));
  }
  return {};
}

int run(const Configuration& configuration) {
  const Config& config = configuration.config();
  Log log(config.log_level, config.log_format);
  log_start(configuration, log);

  auto store = open_sqlite({.path = config.store, .durability = config.durability});
  if (!store) {
    log.error("cannot open the store", {{"reason", store.error().message}});
    return 1;
  }
  RabbitmqOptions options = transport_options(config);
  options.log = [&log](RabbitmqOptions::Level level, const std::string& message) {
    log.write(level == RabbitmqOptions::Level::Warning ? LogLevel::Warn : LogLevel::Info, message);
  };
  const auto transport = make_rabbitmq_transport(std::move(options));
  if (!transport) {
    log.error("cannot use the broker", {{"reason", transport.error().message}});
    return 1;
  }
  const Signals signals(**transport);
  Health health;
  health.set("broker", "not connected to the broker yet");
  std::unique_ptr<RestServer> rest;
  if (config.http_enabled) {
    rest = serve_http(config, health, log);
    if (!rest) {
      return 1;
    }
  }
  const int status = observe(**transport, **store,
                             {.seed = config.seed ? *config.seed : random_seed(),
                              .max_body_bytes = config.max_body_bytes,
                              .auto_restart = config.auto_restart,
                              .health = &health},
                             log, signals);
  if (rest) {
    rest->stop(kGoodbye);
  }
  return status;
}

}  // namespace chat21::server
