#include "server/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Action = CommandLine::Action;
using Subject = TokenRequest::Subject;

CommandLine parsed(std::vector<std::string> arguments) {
  auto line = parse_command_line(std::move(arguments));
  EXPECT_TRUE(line) << line.error().message;
  return line ? *line : CommandLine{};
}

std::string refused(std::vector<std::string> arguments) {
  const auto line = parse_command_line(std::move(arguments));
  EXPECT_FALSE(line);
  return line ? "" : line.error().message;
}

TEST(CommandLine, RunsWithoutArguments) {
  const auto line = parsed({});
  EXPECT_EQ(line.action, Action::Run);
  EXPECT_TRUE(line.flags.empty());
  EXPECT_EQ(line.config_file, std::nullopt);
}

TEST(CommandLine, CollectsFlagsWithTheirNames) {
  const auto line = parsed({"--prefetch=7", "--store", "my data.db", "--config", "x.conf"});
  EXPECT_EQ(line.config_file, "x.conf");
  ASSERT_EQ(line.flags.size(), 2U);
  EXPECT_EQ(line.flags[0].setting, find_setting("prefetch"));
  EXPECT_EQ(line.flags[0].text, "7");
  EXPECT_EQ(line.flags[0].source, "--prefetch");
  EXPECT_EQ(line.flags[1].setting, find_setting("store"));
  EXPECT_EQ(line.flags[1].text, "my data.db");
}

TEST(CommandLine, LetsTheLastOfARepeatedFlagWin) {
  EXPECT_EQ(parsed({"--prefetch", "1", "--prefetch", "2"}).flags.at(0).text, "2");
}

TEST(CommandLine, ReadsSwitchesWithAndWithoutValue) {
  EXPECT_EQ(parsed({"--auto-restart"}).flags.at(0).text, "true");
  EXPECT_EQ(parsed({"--auto-restart=false"}).flags.at(0).text, "false");
}

TEST(CommandLine, SaysWhatIsMissing) {
  EXPECT_EQ(refused({"--prefetch"}), "--prefetch needs a value; see --help");
  EXPECT_EQ(refused({"--config"}), "--config needs a value; see --help");
  EXPECT_EQ(refused({"token", "user", "me", "--ttl"}), "--ttl needs a value; see --help");
  EXPECT_EQ(refused({"token"}), "token needs one of user, observer, admin; see token --help");
  EXPECT_EQ(refused({"token", "user"}), "token user needs USER, the id of the user");
}

TEST(CommandLine, ChecksTheConfiguration) {
  EXPECT_EQ(parsed({"--check-config", "--prefetch", "7"}).action, Action::CheckConfig);
}

TEST(CommandLine, NamesTheUnknownOptionAndTheLikelyOne) {
  EXPECT_EQ(refused({"--prefetc", "7"}), "unknown option '--prefetc'; did you mean '--prefetch'?");
  EXPECT_EQ(refused({"--prefetc=7"}), "unknown option '--prefetc'; did you mean '--prefetch'?");
  EXPECT_EQ(refused({"--frobnicate"}), "unknown option '--frobnicate'; see --help");
  EXPECT_EQ(refused({"start"}), "unknown argument 'start'; see --help");
  EXPECT_EQ(refused({"token", "user", "ALICE", "--tt=5d"}),
            "unknown option '--tt'; did you mean '--ttl'?");
}

TEST(CommandLine, NamesTheOptionWithoutItsValue) {
  EXPECT_THAT(refused({"--prefetch"}), HasSubstr("--prefetch"));
}

TEST(CommandLine, ShowsEverySettingButTheHiddenInTheHelp) {
  const auto line = parsed({"--help"});
  EXPECT_EQ(line.action, Action::Print);
  for (const Setting& setting : settings()) {
    const auto flag = "--" + std::string(setting.key);
    if (setting.group.empty()) {
      EXPECT_THAT(line.text, Not(HasSubstr(flag)));
    } else {
      EXPECT_THAT(line.text, HasSubstr(flag));
      EXPECT_THAT(line.text, HasSubstr(std::string(setting.variable)));
    }
  }
  EXPECT_THAT(line.text, HasSubstr("Exit status: 0 done; 1 failed while running; 2 wrong"));
}

TEST(CommandLine, KeepsTheHelpReadableOnATerminal) {
  for (const auto& arguments : {std::vector<std::string>{"--help"},
                                {"token", "--help"},
                                {"token", "user", "--help"},
                                {"set-aside", "--help"}}) {
    std::istringstream lines(parsed(arguments).text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 104U) << line;
    }
  }
}

TEST(CommandLine, MakesTokensForUsers) {
  const auto line = parsed({"token", "user", "ALICE", "--ttl", "2h", "--slash-topics", "--admin"});
  EXPECT_EQ(line.action, Action::Token);
  EXPECT_EQ(line.token.subject, Subject::User);
  EXPECT_EQ(line.token.user, "ALICE");
  EXPECT_EQ(line.token.lifetime, 2h);
  EXPECT_TRUE(line.token.slash_topics);
  EXPECT_TRUE(line.token.admin_role);
}

TEST(CommandLine, MakesTokensForServices) {
  EXPECT_EQ(parsed({"token", "observer"}).token.subject, Subject::Observer);
  EXPECT_EQ(parsed({"token", "observer"}).token.lifetime, std::chrono::days(365));
  EXPECT_EQ(parsed({"token", "admin"}).token.subject, Subject::Admin);
  EXPECT_EQ(parsed({"token", "user", "A"}).token.lifetime, std::chrono::days(30));
}

TEST(CommandLine, ListsWhatWasSetAside) {
  const auto line = parsed({"set-aside", "--store", "/var/chat.db"});
  EXPECT_EQ(line.action, Action::SetAside);
  ASSERT_EQ(line.flags.size(), 1U);
  EXPECT_EQ(line.flags[0].text, "/var/chat.db");
  EXPECT_THAT(parsed({"--help"}).text, HasSubstr("set-aside"));
  EXPECT_THAT(refused({"set-aside", "7"}), HasSubstr("unknown argument '7'"));
}

TEST(CommandLine, TakesSettingsAlsoBehindTheTokenCommand) {
  const auto line = parsed({"token", "user", "ALICE", "--app", "shop", "--key", "k"});
  ASSERT_EQ(line.flags.size(), 2U);
  EXPECT_EQ(line.flags[0].setting, find_setting("app-id"));
  EXPECT_EQ(line.flags[0].text, "shop");
  EXPECT_EQ(line.flags[1].setting, find_setting("jwt-key"));
  EXPECT_EQ(line.flags[1].text, "k");
}

TEST(CommandLine, RefusesIncompleteTokenCommands) {
  refused({"token"});
  EXPECT_THAT(refused({"token", "user"}), HasSubstr("USER"));
  EXPECT_EQ(refused({"token", "user", "A", "--ttl", "30"}),
            "--ttl=30: must be a time with its unit (s, m, h, d), 1s to 36500d");
  EXPECT_THAT(refused({"token", "user", "A", "--ttl", "0s"}), HasSubstr("--ttl=0s"));
  EXPECT_THAT(refused({"token", "user", "A", "--ttl", "36501d"}), HasSubstr("--ttl=36501d"));
}

}  // namespace
}  // namespace chat21::server
