// Store: the side of the storage that the routing loop uses.
//
// One Store belongs to one Observer and is used from its thread only. The read
// side for everybody else is History.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "chat21/effects.h"
#include "chat21/result.h"

namespace chat21 {

// The name of something the Router wants to know before it decides.
struct Record {
  enum class Kind : std::uint8_t { Group, Conversation, Copy, Sent, Message, Ledger };
  Kind kind = Kind::Group;
  std::string_view app;           // empty for a ledger
  std::string_view timeline;      // empty for a group and a message, the sender of what was sent
  std::string_view conversation;  // a group's id, a ledger's name, empty for messages
  std::string_view message_id;    // of a copy or message, or the client_message_id of what was sent

  static Record group(std::string_view app, std::string_view group) {
    return {Kind::Group, app, {}, group, {}};
  }
  static Record of_conversation(std::string_view app, std::string_view timeline,
                                std::string_view conversation) {
    return {Kind::Conversation, app, timeline, conversation, {}};
  }
  static Record copy(std::string_view app, std::string_view timeline, std::string_view conversation,
                     std::string_view message_id) {
    return {Kind::Copy, app, timeline, conversation, message_id};
  }
  // The message that has these in its SaveMessage.
  static Record sent(std::string_view app, std::string_view sender,
                     std::string_view client_message_id) {
    return {Kind::Sent, app, sender, {}, client_message_id};
  }
  static Record message(std::string_view app, std::string_view message_id) {
    return {Kind::Message, app, {}, {}, message_id};
  }
  static Record of_ledger(std::string_view ledger) { return {Kind::Ledger, {}, {}, ledger, {}}; }
  friend bool operator==(const Record&, const Record&) = default;
};

// What the Store knows about a Record.
struct Fact {
  bool found = false;
  // Group: its document as saved. Conversation: its document as assembled by
  // conversation_document(). Copy: empty. Sent, Message: its SaveMessage::body. Ledger: the
  // texts of its pages in the order of their numbers, one behind the other; found if there
  // is a page.
  std::string_view document;
  friend bool operator==(const Fact&, const Fact&) = default;
};

class Store {
 public:
  virtual ~Store() = default;

  // One Fact per Record, in the same order, all of one point in time. Valid
  // until the next call of any method.
  // Errors: Unavailable (busy, disk), Corrupt.
  virtual Result<std::span<const Fact>> fetch(std::span<const Record> records) = 0;

  // Carries out all writes, in order, or none. When it returns without an error
  // they survive what the Store's durability setting promises.
  // Errors: Unavailable (busy, disk full), Corrupt.
  virtual Result<> apply(std::span<const Write> writes) = 0;
};

}  // namespace chat21
