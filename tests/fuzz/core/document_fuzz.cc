#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "chat21/document.h"
#include "chat21/json.h"

#include "tests/fuzz/core/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {
namespace {

// `document` is a JSON object with the members of the body but for those `replaced`, as
// they were written, and with the others.
void check(const std::string& document, std::string_view body,
           std::initializer_list<std::string_view> replaced) {
  JsonObject read;
  promise(read.parse(document).has_value(), "a document is a JSON object");
  for (const std::string_view key : replaced) {
    promise(read.find(key) != nullptr, "a document has the fields that are not the body's");
  }
  JsonObject fields;
  if (!fields.parse(body)) {
    return promise(read.members().size() == replaced.size(), "a damaged body gives no fields");
  }
  std::size_t checked = 0;
  for (const JsonMember& field : fields.members()) {
    if (std::find(replaced.begin(), replaced.end(), field.key) != replaced.end()) continue;
    if (++checked > 32) break;
    const JsonMember* shown = read.find(field.key);
    promise(shown != nullptr && shown->text == field.text, "a field is shown as it was written");
  }
}

}  // namespace

void fuzz_document(std::string_view input) {
  const std::string_view body = take_until(input, kBetweenParts);
  const std::string_view app = take_until(input, kBetweenParts);
  const std::string_view one = take_until(input, kBetweenParts);
  const std::string_view other = take_until(input, kBetweenParts);
  const StoredCopy copy{.app = app,
                        .timeline = one,
                        .conversation = other,
                        .message_id = one,
                        .status = Status::Received,
                        .body = body};
  check(message_document(copy), body, {"_id", "timelineOf", "conversWith", "status"});
  check(conversation_document({.last = copy}), body,
        {"_id", "timelineOf", "conversWith", "status", "key", "is_new", "archived",
         "last_message_text"});
  check(stored_document("groups", app, one, body), body, {"_id"});
  check(block_document(one), {}, {"user_id"});

  JsonObject aside;
  const std::string document = set_aside_document(
      {.number = 1, .time = {}, .reason = one, .routing_key = app, .body = body});
  promise(aside.parse(document).has_value() && aside.members().size() == 5,
          "what was set aside can be shown");

  const std::vector<std::string> members = group_members(body);
  promise(std::is_sorted(members.begin(), members.end()) &&
              std::adjacent_find(members.begin(), members.end()) == members.end(),
          "members are sorted, each once");
}

}  // namespace chat21::tests
