#include "server/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <sstream>
#include <string>

namespace chat21::server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

std::string logged(LogFormat format, std::string_view message,
                   std::initializer_list<Field> fields) {
  std::ostringstream out;
  Log log(LogLevel::Debug, format, out);
  log.info(message, fields);
  return out.str();
}

TEST(LogText, IsOneLineOfKeysAndValues) {
  EXPECT_THAT(logged(LogFormat::Text, "message rejected",
                     {{"topic", "apps.x.y"}, {"bytes", std::size_t{12}}, {"blocked", true}}),
              MatchesRegex("ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                           "level=info msg=\"message rejected\" topic=apps\\.x\\.y bytes=12 "
                           "blocked=true\n"));
}

TEST(LogText, QuotesWhatIsNotAPlainWord) {
  EXPECT_THAT(logged(LogFormat::Text, "m", {{"a", ""}, {"b", "x y"}, {"c", "k=v"}, {"d", "\"\\"}}),
              EndsWith("a=\"\" b=\"x y\" c=\"k=v\" d=\"\\\"\\\\\"\n"));
}

TEST(LogText, CannotBeMadeToBeginALine) {
  const std::string line =
      logged(LogFormat::Text, "m", {{"topic", "a\nts=2026 level=error msg=\"forged\"\r\n"}});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, HasSubstr(R"(topic="a\nts=2026 level=error msg=\"forged\"\r\n")"));
}

TEST(LogJson, IsOneObjectPerLine) {
  const std::string line =
      logged(LogFormat::Json, "it's \"so\"",
             {{"topic", "a\nb\xff\x01"}, {"bytes", std::size_t{12}}, {"blocked", false}});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  rapidjson::Document entry;
  entry.Parse(line.c_str());
  ASSERT_FALSE(entry.HasParseError()) << line;
  EXPECT_STREQ(entry["level"].GetString(), "info");
  EXPECT_STREQ(entry["msg"].GetString(), "it's \"so\"");
  EXPECT_STREQ(entry["topic"].GetString(), "a\nb\xef\xbf\xbd\x01");
  EXPECT_EQ(entry["bytes"].GetUint64(), 12U);
  EXPECT_FALSE(entry["blocked"].GetBool());
  EXPECT_THAT(entry["ts"].GetString(), MatchesRegex("....-..-..T..:..:..\\....Z"));
}

TEST(Log, WritesTheConfiguredLevelAndEarlierOnes) {
  std::ostringstream out;
  Log log(LogLevel::Info, LogFormat::Text, out);
  log.error("one");
  log.warn("two");
  log.info("three");
  log.write(LogLevel::Verbose, "four");
  log.debug("five");
  EXPECT_THAT(out.str(), HasSubstr("level=error msg=\"one\""));
  EXPECT_THAT(out.str(), HasSubstr("level=warn msg=\"two\""));
  EXPECT_THAT(out.str(), HasSubstr("level=info msg=\"three\""));
  EXPECT_THAT(out.str(), Not(HasSubstr("four")));
  EXPECT_THAT(out.str(), Not(HasSubstr("five")));
  EXPECT_FALSE(log.enabled(LogLevel::Verbose));
}

TEST(Log, KnowsVerboseBetweenInfoAndDebug) {
  std::ostringstream out;
  Log log(LogLevel::Verbose, LogFormat::Text, out);
  log.write(LogLevel::Verbose, "four");
  log.debug("five");
  EXPECT_THAT(out.str(), HasSubstr("level=verbose msg=\"four\""));
  EXPECT_THAT(out.str(), Not(HasSubstr("five")));
}

TEST(Escape, ShowsControlBytesAndTerminalSequences) {
  EXPECT_EQ(escape("\x1b[31m\x7f"), "\\u001b[31m\\u007f");
  EXPECT_EQ(escape(std::string_view("\0", 1)), "\\u0000");
  EXPECT_EQ(escape("\xc2\x9b"
                   "31m"),
            "\\u009b31m")
      << "a terminal takes U+009B for the beginning of a sequence";
}

TEST(Escape, ShowsSeparatorsAndMarksOfDirection) {
  EXPECT_EQ(escape("\u2028\u2029\u202e\u2066"), "\\u2028\\u2029\\u202e\\u2066");
}

TEST(Escape, LeavesOtherUnicodeAlone) {
  EXPECT_EQ(escape("Zoë 你好 🎉"), "Zoë 你好 🎉");
}

TEST(Escape, MarksEveryByteThatIsNotUtf8) {
  EXPECT_EQ(escape("\xff"), "\\ufffd");
  EXPECT_EQ(escape("\xc0\xaf"), "\\ufffd\\ufffd") << "overlong";
  EXPECT_EQ(escape("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd") << "a surrogate";
  EXPECT_EQ(escape("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd") << "beyond U+10FFFF";
  EXPECT_EQ(escape("\xe4\xbd"), "\\ufffd\\ufffd") << "cut short";
  EXPECT_EQ(escape("\xc3x"), "\\ufffdx");
}

TEST(Escape, CutsLongTextAndSaysHowMuchIsMissing) {
  EXPECT_EQ(escape("abcdef", 6), "abcdef");
  EXPECT_EQ(escape("abcdef", 4), "abcd...[+2 bytes]");
  EXPECT_EQ(escape("abc\u00e4", 4), "abc...[+2 bytes]") << "not inside of a character";
  EXPECT_THAT(logged(LogFormat::Text, "m", {{"topic", std::string(100000, 'x')}}),
              EndsWith("xxx...[+99488 bytes]\"\n"));
}

}  // namespace
}  // namespace chat21::server
