#include "lib/core/text.h"

#include <gtest/gtest.h>

namespace chat21 {
namespace {

std::string base64(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

TEST(Utf8, TakesEveryLength) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\xC2\x80\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80"));
  EXPECT_TRUE(is_utf8("\xF4\x8F\xBF\xBF"));
}

TEST(Utf8, HasTheLengthOfEverySequence) {
  const std::string_view text = "a\xC2\x80\xED\x9F\xBF\xF0\x90\x80\x80";
  EXPECT_EQ(utf8_length_at(text, 0), 1U);
  EXPECT_EQ(utf8_length_at(text, 1), 2U);
  EXPECT_EQ(utf8_length_at(text, 2), 0U) << "inside of a sequence none begins";
  EXPECT_EQ(utf8_length_at(text, 3), 3U);
  EXPECT_EQ(utf8_length_at(text, 6), 4U);
  EXPECT_EQ(utf8_length_at(text.substr(0, 8), 6), 0U) << "cut off";
}

TEST(Utf8, RefusesWhatRfc3629Forbids) {
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2z", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE1\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

// The vectors of RFC 4648 §10.
TEST(Base64, PadsAsTheRfcSays) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

}  // namespace
}  // namespace chat21
