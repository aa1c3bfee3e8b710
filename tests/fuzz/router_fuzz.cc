#include "tests/fuzz/router_fuzz.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "chat21/document.h"
#include "chat21/json.h"
#include "chat21/router.h"
#include "chat21/topic.h"

namespace chat21::tests {
namespace {

void promise(bool kept, std::string_view what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

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
  }
  return {};
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
  if (key.starts_with("observer.rejected.apps.")) return;
  promise(key.starts_with("apps.") || key.starts_with(".apps."), "a published key is an inbox's");
  promise(service || key.find(".client") != std::string_view::npos, "an inbox key has its verb");
  // What we publish must not come back to us: a loop would never end.
  promise(!parse_topic(key), "a published key is none that we consume");
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
  void operator()(const SaveBlock& write) const { check_block(write.user, write.blocked); }
  void operator()(const RemoveBlock& write) const { check_block(write.user, write.blocked); }

 private:
  static void check_block(std::string_view user, std::string_view blocked) {
    check_id("user", user);
    check_id("blocked", blocked);
    promise(user != blocked, "nobody blocks himself");
  }
};

}  // namespace

void route_stranger(std::string_view input) {
  const std::size_t end_of_key = input.find('\n');
  const Delivery delivery{.tag = 1,
                          .routing_key = input.substr(0, end_of_key),
                          .body = end_of_key == std::string_view::npos
                                      ? std::string_view()
                                      : input.substr(end_of_key + 1)};
  Router router({.seed = 1});
  std::vector<Record> records;
  router.needs({&delivery, 1}, records);
  std::vector<Fact> facts;
  for (const Record& record : records) {
    facts.push_back({.found = true, .document = document_for(record)});
  }
  Effects effects;
  const Time now{std::chrono::milliseconds(1760000000456)};
  promise(router.route({&delivery, 1}, facts, now, effects) == 1, "one delivery is decided");
  promise(effects.settled.size() == 1 && effects.settled[0].tag == 1,
          "a delivery is settled exactly once");
  for (const Record& record : records) {
    promise(record.kind != Record::Kind::Sent || effects.writes.empty(),
            "what is stored is not stored again");
  }
  const bool service = delivery.routing_key.starts_with("apps.observer.");
  for (const Publish& publish : effects.publishes) check_publish(publish, service);
  for (const Write& write : effects.writes) std::visit(CheckWrite{}, write);
}

}  // namespace chat21::tests
