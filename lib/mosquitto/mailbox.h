// Mailbox: the Transport between the broker's thread and the observer's.
//
// The broker's thread puts messages in and takes out what is to be published; the
// observer's thread sees an ordinary Transport. There is no connection that could be
// lost; what stands for it is the outage: while the store cannot be written, nothing new
// is taken, and what was taken stays.
//
// Who waits for whom: put() for the observer, when too much is pending. publish() for the
// broker's thread, when too much is not taken out. Never both: put() takes more than the
// limit while publish() waits, and publish() does while the broker's thread waits. So each
// limit is exceeded by what comes within one turn at the most.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/transport.h"

#include "lib/mosquitto/outgoing.h"

namespace chat21::mosquitto {

struct MailboxOptions {
  std::size_t max_body_bytes = 1U << 20U;  // see Delivery::omitted
  // Handed out at once and not settled; bounds a batch. One larger message is a batch.
  std::size_t prefetch = 1024;
  std::size_t prefetch_bytes = 16U << 20U;
  // Put in and not settled.
  std::size_t max_pending = 1024;
  std::size_t max_pending_bytes = 64U << 20U;
  // Published and not taken.
  std::size_t max_outgoing_bytes = 64U << 20U;
  // How long a call of the broker's thread waits.
  std::chrono::milliseconds patience{10000};
  // There is something to take(). Called on the observer's thread, again about every
  // millisecond while it waits and nothing was taken.
  std::function<void()> wake{};
};

class Mailbox final : public Transport {
 public:
  explicit Mailbox(MailboxOptions options);

  // --- The broker's thread ---

  // Copies a message in; the observer gets it with the next flush(). Waits if there is no
  // room. Error (Unavailable): an outage, `patience` is over (which begins one), or
  // closed; the message is not taken.
  Result<> put(std::string_view routing_key, std::string_view body);

  // The same and returns once it is settled, `patience` if need be, or longer while the
  // observer works on it. Error (Unavailable): it was withdrawn, and the observer has not
  // carried out any of it.
  Result<> put_and_wait(std::string_view routing_key, std::string_view body);

  // Gives the observer what was put in since the last flush, as one batch.
  void flush();

  // Replaces `taken` by what was published since the last call.
  void take(std::vector<Outgoing>& taken);

  // Nothing more is put in, nobody waits for take() any more. finished() once all is
  // settled, or at `deadline`.
  void close(std::chrono::steady_clock::time_point deadline);

  // --- The observer's thread ---

  Result<std::span<const Delivery>> receive(std::chrono::milliseconds wait) override;
  Result<> publish(std::span<const Publish> publishes) override;
  Result<> settle(std::span<const Settle> settled) override;
  // Nobody else has to hear of it, and there is no connection that could be lost.
  Tag settled_up_to() const override { return settled_up_to_; }
  bool recovered() const override { return true; }

  // The batch was dropped because of `why`; refuses new messages until end_outage().
  void begin_outage(const Error& why);
  void end_outage();
  // Waits that long, or until closed. No delivery may be in use: what was handed out can
  // be withdrawn meanwhile.
  void pause(std::chrono::milliseconds wait);
  void wait_until_closed();
  bool finished() const;

  // --- Any thread ---

  std::optional<Error> outage() const;
  std::size_t pending() const;    // flushed and not settled
  std::uint64_t batches() const;  // how often messages were received that are no redelivery

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Deadline = std::chrono::steady_clock::time_point;

  // Nodes of lists, because their bytes must stay where they are while they wait, are
  // lent and are used again for the next message.
  struct Held {
    Tag tag = 0;
    std::string bytes;  // the routing key, then the body
    std::size_t key_size = 0;
    std::size_t omitted = 0;
    bool redelivered = false;
  };
  using Queue = std::list<Held>;

  Result<> wait_for_room(Lock& lock);
  Tag stage(std::string_view routing_key, std::string_view body);
  void flush_locked();
  bool has_room() const;
  bool withdraw(Tag tag);
  bool is_pending(Tag tag) const;
  bool is_begun(Tag tag) const;
  void stall(const std::string& what);  // patience is over
  Error refusal() const;
  void hand_out();
  void release(Queue& from, Queue::iterator held);
  // Waits on the observer's thread until `done` or `deadline`, waking the broker.
  template <class Done>
  void wait_waking(Lock& lock, Deadline deadline, const Done& done);

  const MailboxOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable for_observer_;
  std::condition_variable for_broker_;

  Queue staged_;   // put in and not flushed
  Queue waiting_;  // flushed and not handed out
  Queue out_;      // handed out and not settled, in ascending order of tags
  Queue spare_;    // settled, for reuse
  Tag last_tag_ = 0;
  std::size_t pending_bytes_ = 0;  // of the first three

  std::vector<Outgoing> outbox_;
  std::size_t outgoing_bytes_ = 0;

  std::optional<Error> outage_;
  bool broker_waits_ = false;    // for the observer
  bool observer_waits_ = false;  // for take()
  bool working_ = false;         // the observer has a batch and uses its deliveries
  std::optional<Deadline> closed_;
  std::uint64_t batches_ = 0;
  std::vector<Delivery> batch_;  // of the observer's thread
  Tag last_out_ = 0;             // likewise; the last that was handed out
  Tag settled_up_to_ = 0;        // likewise
};

}  // namespace chat21::mosquitto
