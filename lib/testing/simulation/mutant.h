// Mutants: observers that do it wrong, each in one way. Whoever does not see that they do has
// not looked.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/store.h"
#include "chat21/transport.h"

namespace chat21::testing {

enum class Mutation : std::uint8_t {
  None,
  SettleBeforePublish,
  SettleBeforeApply,
  PublishBeforeApply,
  ForgetRepeats,      // Delivery::redelivered, and so Delivery::known_as
  ForgetPages,        // of the ledger
  SettledTooEarly,    // Transport::settled_up_to() says what was settled, not what was heard
  RecoveredTooEarly,  // Transport::recovered() always
  LowerStatus,
  SkipMember,  // the last of a group
  WriteToStranger,
  PublishToStranger,
  MergeEqual,  // any equal message of the ledger will do for a repeat
};

std::string_view to_string(Mutation mutation);
std::optional<Mutation> mutation_of(std::string_view name);
std::vector<Mutation> all_mutations();  // but for None

// Statuses as they would be without the guard of the Store, by timeline/conversation/id.
using Statuses = std::map<std::string, Status>;

// Both of an observer's sides: what it changes is in between.
class Mutant final : public Transport, public Store {
 public:
  Mutant(Mutation mutation, Transport& transport, Store& store, Statuses& statuses)
      : mutation_(mutation), transport_(transport), store_(store), statuses_(statuses) {}

  Result<std::span<const Delivery>> receive(std::chrono::milliseconds wait) override;
  Result<> publish(std::span<const Publish> publishes) override;
  Result<> settle(std::span<const Settle> settled) override;
  Tag settled_up_to() const override;
  bool recovered() const override;
  Result<std::span<const Fact>> fetch(std::span<const Record> records) override;
  Result<> apply(std::span<const Write> writes) override;

 private:
  Result<> settle_all();
  Result<> apply_late();
  void merge_equal();
  void read_page(std::string_view text);

  Mutation mutation_;
  Transport& transport_;
  Store& store_;
  Statuses& statuses_;
  std::vector<Delivery> received_;
  std::set<Tag> settled_;
  Tag last_settled_ = 0;
  std::vector<Write> late_;
  std::vector<Fact> facts_;
  std::deque<std::string> documents_;
  std::vector<Publish> publishes_;
  struct Entry {
    std::string fingerprint, message_id;
  };
  std::vector<Entry> ledger_;
};

}  // namespace chat21::testing
