// chat21-server --engine embedded with a shell script in the place of Mosquitto: what does
// not depend on the broker. tests/integration has the real one.
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "server/file_descriptor.h"
#include "tests/server/program.h"

namespace chat21::server {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class EmbeddedProgram : public testing::Test {
 protected:
  EmbeddedProgram() {
    std::string pattern = testing::TempDir() + "chat21-embedded-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    for (const char* name : {"tell", "wait"}) {
      EXPECT_EQ(::mkfifo((folder_ / name).c_str(), 0600), 0);
    }
    // For both ways, so that it has no end between two who write.
    tell_ = FileDescriptor(::open((folder_ / "tell").c_str(), O_RDWR | O_CLOEXEC));
    std::ofstream(folder_ / "plugin.so") << "x";
    broker("echo mosquitto version 0 running; while :; do read never; done");
  }
  ~EmbeddedProgram() override { fs::remove_all(folder_); }

  // The script may write lines to $D/tell, for heard(); reading never ends.
  void broker(const std::string& script) {
    std::ofstream(folder_ / "mosquitto")
        << "#!/bin/sh\nD='" << folder_.string() << "'\nexec <> $D/wait\n"
        << script << "\n";
    fs::permissions(folder_ / "mosquitto", fs::perms(0700));
  }
  std::string heard() const {
    std::string line;
    for (char letter = 0; ::read(tell_.get(), &letter, 1) == 1 && letter != '\n';) line += letter;
    return line;
  }
  std::vector<std::string> environment() const {
    return {"ENGINE=embedded",
            "STORE_PATH=" + (folder_ / "chat21.db").string(),
            "MOSQUITTO_PATH=" + (folder_ / "mosquitto").string(),
            "MOSQUITTO_PLUGIN=" + (folder_ / "plugin.so").string(),
            "JWT_KEY=hidden",
            "HTTP_ENABLED=false",
            "WEBSOCKET_ENABLED=false"};
  }

  fs::path folder_;
  FileDescriptor tell_;
};

TEST_F(EmbeddedProgram, RunsUntilItIsToldToStop) {
  broker(
      "trap 'echo over > $D/ended; exit 0' TERM\n"
      "echo $# $* > $D/arguments; echo key ${JWT_KEY-none} >> $D/arguments\n"
      "echo mosquitto version 0 running; while :; do read never; done");
  Program program({}, environment());
  ASSERT_TRUE(program.wait_for_error_output("msg=\"started\"")) << program.error_output();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0) << program.error_output();
  EXPECT_THAT(program.error_output(),
              AllOf(HasSubstr("engine=embedded"), HasSubstr("msg=\"stopped\" status=0"),
                    Not(HasSubstr("level=error")), Not(HasSubstr("hidden"))));
  EXPECT_TRUE(fs::exists(folder_ / "ended")) << "the broker was asked to end";
  std::ifstream in(folder_ / "arguments");
  std::string arguments;
  std::getline(in, arguments);
  EXPECT_EQ(arguments, "2 -c " + (folder_ / "chat21.db-broker/mosquitto.conf").string());
  std::getline(in, arguments);
  EXPECT_EQ(arguments, "key none");
}

TEST_F(EmbeddedProgram, TakesTheBrokerAlongWhenItIsKilled) {
  broker(
      "trap 'echo over > $D/tell; exit 0' TERM\n"
      "echo mosquitto version 0 running; while :; do read never; done");
  Program program({}, environment());
  ASSERT_TRUE(program.wait_for_error_output("msg=\"started\"")) << program.error_output();
  program.signal(SIGKILL);
  EXPECT_EQ(heard(), "over");
}

TEST_F(EmbeddedProgram, FailsWithTheReasonOfABrokerThatDoesNotStart) {
  broker("echo Error: Address already in use; exit 1");
  Program program({}, environment());
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(),
              HasSubstr("msg=\"cannot start the broker\" reason=\"mosquitto has ended: it exited "
                        "with status 1: Error: Address already in use\""));
}

TEST_F(EmbeddedProgram, IsAloneInItsFolder) {
  Program first({}, environment());
  ASSERT_TRUE(first.wait_for_error_output("msg=\"started\"")) << first.error_output();
  Program second({}, environment());
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.error_output(),
              HasSubstr("another chat21-server uses the folder of the broker"));
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 0);
}

TEST_F(EmbeddedProgram, EndsWithTheBrokerIfItMayNotStartItAgain) {
  broker("echo mosquitto version 0 running; echo up > $D/tell; exit 0");
  auto settings = environment();
  settings.emplace_back("AUTO_RESTART=false");
  Program program({}, settings);
  EXPECT_EQ(heard(), "up");
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(), HasSubstr("the broker has ended, and AUTO_RESTART is false"));
}

TEST_F(EmbeddedProgram, EndsAtOnceWithASecondSignal) {
  broker(
      "trap 'echo asked > $D/tell' TERM\n"
      "echo mosquitto version 0 running; while :; do read never; done");
  Program program({}, environment());
  ASSERT_TRUE(program.wait_for_error_output("msg=\"started\"")) << program.error_output();
  program.signal(SIGINT);
  EXPECT_EQ(heard(), "asked");
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 128 + SIGINT);
  // The end of the server asks it once more.
  EXPECT_EQ(heard(), "asked");
  std::ifstream lock(folder_ / "chat21.db-broker/broker.lock");
  pid_t broker = 0;
  lock >> broker;
  ASSERT_GT(broker, 0);
  ::kill(broker, SIGKILL);
}

TEST_F(EmbeddedProgram, FindsAGoodConfigurationGood) {
  Program program({"--check-config"}, environment());
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.output(), AllOf(HasSubstr("MOSQUITTO_PATH"), HasSubstr("mqtt-port"),
                                      HasSubstr("embedded"), Not(HasSubstr("hidden"))));
  EXPECT_EQ(program.error_output(), "");
  EXPECT_FALSE(fs::exists(folder_ / "chat21.db-broker")) << "checking must leave nothing behind";
}

TEST_F(EmbeddedProgram, NamesABrokerThatIsNotThere) {
  fs::remove(folder_ / "mosquitto");
  Program program({"--check-config"}, environment());
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(program.error_output(),
            "chat21-server: MOSQUITTO_PATH=" + (folder_ / "mosquitto").string() +
                ": No such file or directory\n");
}

}  // namespace
}  // namespace chat21::server
