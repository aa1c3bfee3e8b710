// Engine embedded: a broker of our own observes with our plugin and owns the store; this
// process looks after it, and serves what has no place in a broker.
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <poll.h>
#include <string>
#include <utility>

#include "server/broker.h"
#include "server/broker_config.h"
#include "server/file_lock.h"
#include "server/find_mosquitto.h"
#include "server/open_files.h"
#include "server/run_engine.h"
#include "server/signals.h"
#include "server/supervisor.h"
#include "server/websocket/bridge.h"

namespace chat21::server {
namespace {

// Without those of clients: the store's files, listeners, logs.
constexpr std::size_t kOtherFiles = 512;

struct Limits {
  std::size_t broker;
  std::size_t bridge;
};

// Clients must not take the files that broker and store need. The broker inherits our
// limit; here are the clients of the API, and two files for each over WebSocket.
Limits connections(const Config& config, Log& log) {
  const std::size_t clients = config.mqtt_max_connections;
  const std::size_t others = kOtherFiles + (config.http_enabled ? config.http_max_connections : 0);
  const std::size_t wanted = others + (config.websocket_enabled ? 2 * clients : clients);
  const std::size_t allowed = allow_open_files(wanted);
  if (allowed >= wanted) return {clients, clients};
  const std::size_t left = allowed - std::min(others, allowed / 2);
  const Limits possible{std::min(clients, left), std::min(clients, left / 2)};
  log.warn("the system allows too few open files for mqtt-max-connections",
           {{"connections", possible.broker},
            {"over_websocket", possible.bridge},
            {"open_files", allowed}});
  return possible;
}

// Writes what the broker reads, in a folder that no other server uses as long as the lock
// lives.
struct Prepared {
  FileLock lock;
  SupervisorOptions broker;
};

Result<Prepared> prepare(const Config& config) {
  const auto program = find_mosquitto(config);
  if (!program) return program.error();
  const auto plugin = find_mosquitto_plugin(config);
  if (!plugin) return plugin.error();
  const BrokerFolder folder = broker_folder(config);
  if (auto made = make_broker_folder(folder); !made) return made.error();
  auto lock = FileLock::take(folder.server_lock(), std::chrono::milliseconds(0), -1);
  if (!lock) {
    return fail(lock.error().code,
                "another chat21-server uses the folder of the broker: " + lock.error().message);
  }
  if (auto written = write_broker_configuration(config, *plugin); !written) return written.error();
  return Prepared{*std::move(lock),
                  {.command = {program->string(), "-c", folder.configuration().string()},
                   .environment = broker_environment(),
                   .lock = folder.lock(),
                   .restart = config.auto_restart,
                   .silence = config.broker_timeout}};
}

WebSocketOptions websocket_options(const Config& config, std::size_t connections, Log& log) {
  WebSocketOptions options;
  options.address = config.websocket_address;
  options.port = config.websocket_port;
  options.certificate_file = config.cert_pem;
  options.key_file = config.key_pem;
  options.broker_address = own_broker_host(config);
  options.broker_port = config.mqtt_port;
  options.max_connections = connections;
  options.max_message_bytes = max_packet_bytes(config);
  options.log = [&log](const std::string& message) { log.warn(message); };
  return options;
}

// Null, and the reason logged, if it cannot.
std::unique_ptr<WebSocketBridge> serve_websocket(const Config& config, std::size_t connections,
                                                 Log& log) {
  auto bridge = WebSocketBridge::start(websocket_options(config, connections, log));
  if (!bridge) {
    log.error("cannot serve WebSocket", {{"reason", bridge.error().message}});
    return nullptr;
  }
  log.info("serving MQTT over WebSocket", {{"address", config.websocket_address},
                                           {"port", (*bridge)->port()},
                                           {"path", "/ws"},
                                           {"tls", !config.cert_pem.empty()}});
  return *std::move(bridge);
}

// Until a signal, or until the broker has ended for good. Returns the exit status.
int wait_for_end(const Signals& signals, const Supervisor& broker, Log& log) {
  if (signals.received() == 0) log.info("started");
  std::array<pollfd, 2> fds{{{signals.fd(), POLLIN, 0}, {broker.ended_fd(), POLLIN, 0}}};
  while (::poll(fds.data(), fds.size(), -1) < 0) {
  }
  if (signals.received() != 0) {
    log.info("stopping", {{"signal", static_cast<unsigned>(signals.received())}});
    return 0;
  }
  log.error("the broker has ended, and AUTO_RESTART is false");
  return 1;
}

// What runs beside a broker that is ready. In the order in which they end: whoever is
// still answered needs the broker.
class Beside {
 public:
  // False, and the reason logged, if it cannot.
  bool start(const Config& config, std::size_t over_websocket, Health& health, Log& log) {
    if (config.http_enabled && !(rest_ = serve_http(config, health, log))) return false;
    if (!config.websocket_enabled) return true;
    bridge_ = serve_websocket(config, over_websocket, log);
    return bridge_ != nullptr;
  }
  void stop() {
    bridge_.reset();
    if (rest_) rest_->stop(kGoodbye);
    rest_.reset();
  }

 private:
  std::unique_ptr<RestServer> rest_;
  std::unique_ptr<WebSocketBridge> bridge_;
};

int serve(const Config& config, std::size_t over_websocket, Log& log) {
  const Signals signals;
  Health health;
  auto prepared = prepare(config);
  if (!prepared) {
    log.error("cannot start the broker", {{"reason", prepared.error().message}});
    return 1;
  }
  Supervisor broker(std::move(prepared->broker), health, log);
  if (const auto ready = broker.wait_ready(signals.fd()); !ready) {
    log.error("cannot start the broker", {{"reason", ready.error().message}});
    return 1;
  }
  Beside services;
  if (signals.received() == 0 && !services.start(config, over_websocket, health, log)) return 1;
  const int status = wait_for_end(signals, broker, log);
  services.stop();
  broker.stop();
  log.info("stopped", {{"status", static_cast<unsigned>(status)}});
  return status;
}

}  // namespace

int run_embedded(const Configuration& configuration, Log& log) {
  Config config = configuration.config();
  const Limits limits = connections(config, log);
  config.mqtt_max_connections = limits.broker;
  return serve(config, limits.bridge, log);
}

}  // namespace chat21::server
