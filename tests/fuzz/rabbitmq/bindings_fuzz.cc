#include <algorithm>
#include <string>
#include <vector>

#include "chat21/rabbitmq.h"
#include "chat21/topic.h"

#include "tests/fuzz/input.h"
#include "tests/fuzz/rabbitmq/targets.h"

namespace chat21::tests {
namespace {

using Words = std::vector<std::string_view>;

Words words_of(std::string_view key) {
  Words words;
  for (;;) {
    const std::size_t dot = key.find('.');
    words.push_back(key.substr(0, dot));
    if (dot == std::string_view::npos) return words;
    key.remove_prefix(dot + 1);
  }
}

// As a topic exchange of AMQP 0-9-1 does: * is one word, # any number of them.
bool matches(std::span<const std::string_view> pattern, std::span<const std::string_view> key) {
  if (pattern.empty()) return key.empty();
  if (pattern.front() == "#") {
    for (std::size_t skipped = 0; skipped <= key.size(); ++skipped) {
      if (matches(pattern.subspan(1), key.subspan(skipped))) return true;
    }
    return false;
  }
  return !key.empty() && (pattern.front() == "*" || pattern.front() == key.front()) &&
         matches(pattern.subspan(1), key.subspan(1));
}

}  // namespace

void fuzz_bindings(std::string_view input) {
  const std::string_view key = take_until(input, kBetweenParts);
  std::string app(input.empty() ? "tilechat" : input);
  if (!validate_id("app", app) || app == "observer" || key.size() > kMaxRoutingKey) return;
  std::vector<std::string> patterns = messages_queue(app).bindings;
  const auto others = persist_queue(app).bindings;
  patterns.insert(patterns.end(), others.begin(), others.end());
  const Words words = words_of(key);
  const bool bound = std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return matches(words_of(pattern), words);
  });
  promise(bound == is_for_observer(app, key), "is_for_observer() says what the bindings match");
}

}  // namespace chat21::tests
