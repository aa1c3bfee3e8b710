#include "chat21/effects.h"

#include <cassert>

namespace chat21 {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::Done:
      return "done";
    case Outcome::Ignored:
      return "ignored";
    case Outcome::UnknownTopic:
      return "unknown-topic";
    case Outcome::InvalidId:
      return "invalid-id";
    case Outcome::Malformed:
      return "malformed";
    case Outcome::TooLarge:
      return "too-large";
    case Outcome::NotFound:
      return "not-found";
    case Outcome::Denied:
      return "denied";
    case Outcome::Conflict:
      return "conflict";
    case Outcome::SetAside:
      return "set-aside";
  }
  assert(false && "an Outcome without a name");
  return "unknown";
}

std::string_view to_string(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::MessageSent:
      return "message-sent";
    case Event::Kind::MessageDelivered:
      return "message-delivered";
    case Event::Kind::ReturnReceipt:
      return "message-return-receipt";
    case Event::Kind::ConversationArchived:
      return "conversation-archived";
    case Event::Kind::PresenceOnline:
      return "presence-online";
    case Event::Kind::PresenceOffline:
      return "presence-offline";
    case Event::Kind::GroupUpdated:
      return "group-updated";
    case Event::Kind::GroupDeleted:
      return "group-deleted";
    case Event::Kind::Rejected:
      return "message-rejected";
  }
  assert(false && "an Event::Kind without a name");
  return "unknown";
}

void Effects::clear() {
  births.clear();
  writes.clear();
  publishes.clear();
  settled.clear();
  events.clear();
  arena.clear();
}

}  // namespace chat21
