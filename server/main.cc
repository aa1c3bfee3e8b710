// chat21-server: see --help.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "server/command_line.h"
#include "server/config.h"
#include "server/run.h"
#include "server/set_aside.h"
#include "server/token.h"

namespace {

using namespace chat21::server;

constexpr int kWrongConfiguration = 2;

int print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? 0 : 1;
}

// One line per complaint, each with the program's name, as other programs do.
int complain(std::string_view complaints) {
  while (!complaints.empty()) {
    const auto line = complaints.substr(0, complaints.find('\n'));
    complaints.remove_prefix(std::min(line.size() + 1, complaints.size()));
    std::fprintf(stderr, "chat21-server: %.*s\n", static_cast<int>(line.size()), line.data());
  }
  return kWrongConfiguration;
}

void print_warnings(const Configuration& configuration) {
  for (const std::string& warning : configuration.warnings()) {
    std::fprintf(stderr, "chat21-server: warning: %s\n", warning.c_str());
  }
}

int check_config(const Configuration& configuration) {
  print_warnings(configuration);
  return print(configuration.describe());
}

int make_token(TokenRequest request, const Configuration& configuration) {
  const Config& config = configuration.config();
  if (config.jwt_key == kDefaultJwtKey) {
    std::fprintf(stderr, "chat21-server: warning: %s\n",
                 std::string(kDefaultJwtKeyWarning).c_str());
  }
  request.app = config.app_id;
  const auto token = mint_token(
      request, {.key = config.jwt_key,
                .audience = config.jwt_audience,
                .now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()),
                .id = random_uuid()});
  return token ? print(*token + "\n") : complain(token.error().message);
}

int list_set_aside(const Configuration& configuration) {
  const auto printed = print_set_aside(configuration.config().store, stdout);
  if (printed) {
    return 0;
  }
  const int status = complain(printed.error().message);
  return printed.error().code == chat21::Error::Code::InvalidArgument ? status : 1;
}

int run_command(std::vector<std::string> arguments) {
  const auto line = parse_command_line(std::move(arguments));
  if (!line) {
    return complain(line.error().message);
  }
  if (line->action == CommandLine::Action::Print) {
    return print(line->text);
  }
  const auto configuration = Configuration::load(
      line->flags, line->config_file, [](const char* name) { return std::getenv(name); });
  if (!configuration) {
    return complain(configuration.error().message);
  }
  if (line->action == CommandLine::Action::Token) {
    return make_token(line->token, *configuration);
  }
  if (line->action == CommandLine::Action::SetAside) {
    return list_set_aside(*configuration);
  }
  if (const auto runnable = check_configuration(*configuration); !runnable) {
    return complain(runnable.error().message);
  }
  return line->action == CommandLine::Action::CheckConfig ? check_config(*configuration)
                                                          : run(*configuration);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_command({argv + 1, argv + argc});
  } catch (const std::exception& error) {  // std::bad_alloc; nothing of ours throws
    std::fprintf(stderr, "chat21-server: %s\n", error.what());
    return 1;
  }
}
