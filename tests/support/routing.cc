#include "tests/support/routing.h"

#include <memory>

namespace chat21::tests {
namespace {

std::string text(std::string_view view) {
  return std::string(view);
}

std::string name_of(const Record& record) {
  std::string name = std::to_string(static_cast<int>(record.kind));
  for (const std::string_view part :
       {record.app, record.timeline, record.conversation, record.message_id}) {
    name += '\n';
    name += part;
  }
  return name;
}

std::string flag(std::string_view name, std::optional<bool> value) {
  if (!value) return {};
  return text(" ") + text(name) + (*value ? "=true" : "=false");
}

struct Describe {
  std::string operator()(const SaveMessage& w) const {
    return "message " + text(w.message_id) + " " + text(w.body) +
           (w.client_message_id.empty()
                ? ""
                : " sent by " + text(w.sender) + " as " + text(w.client_message_id));
  }
  std::string operator()(const SaveCopy& w) const {
    return "copy " + text(w.timeline) + "/" + text(w.conversation) + " " + text(w.message_id) +
           " " + std::to_string(static_cast<int>(w.status)) +
           (w.own_body.empty() ? "" : " " + text(w.own_body));
  }
  std::string operator()(const SaveLastMessage& w) const {
    return "last " + text(w.timeline) + "/" + text(w.conversation) + " " + text(w.message_id) +
           " at " + std::to_string(w.time.time_since_epoch().count());
  }
  std::string operator()(const RaiseStatus& w) const {
    return "raise " + text(w.timeline) + "/" + text(w.conversation) + " " + text(w.message_id) +
           " " + std::to_string(static_cast<int>(w.status));
  }
  std::string operator()(const PatchConversation& w) const {
    return "patch " + text(w.timeline) + "/" + text(w.conversation) + flag("is_new", w.is_new) +
           flag("archived", w.archived);
  }
  std::string operator()(const SaveGroup& w) const {
    return "group " + text(w.group) + " " + text(w.body) + " at " + std::to_string(w.updated_on);
  }
  std::string operator()(const SaveInstance& w) const {
    return "instance " + text(w.instance) + " of " + text(w.user) + " " + text(w.body);
  }
  std::string operator()(const RemoveInstance& w) const {
    return "remove-instance " + text(w.instance);
  }
  std::string operator()(const RemoveGroup& w) const {
    return "remove-group " + text(w.group) + " at " + std::to_string(w.updated_on);
  }
  std::string operator()(const RemoveConversations& w) const {
    return "remove-conversations " + text(w.conversation);
  }
  std::string operator()(const RemoveMessages& w) const {
    return "remove-messages " + text(w.conversation);
  }
  std::string operator()(const SaveBlock& w) const {
    return "block " + text(w.user) + " " + text(w.blocked);
  }
  std::string operator()(const SetAside& w) const {
    return "set-aside " + text(w.routing_key) + " " + text(w.body) + " because " + text(w.reason);
  }
  std::string operator()(const SaveLedgerPage& w) const {
    return "ledger " + text(w.ledger) + " " + std::to_string(w.page) + " " + text(w.text);
  }
  std::string operator()(const RemoveLedgerPage& w) const {
    return "remove-ledger " + text(w.ledger) + " " + std::to_string(w.page);
  }
  std::string operator()(const RemoveBlock& w) const {
    return "remove-block " + text(w.user) + " " + text(w.blocked);
  }
};

}  // namespace

std::string describe(const Write& write) {
  return std::visit(Describe{}, write);
}

void Routing::know_group(std::string_view group, std::string_view document) {
  facts_[name_of(Record::group("tilechat", group))] = document;
}

void Routing::know_conversation(std::string_view timeline, std::string_view conversation,
                                std::string_view document) {
  facts_[name_of(Record::of_conversation("tilechat", timeline, conversation))] = document;
}

void Routing::know_copy(std::string_view timeline, std::string_view conversation,
                        std::string_view message_id) {
  facts_[name_of(Record::copy("tilechat", timeline, conversation, message_id))] = "";
}

void Routing::know_sent(std::string_view sender, std::string_view client_message_id,
                        std::string_view body) {
  facts_[name_of(Record::sent("tilechat", sender, client_message_id))] = body;
}

void Routing::know_message(std::string_view message_id, std::string_view body) {
  facts_[name_of(Record::message("tilechat", message_id))] = body;
}

Router& Routing::router() {
  if (!router_) router_ = std::make_unique<Router>(options, policies);
  return *router_;
}

void Routing::arrive(std::string_view routing_key, std::string_view body) {
  arrive(Delivery{.tag = next_tag_++,
                  .routing_key = texts_.emplace_back(routing_key),
                  .body = texts_.emplace_back(body)});
}

void Routing::arrive(const Delivery& delivery) {
  ASSERT_EQ(route({&delivery, 1}), 1U) << "a Router decides at least one delivery";
}

std::size_t Routing::arrive_together(const std::vector<Published>& deliveries) {
  std::vector<Delivery> batch;
  for (const Published& one : deliveries) {
    batch.push_back({.tag = next_tag_++,
                     .routing_key = texts_.emplace_back(one.routing_key),
                     .body = texts_.emplace_back(one.body)});
  }
  return route(batch);
}

std::size_t Routing::route(std::span<const Delivery> deliveries) {
  effects_.clear();
  std::vector<Record> records;
  router().needs(deliveries, records);
  std::vector<Fact> facts;
  for (const Record& record : records) {
    const auto known = facts_.find(name_of(record));
    facts.push_back(known == facts_.end() ? Fact{}
                                          : Fact{.found = true, .document = known->second});
  }
  return router().route(deliveries, facts, now, effects_);
}

std::string Routing::message_id() const {
  for (const Write& write : effects_.writes) {
    if (const auto* message = std::get_if<SaveMessage>(&write)) return text(message->message_id);
  }
  return {};
}

std::string Routing::hide_id(std::string_view whole) const {
  std::string out(whole);
  const std::string id = message_id();
  if (id.empty()) return out;
  for (std::size_t at = out.find(id); at != std::string::npos; at = out.find(id, at)) {
    out.replace(at, id.size(), "ID");
  }
  return out;
}

std::vector<Routing::Published> Routing::published() const {
  std::vector<Published> all;
  for (const Publish& publish : effects_.publishes) {
    all.push_back({hide_id(publish.routing_key), hide_id(publish.body)});
  }
  return all;
}

std::vector<std::string> Routing::writes() const {
  std::vector<std::string> all;
  for (const Write& write : effects_.writes) all.push_back(hide_id(describe(write)));
  return all;
}

std::vector<std::string> Routing::published_keys() const {
  std::vector<std::string> all;
  for (const Published& one : published()) all.push_back(one.routing_key);
  return all;
}

std::string Routing::body_for(std::string_view routing_key) const {
  for (const Published& one : published()) {
    if (one.routing_key == routing_key) return one.body;
  }
  ADD_FAILURE() << "nothing was published as " << routing_key;
  return {};
}

Outcome Routing::outcome() const {
  EXPECT_EQ(effects_.settled.size(), 1U);
  return effects_.settled.empty() ? Outcome::Ignored : effects_.settled.front().outcome;
}

std::string Routing::detail() const {
  for (const Event& event : effects_.events) {
    if (event.kind == Event::Kind::Rejected) return text(event.detail);
  }
  ADD_FAILURE() << "nothing was rejected";
  return {};
}

std::vector<Event::Kind> Routing::events() const {
  std::vector<Event::Kind> all;
  for (const Event& event : effects_.events) all.push_back(event.kind);
  return all;
}

}  // namespace chat21::tests
