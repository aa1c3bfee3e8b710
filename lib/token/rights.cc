// The rules are those of RabbitMQ 3.10's plugin rabbitmq_auth_backend_oauth2, oddities and all:
// tests/token/scopes_at_broker_test.cc compares the two.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "chat21/token.h"

namespace chat21 {
namespace {

constexpr std::string_view kVirtualHost = "/";
constexpr std::string_view kExchange = "amq.topic";

// The pieces of a pattern between its stars, decoded: there is one at least.
using Pieces = std::vector<std::string>;

constexpr std::array<std::pair<std::string_view, Permission>, 3> kPermissions = {
    {{"configure:", Permission::Configure},
     {"read:", Permission::Read},
     {"write:", Permission::Write}}};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// As in a form of the web: %XX is a byte and + a blank.
std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Nothing if the pattern is not well encoded: then it matches no text.
std::optional<Pieces> parse_pattern(std::string_view pattern) {
  Pieces pieces;
  for (const std::string_view part : split(pattern, '*')) {
    auto piece = decode(part);
    if (!piece) return std::nullopt;
    pieces.push_back(*std::move(piece));
  }
  return pieces;
}

// Where `text` goes on after the first `piece` in it; null if there is none. In linear time,
// which string_view::find does not promise.
const char* skip_past(std::string_view text, const std::string& piece) {
  const void* at = ::memmem(text.data(), text.size(), piece.data(), piece.size());
  return at == nullptr ? nullptr : static_cast<const char*>(at) + piece.size();
}

// A star takes as little as it can and is never given more: "*b" does not match "bb".
bool matches(std::string_view text, const Pieces& pieces) {
  if (!text.starts_with(pieces.front())) return false;
  text.remove_prefix(pieces.front().size());
  for (auto piece = pieces.begin() + 1; piece != pieces.end(); ++piece) {
    if (piece->empty() && piece + 1 == pieces.end()) return true;
    // Even of stars: "a**" does not match "a", though "a*" does.
    if (text.empty()) return false;
    const char* rest = skip_past(text, *piece);
    if (rest == nullptr) return false;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  }
  return text.empty();
}

bool matches(std::string_view text, std::string_view pattern) {
  const auto pieces = parse_pattern(pattern);
  return pieces && matches(text, *pieces);
}

}  // namespace

Rights::Rights(std::span<const std::string> scopes, std::string_view audience) {
  const std::string prefix = std::string(audience) + '.';
  for (std::string_view scope : scopes) {
    if (!scope.starts_with(prefix)) continue;
    add(scope.substr(prefix.size()));
  }
}

// "write:*/*/apps.*" or "write:*/*".
void Rights::add(std::string_view scope) {
  const auto permission =
      std::find_if(kPermissions.begin(), kPermissions.end(),
                   [&](const auto& known) { return scope.starts_with(known.first); });
  if (permission == kPermissions.end()) return;
  const auto patterns = split(scope.substr(permission->first.size()), '/');
  if (patterns.size() != 2 && patterns.size() != 3) return;
  if (!matches(kVirtualHost, patterns[0])) return;
  connect_ = true;
  // Without a pattern for topics it is about queues and exchanges alone.
  if (patterns.size() == 2 || !matches(kExchange, patterns[1])) return;
  if (auto topic = parse_pattern(patterns[2])) {
    grants_.push_back({permission->second, *std::move(topic)});
  }
}

bool Rights::allow(Permission permission, std::string_view topic) const {
  return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) {
    return grant.permission == permission && matches(topic, grant.topic);
  });
}

}  // namespace chat21
