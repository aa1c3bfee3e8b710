// History: the read side of the storage, for HTTP APIs and tools.
//
// A History object belongs to one thread at a time. It may be used while a
// Store on the same data is writing, from another thread or process; each call
// sees whole batches. Documents are returned as JSON texts (document.h). Errors:
// InvalidArgument (a limit that is not 1 to kMaxPage), Unavailable, Corrupt.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/result.h"

namespace chat21 {

// Entries of one answer at the most.
inline constexpr std::size_t kMaxPage = 1000;

// An answer ends with the entry with which its documents together have more bytes,
// even if the limit allows for more.
inline constexpr std::size_t kMaxPageBytes = 8U << 20U;

// Which part of a list: nothing set means the newest `limit` entries.
struct Page {
  std::string_view before{};  // only messages older than this message id
  std::string_view after{};   // only messages newer than this one; then the oldest of those first
  std::size_t limit = 200;    // entries at the most, 1 to kMaxPage
};

// Which part of a list whose entries move or have no id that orders them.
struct Slice {
  std::string_view from{};  // Listing::next of the slice before; empty: from the start
  std::size_t limit = 200;  // entries at the most, 1 to kMaxPage
};

struct Listing {
  std::vector<std::string> documents;
  std::string next;  // Slice::from of the next slice; empty: this was the last
};

// Methods that take a Slice report InvalidArgument for a `from` that is not one of
// theirs.
class History {
 public:
  virtual ~History() = default;

  using Documents = std::vector<std::string>;
  using Document = std::optional<std::string>;

  // Conversations of `timeline`, the one with the latest message first.
  virtual Result<Listing> conversations(std::string_view app, std::string_view timeline,
                                        bool archived, const Slice& slice) = 0;

  // How many of them, not archived, are new.
  virtual Result<std::size_t> unread(std::string_view app, std::string_view timeline) = 0;

  virtual Result<Document> conversation(std::string_view app, std::string_view timeline,
                                        std::string_view conversation) = 0;

  // Copies in `timeline` of the messages of `conversation`, newest first (by
  // message id, the server's order); oldest first if `page.after` is set.
  virtual Result<Documents> messages(std::string_view app, std::string_view timeline,
                                     std::string_view conversation, const Page& page) = 0;

  virtual Result<Document> group(std::string_view app, std::string_view group) = 0;

  // Groups of which `user` is a member, in the order of their ids.
  virtual Result<Listing> groups(std::string_view app, std::string_view user,
                                 const Slice& slice) = 0;

  // Push instances of a user, in no particular order.
  virtual Result<Documents> instances(std::string_view app, std::string_view user) = 0;

  // Whom `user` has blocked, as {"user_id":…}, in the order of the ids.
  virtual Result<Listing> blocks(std::string_view app, std::string_view user,
                                 const Slice& slice) = 0;
  virtual Result<bool> blocked(std::string_view app, std::string_view user,
                               std::string_view other) = 0;

  // What was set aside, of all apps, the oldest first, as set_aside_document() of
  // document.h. Slice::from is a number that the store gives.
  virtual Result<Listing> set_aside(const Slice& slice) = 0;
};

}  // namespace chat21
