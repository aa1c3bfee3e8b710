#include "lib/testing/simulation/mutant.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "chat21/attempts.h"

namespace chat21::testing {
namespace {

constexpr std::array<std::pair<Mutation, std::string_view>, 13> kNames = {{
    {Mutation::None, "none"},
    {Mutation::SettleBeforePublish, "settle-before-publish"},
    {Mutation::SettleBeforeApply, "settle-before-apply"},
    {Mutation::PublishBeforeApply, "publish-before-apply"},
    {Mutation::ForgetRepeats, "forget-repeats"},
    {Mutation::ForgetPages, "forget-pages"},
    {Mutation::SettledTooEarly, "settled-too-early"},
    {Mutation::RecoveredTooEarly, "recovered-too-early"},
    {Mutation::LowerStatus, "lower-status"},
    {Mutation::SkipMember, "skip-member"},
    {Mutation::WriteToStranger, "write-to-stranger"},
    {Mutation::PublishToStranger, "publish-to-stranger"},
    {Mutation::MergeEqual, "merge-equal"},
}};

std::string hexadecimal(Fingerprint number) {
  std::ostringstream digits;
  digits << std::hex << number;
  return digits.str();
}

std::string copy_name(std::string_view timeline, std::string_view conversation,
                      std::string_view message_id) {
  return std::string(timeline)
      .append(1, '/')
      .append(conversation)
      .append(1, '/')
      .append(message_id);
}

// Without the last key of its "members".
std::string without_last_member(std::string_view group) {
  std::string shorter(group);
  const std::size_t members = shorter.find("\"members\":{");
  const std::size_t end = shorter.find('}', members);
  const std::size_t comma = shorter.rfind(',', end);
  if (members != std::string::npos && comma != std::string::npos && comma > members) {
    shorter.erase(comma, end - comma);
  }
  return shorter;
}

// Of apps.{app}.users.{owner}.messages.{conversation}.clientadded, with another owner.
std::string to_stranger(std::string_view routing_key) {
  constexpr std::string_view kUsers = ".users.";
  const std::size_t owner = routing_key.find(kUsers) + kUsers.size();
  std::string key(routing_key.substr(0, owner));
  return key.append("stranger").append(routing_key.substr(routing_key.find('.', owner)));
}

}  // namespace

std::string_view to_string(Mutation mutation) {
  for (const auto& [one, name] : kNames) {
    if (one == mutation) return name;
  }
  return {};
}

std::optional<Mutation> mutation_of(std::string_view name) {
  for (const auto& [one, its_name] : kNames) {
    if (its_name == name) return one;
  }
  return std::nullopt;
}

std::vector<Mutation> all_mutations() {
  std::vector<Mutation> all;
  for (const auto& [one, name] : kNames) {
    if (one != Mutation::None) all.push_back(one);
  }
  return all;
}

Result<std::span<const Delivery>> Mutant::receive(std::chrono::milliseconds wait) {
  const auto batch = transport_.receive(wait);
  if (!batch) return batch;
  received_.assign(batch->begin(), batch->end());
  settled_.clear();
  if (mutation_ == Mutation::ForgetRepeats) {
    for (Delivery& delivery : received_) delivery.redelivered = false;
  }
  if (mutation_ == Mutation::MergeEqual) merge_equal();
  return std::span<const Delivery>(received_);
}

// The observer leaves alone what is not marked as redelivered. What is sent once is left to it:
// there is nothing equal to it.
void Mutant::merge_equal() {
  for (Delivery& delivery : received_) {
    if (!delivery.redelivered || !delivery.body.starts_with("{\"text\":\"again ")) continue;
    const std::string wanted = hexadecimal(fingerprint(delivery.routing_key, delivery.body));
    const auto equal = std::find_if(ledger_.begin(), ledger_.end(), [&](const Entry& entry) {
      return entry.fingerprint == wanted;
    });
    if (equal == ledger_.end()) continue;
    delivery.redelivered = false;
    delivery.known_as = documents_.emplace_back(equal->message_id);
  }
}

// Its lines: page, fingerprint, message id.
void Mutant::read_page(std::string_view text) {
  std::istringstream lines{std::string(text)};
  Entry entry;
  for (std::string page; lines >> page >> entry.fingerprint >> entry.message_id;) {
    ledger_.push_back(entry);
  }
}

// What was received last, before its turn.
Result<> Mutant::settle_all() {
  std::vector<Settle> all;
  for (const Delivery& delivery : received_) {
    if (settled_.insert(delivery.tag).second) all.push_back({.tag = delivery.tag});
  }
  return all.empty() ? Result<>() : transport_.settle(all);
}

Result<> Mutant::publish(std::span<const Publish> publishes) {
  if (mutation_ == Mutation::SettleBeforePublish) {
    if (auto settled = settle_all(); !settled) return settled;
  }
  if (mutation_ == Mutation::PublishToStranger) {
    publishes_.assign(publishes.begin(), publishes.end());
    documents_.clear();
    for (Publish& one : publishes_) {
      if (!one.routing_key.ends_with(".clientadded")) continue;
      one.routing_key = documents_.emplace_back(to_stranger(one.routing_key));
      break;
    }
    publishes = publishes_;
  }
  if (auto published = transport_.publish(publishes); !published) {
    late_.clear();
    return published;
  }
  return apply_late();
}

Result<> Mutant::settle(std::span<const Settle> settled) {
  if (auto applied = apply_late(); !applied) return applied;
  std::vector<Settle> rest;
  for (const Settle& one : settled) {
    if (settled_.insert(one.tag).second) rest.push_back(one);
  }
  if (!settled.empty()) last_settled_ = settled.back().tag;
  return rest.empty() ? Result<>() : transport_.settle(rest);
}

Tag Mutant::settled_up_to() const {
  return mutation_ == Mutation::SettledTooEarly ? last_settled_ : transport_.settled_up_to();
}

bool Mutant::recovered() const {
  return mutation_ == Mutation::RecoveredTooEarly || transport_.recovered();
}

Result<std::span<const Fact>> Mutant::fetch(std::span<const Record> records) {
  const auto found = store_.fetch(records);
  if (found && mutation_ == Mutation::MergeEqual) {
    for (std::size_t i = 0; i < found->size(); ++i) {
      if (records[i].kind == Record::Kind::Ledger) read_page((*found)[i].document);
    }
  }
  if (!found || mutation_ != Mutation::SkipMember) return found;
  facts_.assign(found->begin(), found->end());
  documents_.clear();
  for (std::size_t i = 0; i < facts_.size(); ++i) {
    if (records[i].kind != Record::Kind::Group || !facts_[i].found) continue;
    facts_[i].document = documents_.emplace_back(without_last_member(facts_[i].document));
  }
  return std::span<const Fact>(facts_);
}

Result<> Mutant::apply(std::span<const Write> writes) {
  switch (mutation_) {
    case Mutation::SettleBeforeApply:
      if (auto settled = settle_all(); !settled) return settled;
      break;
    case Mutation::PublishBeforeApply:
      late_.assign(writes.begin(), writes.end());
      return received_.empty() ? apply_late() : Result<>();
    case Mutation::ForgetPages: {
      std::vector<Write> kept;
      for (const Write& write : writes) {
        if (!std::holds_alternative<SaveLedgerPage>(write)) kept.push_back(write);
      }
      return store_.apply(kept);
    }
    case Mutation::WriteToStranger: {
      std::vector<Write> more(writes.begin(), writes.end());
      for (const Write& write : writes) {
        if (const auto* copy = std::get_if<SaveCopy>(&write)) {
          SaveCopy another = *copy;
          another.timeline = "stranger";
          more.emplace_back(another);
        }
      }
      return store_.apply(more);
    }
    case Mutation::MergeEqual: {
      const auto applied = store_.apply(writes);
      for (const Write& write : writes) {
        const auto* page = std::get_if<SaveLedgerPage>(&write);
        if (applied && page != nullptr) read_page(page->text);
      }
      return applied;
    }
    case Mutation::LowerStatus:
      for (const Write& write : writes) {
        if (const auto* raise = std::get_if<RaiseStatus>(&write)) {
          statuses_[copy_name(raise->timeline, raise->conversation, raise->message_id)] =
              raise->status;
        }
      }
      break;
    default:
      break;
  }
  return store_.apply(writes);
}

Result<> Mutant::apply_late() {
  if (late_.empty()) return {};
  return store_.apply(std::exchange(late_, {}));
}

}  // namespace chat21::testing
