// Settings of the engine: which broker, and those of a broker of our own.
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/apply.h"
#include "server/settings.h"

namespace chat21::server {
namespace {

using Shape = Setting::Shape;
using namespace std::chrono_literals;

constexpr std::string_view kEngine = "Engine";
constexpr std::string_view kOwnBroker = "Broker of engine embedded";
constexpr std::uint64_t kMaxPort = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint64_t kMostConnections = 1'000'000;
constexpr std::uint64_t kMostQueued = 1'000'000;
constexpr std::uint64_t kLeastQueuedBytes = 64U << 10U;
constexpr std::uint64_t kMostQueuedBytes = 1U << 30U;

Apply path(std::filesystem::path Config::*member) {
  return [=](std::string_view value, Config& config) -> std::string {
    config.*member = value;
    return {};
  };
}

std::vector<Setting> declare_listeners() {
  return {
      {.key = "mqtt-address",
       .variable = "MQTT_ADDRESS",
       .placeholder = "ADDRESS",
       .fallback = "127.0.0.1",
       .group = kOwnBroker,
       .help = "where MQTT clients connect; 0.0.0.0 is everywhere. There is no TLS:\n"
               "listeners with TLS go into a file in BROKER_DIR/conf.d",
       .apply = address(&Config::mqtt_address),
       .engine = kEmbedded},
      {.key = "mqtt-port",
       .variable = "MQTT_PORT",
       .placeholder = "N",
       .fallback = "1883",
       .group = kOwnBroker,
       .help = "1 to 65535",
       .apply = number(&Config::mqtt_port, 1, kMaxPort),
       .engine = kEmbedded},
      {.key = "websocket-enabled",
       .variable = "WEBSOCKET_ENABLED",
       .fallback = "true",
       .group = kOwnBroker,
       .help = "serve MQTT over WebSocket at /ws; with TLS if there is CERT_PEM",
       .apply = boolean(&Config::websocket_enabled),
       .shape = Shape::Switch,
       .engine = kEmbedded},
      {.key = "websocket-address",
       .variable = "WEBSOCKET_ADDRESS",
       .placeholder = "ADDRESS",
       .fallback = "127.0.0.1",
       .group = kOwnBroker,
       .help = "where browsers connect; 0.0.0.0 is everywhere",
       .apply = address(&Config::websocket_address),
       .engine = kEmbedded},
      {.key = "websocket-port",
       .variable = "WEBSOCKET_PORT",
       .placeholder = "N",
       .fallback = "15675",
       .group = kOwnBroker,
       .help = "0 to 65535; 0: any that is free, the log says which",
       .apply = number(&Config::websocket_port, 0, kMaxPort),
       .engine = kEmbedded},
  };
}

std::vector<Setting> declare_program() {
  return {
      {.key = "broker-dir",
       .variable = "BROKER_DIR",
       .placeholder = "DIR",
       .group = kOwnBroker,
       .help = "the broker's configuration and what it keeps; created if it does not\n"
               "exist. Empty: STORE_PATH with -broker behind it",
       .apply = path(&Config::broker_dir),
       .engine = kEmbedded},
      {.key = "mosquitto",
       .variable = "MOSQUITTO_PATH",
       .placeholder = "FILE",
       .group = kOwnBroker,
       .help = "the program; empty: mosquitto in PATH, /usr/sbin, /usr/local/sbin",
       .apply = path(&Config::mosquitto),
       .engine = kEmbedded},
      {.key = "mosquitto-plugin",
       .variable = "MOSQUITTO_PLUGIN",
       .placeholder = "FILE",
       .group = kOwnBroker,
       .help = "chat21_mosquitto_plugin.so; empty: where it was built or installed",
       .apply = path(&Config::mosquitto_plugin),
       .engine = kEmbedded},
      {.key = "broker-timeout",
       .variable = "BROKER_TIMEOUT",
       .placeholder = "TIME",
       .fallback = "60s",
       .group = kOwnBroker,
       .help = "a broker that gives no sign of life for that long is killed, and\n"
               "started again as one that has ended, 10s to 24h",
       .apply = duration(&Config::broker_timeout, 10s, 24h, "10s to 24h"),
       .engine = kEmbedded},
      {.key = "mqtt-max-connections",
       .variable = "MQTT_MAX_CONNECTIONS",
       .placeholder = "N",
       .fallback = "10000",
       .group = kOwnBroker,
       .help = "clients at the same time, those over WebSocket too, 1 to 1000000",
       .apply = number(&Config::mqtt_max_connections, 1, kMostConnections),
       .engine = kEmbedded},
      {.key = "mqtt-max-queued",
       .variable = "MQTT_MAX_QUEUED",
       .placeholder = "N",
       .fallback = "1000",
       .group = kOwnBroker,
       .help = "messages that wait for a client that is slow or away, 1 to 1000000;\n"
               "it finds what comes after that in its history",
       .apply = number(&Config::mqtt_max_queued, 1, kMostQueued),
       .engine = kEmbedded},
      {.key = "mqtt-max-queued-bytes",
       .variable = "MQTT_MAX_QUEUED_BYTES",
       .placeholder = "BYTES",
       .fallback = "16MiB",
       .group = kOwnBroker,
       .help = "the same in bytes, 64KiB to 1GiB",
       .apply = bytes(&Config::mqtt_max_queued_bytes, kLeastQueuedBytes, kMostQueuedBytes,
                      "64KiB to 1GiB"),
       .engine = kEmbedded},
  };
}

}  // namespace

std::vector<Setting> declare_engine_settings() {
  static constexpr std::array<std::pair<std::string_view, Engine>, 2> kEngines = {
      {{kRabbitmq, Engine::Rabbitmq}, {kEmbedded, Engine::Embedded}}};
  std::vector<Setting> all = {
      {.key = "engine",
       .variable = "ENGINE",
       .placeholder = "NAME",
       .fallback = kRabbitmq,
       .group = kEngine,
       .help = "rabbitmq: a broker that runs elsewhere; embedded: one of our own,\n"
               "Mosquitto, which this program starts and looks after",
       .apply = choice(&Config::engine, kEngines)},
  };
  for (auto part : {declare_listeners(), declare_program()}) {
    all.insert(all.end(), std::make_move_iterator(part.begin()),
               std::make_move_iterator(part.end()));
  }
  return all;
}

}  // namespace chat21::server
