// Topics: the routing keys of the protocol, parsed and built.
//
// docs/PROTOCOL.md ("Topics") has the grammar. Routing keys are in AMQP form
// (dots); MQTT clients see slashes. Pure functions, safe from any thread; views
// point into what was passed in or into the arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "chat21/arena.h"
#include "chat21/result.h"

namespace chat21 {

// A short string of AMQP 0-9-1 has a one-byte length.
inline constexpr std::size_t kMaxRoutingKey = 255;

// |app| + |user| + |other user or group|, in bytes, at the most: then every key
// that is derived from the three, the receipt with its 36-byte message id being
// the longest, fits into kMaxRoutingKey.
inline constexpr std::size_t kMaxIds = 182;

// A message id in bytes, at the most: that of a UUID's text form.
inline constexpr std::size_t kMaxMessageId = 36;

// The id of a push instance in bytes, at the most.
inline constexpr std::size_t kMaxInstanceId = 1024;

// The id by which a sender knows a message, in bytes as it is written in JSON, at the most.
inline constexpr std::size_t kMaxClientMessageId = 64;

// In which of the accepted orders of levels a message was sent. It is delivered
// in the same one.
enum class Form : std::uint8_t {
  Current,      // apps.{app}.outgoing.users.{me}.messages.{to}.outgoing
  Legacy,       // apps.{app}.users.{me}.messages.{to}.outgoing, delivered as Current
  Readme,       // apps.{app}.users.{me}.{to}.messages.outgoing
  ReadmeSlash,  // the same with an empty first level: MQTT topic "/apps/..."
};

struct Topic {
  enum class Kind : std::uint8_t {
    Outgoing,           // user sends to conversation, in `form`
    Delivered,          // history for user's timeline
    Persist,            // a copy for user's timeline, written by another observer
    Receipt,            // user tells about message `id` of conversation
    ConversationPatch,  // user changes an own conversation
    Archive,            // user archives an own conversation
    Presence,           // user's client `id`
    // Orders of services, under apps.observer.{app}: what each says is in its body.
    // They stay the last kinds.
    GroupUpdate,          // a group is new or has changed
    GroupDelete,          // a group is no more
    ConversationsDelete,  // forget the conversations with somebody, everybody's
    MessagesDelete,       // forget the messages of a conversation, everybody's
    InstanceSave,         // a device wants push notifications
    InstanceRemove,
    BlockSave,  // a user blocks another
    BlockRemove,
    Fence,  // tell when all that was sent before has been carried out
  };
  Kind kind = Kind::Outgoing;
  Form form = Form::Current;
  std::string_view app;
  std::string_view user;
  std::string_view conversation;
  std::string_view id;
  friend bool operator==(const Topic&, const Topic&) = default;
};

// The topic of a delivery, or nothing if the protocol knows no such key. The
// whole key is matched: apps.{app}.users.{me}.groups.update is not a group
// update. Ids are not judged here.
std::optional<Topic> parse_topic(std::string_view routing_key);

// Whether every id of the topic is valid and all derived keys fit; "observer" is
// no app, it begins the services' own keys. The error (InvalidArgument) names the
// level and the rule.
Result<> validate(const Topic& topic);

// An id is not empty, valid UTF-8, without control characters and without
// . / + # * % (levels, wildcards, scopes of tokens), and does not begin with $
// (reserved by MQTT 3.1.1 §4.7.2 and by document stores). `what` names the id in
// the error.
Result<> validate_id(std::string_view what, std::string_view id);

// A valid id of at most kMaxMessageId bytes.
Result<> validate_message_id(std::string_view id);

// The id of a push instance is a push service's token and part of no key: 1 to
// kMaxInstanceId bytes of valid UTF-8 without control characters, otherwise free.
Result<> validate_instance_id(std::string_view id);

// 1 to kMaxClientMessageId bytes, otherwise free: it is part of no key.
Result<> validate_client_message_id(std::string_view written);

// The app of a routing key of any kind, for bookkeeping; empty if there is none.
std::string_view app_of(std::string_view routing_key);

// Whether an observer of `app` takes messages with this key: exactly what the bindings
// of its queues at RabbitMQ match (rabbitmq.h), for brokers without such queues. Also
// keys that parse_topic() does not know, such as apps.{app}.users.{me}.groups.update,
// so that they are rejected visibly.
bool is_for_observer(std::string_view app, std::string_view routing_key);

// Whether only an observer, of any app, has reason to publish this key: what arrives in
// inboxes (clientadded, clientupdated, clientdeleted), answers to fences, what was
// rejected. A broker refuses it to everybody else, so that nobody forges a message in
// an inbox, not even in the own one, where other programs would take it for genuine.
bool is_from_observer(std::string_view routing_key);

// Every recipient whose id contains "group-" is a group.
bool is_group_id(std::string_view id);

// --- Keys that are published --------------------------------------------------

std::string_view outgoing_key(Arena& arena, std::string_view app, std::string_view sender,
                              std::string_view recipient, Form form = Form::Current);
// A message in `owner`'s inbox.
std::string_view message_added_key(Arena& arena, std::string_view app, std::string_view owner,
                                   std::string_view conversation, Form form = Form::Current);
// The status of a message in `owner`'s inbox has changed.
std::string_view message_updated_key(Arena& arena, std::string_view app, std::string_view owner,
                                     std::string_view conversation, std::string_view message_id);
std::string_view conversation_updated_key(Arena& arena, std::string_view app,
                                          std::string_view owner, std::string_view conversation);
std::string_view conversation_deleted_key(Arena& arena, std::string_view app,
                                          std::string_view owner, std::string_view conversation);
std::string_view archived_conversation_added_key(Arena& arena, std::string_view app,
                                                 std::string_view owner,
                                                 std::string_view conversation);
std::string_view group_updated_key(Arena& arena, std::string_view app, std::string_view member,
                                   std::string_view group);
// Kept for inspection: what could not be processed.
std::string_view rejected_key(Arena& arena, std::string_view app);

// --- Keys that services and clients publish -------------------------------------

std::string_view archive_key(Arena& arena, std::string_view app, std::string_view user,
                             std::string_view conversation);
std::string_view delivered_key(Arena& arena, std::string_view app, std::string_view owner,
                               std::string_view conversation);
std::string_view persist_key(Arena& arena, std::string_view app, std::string_view owner,
                             std::string_view conversation);
std::string_view receipt_key(Arena& arena, std::string_view app, std::string_view user,
                             std::string_view conversation, std::string_view message_id);
std::string_view conversation_patch_key(Arena& arena, std::string_view app, std::string_view user,
                                        std::string_view conversation);
std::string_view presence_key(Arena& arena, std::string_view app, std::string_view user,
                              std::string_view client);
// apps.observer.{app}.groups.update and the like. `kind` is one of the orders of
// services, GroupUpdate to Fence.
std::string_view order_key(Arena& arena, std::string_view app, Topic::Kind kind);

// Where the answer to a Fence arrives: apps.{app}.users.{inbox}.fence.{token}. The
// two are ids; with the app they have at most kMaxIds bytes.
std::string_view fence_key(Arena& arena, std::string_view app, std::string_view inbox,
                           std::string_view token);

}  // namespace chat21
