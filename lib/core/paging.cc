#include "chat21/paging.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>

#include "chat21/topic.h"

namespace chat21 {
namespace {

Error no_cursor(std::string_view from, std::string_view why) {
  std::string message = "cannot list from '";
  message.append(from).append("': ").append(why);
  return fail(Error::Code::InvalidArgument, std::move(message));
}

// In the one form that to_string() writes.
std::optional<std::int64_t> parse_number(std::string_view digits) {
  std::int64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stop != end || std::to_string(number) != digits) return std::nullopt;
  return number;
}

}  // namespace

Result<> check_limit(std::size_t limit) {
  if (limit >= 1 && limit <= kMaxPage) return {};
  return fail(Error::Code::InvalidArgument, "cannot list " + std::to_string(limit) +
                                                " entries: the limit is 1 to " +
                                                std::to_string(kMaxPage));
}

std::string to_string(const ConversationCursor& cursor) {
  std::string text = std::to_string(cursor.time.time_since_epoch().count());
  return text.append(".").append(cursor.message_id);
}

Result<ConversationCursor> parse_conversation_cursor(std::string_view from) {
  const std::size_t dot = from.find('.');
  const auto time = parse_number(from.substr(0, dot));
  if (dot == std::string_view::npos || !time) {
    return no_cursor(from, "it is not the time and the id of a message");
  }
  const std::string_view id = from.substr(dot + 1);
  if (Result<> valid = validate_id("the id in it", id); !valid) {
    return no_cursor(from, valid.error().message);
  }
  return ConversationCursor{Time(std::chrono::milliseconds(*time)), id};
}

Result<std::int64_t> parse_number_cursor(std::string_view from) {
  if (from.empty()) return std::int64_t{0};
  const auto number = parse_number(from);
  if (!number || *number < 1) return no_cursor(from, "it is not a number from 1");
  return *number;
}

Result<> check_slice_of_ids(const Slice& slice) {
  if (Result<> valid = check_limit(slice.limit); !valid) return valid;
  if (slice.from.empty()) return {};
  if (Result<> valid = validate_id("the id", slice.from); !valid) {
    return no_cursor(slice.from, valid.error().message);
  }
  return {};
}

}  // namespace chat21
