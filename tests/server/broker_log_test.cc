#include "server/broker_log.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <string>

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class BrokerLogTest : public testing::Test {
 protected:
  void take(std::string_view bytes) { broker_.take(bytes, now_); }
  // The entries without their time.
  std::string log() const {
    std::string text;
    std::istringstream lines(out_.str());
    for (std::string line; std::getline(lines, line);) {
      text += line.substr(line.find(' ') + 1) + "\n";
    }
    return text;
  }
  std::size_t entries() const {
    const std::string text = log();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  std::ostringstream out_;
  Log log_{LogLevel::Verbose, LogFormat::Text, out_};
  BrokerLog broker_{log_};
  BrokerLog::Clock::time_point now_{1h};
};

TEST_F(BrokerLogTest, GivesEachLineItsLevel) {
  take(
      "Error: Address already in use\nWarning: root\nsomething else\nchat21: the store is open\n"
      "chat21: Warning: odd\nchat21: Error: worse\n");
  EXPECT_EQ(log(),
            "level=error msg=\"mosquitto\" says=\"Error: Address already in use\"\n"
            "level=warn msg=\"mosquitto\" says=\"Warning: root\"\n"
            "level=verbose msg=\"mosquitto\" says=\"something else\"\n"
            "level=info msg=\"mosquitto\" says=\"chat21: the store is open\"\n"
            "level=warn msg=\"mosquitto\" says=\"chat21: Warning: odd\"\n"
            "level=error msg=\"mosquitto\" says=\"chat21: Error: worse\"\n");
}

TEST_F(BrokerLogTest, JoinsWhatComesInPieces) {
  take("one ");
  take("li");
  EXPECT_EQ(log(), "");
  take("ne\nano");
  EXPECT_THAT(log(), HasSubstr("says=\"one line\""));
  broker_.finish(now_);
  EXPECT_THAT(log(), HasSubstr("says=ano\n"));
  EXPECT_EQ(entries(), 2U);
}

TEST_F(BrokerLogTest, CutsLongLinesAndKeepsTheNext) {
  for (int i = 0; i < 100; ++i) take(std::string(10'000, 'x'));
  take("\nnext\n");
  EXPECT_THAT(log(), AllOf(HasSubstr("[+512 bytes]"), HasSubstr("says=next")));
  EXPECT_EQ(entries(), 2U);
}

TEST_F(BrokerLogTest, EscapesWhatIsNoText) {
  take("a\0b\xff\x1b[31m\rlevel=error msg=forged\n"s);
  EXPECT_THAT(log(), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r")), Not(HasSubstr("\xff"))));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(BrokerLogTest, LeavesOutEmptyLines) {
  take("\n\n\n");
  EXPECT_EQ(log(), "");
}

TEST_F(BrokerLogTest, LeavesOutAFloodAndSaysHowMuch) {
  for (int i = 0; i < 1000; ++i) take("again\n");
  EXPECT_EQ(entries(), BrokerLog::kMaxLinesPerSecond);
  now_ += 1s;
  take("calm\n");
  EXPECT_THAT(log(), HasSubstr("lines of the broker were left out\" lines=800\n"));
  EXPECT_EQ(entries(), BrokerLog::kMaxLinesPerSecond + 2);
}

TEST_F(BrokerLogTest, DoesNotCountWhatNobodyWantsToSee) {
  Log quiet(LogLevel::Error, LogFormat::Text, out_);
  BrokerLog broker(quiet);
  for (int i = 0; i < 1000; ++i) broker.take("again\n", now_);
  broker.take("Error: seen\n", now_);
  EXPECT_EQ(log(), "level=error msg=\"mosquitto\" says=\"Error: seen\"\n");
}

TEST_F(BrokerLogTest, KnowsWhenTheBrokerListens) {
  take("mosquitto version 2.0.11 starting\n");
  EXPECT_FALSE(broker_.ready());
  take("New client running\n");
  EXPECT_FALSE(broker_.ready());
  take("mosquitto version 2.0.11 running\n");
  EXPECT_TRUE(broker_.ready());
  broker_.begin();
  EXPECT_FALSE(broker_.ready());
}

TEST_F(BrokerLogTest, TellsTheReasonOfAnEnd) {
  EXPECT_EQ(broker_.reason(), "");
  take("one\ntwo\nthree\nfour\n");
  EXPECT_EQ(broker_.reason(), "two; three; four");
  take("Error: taken\nfive\nError: worse\n");
  EXPECT_EQ(broker_.reason(), "Error: taken; Error: worse");
  broker_.begin();
  EXPECT_EQ(broker_.reason(), "");
}

}  // namespace
}  // namespace chat21::server
