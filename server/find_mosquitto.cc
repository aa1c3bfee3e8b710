#include "server/find_mosquitto.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace chat21::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPluginFile = "chat21_mosquitto_plugin.so";

bool usable(const fs::path& file, int how) {
  std::error_code failed;
  return fs::is_regular_file(file, failed) &&
         ::faccessat(AT_FDCWD, file.c_str(), how, AT_EACCESS) == 0;
}

Result<fs::path> configured(const fs::path& file, int how, std::string_view setting) {
  errno = ENOENT;
  if (usable(file, how)) {
    return fs::absolute(file);
  }
  std::error_code failed;
  const bool other = errno == 0 || (fs::exists(file, failed) && !fs::is_regular_file(file, failed));
  return fail(Error::Code::InvalidArgument,
              fmt::format("{}={}: {}", setting, escape(file.string()),
                          other ? "must be a file" : std::strerror(errno)));
}

std::vector<fs::path> program_folders() {
  std::vector<fs::path> folders;
  const char* given = std::getenv("PATH");
  std::string_view path = given != nullptr ? given : "";
  while (!path.empty()) {
    const auto folder = path.substr(0, path.find(':'));
    if (!folder.empty()) {
      folders.emplace_back(folder);
    }
    path.remove_prefix(std::min(folder.size() + 1, path.size()));
  }
  // Debian puts it where only root's PATH goes.
  folders.emplace_back("/usr/sbin");
  folders.emplace_back("/usr/local/sbin");
  return folders;
}

}  // namespace

Result<fs::path> find_mosquitto(const Config& config) {
  if (!config.mosquitto.empty()) {
    return configured(config.mosquitto, X_OK, "MOSQUITTO_PATH");
  }
  for (const fs::path& folder : program_folders()) {
    if (usable(folder / "mosquitto", X_OK)) {
      return fs::absolute(folder / "mosquitto");
    }
  }
  return fail(Error::Code::InvalidArgument,
              "cannot find the program mosquitto in PATH, /usr/sbin or /usr/local/sbin: install it "
              "(apt-get install mosquitto), or set MOSQUITTO_PATH");
}

Result<fs::path> find_mosquitto_plugin(const Config& config) {
  if (!config.mosquitto_plugin.empty()) {
    return configured(config.mosquitto_plugin, R_OK, "MOSQUITTO_PLUGIN");
  }
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const fs::path beside = program.parent_path().parent_path() / "lib/chat21" / kPluginFile;
  const fs::path installed = fs::path(CHAT21_PLUGIN_DIR) / kPluginFile;
  for (const fs::path& file : {beside, installed}) {
    if (usable(file, R_OK)) {
      return file;
    }
  }
  return fail(Error::Code::InvalidArgument,
              fmt::format("cannot find the plugin of the broker, neither {} nor {}: set "
                          "MOSQUITTO_PLUGIN",
                          escape(beside.string()), escape(installed.string())));
}

}  // namespace chat21::server
