#include "chat21/router.h"

#include <bitset>
#include <cassert>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "chat21/topic.h"

#include "lib/core/handlers.h"
#include "lib/core/text.h"

namespace chat21 {
namespace {

// The records that the effects so far have changed, as a Bloom filter with one
// hash: a wrong "yes" makes route() stop short for nothing, a wrong "no" does not
// occur.
class ChangedRecords {
 public:
  void add(const Write& write) {
    std::visit([this](const auto& change) { add_change(change); }, write);
  }
  bool contains(const Needed& needed) const {
    return contains(needed.by_topic) || contains(needed.sent);
  }

 private:
  static constexpr std::size_t kBits = std::size_t{1} << 14U;

  static std::size_t bit_of(const Record& record) {
    const std::hash<std::string_view> hash;
    std::size_t mixed = static_cast<std::size_t>(record.kind);
    for (const std::string_view part :
         {record.app, record.timeline, record.conversation, record.message_id}) {
      mixed = mixed * 0x9E3779B97F4A7C15ULL + hash(part);
    }
    return (mixed ^ (mixed >> 32U)) % kBits;
  }
  bool contains(const std::optional<Record>& record) const {
    return record && bits_[bit_of(*record)];
  }
  void set(const Record& record) { bits_.set(bit_of(record)); }

  // Its body is shown only where there is a copy, and that is a write of its own. By its id
  // it is asked for only if it was there before.
  void add_change(const SaveMessage& w) {
    if (w.client_message_id.empty()) return;
    set(Record::sent(w.app, w.sender, w.client_message_id));
  }
  // Like RaiseStatus, if the copy exists already.
  void add_change(const SaveCopy& w) {
    set(Record::copy(w.app, w.timeline, w.conversation, w.message_id));
    set(Record::of_conversation(w.app, w.timeline, w.conversation));
  }
  void add_change(const SaveLastMessage& w) {
    set(Record::of_conversation(w.app, w.timeline, w.conversation));
  }
  // Part of a conversation's document, if it is of the last message.
  void add_change(const RaiseStatus& w) {
    set(Record::of_conversation(w.app, w.timeline, w.conversation));
  }
  void add_change(const PatchConversation& w) {
    set(Record::of_conversation(w.app, w.timeline, w.conversation));
  }
  void add_change(const SaveGroup& w) { set(Record::group(w.app, w.group)); }
  void add_change(const SaveInstance&) {}
  void add_change(const RemoveInstance&) {}
  void add_change(const RemoveGroup& w) { set(Record::group(w.app, w.group)); }
  // Of every timeline.
  void add_change(const RemoveConversations&) { bits_.set(); }
  void add_change(const RemoveMessages&) { bits_.set(); }
  void add_change(const SaveBlock&) {}
  void add_change(const RemoveBlock&) {}
  void add_change(const SetAside&) {}
  void add_change(const SaveLedgerPage&) {}
  void add_change(const RemoveLedgerPage&) {}

  std::bitset<kBits> bits_;
};

// A delivery whose topic and ids are valid, or why not.
struct Addressed {
  Topic topic;
  Handled refused;
};

Addressed address(const Delivery& delivery) {
  const auto topic = parse_topic(delivery.routing_key);
  if (!topic) return {{}, {Outcome::UnknownTopic, "the protocol knows no such topic"}};
  if (auto valid = validate(*topic); !valid) {
    return {*topic, {Outcome::InvalidId, valid.error().message}};
  }
  return {*topic, {}};
}

// The facts about what a delivery needs, null where it needs none.
struct Known {
  const Fact* by_topic = nullptr;
  const Fact* sent = nullptr;
};

const Fact* take_fact(const std::optional<Record>& record, std::span<const Fact>& facts) {
  if (!record) return nullptr;
  assert(!facts.empty() && "every record that needs() names has its fact");
  const Fact* fact = &facts.front();
  facts = facts.subspan(1);
  return fact;
}

// From the front of `facts`, in the order in which needs() names the records.
Known take_facts(const Needed& needed, std::span<const Fact>& facts) {
  Known known;
  known.by_topic = take_fact(needed.by_topic, facts);
  known.sent = take_fact(needed.sent, facts);
  return known;
}

// A message is published to the members of its group, again if publishing fails: before it is
// published to all of them they must not change.
bool changes_group(const Topic& topic) {
  return topic.kind == Topic::Kind::GroupUpdate || topic.kind == Topic::Kind::GroupDelete;
}

bool too_large(const Delivery& delivery, const Router::Options& options) {
  return delivery.omitted > 0 || delivery.body.size() > options.max_body_bytes;
}

Handled dispatch(Handling& handling) {
  switch (handling.topic.kind) {
    case Topic::Kind::Outgoing:
      return handle_outgoing(handling);
    case Topic::Kind::Delivered:
      return handle_delivered(handling);
    case Topic::Kind::Persist:
      return handle_persist(handling);
    case Topic::Kind::Receipt:
      return handle_receipt(handling);
    case Topic::Kind::ConversationPatch:
      return handle_conversation_patch(handling);
    case Topic::Kind::Archive:
      return handle_archive(handling);
    case Topic::Kind::Presence:
      return handle_presence(handling);
    case Topic::Kind::GroupUpdate:
      return handle_group_update(handling);
    case Topic::Kind::GroupDelete:
      return handle_group_delete(handling);
    case Topic::Kind::ConversationsDelete:
      return handle_conversations_delete(handling);
    case Topic::Kind::MessagesDelete:
      return handle_messages_delete(handling);
    case Topic::Kind::InstanceSave:
      return handle_instance_save(handling);
    case Topic::Kind::InstanceRemove:
      return handle_instance_remove(handling);
    case Topic::Kind::BlockSave:
      return handle_block_save(handling);
    case Topic::Kind::BlockRemove:
      return handle_block_remove(handling);
    case Topic::Kind::Fence:
      return handle_fence(handling);
  }
  return {Outcome::UnknownTopic, "a topic without a handler"};
}

// What was refused is kept for inspection, whole unless it was too large.
JsonWriter rejection(const Delivery& delivery, std::string_view app, const Handled& handled,
                     bool whole) {
  JsonWriter json;
  json.text("reason", to_string(handled.outcome))
      .text("detail", handled.detail)
      .text("routing_key", delivery.routing_key)
      .text("app_id", app)
      .number("body_bytes", static_cast<std::int64_t>(delivery.body.size() + delivery.omitted));
  if (!whole) return json;
  if (is_utf8(delivery.body)) {
    json.text("body", delivery.body);
  } else {
    std::string base64;
    append_base64(base64, delivery.body);
    json.text("body_base64", base64);
  }
  return json;
}

void reject(const Delivery& delivery, const Handled& handled, const Router::Options& options,
            Effects& out) {
  std::string_view app = app_of(delivery.routing_key);
  if (!validate_id("app", app) || app.size() > kMaxIds) app = "unknown";
  Arena& arena = out.arena;
  // A large body may come with another fault, which is found first.
  const bool whole = handled.outcome != Outcome::TooLarge && !too_large(delivery, options);
  out.publishes.push_back({.routing_key = rejected_key(arena, app),
                           .body = object_of(arena, rejection(delivery, app, handled, whole))});

  Event event;
  event.kind = Event::Kind::Rejected;
  event.app = app;
  event.routing_key = delivery.routing_key;
  event.body = delivery.body;
  event.outcome = handled.outcome;
  event.detail = arena.join({handled.detail});
  out.events.push_back(event);
}

}  // namespace

class Router::Impl {
 public:
  Impl(Options options, std::span<Policy* const> policies)
      : options_(options), policies_(policies.begin(), policies.end()), ids_(options.seed) {}

  void needs(std::span<const Delivery> deliveries, std::vector<Record>& out) const {
    for (const Delivery& delivery : deliveries) {
      const Needed needed = needed_for(delivery, address(delivery));
      if (needed.by_topic) out.push_back(*needed.by_topic);
      if (needed.sent) out.push_back(*needed.sent);
    }
  }

  std::size_t route(std::span<const Delivery> deliveries, std::span<const Fact> facts, Time now,
                    Effects& out) {
    ChangedRecords changed;
    bool has_read_group = false;
    std::size_t decided = 0;
    for (const Delivery& delivery : deliveries) {
      const Addressed addressed = address(delivery);
      const Needed needed = needed_for(delivery, addressed);
      if (changed.contains(needed) || (has_read_group && changes_group(addressed.topic))) break;
      has_read_group |= needed.by_topic && needed.by_topic->kind == Record::Kind::Group;
      const Known known = take_facts(needed, facts);
      const std::size_t written = out.writes.size();
      decide(delivery, addressed, known, now, out);
      ++decided;
      for (std::size_t i = written; i < out.writes.size(); ++i) changed.add(out.writes[i]);
      if (has_enough(out)) break;
    }
    return decided;
  }

  void set_aside(const Delivery& delivery, std::string_view why, Time now, Effects& out) {
    const Handled handled{Outcome::SetAside, std::string(why)};
    out.writes.emplace_back(SetAside{.routing_key = delivery.routing_key,
                                     .body = delivery.body,
                                     .reason = out.arena.join({why}),
                                     .time = now});
    reject(delivery, handled, options_, out);
    out.settled.push_back({.tag = delivery.tag, .outcome = handled.outcome});
  }

 private:
  bool has_enough(const Effects& out) const {
    return out.writes.size() + out.publishes.size() >= options_.max_effects ||
           out.arena.bytes() >= options_.max_effect_bytes;
  }

  Needed needed_for(const Delivery& delivery, const Addressed& addressed) const {
    if (!addressed.refused.done() || too_large(delivery, options_)) return {};
    return needed_by(addressed.topic, delivery);
  }

  void decide(const Delivery& delivery, const Addressed& addressed, const Known& known, Time now,
              Effects& out) {
    Handled handled = addressed.refused;
    if (handled.done()) {
      handled = handle(delivery, addressed.topic, known, now, out);
    }
    if (!handled.done() && handled.outcome != Outcome::Ignored) {
      reject(delivery, handled, options_, out);
    }
    out.settled.push_back({.tag = delivery.tag, .outcome = handled.outcome});
  }

  Handled handle(const Delivery& delivery, const Topic& topic, const Known& known, Time now,
                 Effects& out) {
    if (too_large(delivery, options_)) {
      return {Outcome::TooLarge,
              "the body has " + std::to_string(delivery.body.size() + delivery.omitted) +
                  " bytes, more than " + std::to_string(options_.max_body_bytes)};
    }
    Handling handling{.options = options_,
                      .policies = policies_,
                      .ids = ids_,
                      .body = body_,
                      .delivery = delivery,
                      .topic = topic,
                      .fact = known.by_topic,
                      .sent = known.sent,
                      .now = now,
                      .out = out};
    return dispatch(handling);
  }

  Options options_;
  std::vector<Policy*> policies_;
  MessageIds ids_;
  JsonObject body_;
};

Router::Router(Options options, std::span<Policy* const> policies)
    : impl_(std::make_unique<Impl>(options, policies)) {}

Router::~Router() = default;

void Router::needs(std::span<const Delivery> deliveries, std::vector<Record>& out) const {
  impl_->needs(deliveries, out);
}

std::size_t Router::route(std::span<const Delivery> deliveries, std::span<const Fact> facts,
                          Time now, Effects& out) {
  return impl_->route(deliveries, facts, now, out);
}

void Router::set_aside(const Delivery& delivery, std::string_view why, Time now, Effects& out) {
  impl_->set_aside(delivery, why, now, out);
}

}  // namespace chat21
