#include "lib/mosquitto/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chat21::mosquitto {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Journal::Clock::time_point kStart{std::chrono::hours(1)};

Event rejected(std::string_view topic) {
  Event event;
  event.kind = Event::Kind::Rejected;
  event.routing_key = topic;
  event.body = "12345";
  event.outcome = Outcome::Malformed;
  event.detail = "no \"JSON\"";
  return event;
}

TEST(Journal, TellsWhatWasRejected) {
  Journal journal;
  journal.note(rejected("apps.x"), kStart);
  EXPECT_THAT(journal.take(kStart),
              ElementsAre(R"(message rejected: outcome=malformed topic="apps.x" )"
                          R"(reason="no \"JSON\"" bytes=5)"));
  EXPECT_THAT(journal.take(kStart), IsEmpty());
}

TEST(Journal, SaysNothingOfWhatWasCarriedOut) {
  Journal journal;
  journal.note(Event{}, kStart);  // a message that was sent
  EXPECT_THAT(journal.take(kStart), IsEmpty());
}

TEST(Journal, LetsNobodyBeginALine) {
  Journal journal;
  journal.note(rejected("a\nb\x1B[2J\xE2\x80\xAE\\"), kStart);
  EXPECT_THAT(journal.take(kStart),
              ElementsAre(R"(message rejected: outcome=malformed )"
                          R"(topic="a\x0ab\x1b[2J\xe2\x80\xae\\" reason="no \"JSON\"" bytes=5)"));
}

TEST(Journal, CountsTheRestOfAFlood) {
  Journal journal;
  for (int i = 0; i < 1000; ++i) journal.note(rejected("apps.x"), kStart + milliseconds(i / 2));
  EXPECT_THAT(journal.take(kStart + milliseconds(600)), SizeIs(10));
  EXPECT_THAT(journal.take(kStart + milliseconds(999)), IsEmpty());
  EXPECT_THAT(journal.take(kStart + milliseconds(1000)),
              ElementsAre("more messages rejected: 990"));
  EXPECT_THAT(journal.take(kStart + milliseconds(5000)), IsEmpty());
}

TEST(Journal, BeginsAgainAfterAFlood) {
  Journal journal;
  for (int i = 0; i < 12; ++i) journal.note(rejected("apps.x"), kStart);
  journal.note(rejected("apps.y"), kStart + milliseconds(1000));
  EXPECT_THAT(journal.take(kStart + milliseconds(1000)), SizeIs(12));
}

TEST(Quotable, CutsALongText) {
  EXPECT_EQ(quotable("abcdef", 4), "abcd...[+2 bytes]");
  EXPECT_EQ(quotable("abcd", 4), "abcd");
}

}  // namespace
}  // namespace chat21::mosquitto
