#include "server/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Values, ReadTruthInAllUsualWords) {
  for (const char* word : {"true", "TRUE", "1", "yes", "On"}) EXPECT_EQ(parse_bool(word), true);
  for (const char* word : {"false", "False", "0", "NO", "off"}) EXPECT_EQ(parse_bool(word), false);
  for (const char* word : {"", "2", "truee", "t", " true"}) {
    EXPECT_EQ(parse_bool(word), std::nullopt) << word;
  }
}

TEST(Values, ReadNumbersWhole) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615ULL);
  for (const char* word : {"", "-1", "+1", "1 ", "0x10", "1e3", "18446744073709551616"}) {
    EXPECT_EQ(parse_number(word), std::nullopt) << word;
  }
}

TEST(Values, ReadTimesOnlyWithTheirUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("12h"), 12h);
  EXPECT_EQ(parse_duration("30d"), 720h);
  for (const char* word : {"", "30", "s", "30 s", "1.5s", "-1s", "30S", "9223372036854775807d"}) {
    EXPECT_EQ(parse_duration(word), std::nullopt) << word;
  }
}

TEST(Values, ReadSizesWithAndWithoutUnit) {
  EXPECT_EQ(parse_bytes("4096"), 4096U);
  EXPECT_EQ(parse_bytes("64KiB"), 65536U);
  EXPECT_EQ(parse_bytes("1MiB"), 1048576U);
  EXPECT_EQ(parse_bytes("2GiB"), 2147483648U);
  for (const char* word : {"", "1MB", "1kib", "KiB", "18446744073709551615KiB"}) {
    EXPECT_EQ(parse_bytes(word), std::nullopt) << word;
  }
}

TEST(Values, SplitListsAtCommasAndDropBlanks) {
  EXPECT_THAT(split_list("messages, persist ,"), ElementsAre("messages", "persist"));
  EXPECT_THAT(split_list(" , "), IsEmpty());
  EXPECT_THAT(split_list(""), IsEmpty());
}

TEST(Values, MaskUserAndPasswordOfAUri) {
  EXPECT_EQ(mask_uri("amqp://me:secret@host:5672/vhost?heartbeat=60"),
            "amqp://***@host:5672/vhost?heartbeat=60");
  EXPECT_EQ(mask_uri("amqp://host"), "amqp://host");
  EXPECT_EQ(mask_uri("amqp://host:5672"), "amqp://host:5672");
  EXPECT_EQ(mask_uri("amqp://[::1]"), "amqp://[::1]");
}

TEST(Values, MaskPasswordsThatWereNotEncoded) {
  EXPECT_EQ(mask_uri("amqp://me:se@cr/et@host"), "amqp://***@host");
  EXPECT_EQ(mask_uri("amqp://me:secret"), "amqp://***");
  EXPECT_EQ(mask_uri("me:secret@host"), "***");
}

TEST(Values, MaskParametersThatMayBeKeys) {
  EXPECT_EQ(mask_uri("amqp://h/v?heartbeat=60&password=secret&x"),
            "amqp://h/v?heartbeat=60&password=***&x=***");
}

TEST(Values, FindTheWordThatWasMeant) {
  const std::vector<std::string_view> words = {"prefetch", "store", "seed"};
  EXPECT_EQ(nearest("prefetc", words), "prefetch");
  EXPECT_EQ(nearest("stroe", words), "store");
  EXPECT_EQ(nearest("sore", words), "store");
  EXPECT_EQ(nearest("webhook", words), "");
  EXPECT_EQ(nearest("", words), "");
}

}  // namespace
}  // namespace chat21::server
