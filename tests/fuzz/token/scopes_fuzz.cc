#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "chat21/token.h"

#include "tests/fuzz/input.h"
#include "tests/fuzz/token/targets.h"

namespace chat21::tests {
namespace {

constexpr std::array kPermissions = {Permission::Configure, Permission::Read, Permission::Write};

// Whether a text is one of those a pattern may stand for, wherever its stars end: slower
// than Rights, and without their rule that a star takes as little as it can.
bool may_match(std::string_view text, std::string_view pattern) {
  std::vector<bool> reached(text.size() + 1);
  reached[0] = true;
  for (const char c : pattern) {
    if (c == '*') {
      const auto first = std::find(reached.begin(), reached.end(), true);
      std::fill(first, reached.end(), true);
      continue;
    }
    for (std::size_t i = text.size(); i > 0; --i) reached[i] = reached[i - 1] && text[i - 1] == c;
    reached[0] = false;
  }
  return reached[text.size()];
}

// A star that is written %2A is taken for one here, which allows more.
std::string decode(std::string_view written) {
  std::string decoded;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto digits = written.substr(i + 1, 2);
    if (written[i] == '%' && digits.size() == 2 &&
        std::all_of(digits.begin(), digits.end(),
                    [](unsigned char c) { return std::isxdigit(c) != 0; })) {
      decoded += static_cast<char>(std::stoul(std::string(digits), nullptr, 16));
      i += 2;
    } else {
      decoded += written[i] == '+' ? ' ' : written[i];
    }
  }
  return decoded;
}

bool may_allow(std::string_view scope, std::string_view permission, std::string_view topic) {
  const std::string begin = "rabbitmq." + std::string(permission) + ":";
  if (!scope.starts_with(begin)) return false;
  scope.remove_prefix(begin.size());
  take_until(scope, '/');
  take_until(scope, '/');
  const std::string pattern = decode(scope);
  return may_match(topic, pattern);
}

}  // namespace

void fuzz_scopes(std::string_view input) {
  const std::string_view topic = take_until(input, kBetweenParts);
  std::vector<std::string> scopes;
  for (const std::string_view scope : split(input, kBetweenParts)) scopes.emplace_back(scope);
  if (scopes.size() > 32) scopes.resize(32);
  const Rights rights(scopes, "rabbitmq");
  const std::vector<std::string> reversed(scopes.rbegin(), scopes.rend());
  const Rights same(reversed, "rabbitmq");
  const Rights others(scopes, "somebody-else");
  promise(rights.connect() == same.connect(), "the order of scopes does not matter");
  for (const Permission permission : kPermissions) {
    const std::string_view name = permission == Permission::Configure ? "configure"
                                  : permission == Permission::Read    ? "read"
                                                                      : "write";
    const bool allowed = rights.allow(permission, topic);
    promise(allowed == same.allow(permission, topic), "the order of scopes does not matter");
    if (!allowed) continue;
    promise(rights.connect(), "who may do something may connect");
    promise(std::any_of(scopes.begin(), scopes.end(),
                        [&](const std::string& scope) { return may_allow(scope, name, topic); }),
            "a scope allows no more than it says");
    bool for_others = false;
    for (const std::string& scope : scopes) for_others |= scope.starts_with("somebody-else.");
    promise(for_others || !others.allow(permission, topic), "scopes are for one audience");
  }
}

}  // namespace chat21::tests
