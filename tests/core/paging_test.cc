#include "chat21/paging.h"

#include <chrono>
#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <string>

namespace chat21 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Paging, TakesALimitOfOneToTheMost) {
  EXPECT_TRUE(check_limit(1));
  EXPECT_TRUE(check_limit(kMaxPage));
  EXPECT_FALSE(check_limit(0));
  EXPECT_THAT(check_limit(kMaxPage + 1).error().message,
              AllOf(HasSubstr("1001"), HasSubstr("1 to 1000")));
}

TEST(Paging, HasRoomForAsManyEntriesAsAskedFor) {
  PageRoom room(2);
  room.take(10);
  EXPECT_TRUE(room.is_left());
  room.take(10);
  EXPECT_FALSE(room.is_left());
}

TEST(Paging, HasRoomUntilAnEntryIsTooMuch) {
  PageRoom room(kMaxPage);
  room.take(kMaxPageBytes);
  EXPECT_TRUE(room.is_left());
  room.take(1);
  EXPECT_FALSE(room.is_left());
}

TEST(Paging, ReadsTheCursorsItWrites) {
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t time : {Limits::min(), std::int64_t{-1}, std::int64_t{0},
                                  std::int64_t{1'700'000'000'000}, Limits::max()}) {
    const ConversationCursor cursor{Time(std::chrono::milliseconds(time)), "018b-\u00eb 'x'"};
    const std::string text = to_string(cursor);
    const auto read = parse_conversation_cursor(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->time, cursor.time);
    EXPECT_EQ(read->message_id, cursor.message_id);
  }
}

TEST(Paging, WritesTimeAndIdIntoACursor) {
  EXPECT_EQ(to_string(ConversationCursor{Time(std::chrono::milliseconds(17)), "m1"}), "17.m1");
}

TEST(Paging, NamesTheCursorThatItRefuses) {
  EXPECT_THAT(parse_conversation_cursor("017.m1").error().message,
              AllOf(HasSubstr("from '017.m1'"), HasSubstr("time and the id")));
  EXPECT_THAT(parse_conversation_cursor("17.m/1").error().message,
              AllOf(HasSubstr("from '17.m/1'"), HasSubstr("the id in it")));
  EXPECT_THAT(check_slice_of_ids({.from = "a.b"}).error().message,
              AllOf(HasSubstr("from 'a.b'"), HasSubstr("the id")));
}

TEST(Paging, ReadsNumbersFromOneAsCursors) {
  const auto number = [](std::string_view from) {
    const auto read = parse_number_cursor(from);
    return read ? *read : -1;
  };
  EXPECT_EQ(number(""), 0);
  EXPECT_EQ(number("1"), 1);
  EXPECT_EQ(number("10"), 10);
  EXPECT_EQ(number("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* from :
       {"0", "-1", "+1", "01", " 1", "1 ", "1.0", "0x1", "one", "9223372036854775808"}) {
    const auto refused = parse_number_cursor(from);
    ASSERT_FALSE(refused) << from;
    EXPECT_EQ(refused.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(refused.error().message,
                AllOf(HasSubstr("from '" + std::string(from) + "'"), HasSubstr("number from 1")));
  }
}

TEST(Paging, TakesTheStartOrAnIdInAListOfIds) {
  EXPECT_TRUE(check_slice_of_ids({}));
  EXPECT_TRUE(check_slice_of_ids({.from = "group-1"}));
  EXPECT_FALSE(check_slice_of_ids({.from = "group-1", .limit = 0}));
}

}  // namespace
}  // namespace chat21
