#include "server/api/lists.h"

#include <charconv>

#include "chat21/topic.h"

#include "server/api/trouble.h"

namespace chat21::server {
namespace {

constexpr std::string_view kBadCursor = "cursor is not the next of an answer of this list";

Error refuse(std::string sentence) {
  return fail(Error::Code::InvalidArgument, std::move(sentence));
}

Result<std::size_t> read_limit(const Call& call) {
  const std::string* written = call.target.parameter("limit");
  if (written == nullptr) return kMostListed;
  std::size_t limit = 0;
  const char* end = written->data() + written->size();
  const auto [stopped, error] = std::from_chars(written->data(), end, limit);
  if (error == std::errc() && stopped == end && limit >= 1 && limit <= kMostListed) return limit;
  return refuse("limit is not a number from 1 to " + std::to_string(kMostListed));
}

Result<std::string_view> read_message_id(const Call& call, std::string_view name) {
  const std::string* written = call.target.parameter(name);
  if (written == nullptr) return std::string_view();
  const auto valid = validate_message_id(*written);
  if (!valid) return refuse(std::string(name) + ": " + valid.error().message);
  return std::string_view(*written);
}

}  // namespace

Result<Page> read_page(const Call& call) {
  const auto limit = read_limit(call);
  if (!limit) return limit.error();
  const auto before = read_message_id(call, "before");
  if (!before) return before.error();
  const auto after = read_message_id(call, "after");
  if (!after) return after.error();
  return Page{.before = *before, .after = *after, .limit = *limit};
}

Result<Slice> read_slice(const Call& call) {
  const auto limit = read_limit(call);
  if (!limit) return limit.error();
  Slice slice{.from = {}, .limit = *limit};
  const std::string* cursor = call.target.parameter("cursor");
  if (cursor == nullptr) return slice;
  // The store would begin anew.
  if (cursor->empty()) return refuse(std::string(kBadCursor));
  slice.from = *cursor;
  return slice;
}

HttpResponse list_of(std::span<const std::string> documents, std::string_view next) {
  // Put together at once: a page may have megabytes.
  constexpr std::string_view kOpen = R"({"success":true,"result":[)";
  std::size_t size = kOpen.size() + next.size() + sizeof(R"(],"next":""})");
  for (const std::string& document : documents) size += document.size() + 1;
  HttpResponse response;
  std::string& body = response.body;
  body.reserve(size);
  body += kOpen;
  for (const std::string& document : documents) {
    if (&document != documents.data()) body += ',';
    body += document;
  }
  body += ']';
  if (!next.empty()) {
    body += R"(,"next":)";
    append_json_string(body, next);
  }
  body += '}';
  return response;
}

HttpResponse list_slice(const Services& services, const Call& call, unsigned error_status,
                        const std::function<Result<Listing>(History&, const Slice&)>& read) {
  const auto slice = read_slice(call);
  if (!slice) return invalid(slice.error().message);
  const auto listing =
      services.histories.with([&](History& history) { return read(history, *slice); });
  if (listing) return list_of(listing->documents, listing->next);
  const bool bad_cursor =
      listing.error().code == Error::Code::InvalidArgument && !slice->from.empty();
  if (bad_cursor) return invalid(std::string(kBadCursor));
  return store_away(services, listing.error(), error_status);
}

}  // namespace chat21::server
