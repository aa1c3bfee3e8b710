// The judge of a simulated world: sees what the broker and the store see, and says what
// must not be.
//
// A text stands for a message: all texts differ, but for those that a sender sends again
// to the same conversation on purpose. Those cannot be told apart by anybody, so they are
// counted; all others are followed one by one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "chat21/history.h"
#include "chat21/store.h"

#include "lib/testing/simulation/broker.h"

namespace chat21::testing {

// What a client got.
struct Received {
  std::string owner, conversation, message_id;
};

class Judge final : public BrokerWatcher {
 public:
  struct Counts {
    std::size_t accepted = 0, stored = 0, received = 0, losses = 0;
    // Equal texts: two that were sent and are one, one that was sent and is two.
    std::size_t merged = 0, doubled = 0;
  };

  Judge(const Fate& fate, History& history) : fate_(fate), history_(history) {}
  void attach(const Broker& broker) { broker_ = &broker; }
  // Who wants to know what clients receive.
  void on_received(std::function<void(Received)> tell) { tell_ = std::move(tell); }
  // Instead of the history's, if it knows better (to break the guard of the store).
  using StatusOf = std::function<const Status*(const std::string& copy)>;
  void ask_status(StatusOf status_of) { status_of_ = std::move(status_of); }

  // The broker has accepted a message of `sender` to `recipient`.
  struct Draft {
    std::string sender, recipient, text;
    bool is_repeatable = false;  // the same text may be sent on purpose
    bool has_own_id = false;     // client_message_id: sent again it is the same message
  };
  void accepted(LetterNumber letter, const Draft& draft);
  // The store has committed.
  void applied(std::span<const Write> writes);

  // BrokerWatcher
  void published(std::string_view routing_key, std::string_view body) override;
  void losing(const Connection& connection) override;
  void settling(LetterNumber letter, Outcome outcome) override;

  // Everything has drained: is all as promised?
  void finish();
  const Counts& counts() const { return counts_; }

 private:
  // What may happen to equal messages.
  struct Allowance {
    std::size_t merge = 0;  // how many may have been taken for another
    std::size_t twice = 0;  // stored again
    std::size_t miss = 0;   // have arrived as another
  };
  // The most for each connection that was lost, however often that is told.
  class Allowances {
   public:
    void raise(std::size_t loss, const Allowance& to);
    Allowance total() const;

   private:
    std::map<std::size_t, Allowance> by_loss_;
  };
  struct Text {
    Draft draft;
    std::vector<LetterNumber> letters;
    std::vector<std::string> ids;  // of the messages that it has become
    Allowances may;
  };
  struct Copy {
    std::string timeline, conversation;
    Status status = Status::Sent;
    bool is_written = false;
    std::size_t received = 0;
    bool has_left = false;  // the group, before it was received
  };
  struct Message {
    Text* text = nullptr;
    std::string body;  // as stored
    bool is_stored = false;
    std::vector<Copy> copies;  // that there must be
    // Of ledgers: those that have it. A later page may go before an earlier one.
    std::set<std::pair<std::string, std::uint64_t>> pages;
  };

  struct Group {
    std::vector<std::string> members;
    std::int64_t updated_on = 0;
  };

  Text& text_of(std::string_view body);
  // Null where the message does not belong.
  static Copy* copy_in(Message& message, std::string_view timeline, std::string_view conversation);
  void save(const SaveMessage& write);
  void save(const SaveCopy& write);
  void save(const SaveLastMessage& write) { expected_copy(write); }
  void save(const SaveGroup& write);
  void save(const SaveLedgerPage& write);
  void save(const RemoveLedgerPage& write);
  void save(const RaiseStatus& write) { check_status(write); }
  template <class Other>
  void save(const Other&) {}
  // Where the message belongs; a violation if it does not.
  template <class Write>
  Copy& expected_copy(const Write& write);
  template <class Write>
  void check_status(const Write& write);
  Status status_now(const Copy& copy, const std::string& id) const;
  void receive(std::string_view owner, std::string_view conversation, std::string_view body);
  void check_order(const Text& text, const std::string& owner);
  void check_message(const std::string& id, const Message& message) const;
  void check_text(const Text& text);
  void check_arrivals(const Text& text) const;
  void check_timelines();

  const Fate& fate_;
  History& history_;
  const Broker* broker_ = nullptr;
  std::function<void(Received)> tell_;
  StatusOf status_of_;
  std::map<std::string, Text, std::less<>> texts_;
  std::vector<Text*> repeatable_;
  std::set<std::size_t> lost_;                         // connections
  std::unordered_map<std::string, Message> messages_;  // by id
  std::map<std::string, Group, std::less<>> groups_;
  std::map<std::pair<std::string, std::string>, LetterNumber> last_received_;
  Counts counts_;
};

}  // namespace chat21::testing
