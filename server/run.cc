#include "server/run.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "server/log.h"
#include "server/run_engine.h"

namespace chat21::server {
namespace {

void log_start(const Configuration& configuration, Log& log) {
  const auto value = [&configuration](std::string_view key) {
    const Given& given = configuration.given(key);
    return shown(*given.setting, given.text);
  };
  if (configuration.config().engine == Engine::Embedded) {
    log.info("chat21-server " CHAT21_VERSION, {{"app", value("app-id")},
                                               {"engine", value("engine")},
                                               {"mqtt", value("mqtt-address")},
                                               {"port", value("mqtt-port")},
                                               {"store", value("store")},
                                               {"durability", value("durability")}});
  } else {
    log.info("chat21-server " CHAT21_VERSION, {{"app", value("app-id")},
                                               {"broker", value("rabbitmq-uri")},
                                               {"queues", value("active-queues")},
                                               {"store", value("store")},
                                               {"durability", value("durability")},
                                               {"prefetch", value("prefetch")}});
  }
  for (const std::string& warning : configuration.warnings()) {
    log.warn(warning);
  }
}

}  // namespace

Result<> check_configuration(const Configuration& configuration) {
  if (auto runnable = configuration.check_runnable(); !runnable) {
    return runnable;
  }
  return configuration.config().engine == Engine::Embedded ? Result<>()
                                                           : check_rabbitmq(configuration);
}

int run(const Configuration& configuration) {
  const Config& config = configuration.config();
  Log log(config.log_level, config.log_format);
  log_start(configuration, log);
  return config.engine == Engine::Embedded ? run_embedded(configuration, log)
                                           : run_rabbitmq(configuration, log);
}

}  // namespace chat21::server
