#include "server/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <string_view>
#include <utility>

#include "server/values.h"

namespace chat21::server {
namespace {

using Action = CommandLine::Action;
using Code = Error::Code;
using Subject = TokenRequest::Subject;

constexpr const char* kVersion = "chat21-server " CHAT21_VERSION;

constexpr const char* kDescription =
    "Takes the messages that Chat21 clients send, stores them and delivers them to the\n"
    "inboxes of their recipients: with RabbitMQ, or with a broker that it brings along\n"
    "(--engine embedded).\n";

constexpr const char* kFooter = R"(
Every setting is a flag, an environment variable (the one in brackets) and a key of the file
(the flag without its dashes):
  --prefetch 100          PREFETCH_MESSAGES=100          prefetch = 100
The flag wins over the variable, the variable over the file, the file over the default. An empty
variable counts as not set.

Signals: SIGTERM and SIGINT finish what was received, then exit; a second one exits at once.
SIGHUP is ignored.

Exit status: 0 done; 1 failed while running; 2 wrong usage or configuration; 128 + the number of
the signal that ended it at once.
)";

constexpr const char* kTokenFooter = R"(
The token alone is printed to standard output. Key, audience and app are settings of the server
(JWT_KEY, JWT_AUDIENCE, APP_ID), also as flags: --key, --jwt-audience, --app.
)";

constexpr const char* kSetAsideFooter = R"(
Prints a line of JSON for each message that was set aside because the server has died of it, again and
again: {"number":…,"time":…,"reason":…,"routing_key":…,"body":…}, the oldest first, time in
milliseconds since 1970. Texts that are not UTF-8 are in routing_key_base64 and body_base64. The store
is a setting of the server (STORE_PATH), also as a flag: --store. The server may be running.
)";

std::string flag_names(const Setting& setting) {
  return setting.short_flag.empty() ? fmt::format("--{}", setting.key)
                                    : fmt::format("--{},--{}", setting.key, setting.short_flag);
}

// What --help says about a setting: the help, and on a line of its own where else
// it is read from.
std::string help_text(const Setting& setting) {
  std::string text = fmt::format("{}\n[{}", setting.help, setting.variable);
  if (!setting.alias.empty()) {
    text += fmt::format(", or {}", setting.alias);
  }
  if (!setting.fallback.empty()) {
    text += fmt::format("; default {}", setting.fallback);
  }
  return text + "]";
}

CLI::Option* add_setting(CLI::App& app, const Setting& setting) {
  CLI::Option* option = nullptr;
  if (setting.shape == Setting::Shape::Switch) {
    option = app.add_flag(flag_names(setting));
    option->option_text("[=false]");
  } else {
    option = app.add_option(flag_names(setting));
    option->option_text(std::string(setting.placeholder));
  }
  option->description(help_text(setting));
  option->group(std::string(setting.group));
  option->take_last();
  return option;
}

// The program's commands and options, and where their values go.
class Parser {
 public:
  Parser() {
    app_.name("chat21-server");
    app_.set_version_flag("--version", kVersion, "print the version and exit")->group("General");
    app_.set_help_flag("-h,--help", "print this and exit")->group("General");
    app_.get_formatter()->column_width(34);
    app_.allow_extras();  // found and named by unknown_argument()
    app_.footer(kFooter);
    app_.require_subcommand(0, 1);
    app_.add_option("--config", config_file_, "read settings from this file (key = value, as TOML)")
        ->option_text("FILE")
        ->group("General");
    app_.add_flag("--check-config", check_config_,
                  "check the configuration, print it with the source of each value,\n"
                  "and exit")
        ->group("General");
    for (const Setting& setting : settings()) {
      options_.emplace_back(&setting, add_setting(app_, setting));
    }
    add_token_commands();
    set_aside_command_ =
        app_.add_subcommand("set-aside", "list the messages of which the server has died");
    set_aside_command_->fallthrough();
    set_aside_command_->footer(kSetAsideFooter);
  }

  Result<CommandLine> parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForVersion&) {
      return print(fmt::format("{}\n", kVersion));
    } catch (const CLI::Success&) {
      return print(app_.help());
    } catch (const CLI::ArgumentMismatch& error) {  // "--prefetch: 1 required TEXT missing"
      const std::string_view what = error.what();
      return fail(Code::InvalidArgument,
                  fmt::format("{} needs a value; see --help", what.substr(0, what.find(':'))));
    } catch (const CLI::RequiredError&) {
      return fail(Code::InvalidArgument, what_is_required());
    } catch (const CLI::ParseError& error) {
      return fail(Code::InvalidArgument, error.what());
    }
    if (auto unknown = unknown_argument(); !unknown.empty()) {
      return fail(Code::InvalidArgument, std::move(unknown));
    }
    return collect();
  }

 private:
  static CommandLine print(std::string text) {
    CommandLine line;
    line.action = Action::Print;
    line.text = std::move(text);
    return line;
  }

  CLI::App* add_subject(CLI::App& token, Subject subject, const char* name, const char* about) {
    CLI::App* command = token.add_subcommand(name, about);
    command->callback([this, subject] { token_.subject = subject; });
    command
        ->add_option(
            "--ttl", lifetime_,
            fmt::format(
                "how long it is valid: a number with s, m, h or d\n[default {}d]",
                std::chrono::duration_cast<std::chrono::days>(default_lifetime(subject)).count()))
        ->option_text("TIME");
    command->footer(kTokenFooter);
    return command;
  }

  void add_token_commands() {
    token_command_ =
        app_.add_subcommand("token", "make a token for a user, an observer or an admin");
    token_command_->fallthrough();
    token_command_->require_subcommand(1);
    token_command_->footer(kTokenFooter);
    CLI::App* user = add_subject(*token_command_, Subject::User, "user",
                                 "writes to the own topics and reads the own inbox");
    user->add_option("USER", token_.user, "the id of the user")->required()->option_text(" ");
    user->add_flag("--admin", token_.admin_role, "may act for other users in the HTTP API");
    user->add_flag("--slash-topics", token_.slash_topics,
                   "also allow topics with a leading slash (/apps/...)");
    add_subject(*token_command_, Subject::Observer, "observer",
                "may do everything at the broker: the password in RABBITMQ_URI");
    add_subject(*token_command_, Subject::Admin, "admin",
                "may do everything at the broker and in the HTTP API");
  }

  // There are two things that a command line cannot go without.
  std::string what_is_required() const {
    return token_command_->get_subcommands().empty()
               ? "token needs one of user, observer, admin; see token --help"
               : "token user needs USER, the id of the user";
  }

  std::string unknown_argument() const {
    const auto extras = app_.remaining(true);
    if (extras.empty()) {
      return {};
    }
    // "--prefetc 10" leaves both behind; the flag is the slip.
    const auto flag = std::find_if(extras.begin(), extras.end(),
                                   [](const std::string& extra) { return extra.starts_with('-'); });
    if (flag == extras.end()) {
      return fmt::format("unknown argument '{}'; see --help", escape(extras.front()));
    }
    const std::string name = flag->substr(0, flag->find('='));
    std::vector<std::string_view> keys = {"config", "check-config", "version",     "help",
                                          "ttl",    "admin",        "slash-topics"};
    for (const auto& [setting, option] : options_) {
      keys.push_back(setting->key);
    }
    const auto meant = nearest(
        std::string_view(name).substr(std::min(name.find_first_not_of('-'), name.size())), keys);
    return meant.empty()
               ? fmt::format("unknown option '{}'; see --help", escape(name))
               : fmt::format("unknown option '{}'; did you mean '--{}'?", escape(name), meant);
  }

  Result<CommandLine> collect() {
    CommandLine line;
    line.action = token_command_->parsed()       ? Action::Token
                  : set_aside_command_->parsed() ? Action::SetAside
                  : check_config_                ? Action::CheckConfig
                                                 : Action::Run;
    if (!config_file_.empty()) {
      line.config_file = config_file_;
    }
    for (const auto& [setting, option] : options_) {
      if (option->count() > 0) {
        line.flags.push_back({setting, option->as<std::string>(), Given::Origin::Flag,
                              fmt::format("--{}", setting->key)});
      }
    }
    line.token = token_;
    line.token.lifetime = default_lifetime(token_.subject);
    if (lifetime_.empty()) {
      return line;
    }
    constexpr auto kLongest = std::chrono::days(36500);
    const auto lifetime = parse_duration(lifetime_);
    if (!lifetime || *lifetime < std::chrono::seconds(1) || *lifetime > kLongest) {
      return fail(Code::InvalidArgument,
                  fmt::format("--ttl={}: must be a time with its unit (s, m, h, d), 1s to 36500d",
                              escape(lifetime_)));
    }
    line.token.lifetime = std::chrono::duration_cast<std::chrono::seconds>(*lifetime);
    return line;
  }

  CLI::App app_{kDescription};
  CLI::App* token_command_ = nullptr;
  CLI::App* set_aside_command_ = nullptr;
  std::vector<std::pair<const Setting*, CLI::Option*>> options_;
  std::string config_file_;
  bool check_config_ = false;
  std::string lifetime_;
  TokenRequest token_;
};

}  // namespace

Result<CommandLine> parse_command_line(std::vector<std::string> arguments) {
  return Parser().parse(std::move(arguments));
}

}  // namespace chat21::server
