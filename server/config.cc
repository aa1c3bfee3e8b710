#include "server/config.h"

#include <CLI/Config.hpp>
#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "server/broker_config.h"
#include "server/find_mosquitto.h"
#include "server/values.h"

namespace chat21::server {
namespace {

using Code = Error::Code;
using Origin = Given::Origin;
using Complaints = std::vector<std::string>;

Result<> to_result(const Complaints& complaints) {
  if (complaints.empty()) {
    return {};
  }
  return fail(Code::InvalidArgument, fmt::format("{}", fmt::join(complaints, "\n")));
}

// The setting, as the operator wrote it: "--prefetch", "chat21.conf: prefetch".
std::string label(const Given& given) {
  return given.origin == Origin::File ? fmt::format("{}: {}", given.source, given.setting->key)
                                      : given.source;
}

// "--prefetch=0: must be 1 to 65535"
std::string complain(const Given& given, std::string_view allowed) {
  return fmt::format("{}={}: {}", label(given), shown(*given.setting, given.text), allowed);
}

// --- The file -------------------------------------------------------------------

// CLI11 drops the rest of a line behind a comment sign, also inside of quotes,
// which would cut a password. So it is told that there is none, and comments
// have lines of their own.
std::vector<CLI::ConfigItem> read_items(std::istream& in) {
  CLI::ConfigTOML format;
  format.comment('\0');
  return format.from_config(in);
}

std::string unknown_key(const std::string& file, const CLI::ConfigItem& item) {
  std::vector<std::string_view> keys;
  for (const Setting& setting : settings()) {
    keys.push_back(setting.key);
  }
  const bool section = item.name == "++" || item.name == "--";
  const std::string name =
      section ? fmt::format("[{}]", fmt::join(item.parents, ".")) : item.fullname();
  const auto meant = nearest(name, keys);
  return fmt::format("{}: unknown {} '{}'{}", file, section ? "section" : "key", escape(name),
                     meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant));
}

// What a key of the file gives to its setting, or a complaint.
void take_item(const std::string& file, const CLI::ConfigItem& item, std::vector<Given>& found,
               Complaints& complaints) {
  const Setting* setting = item.parents.empty() ? find_setting(item.name) : nullptr;
  if (setting == nullptr) {
    if (item.name != "--") {  // the end of a section, whose begin was reported
      complaints.push_back(unknown_key(file, item));
    }
    return;
  }
  const bool again = std::any_of(found.begin(), found.end(),
                                 [setting](const Given& g) { return g.setting == setting; });
  if (again || (setting->shape != Setting::Shape::List && item.inputs.size() != 1)) {
    complaints.push_back(fmt::format(
        "{}: {}: must be given once, with one value: put it in quotes if it has blanks or "
        "commas, and comments on their own lines",
        file, setting->key));
    return;
  }
  found.push_back({setting, fmt::format("{}", fmt::join(item.inputs, ",")), Origin::File, file});
}

void read_file(const std::string& file, std::vector<Given>& found, Complaints& complaints) {
  std::error_code failed;
  if (std::filesystem::is_directory(file, failed)) {
    complaints.push_back(fmt::format("cannot read '{}': it is a folder", file));
    return;
  }
  errno = 0;
  std::ifstream in(file);
  if (!in) {
    complaints.push_back(fmt::format("cannot read '{}': {}", file, std::strerror(errno)));
    return;
  }
  for (const auto& item : read_items(in)) {
    take_item(file, item, found, complaints);
  }
  if (in.bad()) {
    complaints.push_back(fmt::format("cannot read '{}': {}", file, std::strerror(errno)));
  }
}

// --- Choosing -------------------------------------------------------------------

const Given* find_given(const std::vector<Given>& all, const Setting& setting) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&setting](const Given& g) { return g.setting == &setting; });
  return found == all.end() ? nullptr : &*found;
}

std::optional<Given> from_environment(const Environment& environment, const Setting& setting) {
  for (const auto variable : {setting.variable, setting.alias}) {
    if (variable.empty()) {
      continue;
    }
    const char* value = environment(std::string(variable).c_str());
    if (value != nullptr && *value != '\0') {
      return Given{&setting, value, Origin::Variable, std::string(variable)};
    }
  }
  return std::nullopt;
}

Given choose(const Setting& setting, const std::vector<Given>& flags,
             const Environment& environment, const std::vector<Given>& file) {
  if (const Given* flag = find_given(flags, setting)) {
    return *flag;
  }
  if (auto variable = from_environment(environment, setting)) {
    return *std::move(variable);
  }
  if (const Given* item = find_given(file, setting)) {
    return *item;
  }
  return {&setting, std::string(setting.fallback), Origin::Default, "default"};
}

void apply(const Given& given, Config& config, Complaints& complaints) {
  if (const auto allowed = given.setting->apply(given.text, config); !allowed.empty()) {
    complaints.push_back(complain(given, allowed));
  }
}

// Whether somebody wants a feature, and did not just switch it off.
bool asks_for_something(const Given& given) {
  const bool switched_off =
      given.setting->shape == Setting::Shape::Switch && parse_bool(given.text) == false;
  return given.origin != Origin::Default && !given.text.empty() && !switched_off;
}

std::string_view name(Engine engine) {
  return engine == Engine::Embedded ? kEmbedded : kRabbitmq;
}

// Why no store can be at the path; empty if there can.
std::string unusable_store(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::error_code failed;
  if (!std::filesystem::is_directory(folder, failed)) {
    return fmt::format("the folder '{}' must exist", folder.string());
  }
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return fmt::format("cannot write to the folder '{}': {}", folder.string(),
                       std::strerror(errno));
  }
  return std::filesystem::is_directory(path, failed) ? "must be a file, and is a folder" : "";
}

}  // namespace

Result<Configuration> Configuration::load(const std::vector<Given>& flags,
                                          const std::optional<std::string>& file,
                                          const Environment& environment) {
  Complaints complaints;
  std::vector<Given> in_file;
  if (file) {
    read_file(*file, in_file, complaints);
  }
  Configuration loaded;
  for (const Setting& setting : settings()) {
    Given winner = choose(setting, flags, environment, in_file);
    const Given* item = find_given(in_file, setting);
    if (item != nullptr && winner.origin != Origin::File) {
      Config overridden;
      apply(*item, overridden, complaints);
    }
    apply(winner, loaded.config_, complaints);
    loaded.values_.push_back(std::move(winner));
  }
  if (const auto valid = to_result(complaints); !valid) {
    return fail(valid.error());
  }
  return loaded;
}

Result<> Configuration::check_runnable() const {
  Complaints complaints;
  if (config_.engine == Engine::Rabbitmq) {
    check_rabbitmq(complaints);
  } else {
    check_embedded(complaints);
  }
  if (const auto why = unusable_store(config_.store); !why.empty()) {
    complaints.push_back(complaint("store", why));
  }
  if (config_.http_enabled) {
    check_http(complaints);
  }
  if (config_.http_enabled || (config_.engine == Engine::Embedded && config_.websocket_enabled)) {
    check_certificate(complaints);
  }
  return to_result(complaints);
}

void Configuration::check_rabbitmq(std::vector<std::string>& complaints) const {
  if (config_.rabbitmq_uri.empty()) {
    complaints.emplace_back(
        "no broker is configured: set RABBITMQ_URI (or --rabbitmq-uri, or rabbitmq-uri in the "
        "file) to amqp://user:password@host:port/vhost, or ENGINE to embedded");
  }
  if (config_.prefetch == 1 && config_.consume_messages && config_.consume_persist) {
    complaints.push_back(complaint("prefetch", "must be at least 1 for each active queue"));
  }
}

void Configuration::check_embedded(std::vector<std::string>& complaints) const {
  if (auto found = find_mosquitto(config_); !found) {
    complaints.push_back(found.error().message);
  }
  const auto plugin = find_mosquitto_plugin(config_);
  if (!plugin) {
    complaints.push_back(plugin.error().message);
  } else if (const auto text = broker_configuration(config_, *plugin); !text) {
    complaints.push_back(text.error().message);
  }
}

void Configuration::check_certificate(std::vector<std::string>& complaints) const {
  if (config_.cert_pem.empty() != config_.key_pem.empty()) {
    const bool key_is_there = config_.cert_pem.empty();
    complaints.push_back(complaint(key_is_there ? "key-pem" : "cert-pem",
                                   key_is_there ? "must be given together with cert-pem"
                                                : "must be given together with key-pem"));
  }
  for (const std::string_view key : {"cert-pem", "key-pem"}) {
    const std::string& file = given(key).text;
    if (!file.empty() && ::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0) {
      complaints.push_back(complaint(key, fmt::format("cannot read it: {}", std::strerror(errno))));
    }
  }
}

void Configuration::check_http(std::vector<std::string>& complaints) const {
  if (config_.push_enabled && config_.push_endpoint.empty()) {
    complaints.push_back(
        complaint("push-enabled", "needs PUSH_ENDPOINT, the address that notifications go to"));
  }
  if (!config_.relay_token.empty() && config_.relay_url.empty()) {
    complaints.push_back(complaint("push-wh-webhook-token", "needs PUSH_WH_NOTIFY_URL"));
  }
}

std::string Configuration::complaint(std::string_view key, std::string_view why) const {
  return complain(given(key), why);
}

const Given& Configuration::given(std::string_view key) const {
  const auto found = std::find_if(values_.begin(), values_.end(),
                                  [key](const Given& g) { return g.setting->key == key; });
  assert(found != values_.end() && "a key that settings.cc declares");
  return *found;
}

std::vector<std::string> Configuration::warnings() const {
  std::vector<std::string> found;
  if (config_.jwt_key == kDefaultJwtKey) {
    found.emplace_back(kDefaultJwtKeyWarning);
  }
  const bool observes_here = config_.engine == Engine::Rabbitmq;
  if (observes_here && !config_.consume_messages && !config_.consume_persist) {
    found.push_back(label(given("active-queues")) + ": no queue is consumed");
  }
  for (const Given& value : values_) {
    if (!value.setting->missing_feature.empty() && asks_for_something(value)) {
      found.push_back(fmt::format("{} has no effect: this version does not have {}", label(value),
                                  value.setting->missing_feature));
    }
    const auto engine = value.setting->engine;
    if (!engine.empty() && engine != name(config_.engine) && asks_for_something(value)) {
      found.push_back(fmt::format("{} has no effect with engine {}: it is for engine {}",
                                  label(value), name(config_.engine), engine));
    }
  }
  return found;
}

std::string Configuration::describe() const {
  std::string text;
  for (const Given& value : values_) {
    const bool hidden = value.setting->group.empty() && value.origin == Origin::Default;
    if (!hidden) {
      fmt::format_to(std::back_inserter(text), "{:<32} {:<32} {}\n", value.setting->key,
                     shown(*value.setting, value.text), value.source);
    }
  }
  return text;
}

}  // namespace chat21::server
