// How the lists of a History are cut into answers: every History does it the same way.
//
// For implementers of History. Pure, safe from any thread; views point into what was
// passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat21/delivery.h"
#include "chat21/history.h"
#include "chat21/result.h"

namespace chat21 {

// An error (InvalidArgument) unless the limit is 1 to kMaxPage.
Result<> check_limit(std::size_t limit);

// What one answer still has room for: entries up to a limit, at least one, and none
// after the one with which they have more than kMaxPageBytes.
class PageRoom {
 public:
  explicit PageRoom(std::size_t limit) : entries_(limit) {}

  bool is_left() const { return entries_ > 0 && bytes_ <= kMaxPageBytes; }
  void take(std::size_t bytes) {
    --entries_;
    bytes_ += bytes;
  }

 private:
  std::size_t entries_;
  std::size_t bytes_ = 0;
};

// --- Cursors: Listing::next and Slice::from -----------------------------------
// By what conversations are listed, the greatest first: their last message.
struct ConversationCursor {
  Time time{};
  std::string_view message_id;
};

// "<milliseconds since 1970>.<message id>"
std::string to_string(const ConversationCursor& cursor);
// The error (InvalidArgument) names `from`, which is not empty, and what is wrong with it.
Result<ConversationCursor> parse_conversation_cursor(std::string_view from);

// A list in the order of numbers that count from 1 has the last number as its cursor; 0 for
// an empty `from`. Errors: InvalidArgument.
Result<std::int64_t> parse_number_cursor(std::string_view from);

// A list in the order of ids has the last id as its cursor. An error (InvalidArgument)
// unless both members of the slice can be those of such a list.
Result<> check_slice_of_ids(const Slice& slice);

}  // namespace chat21
