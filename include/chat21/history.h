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

// Which part of a list: nothing set means the newest `limit` entries.
struct Page {
  std::string_view before{};  // only messages older than this message id
  std::string_view after{};   // only messages newer than this one; then the oldest of those first
  std::size_t limit = 200;    // entries at the most, 1 to kMaxPage
};

class History {
 public:
  virtual ~History() = default;

  using Documents = std::vector<std::string>;
  using Document = std::optional<std::string>;

  // Conversations of `timeline`, the one with the latest message first.
  virtual Result<Documents> conversations(std::string_view app, std::string_view timeline,
                                          bool archived, std::size_t limit) = 0;

  virtual Result<Document> conversation(std::string_view app, std::string_view timeline,
                                        std::string_view conversation) = 0;

  // Copies in `timeline` of the messages of `conversation`, newest first (by
  // message id, the server's order); oldest first if `page.after` is set.
  virtual Result<Documents> messages(std::string_view app, std::string_view timeline,
                                     std::string_view conversation, const Page& page) = 0;

  virtual Result<Document> group(std::string_view app, std::string_view group) = 0;

  // Push instances of a user, in no particular order.
  virtual Result<Documents> instances(std::string_view app, std::string_view user) = 0;
};

}  // namespace chat21
