#include "chat21/testing/memory_store.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "chat21/document.h"
#include "chat21/paging.h"

namespace chat21::testing {

namespace {

// Names with the same meaning have the same place: app, timeline, conversation.
using Key2 = std::pair<std::string, std::string>;
using Key3 = std::tuple<std::string, std::string, std::string>;

struct Message {
  std::string body;
  std::string sender, client_message_id;
};

struct Copy {
  Status status = Status::Sent;
  std::string own_body;
};

struct Conversation {
  std::string last_message;
  Time last_time{};
  bool is_new = true;
  bool archived = false;
};

struct Group {
  std::string body;
  std::int64_t updated_on = 0;
};

struct Instance {
  std::string user, body;
};

struct Aside {
  std::string routing_key, body, reason;
  Time time{};
};

Aside to_aside(const SetAside& write) {
  return {std::string(write.routing_key), std::string(write.body), std::string(write.reason),
          write.time};
}

template <class Write>
Key3 place_of(const Write& write) {
  return Key3(write.app, write.timeline, write.conversation);
}

// An entry of a list, and where it stands in it.
struct Entry {
  std::string document, cursor;
};

// As many of them as one answer takes.
Listing cut(std::vector<Entry> entries, std::size_t limit) {
  Listing listing;
  std::string cursor;
  PageRoom room(limit);
  for (Entry& entry : entries) {
    if (!room.is_left()) {
      listing.next = std::move(cursor);
      return listing;
    }
    room.take(entry.document.size());
    listing.documents.push_back(std::move(entry.document));
    cursor = std::move(entry.cursor);
  }
  return listing;
}

}  // namespace

class MemoryStore::Impl {
 public:
  using Copies = std::map<std::string, Copy, std::less<>>;  // by message id

  void operator()(const SaveMessage& write) {
    const Key2 id(write.app, write.message_id);
    if (messages_.contains(id)) return;
    if (!write.client_message_id.empty()) {
      const Key3 own(write.app, write.sender, write.client_message_id);
      if (!sent_.try_emplace(own, write.message_id).second) return;
    }
    messages_.emplace(id, Message{std::string(write.body), std::string(write.sender),
                                  std::string(write.client_message_id)});
  }
  void operator()(const SaveCopy& write) {
    const auto [copy, created] = copies_[place_of(write)].try_emplace(
        std::string(write.message_id), Copy{write.status, std::string(write.own_body)});
    if (!created) raise(copy->second, write.status);
  }
  void operator()(const SaveLastMessage& write) {
    const auto [found, created] = conversations_.try_emplace(place_of(write));
    Conversation& conversation = found->second;
    conversation.is_new = true;
    conversation.archived = false;
    const bool older =
        std::pair(write.time, write.message_id) <
        std::pair(conversation.last_time, std::string_view(conversation.last_message));
    if (older && !created) return;
    conversation.last_time = write.time;
    conversation.last_message = write.message_id;
  }
  void operator()(const RaiseStatus& write) {
    const auto copies = copies_.find(place_of(write));
    if (copies == copies_.end()) return;
    const auto copy = copies->second.find(write.message_id);
    if (copy != copies->second.end()) raise(copy->second, write.status);
  }
  void operator()(const PatchConversation& write) {
    const auto found = conversations_.find(place_of(write));
    if (found == conversations_.end()) return;
    if (write.is_new) found->second.is_new = *write.is_new;
    if (write.archived) found->second.archived = *write.archived;
  }
  void operator()(const SaveGroup& write) {
    const auto [group, created] = groups_.try_emplace(Key2(write.app, write.group));
    if (!created && write.updated_on < group->second.updated_on) return;
    group->second = {std::string(write.body), write.updated_on};
  }
  void operator()(const RemoveGroup& write) {
    const auto group = groups_.find(Key2(write.app, write.group));
    if (group != groups_.end() && group->second.updated_on <= write.updated_on) {
      groups_.erase(group);
    }
  }
  void operator()(const SaveInstance& write) {
    instances_[Key2(write.app, write.instance)] = {std::string(write.user),
                                                   std::string(write.body)};
  }
  void operator()(const RemoveInstance& write) {
    instances_.erase(Key2(write.app, write.instance));
  }
  void operator()(const RemoveConversations& write) {
    std::erase_if(conversations_,
                  [&](const auto& entry) { return is_in_conversation(entry.first, write); });
  }
  void operator()(const RemoveMessages& write) {
    for (const auto& [place, copies] : copies_) {
      if (is_in_conversation(place, write)) remove_bodies(place, copies);
    }
    std::erase_if(copies_,
                  [&](const auto& entry) { return is_in_conversation(entry.first, write); });
  }
  void operator()(const SaveBlock& write) { blocks_.emplace(write.app, write.user, write.blocked); }
  void operator()(const RemoveBlock& write) {
    blocks_.erase(Key3(write.app, write.user, write.blocked));
  }

  void operator()(const SetAside& write) { aside_.push_back(to_aside(write)); }
  void operator()(const SaveLedgerPage& write) {
    ledger_pages_[{std::string(write.ledger), write.page}] = write.text;
  }
  void operator()(const RemoveLedgerPage& write) {
    ledger_pages_.erase({std::string(write.ledger), write.page});
  }

  std::vector<Fact> facts;             // the answer of the last fetch()
  std::deque<std::string> fact_texts;  // what it points into; a deque moves nothing
  bool fail_fetch = false;
  bool fail_apply = false;

  Fact look_up(const Record& record) {
    switch (record.kind) {
      case Record::Kind::Group:
        return keep(group_body(record.app, record.conversation));
      case Record::Kind::Conversation:
        return keep(conversation(record.app, record.timeline, record.conversation));
      case Record::Kind::Copy:
        return {.found = copies(place_of(record)).contains(record.message_id), .document = {}};
      case Record::Kind::Sent:
        return keep(sent_body(record.app, record.timeline, record.message_id));
      case Record::Kind::Message:
        return keep(message_body(record.app, record.message_id));
      case Record::Kind::Ledger:
        return keep(ledger_text(record.conversation));
    }
    return {};
  }

  Document message_body(std::string_view app, std::string_view message_id) const {
    const auto found = messages_.find(Key2(app, message_id));
    if (found == messages_.end()) return std::nullopt;
    return found->second.body;
  }

  Document ledger_text(std::string_view ledger) const {
    Document text;
    for (const auto& [key, page] : ledger_pages_) {
      if (key.first == ledger) text = text.value_or("") + page;
    }
    return text;
  }

  Document sent_body(std::string_view app, std::string_view sender,
                     std::string_view client_message_id) const {
    const auto found = sent_.find(Key3(app, sender, client_message_id));
    if (found == sent_.end()) return std::nullopt;
    return messages_.at(Key2(app, found->second)).body;
  }

  Document group_body(std::string_view app, std::string_view group) const {
    const auto found = groups_.find(Key2(app, group));
    if (found == groups_.end()) return std::nullopt;
    return found->second.body;
  }

  Document conversation(std::string_view app, std::string_view timeline,
                        std::string_view conversation) const {
    const auto found = conversations_.find(Key3(app, timeline, conversation));
    if (found == conversations_.end()) return std::nullopt;
    return assemble(found->first, found->second);
  }

  // Before the cursor, if there is one.
  std::vector<Entry> conversations(std::string_view app, std::string_view timeline, bool archived,
                                   const std::optional<ConversationCursor>& before) const {
    using Stored = std::pair<const Key3, Conversation>;
    const auto rank = [](const Conversation& conversation) {
      return std::pair(conversation.last_time, std::string_view(conversation.last_message));
    };
    std::vector<const Stored*> found;
    for (const Stored& stored : conversations_) {
      if (!is_in_timeline(stored.first, app, timeline)) continue;
      if (stored.second.archived != archived) continue;
      if (before && rank(stored.second) >= std::pair(before->time, before->message_id)) continue;
      found.push_back(&stored);
    }
    std::sort(found.begin(), found.end(),
              [&](const Stored* a, const Stored* b) { return rank(a->second) > rank(b->second); });
    std::vector<Entry> entries;
    for (const Stored* stored : found) {
      const auto [time, message_id] = rank(stored->second);
      entries.push_back({assemble(stored->first, stored->second),
                         to_string(ConversationCursor{time, message_id})});
    }
    return entries;
  }

  std::size_t unread(std::string_view app, std::string_view timeline) const {
    const auto is_unread = [&](const auto& stored) {
      return is_in_timeline(stored.first, app, timeline) && stored.second.is_new &&
             !stored.second.archived;
    };
    return static_cast<std::size_t>(
        std::count_if(conversations_.begin(), conversations_.end(), is_unread));
  }

  std::vector<Entry> groups(std::string_view app, std::string_view user,
                            std::string_view after) const {
    std::vector<Entry> entries;
    for (auto group = groups_.upper_bound(Key2(app, after)); group != groups_.end(); ++group) {
      const auto& [its_app, id] = group->first;
      if (its_app != app) break;
      const std::vector<std::string> members = group_members(group->second.body);
      if (!std::binary_search(members.begin(), members.end(), user)) continue;
      entries.push_back({stored_document("groups", app, id, group->second.body), id});
    }
    return entries;
  }

  std::vector<Entry> blocks(std::string_view app, std::string_view user,
                            std::string_view after) const {
    std::vector<Entry> entries;
    for (auto block = blocks_.upper_bound(Key3(app, user, after)); block != blocks_.end();
         ++block) {
      if (!is_in_timeline(*block, app, user)) break;
      const std::string& blocked = std::get<2>(*block);
      entries.push_back({block_document(blocked), blocked});
    }
    return entries;
  }

  // After the entry with this number.
  std::vector<Entry> set_aside(std::size_t after) const {
    std::vector<Entry> entries;
    for (std::size_t i = after; i < aside_.size(); ++i) {
      const auto& [routing_key, body, reason, time] = aside_[i];
      const std::size_t number = i + 1;
      entries.push_back({set_aside_document({.number = static_cast<std::int64_t>(number),
                                             .time = time,
                                             .reason = reason,
                                             .routing_key = routing_key,
                                             .body = body}),
                         std::to_string(number)});
    }
    return entries;
  }

  bool blocked(std::string_view app, std::string_view user, std::string_view other) const {
    return blocks_.contains(Key3(app, user, other));
  }

  const Copies& copies(const Key3& place) const {
    static const Copies kNone;
    const auto found = copies_.find(place);
    return found == copies_.end() ? kNone : found->second;
  }

  // Views into the Store.
  StoredCopy stored(const Key3& place, std::string_view message_id, const Copy& copy) const {
    const auto& [app, timeline, conversation] = place;
    std::string_view body = copy.own_body;
    if (const auto shared = messages_.find(Key2(app, message_id));
        body.empty() && shared != messages_.end()) {
      body = shared->second.body;
    }
    return {app, timeline, conversation, message_id, copy.status, body};
  }

  std::vector<Entry> instances(std::string_view app, std::string_view user) const {
    std::vector<Entry> entries;
    for (const auto& [key, instance] : instances_) {
      if (key.first != app || instance.user != user) continue;
      entries.push_back({stored_document("instances", app, key.second, instance.body), {}});
    }
    return entries;
  }

 private:
  static bool is_in_timeline(const Key3& place, std::string_view app, std::string_view timeline) {
    return std::get<0>(place) == app && std::get<1>(place) == timeline;
  }
  template <class Write>
  static bool is_in_conversation(const Key3& place, const Write& write) {
    return std::get<0>(place) == write.app && std::get<2>(place) == write.conversation;
  }

  // Of which the other side has no copy that stays.
  void remove_bodies(const Key3& place, const Copies& removed) {
    const auto& [app, timeline, conversation] = place;
    const Copies& others = copies(Key3(app, conversation, timeline));
    for (const auto& [id, copy] : removed) {
      if (timeline == conversation || !others.contains(id)) remove_body(app, id);
    }
  }
  void remove_body(const std::string& app, const std::string& id) {
    const auto message = messages_.find(Key2(app, id));
    if (message == messages_.end()) return;
    const auto& [body, sender, client_message_id] = message->second;
    if (!client_message_id.empty()) sent_.erase(Key3(app, sender, client_message_id));
    messages_.erase(message);
  }

  static void raise(Copy& copy, Status status) { copy.status = std::max(copy.status, status); }

  Fact keep(Document document) {
    if (!document) return {};
    return {.found = true, .document = fact_texts.emplace_back(*std::move(document))};
  }

  std::string assemble(const Key3& place, const Conversation& conversation) const {
    const auto& [app, timeline, other] = place;
    const std::string& id = conversation.last_message;
    StoredCopy last{app, timeline, other, id, Status::Sent, {}};
    const Copies& all = copies(place);
    if (const auto copy = all.find(id); copy != all.end()) last = stored(place, id, copy->second);
    return conversation_document(
        {.last = last, .is_new = conversation.is_new, .archived = conversation.archived});
  }

  std::map<Key2, Message> messages_;  // by app and message id
  std::map<Key3, std::string> sent_;  // message ids, by app, sender and client_message_id
  std::map<Key3, Copies> copies_;
  std::map<Key3, Conversation> conversations_;
  std::map<Key2, Group> groups_;
  std::map<Key2, Instance> instances_;
  std::set<Key3> blocks_;  // app, who, whom
  std::vector<Aside> aside_;
  std::map<std::pair<std::string, std::uint64_t>, std::string> ledger_pages_;
};

MemoryStore::MemoryStore() : impl_(std::make_unique<Impl>()) {}
MemoryStore::~MemoryStore() = default;

void MemoryStore::fail_next_fetch() {
  impl_->fail_fetch = true;
}
void MemoryStore::fail_next_apply() {
  impl_->fail_apply = true;
}

Result<std::span<const Fact>> MemoryStore::fetch(std::span<const Record> records) {
  if (std::exchange(impl_->fail_fetch, false)) {
    return fail(Error::Code::Unavailable, "cannot fetch: the test said so");
  }
  impl_->facts.clear();
  impl_->fact_texts.clear();
  for (const Record& record : records) impl_->facts.push_back(impl_->look_up(record));
  return std::span<const Fact>(impl_->facts);
}

Result<> MemoryStore::apply(std::span<const Write> writes) {
  if (std::exchange(impl_->fail_apply, false)) {
    return fail(Error::Code::Unavailable, "cannot apply: the test said so");
  }
  for (const Write& write : writes) std::visit(*impl_, write);
  return {};
}

Result<Listing> MemoryStore::conversations(std::string_view app, std::string_view timeline,
                                           bool archived, const Slice& slice) {
  if (Result<> valid = check_limit(slice.limit); !valid) return valid.error();
  std::optional<ConversationCursor> before;
  if (!slice.from.empty()) {
    Result<ConversationCursor> cursor = parse_conversation_cursor(slice.from);
    if (!cursor) return cursor.error();
    before = *cursor;
  }
  return cut(impl_->conversations(app, timeline, archived, before), slice.limit);
}

Result<std::size_t> MemoryStore::unread(std::string_view app, std::string_view timeline) {
  return impl_->unread(app, timeline);
}

Result<History::Document> MemoryStore::conversation(std::string_view app, std::string_view timeline,
                                                    std::string_view conversation) {
  return impl_->conversation(app, timeline, conversation);
}

Result<History::Documents> MemoryStore::messages(std::string_view app, std::string_view timeline,
                                                 std::string_view conversation, const Page& page) {
  if (Result<> valid = check_limit(page.limit); !valid) return valid.error();
  const Key3 place(app, timeline, conversation);
  const Impl::Copies& copies = impl_->copies(place);
  std::vector<Entry> entries;
  for (auto copy = copies.upper_bound(page.after); copy != copies.end(); ++copy) {
    if (!page.before.empty() && copy->first >= page.before) break;
    entries.push_back({message_document(impl_->stored(place, copy->first, copy->second)), {}});
  }
  if (page.after.empty()) std::reverse(entries.begin(), entries.end());
  return cut(std::move(entries), page.limit).documents;
}

Result<History::Document> MemoryStore::group(std::string_view app, std::string_view group) {
  const Document body = impl_->group_body(app, group);
  if (!body) return Document{};
  return Document{stored_document("groups", app, group, *body)};
}

Result<Listing> MemoryStore::groups(std::string_view app, std::string_view user,
                                    const Slice& slice) {
  if (Result<> valid = check_slice_of_ids(slice); !valid) return valid.error();
  return cut(impl_->groups(app, user, slice.from), slice.limit);
}

Result<Listing> MemoryStore::blocks(std::string_view app, std::string_view user,
                                    const Slice& slice) {
  if (Result<> valid = check_slice_of_ids(slice); !valid) return valid.error();
  return cut(impl_->blocks(app, user, slice.from), slice.limit);
}

Result<bool> MemoryStore::blocked(std::string_view app, std::string_view user,
                                  std::string_view other) {
  return impl_->blocked(app, user, other);
}

Result<Listing> MemoryStore::set_aside(const Slice& slice) {
  if (Result<> valid = check_limit(slice.limit); !valid) return valid.error();
  const Result<std::int64_t> after = parse_number_cursor(slice.from);
  if (!after) return after.error();
  return cut(impl_->set_aside(static_cast<std::size_t>(*after)), slice.limit);
}

Result<History::Documents> MemoryStore::instances(std::string_view app, std::string_view user) {
  return cut(impl_->instances(app, user), kMaxPage).documents;
}

}  // namespace chat21::testing
