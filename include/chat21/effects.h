// What the Router wants done, as plain data: compare it, print it, replay it,
// cut it in two to see what a crash would leave.
//
// Effects are carried out in the order of the members of `Effects`. All views
// point into its arena or into the deliveries; they are valid until clear() and
// until the deliveries are settled, whichever comes first. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "chat21/arena.h"
#include "chat21/delivery.h"

namespace chat21 {

// Status of one copy of a message, as numbered on the wire.
enum class Status : std::int16_t {
  Failed = -100,
  Sending = 0,
  Sent = 100,
  Delivered = 150,
  Received = 200,
  ReturnReceipt = 250,
  Seen = 300,
};

// --- Writes -----------------------------------------------------------------
// A small closed set of changes to the Store. Each carries its guard, so that
// carrying it out twice, or late, does no harm; tests/contract checks every
// guard on every Store. In all of them `timeline` is whose copy it is and
// `conversation` the other side: a user id or a group id.

// Keeps what all copies of a message share. Guards: the first body of an
// (app, message_id) stays; and if another message has this (app, sender,
// client_message_id), that one stays and this is not saved. The copies of what is not
// saved are those of a missing message: shown without its fields. Where a body is
// removed, its client_message_id is free again.
struct SaveMessage {
  std::string_view app;
  std::string_view message_id;
  // A JSON object without _id, timelineOf, conversWith and status: those differ
  // per copy and are added when a document is assembled (document.h).
  std::string_view body;
  // Both, or both empty: who sent it, and the id by which the sender knows it, as the
  // body has it between its quotes.
  std::string_view sender{}, client_message_id{};
  friend bool operator==(const SaveMessage&, const SaveMessage&) = default;
};

// Puts a message into a timeline. Guard: one copy per (app, timeline,
// conversation, message_id), its status never goes down.
struct SaveCopy {
  std::string_view app, timeline, conversation, message_id;
  Status status = Status::Sent;
  // If not empty, this copy's body differs from the shared one (history that is
  // replayed to a new member carries marks). Guard: the first one stays.
  std::string_view own_body;
  friend bool operator==(const SaveCopy&, const SaveCopy&) = default;
};

// Makes a message that is in the timeline the last one of its conversation;
// creates the conversation if need be; marks it new and not archived. Guard: a
// last message is only replaced by one with the same or a later
// (time, message_id); new and not archived are applied in any case.
struct SaveLastMessage {
  std::string_view app, timeline, conversation, message_id;
  Time time{};  // when the server took the message
  friend bool operator==(const SaveLastMessage&, const SaveLastMessage&) = default;
};

// Guard: the status never goes down; a copy that does not exist is not created.
struct RaiseStatus {
  std::string_view app, timeline, conversation, message_id;
  Status status = Status::Received;
  friend bool operator==(const RaiseStatus&, const RaiseStatus&) = default;
};

// Guard: a conversation that does not exist is not created.
struct PatchConversation {
  std::string_view app, timeline, conversation;
  std::optional<bool> is_new;
  std::optional<bool> archived;
  friend bool operator==(const PatchConversation&, const PatchConversation&) = default;
};

// Creates or replaces a group. Guard: a document that was changed later
// (`updated_on`) is not replaced; the same time replaces.
struct SaveGroup {
  std::string_view app, group;
  std::string_view body;        // the group's JSON document, without _id; its members
                                // are the keys of the object "members"
  std::int64_t updated_on = 0;  // milliseconds since 1970
  friend bool operator==(const SaveGroup&, const SaveGroup&) = default;
};

// Creates or replaces the push instance (app, instance).
struct SaveInstance {
  std::string_view app, instance;
  std::string_view user;
  std::string_view body;  // the instance's JSON document, without _id
  friend bool operator==(const SaveInstance&, const SaveInstance&) = default;
};

// Guard: removing an instance that does not exist is no error.
struct RemoveInstance {
  std::string_view app, instance;
  friend bool operator==(const RemoveInstance&, const RemoveInstance&) = default;
};

// Guard: a group that was changed later (`updated_on`) stays; removing one that does
// not exist is no error.
struct RemoveGroup {
  std::string_view app, group;
  std::int64_t updated_on = 0;  // milliseconds since 1970
  friend bool operator==(const RemoveGroup&, const RemoveGroup&) = default;
};

// Removes the conversations with `conversation` from all timelines; the messages stay.
struct RemoveConversations {
  std::string_view app, conversation;
  friend bool operator==(const RemoveConversations&, const RemoveConversations&) = default;
};

// Removes the copies of `conversation` from all timelines, and the shared bodies of
// which no copy is left. The conversations stay.
struct RemoveMessages {
  std::string_view app, conversation;
  friend bool operator==(const RemoveMessages&, const RemoveMessages&) = default;
};

// `user` wants no messages of `blocked`. Guard: blocking twice is no error.
struct SaveBlock {
  std::string_view app, user, blocked;
  friend bool operator==(const SaveBlock&, const SaveBlock&) = default;
};

// Guard: removing a block that does not exist is no error.
struct RemoveBlock {
  std::string_view app, user, blocked;
  friend bool operator==(const RemoveBlock&, const RemoveBlock&) = default;
};

// Keeps what could not be carried out, for people to look at (History::set_aside). Each one
// is another entry, equal ones too.
struct SetAside {
  std::string_view routing_key, body;  // as they arrived; any bytes
  std::string_view reason;             // for people
  Time time{};                         // when
  friend bool operator==(const SetAside&, const SetAside&) = default;
};

// A page of an Observer's ledger: which deliveries of one batch have become which messages
// (docs/decisions/0013). The text is the Observer's affair. Guard: the last one with this
// (ledger, page) counts.
struct SaveLedgerPage {
  std::string_view ledger;  // whose: observers that share a store have different ones
  std::uint64_t page = 0;
  std::string_view text;
  friend bool operator==(const SaveLedgerPage&, const SaveLedgerPage&) = default;
};

// Guard: removing a page that does not exist is no error.
struct RemoveLedgerPage {
  std::string_view ledger;
  std::uint64_t page = 0;
  friend bool operator==(const RemoveLedgerPage&, const RemoveLedgerPage&) = default;
};

using Write =
    std::variant<SaveMessage, SaveCopy, SaveLastMessage, RaiseStatus, PatchConversation, SaveGroup,
                 SaveInstance, RemoveInstance, RemoveGroup, RemoveConversations, RemoveMessages,
                 SaveBlock, RemoveBlock, SetAside, SaveLedgerPage, RemoveLedgerPage>;

// --- Publishes --------------------------------------------------------------

struct Publish {
  std::string_view routing_key;  // at most 255 bytes
  std::string_view body;
  friend bool operator==(const Publish&, const Publish&) = default;
};

// --- Events -----------------------------------------------------------------
// What happened, for logs, metrics, webhooks and analytics. Fields that an
// event does not have are empty.
struct Event {
  enum class Kind : std::uint8_t {
    MessageSent,           // the status 100 copy: the sender's, or the group's own
    MessageDelivered,      // a status 150 copy
    ReturnReceipt,         // `user` has received `message_id` of `conversation`
    ConversationArchived,  // by `user`
    PresenceOnline,        // `user`, from client `client`
    PresenceOffline,
    GroupUpdated,  // `conversation` is the group
    GroupDeleted,  //   "
    Rejected,      // see `outcome` and `detail`
  };
  Kind kind = Kind::MessageSent;
  std::string_view app;
  std::string_view user;  // whose inbox, timeline or presence
  std::string_view conversation;
  std::string_view message_id;
  std::string_view client;
  std::string_view routing_key;  // what was published, or for Rejected what arrived
  std::string_view body;         // likewise
  Outcome outcome = Outcome::Done;
  std::string_view detail;  // for people: what was wrong, where
  friend bool operator==(const Event&, const Event&) = default;
};

// "message-sent", "message-rejected", ...: the names webhooks use.
std::string_view to_string(Event::Kind kind);

// A delivery that has become a message by one of the writes, and that only this tells from
// another one with the same bytes: it has no client_message_id.
struct Birth {
  Tag tag = 0;
  std::string_view message_id;
  friend bool operator==(const Birth&, const Birth&) = default;
};

struct Effects {
  std::vector<Birth> births;       // 0. the Observer adds them to the writes, in its ledger
  std::vector<Write> writes;       // 1. Store::apply, all or none
  std::vector<Publish> publishes;  // 2. Transport::publish, returns once confirmed
  std::vector<Event> events;       // 3. told to the listener
  std::vector<Settle> settled;     // 4. Transport::settle; earlier, a crash would lose messages
  Arena arena;

  void clear();
};

}  // namespace chat21
