#include "chat21/testing/memory_store.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "chat21/document.h"

namespace chat21::testing {

namespace {

// Names with the same meaning have the same place: app, timeline, conversation.
using Key2 = std::pair<std::string, std::string>;
using Key3 = std::tuple<std::string, std::string, std::string>;

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

template <class Write>
Key3 place_of(const Write& write) {
  return Key3(write.app, write.timeline, write.conversation);
}

Result<> check_limit(std::size_t limit) {
  if (limit >= 1 && limit <= kMaxPage) return {};
  return fail(Error::Code::InvalidArgument, "cannot list " + std::to_string(limit) +
                                                " entries: the limit is 1 to " +
                                                std::to_string(kMaxPage));
}

}  // namespace

class MemoryStore::Impl {
 public:
  using Copies = std::map<std::string, Copy, std::less<>>;  // by message id

  template <class NotYet>
  void operator()(const NotYet&) {}
  void operator()(const SaveMessage& write) {
    messages_.try_emplace(Key2(write.app, write.message_id), write.body);
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
  void operator()(const SaveInstance& write) {
    instances_[Key2(write.app, write.instance)] = {std::string(write.user),
                                                   std::string(write.body)};
  }
  void operator()(const RemoveInstance& write) {
    instances_.erase(Key2(write.app, write.instance));
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
    }
    return {};
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

  Documents conversations(std::string_view app, std::string_view timeline, bool archived) const {
    using Entry = std::pair<const Key3, Conversation>;
    std::vector<const Entry*> entries;
    for (const Entry& entry : conversations_) {
      const auto& [its_app, its_timeline, other] = entry.first;
      if (its_app == app && its_timeline == timeline && entry.second.archived == archived) {
        entries.push_back(&entry);
      }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) {
      return std::tie(a->second.last_time, a->second.last_message) >
             std::tie(b->second.last_time, b->second.last_message);
    });
    Documents documents;
    for (const Entry* entry : entries) documents.push_back(assemble(entry->first, entry->second));
    return documents;
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
      body = shared->second;
    }
    return {app, timeline, conversation, message_id, copy.status, body};
  }

  Documents instances(std::string_view app, std::string_view user) const {
    Documents documents;
    for (const auto& [key, instance] : instances_) {
      if (key.first != app || instance.user != user) continue;
      documents.push_back(stored_document("instances", app, key.second, instance.body));
    }
    return documents;
  }

 private:
  static void raise(Copy& copy, Status status) { copy.status = std::max(copy.status, status); }

  Fact keep(Document document) {
    if (!document) return {};
    return {.found = true, .document = fact_texts.emplace_back(*std::move(document))};
  }

  std::string assemble(const Key3& place, const Conversation& conversation) const {
    static const Copy kMissing;
    const Copies& all = copies(place);
    const auto last = all.find(conversation.last_message);
    return conversation_document({.last = stored(place, conversation.last_message,
                                                 last == all.end() ? kMissing : last->second),
                                  .is_new = conversation.is_new,
                                  .archived = conversation.archived});
  }

  std::map<Key2, std::string> messages_;  // bodies, by app and message id
  std::map<Key3, Copies> copies_;
  std::map<Key3, Conversation> conversations_;
  std::map<Key2, Group> groups_;
  std::map<Key2, Instance> instances_;
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
  Documents documents = impl_->conversations(app, timeline, archived);
  if (documents.size() > slice.limit) documents.resize(slice.limit);
  return Listing{std::move(documents), {}};
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
  Documents documents;
  for (auto copy = copies.upper_bound(page.after); copy != copies.end(); ++copy) {
    if (!page.before.empty() && copy->first >= page.before) break;
    documents.push_back(message_document(impl_->stored(place, copy->first, copy->second)));
  }
  if (page.after.empty()) std::reverse(documents.begin(), documents.end());
  if (documents.size() > page.limit) documents.resize(page.limit);
  return documents;
}

Result<History::Document> MemoryStore::group(std::string_view app, std::string_view group) {
  const Document body = impl_->group_body(app, group);
  if (!body) return Document{};
  return Document{stored_document("groups", app, group, *body)};
}

Result<History::Documents> MemoryStore::instances(std::string_view app, std::string_view user) {
  return impl_->instances(app, user);
}

}  // namespace chat21::testing
