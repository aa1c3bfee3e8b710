// What was set aside, for people to look at.
#include <string>
#include <vector>

#include "tests/contract/store_subjects.h"

namespace chat21::contract {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreAside : public StoreContract {
 protected:
  static Write aside(std::string_view routing_key, std::string_view body = "body",
                     std::string_view reason = "why", std::int64_t time = 17) {
    return SetAside{routing_key, body, reason, at(time)};
  }
  static std::string shown(std::int64_t number, std::string_view routing_key,
                           std::string_view body = "body", std::string_view reason = "why",
                           std::int64_t time = 17) {
    return set_aside_document({number, at(time), reason, routing_key, body});
  }
  Listing listed(const Slice& slice = {}) {
    const Result<Listing> listing = history().set_aside(slice);
    if (listing) return *listing;
    ADD_FAILURE() << listing.error().message;
    return {};
  }
};
INSTANTIATE_TEST_SUITE_P(Every, StoreAside, ::testing::ValuesIn(every_store()), name_of);

TEST_P(StoreAside, IsNothingAtFirst) {
  EXPECT_THAT(listed().documents, IsEmpty());
  EXPECT_EQ(listed().next, "");
}

TEST_P(StoreAside, HasWhatArrivedWhenAndWhy) {
  apply({aside("apps.a.outgoing", R"({"text":"hi"})", "it \"died\"", 1'700'000'000'000)});
  EXPECT_THAT(listed().documents,
              ElementsAre(R"({"number":1,"time":1700000000000,"reason":"it \"died\"",)"
                          R"("routing_key":"apps.a.outgoing","body":"{\"text\":\"hi\"}"})"));
}

// Two that are equal were sent twice.
TEST_P(StoreAside, HasEachOneOfTheSame) {
  apply({aside("a"), aside("a")});
  apply({aside("a")});
  EXPECT_THAT(listed().documents, ElementsAre(shown(1, "a"), shown(2, "a"), shown(3, "a")));
}

TEST_P(StoreAside, IsListedInTheOrderOfComingWhateverTheClockSays) {
  apply({aside("b", "body", "why", 30), aside("a", "body", "why", -5)});
  apply({aside("c", "body", "why", 20)});
  EXPECT_THAT(listed().documents,
              ElementsAre(shown(1, "b", "body", "why", 30), shown(2, "a", "body", "why", -5),
                          shown(3, "c", "body", "why", 20)));
}

TEST_P(StoreAside, KeepsAnyBytes) {
  using std::string_literals::operator""s;
  const std::vector<std::string> texts = {"",          "\0"s,     "a\0b"s,     "a\0"s,
                                          "\xff\xfe"s, "\xff\0"s, "\xc3\xa9"s, "\xed\xa0\x80"s};
  std::vector<std::string> documents;
  for (const std::string& routing_key : texts) {
    for (const std::string& body : texts) {
      apply({aside(routing_key, body)});
      documents.push_back(
          shown(static_cast<std::int64_t>(documents.size()) + 1, routing_key, body));
    }
  }
  EXPECT_EQ(listed().documents, documents);
}

TEST_P(StoreAside, KeepsALargeBodyToItsLastByte) {
  std::string body(1'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); i += 3) body[i] = static_cast<char>('a' + i % 26);
  body += "end";
  apply({aside("a", body)});
  const auto documents = listed().documents;
  ASSERT_THAT(documents, SizeIs(1));
  EXPECT_TRUE(documents[0] == shown(1, "a", body));
}

TEST_P(StoreAside, IsListedInSlices) {
  std::vector<std::string> documents;
  for (int i = 1; i <= 12; ++i) {  // beyond one digit
    apply({aside(words_.keep(std::to_string(i)))});
    documents.push_back(shown(i, std::to_string(i)));
  }
  for (std::size_t limit = 1; limit <= 13; ++limit) {
    std::vector<std::string> found;
    std::string from;
    do {
      const Listing slice = listed({.from = from, .limit = limit});
      found.insert(found.end(), slice.documents.begin(), slice.documents.end());
      from = slice.next;
    } while (!from.empty() && found.size() < documents.size());
    EXPECT_EQ(from, "") << limit;
    EXPECT_EQ(found, documents) << limit;
  }
}

TEST_P(StoreAside, GoesOnToWhatCameSince) {
  apply({aside("a"), aside("b")});
  const std::string next = listed({.limit = 1}).next;
  apply({aside("c")});
  EXPECT_THAT(listed({.from = next}).documents, ElementsAre(shown(2, "b"), shown(3, "c")));
  EXPECT_THAT(listed({.from = "3"}).documents, IsEmpty());
  EXPECT_THAT(listed({.from = "9223372036854775807"}).documents, IsEmpty());
}

TEST_P(StoreAside, IsCutByItsBytes) {
  const std::string body(kMaxPageBytes / 2, 'z');
  for (int i = 0; i < 4; ++i) apply({aside("a", body)});
  const Listing first = listed();
  EXPECT_THAT(first.documents, SizeIs(2));
  const Listing second = listed({.from = first.next});
  EXPECT_THAT(second.documents, SizeIs(2));
  EXPECT_EQ(second.next, "");
}

TEST_P(StoreAside, RefusesToGoOnFromWhatIsNoNumberOfAnEntry) {
  apply({aside("a")});
  for (const std::string_view from :
       {"0", "-1", "+1", "01", " 1", "1 ", "1.5", "a", "0x1", "\xff", "9223372036854775808"}) {
    const auto refused = history().set_aside({.from = std::string(from)});
    ASSERT_FALSE(refused) << from;
    EXPECT_EQ(refused.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(refused.error().message,
                AllOf(HasSubstr("'" + std::string(from) + "'"), HasSubstr("number from 1")));
  }
}

TEST_P(StoreAside, RefusesALimitOutOfRange) {
  for (const std::size_t limit : {std::size_t{0}, kMaxPage + 1}) {
    const auto refused = history().set_aside({.limit = limit});
    ASSERT_FALSE(refused) << limit;
    EXPECT_EQ(refused.error().code, Error::Code::InvalidArgument);
  }
}

TEST_P(StoreAside, IsWrittenWithItsBatchOrNotAtAll) {
  const Writes batch = all({{aside("a")}, words_.direct("m1", 10)});
  subject_->poison("m1");
  EXPECT_FALSE(subject_->store().apply(batch));
  EXPECT_THAT(listed().documents, IsEmpty());
  subject_->heal();
  apply(batch);
  EXPECT_THAT(listed().documents, ElementsAre(shown(1, "a")));
}

}  // namespace
}  // namespace chat21::contract
