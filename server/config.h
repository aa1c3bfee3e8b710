// The configuration of chat21-server: what the flags, the environment and the
// configuration file come to.
//
// settings.h declares every setting once. Precedence: flag, environment, file,
// default. An empty environment variable counts as not set.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/result.h"

#include "server/log.h"
#include "server/settings.h"

namespace chat21::server {

enum class Engine : std::uint8_t {
  Rabbitmq,  // a broker that runs elsewhere; this process observes
  Embedded,  // a broker of our own, Mosquitto, that observes with our plugin
};

// What an accepted message survives; --help has what each word means with each engine.
enum class Promise : std::uint8_t { Group, Strict, Power };

struct Config {
  Engine engine = Engine::Rabbitmq;

  std::string rabbitmq_uri;
  std::string rabbitmq_ca_file;
  bool rabbitmq_verify_peer = true;
  std::string app_id;
  bool consume_messages = false;
  bool consume_persist = false;
  std::uint16_t prefetch = 0;
  std::size_t max_body_bytes = 0;
  std::chrono::milliseconds publish_timeout{};
  bool auto_restart = true;

  std::filesystem::path store;
  Promise durability = Promise::Group;

  std::string mqtt_address;
  std::uint16_t mqtt_port = 0;
  bool websocket_enabled = true;
  std::string websocket_address;
  std::uint16_t websocket_port = 0;        // 0: any that is free
  std::filesystem::path broker_dir;        // empty: beside the store
  std::filesystem::path mosquitto;         // empty: to be looked for
  std::filesystem::path mosquitto_plugin;  // empty: to be looked for
  std::chrono::milliseconds broker_timeout{};
  std::size_t mqtt_max_connections = 0;
  std::size_t mqtt_max_queued = 0;        // messages, for each client
  std::size_t mqtt_max_queued_bytes = 0;  // likewise

  std::string jwt_key;
  std::string jwt_audience;

  bool http_enabled = true;
  bool push_enabled = false;
  std::uint16_t http_port = 0;  // 0: any that is free
  int http_nice = 0;
  std::string http_address;
  std::string base_url;  // empty, or begins with a slash and does not end with one
  std::string cert_pem;
  std::string key_pem;
  std::string contacts_endpoint;
  std::size_t http_threads = 0;
  std::size_t http_readers = 0;
  std::size_t http_max_body = 0;
  std::size_t http_max_header = 0;
  std::size_t http_max_connections = 0;
  std::chrono::milliseconds http_request_timeout{};
  std::chrono::milliseconds http_apply_timeout{};

  std::string push_endpoint;
  std::string web_click_action;
  std::string mobile_click_action;
  std::string relay_token;
  std::string relay_url;
  std::string relay_authorization;

  LogLevel log_level = LogLevel::Info;
  LogFormat log_format = LogFormat::Text;

  std::optional<std::uint64_t> seed;  // of message ids; random if not given
};

// A value that was found for a setting, and where.
struct Given {
  enum class Origin : std::uint8_t { Flag, Variable, File, Default };
  const Setting* setting = nullptr;
  std::string text;
  Origin origin = Origin::Default;
  std::string source;  // as an operator knows it: "--prefetch", "PREFETCH_MESSAGES", "chat21.conf"
};

using Environment = std::function<const char*(const char* name)>;

class Configuration {
 public:
  // Collects and checks. The error (InvalidArgument) has one line per complaint,
  // each with the source, the value (unless it is secret) and what is allowed. The value
  // that wins is checked, and everything in the file, which is ours alone.
  static Result<Configuration> load(const std::vector<Given>& flags,
                                    const std::optional<std::string>& file,
                                    const Environment& environment);

  // What only a running server needs: a broker, and a folder for the store.
  // Errors: InvalidArgument, as above.
  Result<> check_runnable() const;

  const Config& config() const { return config_; }

  // The value in force for a setting, and its source; "default" if nobody gave one.
  const Given& given(std::string_view key) const;

  // "RABBITMQ_URI=amqp://***@host: " and why it will not do.
  std::string complaint(std::string_view key, std::string_view why) const;

  // What was configured that will not have the effect its author expects, for
  // the log: a sentence per finding.
  std::vector<std::string> warnings() const;

  // All values in force with their sources, for people. Secrets are masked.
  std::string describe() const;

 private:
  void check_rabbitmq(std::vector<std::string>& complaints) const;
  void check_embedded(std::vector<std::string>& complaints) const;
  void check_http(std::vector<std::string>& complaints) const;
  void check_certificate(std::vector<std::string>& complaints) const;

  Config config_;
  std::vector<Given> values_;  // one per setting, in the order of the declarations
};

}  // namespace chat21::server
