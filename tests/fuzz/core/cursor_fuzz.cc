#include <string>

#include "chat21/paging.h"
#include "chat21/topic.h"

#include "tests/fuzz/core/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {

void fuzz_cursor(std::string_view input) {
  if (const auto cursor = parse_conversation_cursor(input)) {
    promise(to_string(*cursor) == input, "a cursor has one form");
    promise(validate_id("id", cursor->message_id).has_value(), "a cursor has a valid id");
  } else {
    promise(cursor.error().code == Error::Code::InvalidArgument, "a wrong cursor is the caller's");
  }
  if (const auto number = parse_number_cursor(input)) {
    promise(input.empty() ? *number == 0 : *number > 0 && std::to_string(*number) == input,
            "a number has one form");
  }
  if (check_slice_of_ids({.from = input})) {
    promise(input.empty() || validate_id("id", input).has_value(), "a slice begins with an id");
  }
  promise(!check_slice_of_ids({.from = input, .limit = 0}), "a limit is at least 1");
}

}  // namespace chat21::tests
