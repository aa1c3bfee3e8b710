// A broker of a simulated world: queues, connections, and what gets lost between.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/transport.h"

#include "lib/testing/simulation/fate.h"

namespace chat21::testing {

// What the broker has accepted for an observer.
struct Letter {
  std::string routing_key, body;
  std::size_t queue = 0;
  bool delivered = false;  // handed out before, on whatever connection, or thought to be
  bool settling = false;   // the observer has called it done, perhaps unheard
  bool done = false;       // and the broker has heard it
  bool was_late = false;   // was out on a connection that its observer had given up
};
using LetterNumber = std::size_t;

// One observer's connection, to one queue.
struct Connection {
  struct Out {
    Tag tag = 0;
    LetterNumber letter = 0;
    bool redelivered = false;
    bool received = false;  // an earlier receive() has returned it
    bool settled = false;   // on this side
  };
  std::size_t number = 0;  // of all that there ever were
  std::size_t queue = 0;
  std::deque<Out> out;  // what the broker waits for
  Tag next_tag = 1;
  Tag settled = 0;          // on its way
  Tag heard = 0;            // by the broker
  Tag known_as_heard = 0;   // and here
  std::size_t repeats = 0;  // redelivered, and received
  bool recovered = false;
  bool is_half_open = false;  // nobody is at this end
  bool is_closed = false;     // by the broker
};

// Told what happens, as the broker sees it.
class BrokerWatcher {
 public:
  virtual ~BrokerWatcher() = default;
  virtual void published(std::string_view routing_key, std::string_view body) = 0;
  // Before what was out on this connection goes back, or is out of reach; and again when more
  // has happened before both sides know.
  virtual void losing(const Connection& connection) = 0;
  virtual void settling(LetterNumber letter, Outcome outcome) = 0;
};

class Broker {
 public:
  Broker(Fate& fate, BrokerWatcher& watcher, std::size_t queues, std::size_t prefetch,
         bool single_active)
      : fate_(fate),
        watcher_(watcher),
        queues_(queues),
        prefetch_(prefetch),
        single_active_(single_active) {}

  LetterNumber accept(std::size_t queue, std::string routing_key, std::string body);
  const Letter& letter(LetterNumber number) const { return letters_[number]; }
  std::size_t letters() const { return letters_.size(); }
  // Whether it will be handed out, again or for the first time.
  bool comes_again(LetterNumber number) const;
  std::size_t queues() const { return queues_.size(); }
  void block_publishers(bool blocked) { blocked_ = blocked; }
  bool blocks_publishers() const { return blocked_; }

  // Some of what can happen at the broker without anybody's doing.
  void go_on();
  // All of it.
  void settle_down();
  // It is killed, and comes back with its queues. It does not know any more what was handed out,
  // and marks all as redelivered.
  void restart();
  // Whether nothing waits and nothing is out.
  bool is_idle() const;

  // --- For a Link ---
  std::shared_ptr<Connection> connect(std::size_t queue, Tag next_tag);
  // Its observer will not use it any more; perhaps the broker does not notice.
  void abandon(Connection& connection);
  void push(Connection& connection, std::size_t most);
  void call_done(LetterNumber letter) { letters_[letter].settling = true; }
  void lose(const Connection& connection) { watcher_.losing(connection); }
  void settle(Connection& connection, std::span<const Settle> settled);
  void hear(Connection& connection, Tag up_to);
  bool is_recovered(const Connection& connection) const;
  void publish(const Publish& publish) { watcher_.published(publish.routing_key, publish.body); }
  Tag some_tag(Tag from, Tag to) { return from + fate_.below(to - from + 1); }

 private:
  bool is_active(const Connection& connection) const;
  void close(Connection& connection);

  Fate& fate_;
  BrokerWatcher& watcher_;
  std::deque<Letter> letters_;
  std::vector<std::set<LetterNumber>> queues_;            // in the order of their arrival
  std::vector<std::shared_ptr<Connection>> connections_;  // not closed, the oldest first
  std::size_t connected_ = 0;                             // how often
  std::size_t prefetch_;
  bool single_active_;
  bool blocked_ = false;
};

// An observer's Transport to it.
class Link final : public Transport {
 public:
  Link(Broker& broker, Fate& fate, std::size_t queue)
      : broker_(broker), fate_(fate), queue_(queue) {}
  ~Link() override;

  Result<std::span<const Delivery>> receive(std::chrono::milliseconds wait) override;
  Result<> publish(std::span<const Publish> publishes) override;
  Result<> settle(std::span<const Settle> settled) override;
  Tag settled_up_to() const override;
  bool recovered() const override { return connection_ != nullptr && connection_->recovered; }

 private:
  // An error if the connection is lost, or is now.
  Result<> check(std::string_view call);
  Error give_up(std::string_view why);

  Broker& broker_;
  Fate& fate_;
  std::size_t queue_;
  Tag next_tag_ = 1;
  std::shared_ptr<Connection> connection_;
  std::vector<Delivery> batch_;
  std::vector<LetterNumber> letters_;  // of the batch
};

}  // namespace chat21::testing
