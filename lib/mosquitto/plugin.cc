// What Mosquitto calls: the functions of its plugin interface, version 5
// (mosquitto_plugin.h), and the callbacks for its events (mosquitto_broker.h). They
// translate between the broker's structs and Access and Engine, and decide nothing else.
//
// Written against Mosquitto 2.0.11; what of its behaviour is relied on stands beside the
// code that does. Thread rule: the broker has one thread, and all of this runs on it,
// except Waker::wake().
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/mosquitto/access.h"
#include "lib/mosquitto/engine.h"
#include "lib/mosquitto/journal.h"
#include "lib/mosquitto/log_limit.h"
#include "lib/mosquitto/options.h"
#include "lib/mosquitto/pulse.h"
#include "lib/mosquitto/waker.h"

namespace chat21::mosquitto {
namespace {

// Lines a second about what clients are refused.
constexpr std::uint32_t kRefusalLines = 10;

// Mosquitto does not write the level of a line: like its own, those that are errors and
// warnings say it.
void log(int level, const std::string& line) {
  const char* word = level == MOSQ_LOG_ERR       ? "Error: "
                     : level == MOSQ_LOG_WARNING ? "Warning: "
                                                 : "";
  mosquitto_log_printf(level, "chat21: %s%s", word, line.c_str());
}

int level_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return MOSQ_LOG_DEBUG;
    case LogLevel::Info:
      return MOSQ_LOG_INFO;
    case LogLevel::Warning:
      return MOSQ_LOG_WARNING;
    case LogLevel::Error:
      break;
  }
  return MOSQ_LOG_ERR;
}

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string_view text_of(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

class Plugin {
 public:
  static Result<std::unique_ptr<Plugin>> make(mosquitto_plugin_id_t* id,
                                              std::span<const OptionLine> lines);

  int basic_auth(mosquitto_evt_basic_auth& event);
  int acl_check(const mosquitto_evt_acl_check& event);
  int message(mosquitto_evt_message& event);
  int tick();
  int disconnect(const mosquitto_evt_disconnect& event);
  // The broker ends, and has ended all its clients.
  void stop();

 private:
  explicit Plugin(PluginOptions options)
      : options_(std::move(options)),
        access_({.app = options_.app, .tokens = options_.tokens}),
        refusals_(kRefusalLines) {}

  Result<> start(mosquitto_plugin_id_t* id);
  int publish(const mosquitto_evt_acl_check& event, const Request& request);
  bool take(std::string_view key, std::string_view body);
  void hand_out(const char* topic, std::string_view body, int qos);
  void log_refusal(int level, const struct mosquitto* client, const std::string& what,
                   std::string_view why);

  PluginOptions options_;
  Waker waker_;
  Pulse pulse_{std::getenv(Pulse::kVariable)};
  Access access_;
  std::unique_ptr<Engine> engine_;
  LogLimit refusals_;
  bool ticks_ = false;
  // Whose message was taken when the broker asked whether it is allowed; until the next event.
  const struct mosquitto* taken_from_ = nullptr;
};

template <class Event, int (Plugin::*handle)(Event&)>
int callback(int, void* event, void* plugin) noexcept {
  return (static_cast<Plugin*>(plugin)->*handle)(*static_cast<Event*>(event));
}

int tick_callback(int, void*, void* plugin) noexcept {
  return static_cast<Plugin*>(plugin)->tick();
}

Result<std::unique_ptr<Plugin>> Plugin::make(mosquitto_plugin_id_t* id,
                                             std::span<const OptionLine> lines) {
  auto options = read_options(lines);
  if (!options) return options.error();
  std::unique_ptr<Plugin> plugin(new Plugin(*std::move(options)));
  if (auto started = plugin->start(id); !started) return started.error();
  return plugin;
}

Result<> Plugin::start(mosquitto_plugin_id_t* id) {
  auto engine = Engine::start(
      {.store = options_.store,
       .durability = options_.durability,
       .strict = options_.strict,
       .seed = options_.seed ? *options_.seed : random_seed(),
       .max_body_bytes = options_.max_body_bytes,
       .wake = [this] { waker_.wake(); },
       .log = [](LogLevel level, const std::string& line) { log(level_of(level), line); }});
  if (!engine) return engine.error();
  engine_ = *std::move(engine);
  const std::pair<int, MOSQ_FUNC_generic_callback> callbacks[] = {
      {MOSQ_EVT_BASIC_AUTH, callback<mosquitto_evt_basic_auth, &Plugin::basic_auth>},
      {MOSQ_EVT_ACL_CHECK, callback<const mosquitto_evt_acl_check, &Plugin::acl_check>},
      {MOSQ_EVT_MESSAGE, callback<mosquitto_evt_message, &Plugin::message>},
      {MOSQ_EVT_DISCONNECT, callback<const mosquitto_evt_disconnect, &Plugin::disconnect>},
      {MOSQ_EVT_TICK, tick_callback}};
  for (const auto& [event, function] : callbacks) {
    const int code = mosquitto_callback_register(id, event, function, nullptr, this);
    if (code != MOSQ_ERR_SUCCESS) {
      return fail(Error::Code::Internal, "cannot register for event " + std::to_string(event) +
                                             ": " + mosquitto_strerror(code));
    }
  }
  if (options_.has_default_key()) {
    log(MOSQ_LOG_WARNING,
        "the key of the tokens is the well-known default: set plugin_opt_jwt_key_file");
  }
  log(MOSQ_LOG_INFO, "serves app " + options_.app + " from " + options_.store.string());
  return {};
}

int Plugin::basic_auth(mosquitto_evt_basic_auth& event) {
  taken_from_ = nullptr;
  if (!ticks_) {
    // The broker has had a turn of its loop since this client's connection came in.
    log_refusal(MOSQ_LOG_ERR, event.client, "a connection",
                "the broker has no turns for plugins, as with per_listener_settings true,"
                " which this plugin cannot live with");
    return MOSQ_ERR_AUTH;
  }
  // After SIGHUP (Debian's logrotate sends it every day) the broker asks about all that it
  // knows, also about sessions of clients that are away, and whom we refused then would
  // miss what is queued. They were let in once; a client that connects has no subscriptions.
  if (mosquitto_client_sub_count(event.client) > 0) return MOSQ_ERR_SUCCESS;
  const auto user = access_.connect(event.client, text_of(mosquitto_client_id(event.client)),
                                    text_of(event.password), now());
  if (!user) {
    log_refusal(MOSQ_LOG_NOTICE, event.client, "a connection", user.error().message);
    return MOSQ_ERR_AUTH;
  }
  // The broker's log names users by it. The name that came in is nobody's.
  if (!user->empty()) mosquitto_set_username(event.client, user->c_str());
  return MOSQ_ERR_SUCCESS;
}

// Answering MOSQ_ERR_ACL_DENIED to a publisher or subscriber would leave a client of MQTT
// 3.1.1 with a PUBACK and the belief that its message was taken; MOSQ_ERR_AUTH closes the
// connection, as RabbitMQ does.
int Plugin::acl_check(const mosquitto_evt_acl_check& event) {
  taken_from_ = nullptr;
  const Request request{.client = event.client,
                        .connected_once = mosquitto_client_address(event.client) != nullptr,
                        .topic = text_of(event.topic),
                        .retain = event.retain};
  switch (event.access) {
    case MOSQ_ACL_WRITE:
      return publish(event, request);
    case MOSQ_ACL_SUBSCRIBE: {
      const Answer answer = access_.subscribe(request, now());
      if (answer.allowed()) return MOSQ_ERR_SUCCESS;
      log_refusal(MOSQ_LOG_NOTICE, event.client,
                  "subscription to " + quotable(request.topic) + " by " + quotable(answer.user),
                  answer.refusal);
      return MOSQ_ERR_AUTH;
    }
    case MOSQ_ACL_READ:
      return access_.receive(request).allowed() ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
    case MOSQ_ACL_UNSUBSCRIBE:
      return MOSQ_ERR_SUCCESS;
    default:
      return MOSQ_ERR_ACL_DENIED;
  }
}

// The message goes to the observer here and not when the broker has the message, since
// there wills never come by.
int Plugin::publish(const mosquitto_evt_acl_check& event, const Request& request) {
  const Answer answer = access_.publish(request, now());
  if (!answer.allowed()) {
    log_refusal(MOSQ_LOG_NOTICE, event.client,
                (answer.will ? "will to " : "message to ") + quotable(request.topic) + " by " +
                    quotable(answer.user),
                answer.refusal);
    return MOSQ_ERR_AUTH;
  }
  if (answer.for_observer) {
    if (!take(answer.key, {static_cast<const char*>(event.payload), event.payloadlen})) {
      if (answer.will) {
        log_refusal(MOSQ_LOG_WARNING, event.client, "will to " + quotable(request.topic),
                    engine_->trouble());
      }
      return MOSQ_ERR_UNKNOWN;
    }
    taken_from_ = event.client;
  }
  if (!answer.will || !event.retain) return MOSQ_ERR_SUCCESS;
  // A will's retain flag cannot be cleared, see message(). So it is published in the
  // broker's place.
  hand_out(event.topic, {static_cast<const char*>(event.payload), event.payloadlen}, event.qos);
  return MOSQ_ERR_ACL_DENIED;
}

int Plugin::message(mosquitto_evt_message& event) {
  // Nothing is retained that clients publish. The observer keeps what is to be kept;
  // retained messages would come back to whoever subscribes to the inbox next, and stay
  // for ever, on as many topics as a client can think of.
  event.retain = false;
  if (std::exchange(taken_from_, nullptr) == event.client) return MOSQ_ERR_SUCCESS;
  // Without having been asked we see what the broker's own bridges bring, and what another
  // plugin has allowed.
  const std::string_view key = access_.observed_key(text_of(event.topic));
  if (key.empty()) return MOSQ_ERR_SUCCESS;
  return take(key, {static_cast<const char*>(event.payload), event.payloadlen}) ? MOSQ_ERR_SUCCESS
                                                                                : MOSQ_ERR_UNKNOWN;
}

// False: the message stays with its sender, whose connection is to be closed.
bool Plugin::take(std::string_view key, std::string_view body) {
  const bool taken = engine_->accept(key, body).has_value();
  // One turn of the broker's loop may be as long as many commits.
  pulse_.beat(Pulse::Clock::now());
  return taken;
}

int Plugin::tick() {
  ticks_ = true;
  taken_from_ = nullptr;
  pulse_.beat(Pulse::Clock::now());
  access_.turn();
  engine_->turn([this](const Outgoing& message) {
    hand_out(message.topic.c_str(), {message.body.get(), message.size}, 1);
  });
  if (const auto count = refusals_.take_left_out(now()); count > 0) {
    log(MOSQ_LOG_NOTICE, std::to_string(count) + " more refusals are not in the log");
  }
  return MOSQ_ERR_SUCCESS;
}

// The broker counts what it frees, so it gets a copy that it has counted: with memory of
// ours, its $SYS/broker/heap and memory_limit would go wrong.
void Plugin::hand_out(const char* topic, std::string_view body, int qos) {
  void* copy = mosquitto_malloc(body.size() + 1);
  int code = MOSQ_ERR_NOMEM;
  if (copy != nullptr) {
    body.copy(static_cast<char*>(copy), body.size());
    code = mosquitto_broker_publish(nullptr, topic, static_cast<int>(body.size()), copy, qos, false,
                                    nullptr);
  }
  if (code == MOSQ_ERR_SUCCESS) return;
  mosquitto_free(copy);
  log(MOSQ_LOG_ERR, "cannot publish on " + quotable(topic) + ": " + mosquitto_strerror(code));
}

int Plugin::disconnect(const mosquitto_evt_disconnect& event) {
  taken_from_ = nullptr;
  // A clean session before MQTT 5 is over with its connection, and its will is asked about
  // at once. Those of MQTT 5 say nowhere how long they last.
  const bool over = mosquitto_client_clean_session(event.client) &&
                    mosquitto_client_protocol_version(event.client) < 5;
  access_.disconnect(event.client, !over);
  return MOSQ_ERR_SUCCESS;
}

void Plugin::stop() {
  engine_->stop();
  // Nobody is there to get it, but the engine is not to wait for it.
  engine_->turn([](const Outgoing&) {});
}

void Plugin::log_refusal(int level, const struct mosquitto* client, const std::string& what,
                         std::string_view why) {
  if (!refusals_.pass(now())) return;
  const char* address = mosquitto_client_address(client);
  log(level, "refused " + what + " from " + (address == nullptr ? "nowhere" : address) + ": " +
                 quotable(why));
}

}  // namespace
}  // namespace chat21::mosquitto

extern "C" {

__attribute__((visibility("default"))) int mosquitto_plugin_version(int count,
                                                                    const int* supported) {
  constexpr int kVersion = 5;
  return std::find(supported, supported + count, kVersion) == supported + count ? -1 : kVersion;
}

__attribute__((visibility("default"))) int mosquitto_plugin_init(mosquitto_plugin_id_t* id,
                                                                 void** user_data,
                                                                 mosquitto_opt* options,
                                                                 int count) {
  using chat21::mosquitto::OptionLine;
  std::vector<OptionLine> lines;
  for (const auto& [key, value] : std::span(options, static_cast<std::size_t>(count))) {
    lines.push_back({chat21::mosquitto::text_of(key), chat21::mosquitto::text_of(value)});
  }
  auto plugin = chat21::mosquitto::Plugin::make(id, lines);
  if (!plugin) {
    chat21::mosquitto::log(MOSQ_LOG_ERR, "cannot start: " + plugin.error().message);
    return plugin.error().code == chat21::Error::Code::InvalidArgument ? MOSQ_ERR_INVAL
                                                                       : MOSQ_ERR_UNKNOWN;
  }
  *user_data = plugin->release();
  return MOSQ_ERR_SUCCESS;
}

__attribute__((visibility("default"))) int mosquitto_plugin_cleanup(void* user_data, mosquitto_opt*,
                                                                    int) {
  const std::unique_ptr<chat21::mosquitto::Plugin> plugin(
      static_cast<chat21::mosquitto::Plugin*>(user_data));
  if (plugin) plugin->stop();
  return MOSQ_ERR_SUCCESS;
}
}
