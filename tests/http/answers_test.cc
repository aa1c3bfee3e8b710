#include "server/http/answers.h"

#include <gtest/gtest.h>
#include <string>

namespace chat21::server {
namespace {

TEST(Answers, SayWhatIsWrong) {
  const auto answer = problem(413);
  EXPECT_EQ(answer.status, 413U);
  EXPECT_EQ(answer.body, R"({"success":false,"err":"The body is too large."})");
  EXPECT_EQ(problem(500, "a \"b\"").body, R"({"success":false,"err":"a \"b\""})");
}

TEST(Answers, HaveHeadersOfOneLine) {
  EXPECT_TRUE(is_header("X-Name", "any value\tat all, \xc3\xa9"));
  EXPECT_TRUE(is_header("X-Name", ""));
  for (const std::string value : {"a\rb", "a\nb", "a\r\nSet-Cookie: x", "\x7f", "\x01"}) {
    EXPECT_FALSE(is_header("X-Name", value)) << value;
  }
  EXPECT_FALSE(is_header("X-Name", std::string("a\0b", 3)));
  for (const auto* name : {"", "a b", "a:", "a\n", "\xc3\xa9", "(a)"}) {
    EXPECT_FALSE(is_header(name, "x")) << name;
  }
}

TEST(Answers, CannotBeSentIfTheyWouldBreakTheProtocol) {
  EXPECT_TRUE(can_be_sent({}));
  EXPECT_TRUE(can_be_sent({.headers = {{"Location", "/a"}}}));
  EXPECT_FALSE(can_be_sent({.headers = {{"Location", "/a\r\nX: y"}}}));
  EXPECT_FALSE(can_be_sent({.content_type = "text/plain\r\nX: y"}));
  EXPECT_FALSE(can_be_sent({.status = 101}));
  EXPECT_FALSE(can_be_sent({.status = 0}));
  EXPECT_FALSE(can_be_sent({.status = 1000}));
}

}  // namespace
}  // namespace chat21::server
