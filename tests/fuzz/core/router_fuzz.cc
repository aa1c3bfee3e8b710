#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "chat21/document.h"
#include "chat21/json.h"
#include "chat21/router.h"
#include "chat21/topic.h"

#include "tests/fuzz/core/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {
namespace {

constexpr Time kNow{std::chrono::milliseconds(1760000000456)};
constexpr std::size_t kMostDeliveries = 6;

// What the Store would know, if it knew everything that is asked for.
std::string_view document_for(const Record& record) {
  switch (record.kind) {
    case Record::Kind::Group:
      return R"({"uid":"group-1","members":{"u1":1,"u\u0032":1,"a.b":1}})";
    case Record::Kind::Conversation:
      return R"({"_id":"a","text":"hi","archived":false,"is_new":true})";
    case Record::Kind::Copy:
      return {};
    case Record::Kind::Sent:
      return R"({"text":"hi","client_message_id":"c1","message_id":"m1","sender":"u1",)"
             R"("recipient":"u2","app_id":"tilechat","timestamp":1})";
    case Record::Kind::Message:
      return R"({"text":"hi","message_id":"m1","sender":"u1","recipient":"u2",)"
             R"("app_id":"tilechat","timestamp":1})";
    case Record::Kind::Ledger:
      return {};
  }
  return {};
}

// A delivery with what the Store has for it.
struct Case {
  Delivery delivery;
  std::vector<Record> needs;
  std::vector<Fact> facts;  // of `needs`
};

Case read_case(std::string_view item, Tag tag, const Router& router) {
  Case read;
  std::string_view message = take_until(item, kBetweenParts);
  read.delivery.tag = tag;
  read.delivery.routing_key = take_until(message, '\n');
  read.delivery.body = message;
  read.delivery.known_as = take_until(item, kBetweenParts);
  read.delivery.redelivered = !read.delivery.known_as.empty();
  router.needs({&read.delivery, 1}, read.needs);
  for (const Record& record : read.needs) {
    const bool given = !item.empty();
    const std::string_view document =
        given ? take_until(item, kBetweenParts) : document_for(record);
    read.facts.push_back({.found = !given || !document.empty(), .document = document});
  }
  return read;
}

void check_json(std::string_view body) {
  JsonObject object;
  promise(object.parse(body).has_value(), "a published body is a JSON object");
}

void check_publish(const Publish& publish, bool service) {
  promise(publish.routing_key.size() <= kMaxRoutingKey,
          "a published key fits: " + std::string(publish.routing_key));
  check_json(publish.body);
  const std::string_view key = publish.routing_key;
  // Nobody but an observer may have reason to publish it.
  promise(is_from_observer(key), "a published key is an observer's");
  if (key.starts_with("observer.rejected.apps.")) return;
  promise(key.starts_with("apps.") || key.starts_with(".apps."), "a published key is an inbox's");
  promise(service || key.find(".client") != std::string_view::npos, "an inbox key has its verb");
  // What we publish must not come back to us: a loop would never end.
  promise(!parse_topic(key), "a published key is none that we consume");
  promise(!is_for_observer(app_of(key), key), "a published key is for no queue of ours");
}

void check_id(std::string_view what, std::string_view id) {
  promise(validate_id(what, id).has_value(), std::string(what) + " is a valid id");
}

struct CheckWrite {
  void operator()(const SaveMessage& write) const {
    check_json(write.body);
    check_id("message id", write.message_id);
    promise(write.sender.empty() == write.client_message_id.empty(),
            "a client_message_id is a sender's");
    if (!write.sender.empty()) check_id("sender", write.sender);
    promise(write.client_message_id.size() <= kMaxClientMessageId, "a client_message_id is short");
    check_json(message_document({.app = write.app,
                                 .timeline = "a",
                                 .conversation = "b",
                                 .message_id = write.message_id,
                                 .status = Status::Sent,
                                 .body = write.body}));
  }
  void operator()(const SaveCopy& write) const {
    check_id("timeline", write.timeline);
    check_id("conversation", write.conversation);
    if (!write.own_body.empty()) check_json(write.own_body);
  }
  void operator()(const SaveLastMessage& write) const { check_id("timeline", write.timeline); }
  void operator()(const RaiseStatus& write) const { check_id("timeline", write.timeline); }
  void operator()(const PatchConversation& write) const { check_id("timeline", write.timeline); }
  void operator()(const SaveGroup& write) const {
    check_id("group", write.group);
    check_json(write.body);
  }
  void operator()(const RemoveGroup& write) const { check_id("group", write.group); }
  void operator()(const SaveInstance& write) const {
    promise(validate_instance_id(write.instance).has_value(), "ids of instances are valid");
    check_id("user", write.user);
    check_json(write.body);
  }
  void operator()(const RemoveInstance& write) const {
    promise(validate_instance_id(write.instance).has_value(), "ids of instances are valid");
  }
  void operator()(const RemoveConversations& write) const {
    check_id("conversation", write.conversation);
  }
  void operator()(const RemoveMessages& write) const {
    check_id("conversation", write.conversation);
  }
  void operator()(const SetAside&) const { promise(false, "route() sets nothing aside"); }
  void operator()(const SaveLedgerPage&) const { promise(false, "the ledger is the Observer's"); }
  void operator()(const RemoveLedgerPage&) const { promise(false, "the ledger is the Observer's"); }
  void operator()(const SaveBlock& write) const { check_block(write.user, write.blocked); }
  void operator()(const RemoveBlock& write) const { check_block(write.user, write.blocked); }

 private:
  static void check_block(std::string_view user, std::string_view blocked) {
    check_id("user", user);
    check_id("blocked", blocked);
    promise(user != blocked, "nobody blocks himself");
  }
};

// A message that a repeat is to find again is one that is written, by who sends it.
void check_births(const Effects& effects, std::span<const Case> cases) {
  Tag last = 0;
  for (const Birth& birth : effects.births) {
    promise(birth.tag > last, "births are in the order of the deliveries, one each at the most");
    last = birth.tag;
    const Delivery& of = cases[birth.tag - 1].delivery;
    const auto topic = parse_topic(of.routing_key);
    promise(topic && topic->kind == Topic::Kind::Outgoing, "only who sends makes a message");
    const bool is_written =
        std::any_of(effects.writes.begin(), effects.writes.end(), [&](const Write& write) {
          const auto* saved = std::get_if<SaveMessage>(&write);
          return saved != nullptr && saved->message_id == birth.message_id &&
                 saved->client_message_id.empty();
        });
    promise(is_written, "a birth is of a message that is written");
  }
}

void check_effects(const Effects& effects, std::span<const Case> cases) {
  promise(effects.settled.size() == cases.size(), "a delivery is settled exactly once");
  bool service = false;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    promise(effects.settled[i].tag == cases[i].delivery.tag, "deliveries are settled in order");
    service |= cases[i].delivery.routing_key.starts_with("apps.observer.");
  }
  for (const Publish& publish : effects.publishes) {
    check_publish(publish, service);
    const bool inside = std::any_of(cases.begin(), cases.end(), [&](const Case& one) {
      const std::string_view app = app_of(one.delivery.routing_key);
      return publish.routing_key == "observer.rejected.apps.unknown" ||
             publish.routing_key == "observer.rejected.apps." + std::string(app) ||
             app_of(publish.routing_key) == app;
    });
    promise(inside, "what is published stays inside the app");
  }
  for (const Write& write : effects.writes) std::visit(CheckWrite{}, write);
  check_births(effects, cases);
}

void check_alone(const Case& one, const Effects& effects) {
  for (std::size_t i = 0; i < one.needs.size(); ++i) {
    if (!one.facts[i].found) continue;
    promise(one.needs[i].kind != Record::Kind::Sent || effects.writes.empty(),
            "what is stored is not stored again");
    // Another message with the same bytes has an id of its own.
    if (one.needs[i].kind != Record::Kind::Message) continue;
    for (const Birth& birth : effects.births) {
      promise(birth.message_id != one.delivery.known_as, "a new message has a new id");
    }
  }
}

// As many at once as the Router likes.
void route_together(Router& router, std::span<const Case> cases, Effects& effects) {
  std::vector<Delivery> deliveries;
  std::vector<Fact> facts;
  for (const Case& one : cases) {
    deliveries.push_back(one.delivery);
    facts.insert(facts.end(), one.facts.begin(), one.facts.end());
  }
  std::span<const Delivery> left = deliveries;
  std::span<const Fact> known = facts;
  while (!left.empty()) {
    const std::size_t decided = router.route(left, known, kNow, effects);
    promise(decided > 0 && decided <= left.size(), "at least one delivery is decided");
    for (const Case& one : cases.subspan(cases.size() - left.size(), decided)) {
      known = known.subspan(one.facts.size());
    }
    left = left.subspan(decided);
  }
}

}  // namespace

void fuzz_router(std::string_view input) {
  // Small limits, so that inputs reach them.
  const Router::Options options{
      .seed = 1, .max_inline_members = 64, .max_inline_bytes = 64U << 10U, .max_effects = 64};
  Router alone(options);
  std::vector<Case> cases;
  for (const std::string_view item : split(input, kBetweenItems)) {
    if (cases.size() == kMostDeliveries) break;
    cases.push_back(read_case(item, cases.size() + 1, alone));
  }
  Effects effects;
  for (const Case& one : cases) {
    promise(alone.route({&one.delivery, 1}, one.facts, kNow, effects) == 1,
            "one delivery is decided");
    if (cases.size() == 1) check_alone(one, effects);
  }
  check_effects(effects, cases);
  if (cases.size() == 1) return;

  Router router(options);
  Effects together;
  route_together(router, cases, together);
  promise(together.writes == effects.writes && together.publishes == effects.publishes &&
              together.events == effects.events && together.settled == effects.settled &&
              together.births == effects.births,
          "a batch is decided as its deliveries are");
}

}  // namespace chat21::tests
