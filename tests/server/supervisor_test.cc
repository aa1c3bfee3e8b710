// Supervisor with shell scripts in the place of the broker. What a script opens for reading
// or writing is a FIFO, so that both sides wait for each other and never for a clock.
#include "server/supervisor.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <poll.h>
#include <sstream>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "server/file_descriptor.h"
#include "server/once.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

constexpr const char* kRunning = "echo mosquitto version 0 running\n";

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    std::string pattern = testing::TempDir() + "chat21-supervisor-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    for (const char* name : {"tell", "wait"}) {
      EXPECT_EQ(::mkfifo((folder_ / name).c_str(), 0600), 0);
    }
    // For both ways, so that it has no end between two who write.
    tell_ = FileDescriptor(::open((folder_ / "tell").c_str(), O_RDWR | O_CLOEXEC));
    options_.lock = folder_ / "broker.lock";
    options_.first_pause = 1ms;
    options_.longest_pause = 2ms;
  }
  ~SupervisorTest() override {
    supervisor_.reset();
    std::filesystem::remove_all(folder_);
  }

  // The script may write lines to $D/tell, for heard(), and waits for ever with $WAIT. Dash
  // takes no descriptor of two digits.
  Result<> start(const std::string& script) {
    options_.command = {
        "/bin/bash", "-c",
        "D='" + folder_.string() + "'; WAIT='read never'\n" + "exec <> $D/wait\n" + script};
    supervisor_ = std::make_unique<Supervisor>(options_, health_, log_);
    return supervisor_->wait_ready(never_.fd());
  }
  // The next line that a script tells, after waiting for it.
  std::string heard() const {
    std::string line;
    for (char letter = 0; ::read(tell_.get(), &letter, 1) == 1 && letter != '\n';) line += letter;
    return line;
  }
  // Only after stop(): the thread of the supervisor writes to it.
  std::string log() const { return out_.str(); }
  static bool runs(const std::string& pid) { return ::kill(std::stoi(pid), 0) == 0; }
  static bool is_readable(int fd) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
  }

  std::filesystem::path folder_;
  FileDescriptor tell_;
  SupervisorOptions options_;
  std::ostringstream out_;
  Log log_{LogLevel::Debug, LogFormat::Text, out_};
  Health health_;
  Once never_;
  std::unique_ptr<Supervisor> supervisor_;
};

TEST_F(SupervisorTest, StartsTheBrokerAndStopsIt) {
  ASSERT_TRUE(start(std::string("echo $$ > $D/pid; ") + kRunning + "$WAIT"));
  std::string pid;
  std::ifstream(folder_ / "pid") >> pid;
  EXPECT_THAT(health_.troubles(), IsEmpty());
  EXPECT_TRUE(runs(pid));
  EXPECT_EQ(::getpgid(std::stoi(pid)), std::stoi(pid)) << "Ctrl-C must be for us alone";
  EXPECT_FALSE(is_readable(supervisor_->ended_fd()));
  supervisor_->stop();
  EXPECT_FALSE(runs(pid));
  EXPECT_TRUE(is_readable(supervisor_->ended_fd()));
  EXPECT_THAT(log(), Not(HasSubstr("level=error")));
}

TEST_F(SupervisorTest, TellsWhyTheBrokerDoesNotStart) {
  const auto started = start("echo Error: Address already in use >&2; exit 7");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message,
            "mosquitto has ended: it exited with status 7: Error: Address already in use");
  EXPECT_THAT(health_.troubles(), Contains(Pair("broker", started.error().message)));
  EXPECT_TRUE(is_readable(supervisor_->ended_fd()));
}

TEST_F(SupervisorTest, TellsThatABrokerIsNotReadyInTime) {
  options_.start_timeout = 1ms;
  const auto started = start("echo still loading; $WAIT");
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("it was not ready within 1 ms"));
}

TEST_F(SupervisorTest, TellsThatThereIsNoSuchProgram) {
  options_.command = {"/nowhere/mosquitto"};
  supervisor_ = std::make_unique<Supervisor>(options_, health_, log_);
  const auto started = supervisor_->wait_ready(never_.fd());
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "cannot start /nowhere/mosquitto: No such file or directory");
}

TEST_F(SupervisorTest, StartsABrokerThatEndsAgain) {
  ASSERT_TRUE(start(std::string("echo x >> $D/starts\n") + kRunning +
                    "echo up > $D/tell\n"
                    "if [ $(wc -l < $D/starts) -lt 3 ]; then kill -9 $$; fi; $WAIT"));
  EXPECT_EQ(heard(), "up");
  EXPECT_EQ(heard(), "up");
  EXPECT_EQ(heard(), "up");
  supervisor_->stop();
  EXPECT_THAT(log(), HasSubstr("reason=\"mosquitto has ended: it was killed by signal 9 (Killed)"));
}

TEST_F(SupervisorTest, KillsABrokerThatGivesNoSignOfLife) {
  options_.quiet = 1ms;
  options_.silence = 2ms;
  // Its second start waits before it is ready.
  ASSERT_TRUE(start(std::string("if [ -e $D/again ]; then echo up > $D/tell; $WAIT; fi\n") +
                    "touch $D/again\n" + kRunning + "$WAIT"));
  EXPECT_EQ(heard(), "up");
  EXPECT_THAT(
      health_.troubles(),
      Contains(Pair("broker", HasSubstr("it gave no sign of life for 2 ms and was killed"))));
}

TEST_F(SupervisorTest, TellsThatABrokerIsSilentUntilItGivesASignOfLife) {
  options_.quiet = 1ms;
  options_.silence = 1h;
  ASSERT_TRUE(start(std::string(kRunning) +
                    "read go; printf '\\001\\0\\0\\0\\0\\0\\0\\0' >&$CHAT21_PULSE_FD\n"
                    "echo beaten > $D/tell; $WAIT"));
  while (health_.troubles().empty()) std::this_thread::yield();
  EXPECT_THAT(health_.troubles(),
              Contains(Pair("broker", "mosquitto has given no sign of life for 1 ms")));
  std::ofstream(folder_ / "wait") << "go\n";
  EXPECT_EQ(heard(), "beaten");
  supervisor_->stop();
  EXPECT_THAT(log(), HasSubstr("the broker gives signs of life again"));
}

TEST_F(SupervisorTest, TellsHealthWhyThereIsNoBroker) {
  // Its second start waits before it is ready.
  ASSERT_TRUE(start(std::string("if [ -e $D/again ]; then echo up > $D/tell; $WAIT; fi\n") +
                    "touch $D/again\n" + kRunning + "echo Error: lost >&2; exit 3"));
  EXPECT_EQ(heard(), "up");
  EXPECT_THAT(
      health_.troubles(),
      Contains(Pair("broker", "mosquitto has ended: it exited with status 3: Error: lost")));
}

TEST_F(SupervisorTest, LeavesItAtTheFirstEndIfToldSo) {
  options_.restart = false;
  ASSERT_TRUE(start(std::string(kRunning) + "exit 0"));
  pollfd ended{supervisor_->ended_fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, 60'000), 1);
  supervisor_->stop();
  EXPECT_THAT(log(), AllOf(HasSubstr("the broker has ended"), Not(HasSubstr("again"))));
}

TEST_F(SupervisorTest, KillsABrokerThatDoesNotWantToEnd) {
  options_.stop_timeout = 1ms;
  ASSERT_TRUE(start(std::string("trap '' TERM; echo $$ > $D/pid\n") + kRunning +
                    "while :; do $WAIT; done"));
  std::string pid;
  std::ifstream(folder_ / "pid") >> pid;
  supervisor_->stop();
  EXPECT_FALSE(runs(pid));
}

TEST_F(SupervisorTest, LetsABrokerFinish) {
  ASSERT_TRUE(start(std::string("trap 'echo Error: saved; exit 0' TERM\n") + kRunning +
                    "while :; do $WAIT; done"));
  supervisor_->stop();
  EXPECT_THAT(log(), HasSubstr("Error: saved"));
}

TEST_F(SupervisorTest, EndsWhileTheBrokerStarts) {
  Once stop;
  stop.raise();
  options_.command = {"/bin/sh", "-c", "read never < '" + (folder_ / "wait").string() + "'"};
  supervisor_ = std::make_unique<Supervisor>(options_, health_, log_);
  EXPECT_TRUE(supervisor_->wait_ready(stop.fd()));
  supervisor_->stop();
}

TEST_F(SupervisorTest, EndsWhileItPauses) {
  options_.first_pause = options_.longest_pause = 1h;
  ASSERT_TRUE(start(std::string(kRunning) + "exec > $D/tell; echo gone"));
  EXPECT_EQ(heard(), "gone");
  supervisor_->stop();
}

TEST_F(SupervisorTest, TakesAFloodOfLog) {
  ASSERT_TRUE(start(std::string("yes 'a line of the log' | head -n 200000\n") + kRunning +
                    "echo up > $D/tell; yes"));
  EXPECT_EQ(heard(), "up");
  supervisor_->stop();
  EXPECT_LT(log().size(), 5U << 20U);
}

TEST_F(SupervisorTest, TakesALogThatIsNoText) {
  ASSERT_TRUE(start(std::string("head -c 300000 /dev/urandom; echo\n") + kRunning + "$WAIT"));
  supervisor_->stop();
}

TEST_F(SupervisorTest, WaitsForTheBrokerOfAnEarlierServer) {
  // It holds the lock until it is told to end, and tells when it has it.
  const pid_t earlier = ::fork();
  if (earlier == 0) {
    ::execl("/bin/sh", "sh", "-c",
            "cd \"$0\"; exec 9> broker.lock; flock 9; echo $$ >&9; echo up > tell; exec sleep 600",
            folder_.c_str(), nullptr);
    ::_exit(127);
  }
  ASSERT_EQ(heard(), "up");
  options_.command = {"/bin/sh", "-c",
                      std::string(kRunning) + "read never < '" + (folder_ / "wait").string() + "'"};
  supervisor_ = std::make_unique<Supervisor>(options_, health_, log_);
  EXPECT_THAT(health_.troubles(), Contains(Key("broker")));
  ::kill(earlier, SIGKILL);
  // Nobody has waited for it yet, as for one that belongs to nobody.
  EXPECT_TRUE(supervisor_->wait_ready(never_.fd()));
  ::waitpid(earlier, nullptr, 0);
}

TEST_F(SupervisorTest, DoesNotWaitForItForEver) {
  const auto lock = ::open((folder_ / "broker.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  const FileDescriptor held(lock);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  options_.leftover_timeout = 1ms;
  const auto started = start(kRunning);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("the broker of an earlier server does not end"));
}

TEST_F(SupervisorTest, GivesTheBrokerItsLock) {
  ASSERT_TRUE(start(std::string(kRunning) + "$WAIT"));
  const FileDescriptor other(::open((folder_ / "broker.lock").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_NE(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  supervisor_->stop();
  EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
}

TEST(BrokerEnvironment, HasNoSettingsOfTheServer) {
  ::setenv("JWT_KEY", "hidden", 1);
  ::setenv("WEBHOOK_ENDPOINT", "hidden", 1);
  ::setenv("CHAT21_TEST_OTHER", "kept", 1);
  EXPECT_THAT(broker_environment(),
              AllOf(Not(Contains(HasSubstr("hidden"))), Contains("CHAT21_TEST_OTHER=kept")));
}

}  // namespace
}  // namespace chat21::server
