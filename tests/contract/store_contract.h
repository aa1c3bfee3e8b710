// The fixture of the contract suite: one Store and its History, of each kind that
// is instantiated in store_test.cc.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat21/history.h"
#include "chat21/store.h"

#include "tests/contract/store_language.h"

namespace chat21::contract {

// A Store under test and what only its maker knows of it.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Store& store() = 0;
  virtual History& history() = 0;

  // Until heal(), a batch with the message `id` in it fails at that message.
  virtual void poison(std::string_view id) = 0;
  virtual void heal() = 0;
};

struct SubjectKind {
  const char* name;
  std::unique_ptr<Subject> (*make)();
  friend std::ostream& operator<<(std::ostream& out, const SubjectKind& kind) {
    return out << kind.name;
  }
};

class StoreContract : public ::testing::TestWithParam<SubjectKind> {
 protected:
  using Documents = History::Documents;
  using Document = History::Document;

  void apply(const Writes& writes) {
    const Result<> applied = subject_->store().apply(writes);
    ASSERT_TRUE(applied) << applied.error().message;
  }

  // A copy of what the Store lends until the next call.
  struct Answer {
    bool found;
    std::string document;
    friend bool operator==(const Answer&, const Answer&) = default;
  };
  std::vector<Answer> fetch(const std::vector<Record>& records) {
    const Result<std::span<const Fact>> facts = subject_->store().fetch(records);
    if (!facts) {
      ADD_FAILURE() << facts.error().message;
      return {};
    }
    std::vector<Answer> answers;
    for (const Fact& fact : *facts) answers.push_back({fact.found, std::string(fact.document)});
    return answers;
  }
  bool exists(const Record& record) { return fetch({record}).at(0).found; }

  Documents messages(const Place& place, const Page& page = {}) {
    return value(history().messages(place.app, place.timeline, place.conversation, page));
  }
  Document conversation(const Place& place) {
    return value(history().conversation(place.app, place.timeline, place.conversation));
  }
  Documents conversations(std::string_view timeline, bool archived = kActive,
                          std::size_t limit = 200, std::string_view app = kAda.app) {
    return value(history().conversations(app, timeline, archived, {.limit = limit})).documents;
  }
  Listing slice_of_conversations(std::string_view timeline, const Slice& slice,
                                 bool archived = kActive) {
    return value(history().conversations(kAda.app, timeline, archived, slice));
  }
  std::size_t unread(std::string_view timeline, std::string_view app = kAda.app) {
    return value(history().unread(app, timeline));
  }
  Document group(std::string_view id, std::string_view app = kAda.app) {
    return value(history().group(app, id));
  }
  Listing slice_of_groups(std::string_view user, const Slice& slice,
                          std::string_view app = kAda.app) {
    return value(history().groups(app, user, slice));
  }
  Documents groups(std::string_view user, std::string_view app = kAda.app) {
    return slice_of_groups(user, {}, app).documents;
  }
  Listing slice_of_blocks(std::string_view user, const Slice& slice,
                          std::string_view app = kAda.app) {
    return value(history().blocks(app, user, slice));
  }
  Documents blocks(std::string_view user, std::string_view app = kAda.app) {
    return slice_of_blocks(user, {}, app).documents;
  }
  bool blocked(std::string_view user, std::string_view other, std::string_view app = kAda.app) {
    return value(history().blocked(app, user, other));
  }
  Documents instances(std::string_view user, std::string_view app = kAda.app) {
    return value(history().instances(app, user));
  }

  History& history() { return subject_->history(); }

  std::unique_ptr<Subject> subject_ = GetParam().make();
  Words words_;

 private:
  template <class T>
  static T value(Result<T> result) {
    if (result) return *std::move(result);
    ADD_FAILURE() << result.error().message;
    return {};
  }
};

}  // namespace chat21::contract
