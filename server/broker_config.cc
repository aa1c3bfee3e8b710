#include "server/broker_config.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "server/log.h"

namespace chat21::server {
namespace {

namespace fs = std::filesystem;
using Code = Error::Code;

// Sessions and what waits in them survive a stop by themselves, and a crash as of the
// last save, which holds up the broker while it writes.
constexpr int kAutosaveSeconds = 60;
// To one client and not acknowledged: more than the 20 that Mosquitto has by itself, for
// groups that are lively, and few enough that a slow client costs little memory.
constexpr int kMaxInflight = 100;
constexpr std::size_t kMaxPacket = 268'435'455;  // of MQTT: four bytes of seven bits
constexpr std::size_t kMaxValue = 4096;
constexpr mode_t kOurs = 0700;

// --- The text -----------------------------------------------------------------------

std::string_view word(Promise promise) {
  switch (promise) {
    case Promise::Group:
      return "group";
    case Promise::Strict:
      return "strict";
    case Promise::Power:
      return "power";
  }
  return "group";
}

// Why a line cannot carry the value; empty if it can.
std::string_view unfit(std::string_view value) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  if (value.empty()) {
    return "it is empty";
  }
  if (value.front() == ' ' || value.back() == ' ') {
    return "it begins or ends with a blank";
  }
  if (std::any_of(value.begin(), value.end(), is_control)) {
    return "it has a control character";
  }
  return value.size() > kMaxValue ? "it is too long" : "";
}

// Lines of "key value"; remembers the first value that does not fit.
class Lines {
 public:
  void comment(std::string_view text) { fmt::format_to(std::back_inserter(text_), "# {}\n", text); }

  template <class T>
  void add(std::string_view key, const T& value) {
    fmt::format_to(std::back_inserter(text_), "{} {}\n", key, value);
  }

  // A value that others have chosen; `what` names it for them.
  void add_text(std::string_view key, std::string_view value, std::string_view what) {
    if (const auto why = unfit(value); !why.empty() && trouble_.empty()) {
      trouble_ = fmt::format("{}: the broker's configuration cannot carry '{}': {}", what,
                             escape(value), why);
    }
    add(key, value);
  }

  Result<std::string> done() && {
    if (!trouble_.empty()) {
      return fail(Code::InvalidArgument, std::move(trouble_));
    }
    return std::move(text_);
  }

 private:
  std::string text_;
  std::string trouble_;
};

void add_log(Lines& lines, LogLevel level) {
  lines.add("log_dest", "stderr");
  lines.add("log_timestamp", false);
  for (const auto type : {"error", "warning", "notice", "information"}) {
    lines.add("log_type", type);
  }
  // A line for everybody who comes and goes.
  lines.add("connection_messages", level >= LogLevel::Verbose);
  if (level >= LogLevel::Debug) {
    lines.add("log_type", "subscribe");
    lines.add("log_type", "unsubscribe");
  }
}

void add_limits(Lines& lines, const Config& config) {
  lines.add("max_queued_messages", config.mqtt_max_queued);
  lines.add("max_queued_bytes", config.mqtt_max_queued_bytes);
  lines.add("max_inflight_messages", kMaxInflight);
  lines.add("max_packet_size", max_packet_bytes(config));
}

void add_plugin(Lines& lines, const Config& config, const fs::path& plugin) {
  lines.add_text("plugin", plugin.string(), "MOSQUITTO_PLUGIN");
  lines.add_text("plugin_opt_store", fs::absolute(config.store).string(), "STORE_PATH");
  lines.add("plugin_opt_app_id", config.app_id);
  lines.add_text("plugin_opt_jwt_key_file", broker_folder(config).key().string(), "BROKER_DIR");
  lines.add_text("plugin_opt_jwt_audience", config.jwt_audience, "JWT_AUDIENCE");
  lines.add("plugin_opt_durability", word(config.durability));
  lines.add("plugin_opt_max_body", config.max_body_bytes);
  if (config.seed) {
    lines.add("plugin_opt_seed", *config.seed);
  }
}

// --- The files ----------------------------------------------------------------------

Error trouble_with(const fs::path& path, std::string_view what, int error) {
  return fail(Code::Unavailable,
              fmt::format("cannot {} {}: {}", what, escape(path.string()), std::strerror(error)));
}

Result<> make_folder(const fs::path& path) {
  if (::mkdir(path.c_str(), kOurs) != 0 && errno != EEXIST) {
    return trouble_with(path, "make the folder", errno);
  }
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    return trouble_with(path, "look at", errno);
  }
  if (!S_ISDIR(found.st_mode)) {
    return fail(Code::InvalidArgument, fmt::format("{} is no folder", escape(path.string())));
  }
  if (found.st_uid != ::geteuid() || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Code::InvalidArgument,
                fmt::format("the folder {} must be owned by the user of the server, and nobody "
                            "else may write to it",
                            escape(path.string())));
  }
  return {};
}

// We replace files there: the folder has to be one that we have written to before, or that
// has nothing but lines for us. Without this, BROKER_DIR=/etc/mosquitto would cost somebody
// his configuration.
Result<> check_ours(const BrokerFolder& folder) {
  std::error_code ignored;  // what is not there, or cannot be read, is told by make_folder()
  if (fs::exists(folder.key(), ignored)) {
    return {};
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.path, ignored)) {
    if (entry.path() != folder.own_lines()) {
      return fail(
          Code::InvalidArgument,
          fmt::format("the folder {} has files of somebody else, such as {}; broker-dir "
                      "has to be a new folder, or one of this server",
                      escape(folder.path.string()), escape(entry.path().filename().string())));
    }
  }
  return {};
}

// Whether the file is as it has to be, its mode included.
bool is_written(const fs::path& path, const std::string& text) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode) ||
      (found.st_mode & 07777U) != 0600) {
    return false;
  }
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {}) == text;
}

// 0, or errno.
int write_file(const fs::path& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return errno;
  }
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (::close(fd) != 0 && error == 0) {
    error = errno;
  }
  return error;
}

// A crash may leave an old, a new or an empty file: the next start writes it again.
Result<> replace(const fs::path& path, const std::string& text) {
  if (is_written(path, text)) {
    return {};
  }
  const fs::path fresh = path.string() + ".new";
  ::unlink(fresh.c_str());  // of a server that was killed
  int error = write_file(fresh, text);
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  return error == 0 ? Result<>() : trouble_with(path, "write", error);
}

}  // namespace

BrokerFolder broker_folder(const Config& config) {
  const fs::path path =
      config.broker_dir.empty() ? fs::path(config.store.string() + "-broker") : config.broker_dir;
  return {fs::absolute(path).lexically_normal()};
}

std::size_t max_packet_bytes(const Config& config) {
  constexpr std::size_t kHead = 64U << 10U;  // a topic of the longest, and the rest
  return std::min(2 * config.max_body_bytes + kHead, kMaxPacket);
}

Result<std::string> broker_configuration(const Config& config, const fs::path& plugin) {
  const BrokerFolder folder = broker_folder(config);
  Lines lines;
  lines.comment("Written by chat21-server at every start: changes here are lost. Own lines go");
  lines.comment("into files named *.conf in the folder conf.d beside.");
  add_log(lines, config.log_level);
  if (::geteuid() == 0) {
    // It would become another user, who may not read these files.
    lines.add("user", "root");
  }
  lines.add("allow_anonymous", false);
  lines.add("persistence", true);
  lines.add_text("persistence_location", folder.path.string(), "BROKER_DIR");
  lines.add("persistence_file", "sessions.db");
  lines.add("autosave_interval", kAutosaveSeconds);
  add_limits(lines, config);
  add_plugin(lines, config, plugin);
  lines.add("listener", fmt::format("{} {}", config.mqtt_port, config.mqtt_address));
  lines.add("max_connections", config.mqtt_max_connections);
  lines.add_text("include_dir", folder.own_lines().string(), "BROKER_DIR");
  return std::move(lines).done();
}

Result<> make_broker_folder(const BrokerFolder& folder) {
  if (auto ours = check_ours(folder); !ours) {
    return ours;
  }
  for (const fs::path& path : {folder.path, folder.own_lines()}) {
    if (auto made = make_folder(path); !made) {
      return made;
    }
  }
  return {};
}

Result<> write_broker_configuration(const Config& config, const fs::path& plugin) {
  const auto text = broker_configuration(config, plugin);
  if (!text) {
    return text.error();
  }
  const BrokerFolder folder = broker_folder(config);
  // The plugin takes an end of line off.
  if (auto written = replace(folder.key(), config.jwt_key + "\n"); !written) {
    return written;
  }
  return replace(folder.configuration(), *text);
}

}  // namespace chat21::server
