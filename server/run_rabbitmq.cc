// Engine rabbitmq: the observer runs in this process, the broker elsewhere.
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "chat21/attempts_file.h"
#include "chat21/rabbitmq.h"
#include "chat21/sqlite.h"

#include "server/broker.h"
#include "server/observe.h"
#include "server/run_engine.h"
#include "server/signals.h"

namespace chat21::server {
namespace {

RabbitmqOptions transport_options(const Config& config) {
  RabbitmqOptions options = rabbitmq_options(config);
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

// The broker keeps a message until it is stored, so that group promises as much as strict.
Durability store_durability(Promise promise) {
  return promise == Promise::Power ? Durability::Power : Durability::Process;
}

std::uint64_t random_seed() {
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random();
}

}  // namespace

Result<> check_rabbitmq(const Configuration& configuration) {
  if (const auto transport = make_rabbitmq_transport(transport_options(configuration.config()));
      !transport) {
    // check_runnable() has seen to all else that it asks for.
    return fail(transport.error().code,
                configuration.complaint("rabbitmq-uri", transport.error().message));
  }
  return {};
}

int run_rabbitmq(const Configuration& configuration, Log& log) {
  const Config& config = configuration.config();
  auto store =
      open_sqlite({.path = config.store, .durability = store_durability(config.durability)});
  if (!store) {
    log.error("cannot open the store", {{"reason", store.error().message}});
    return 1;
  }
  const auto attempts = open_attempts(config.store.string() + "-attempts");
  if (!attempts) {
    log.error("cannot note what is worked on", {{"reason", attempts.error().message}});
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
                              .health = &health,
                              .attempts = attempts->get()},
                             log, signals);
  if (rest) {
    rest->stop(kGoodbye);
  }
  return status;
}

}  // namespace chat21::server
