// The ledger: which deliveries have become which messages, as long as the deliveries may
// be offered again. docs/decisions/0013 has the reasons.
//
// Private to lib/core; the Observer keeps it in memory, and its pages in the Store. A page
// is written with the messages of one batch, in their transaction, and removed once no
// delivery of it can come again. What an earlier page has and was never settled is written
// into it again: so a later process knows which deliveries come again for certain.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/attempts.h"
#include "chat21/delivery.h"
#include "chat21/effects.h"
#include "chat21/topic.h"

namespace chat21 {

class Ledger {
 public:
  // Without a name it has no pages and asks for no writes.
  explicit Ledger(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  // --- What the Store has ---

  // Whether load() is to be called: at first, and when nobody knows whether the last page
  // was written.
  bool in_doubt() const { return in_doubt_; }
  // `text` is that of all pages. Lines that are none of ours are passed over: whom they
  // were about becomes a new message.
  void load(std::string_view text);

  // --- Who comes again ---

  // These have arrived. Who is new here is never a repeat from an earlier connection, also when
  // it is offered once more on this one, because the work on it has failed.
  void receive(std::span<const Delivery> deliveries);

  // The id of the message that this delivery has become, if it is a repeat; empty if it is
  // new, or if nobody can tell. Valid until the next call of a method that is not const.
  //
  // Under its tag it is known exactly. After a connection was lost it has another tag, and
  // its bytes have to do. Of several with the same bytes, first those that were never settled:
  // they come for certain. Then those of the last page of a process before us, the last one
  // first: if it has settled some of them, it was the first ones. Of those that were settled,
  // and of which nobody knows whether the broker has heard of it, only the last is taken for a
  // repeat, if any: to take an earlier one could make two messages one.
  std::string_view find(const Delivery& delivery, Fingerprint fingerprint);

  // --- What goes into the Store ---

  // This delivery becomes this message with the next writes.
  void note(Tag tag, Fingerprint fingerprint, std::string_view message_id);
  // Appends the writes for what was noted, and for pages that are no longer needed. They
  // point into the ledger until written() or failed().
  void append_writes(std::vector<Write>& writes);
  // There is something to write though nothing was noted.
  bool is_untidy() const;
  void written();
  // Perhaps: then the Store knows.
  void failed();

  // --- What cannot come again ---

  void settling(Tag up_to);      // the broker is about to be told that they are done
  void drop_settled(Tag up_to);  // it has heard it; of the present connection
  void open_all();               // the connection was lost: everything may come again
  void drop_open();              // all that is out from earlier connections has come

  struct Entry {
    Fingerprint fingerprint = 0;
    std::array<char, kMaxMessageId> message_id{};
    Tag tag = 0;           // its last one; 0 for those of a process before us
    bool open = false;     // out on a connection that is lost
    bool settled = false;  // the broker may have heard that it is done
    // Not settled for all that we know: a process before us may have done so after it has
    // written its last page. Not carried on, since that would last for ever.
    bool unsure = false;
    bool carried_on = false;  // to the page that is being written
    std::uint64_t page = 0;

    std::string_view id() const { return {message_id.data(), message_id.size()}; }
  };

 private:
  struct Page {
    std::uint64_t number = 0;
    std::size_t entries = 0;
    // The Store's has entries that are here no more: a later process would take them for open.
    bool is_stale = false;
    bool is_rewritten = false;  // by the present writes
  };

  void resolve(std::span<const Entry> found);
  template <class Condition>
  void drop_if(const Condition& condition);
  Page& page_of(std::uint64_t number);  // a new one if there is none
  void leave(std::uint64_t number);
  static void append_line(std::string& text, std::uint64_t page, const Entry& entry);
  std::string text_of(std::uint64_t page) const;

  std::string name_;
  bool is_loaded_ = false;
  bool in_doubt_ = true;
  std::vector<Entry> entries_;                 // in the order in which they became messages
  std::vector<Page> pages_;                    // those that have entries
  std::vector<std::uint64_t> finished_pages_;  // in the Store, without an entry here
  std::uint64_t next_page_ = 1;

  std::vector<Tag> fresh_;  // new on the present connection and not settled, in order

  std::vector<Entry> noted_;
  std::string text_;                   // of the page being written
  std::deque<std::string> rewritten_;  // of those that are written again
  std::size_t finishing_pages_ = 0;    // whose removal is being written
};

}  // namespace chat21
