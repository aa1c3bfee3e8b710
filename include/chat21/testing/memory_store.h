// A Store and History in memory, for tests of code that embeds the library. It
// passes the same contract suite as the SQLite store.
//
// One thread at a time. The switches are named after what goes wrong in life.
#pragma once

#include <cstddef>
#include <memory>

#include "chat21/history.h"
#include "chat21/result.h"
#include "chat21/store.h"

namespace chat21::testing {

class MemoryStore final : public Store, public History {
 public:
  MemoryStore();
  ~MemoryStore() override;

  Result<std::span<const Fact>> fetch(std::span<const Record> records) override;
  Result<> apply(std::span<const Write> writes) override;

  Result<Listing> conversations(std::string_view app, std::string_view timeline, bool archived,
                                const Slice& slice) override;
  Result<std::size_t> unread(std::string_view app, std::string_view timeline) override;
  Result<Document> conversation(std::string_view app, std::string_view timeline,
                                std::string_view conversation) override;
  Result<Documents> messages(std::string_view app, std::string_view timeline,
                             std::string_view conversation, const Page& page) override;
  Result<Document> group(std::string_view app, std::string_view group) override;
  Result<Listing> groups(std::string_view app, std::string_view user, const Slice& slice) override;
  Result<Documents> instances(std::string_view app, std::string_view user) override;
  Result<Listing> blocks(std::string_view app, std::string_view user, const Slice& slice) override;
  Result<bool> blocked(std::string_view app, std::string_view user,
                       std::string_view other) override;
  Result<Listing> set_aside(const Slice& slice) override;

  // The next fetch() or apply() reports Unavailable and changes nothing.
  void fail_next_fetch();
  void fail_next_apply();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat21::testing
