// The switches of MemoryStore; what it shares with every Store is in the contract.
#include "chat21/testing/memory_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/store_language.h"

namespace chat21::contract {
namespace {

TEST(MemoryStore, FailsTheNextFetchOnly) {
  testing::MemoryStore store;
  const Record records[] = {conversation_at(kAda)};
  store.fail_next_fetch();
  const auto failed = store.fetch(records);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Error::Code::Unavailable);
  EXPECT_TRUE(store.fetch(records));
}

TEST(MemoryStore, FailsTheNextApplyOnlyAndChangesNothing) {
  testing::MemoryStore store;
  Words words;
  store.fail_next_apply();
  const Result<> failed = store.apply(words.direct("m1", 10));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Error::Code::Unavailable);
  EXPECT_TRUE(store.messages("tilechat", "ada", "bob", {})->empty());
  ASSERT_TRUE(store.apply(words.direct("m1", 10)));
  EXPECT_EQ(store.messages("tilechat", "ada", "bob", {})->size(), 1U);
}

}  // namespace
}  // namespace chat21::contract
