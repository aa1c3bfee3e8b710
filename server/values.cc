#include "server/values.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <limits>
#include <numeric>
#include <system_error>
#include <utility>

namespace chat21::server {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The number in front of a unit; the result fits `limit` also after it is multiplied.
std::optional<std::uint64_t> parse_with_unit(std::string_view text,
                                             std::initializer_list<Unit> units,
                                             std::uint64_t limit) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  const auto* unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) {
    return candidate.name == text.substr(digits);
  });
  if (!number || unit == units.end() || *number > limit / unit->factor) {
    return std::nullopt;
  }
  return *number * unit->factor;
}

// Levenshtein's distance: how many letters must be changed, added or removed.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

// user:password without a host, as left by a slip.
bool looks_like_password(std::string_view rest) {
  const auto authority = rest.substr(0, rest.find_first_of("/?"));
  const auto colon = authority.rfind(':');
  return rest.find('@') == std::string_view::npos && colon != std::string_view::npos &&
         authority.front() != '[' && !parse_number(authority.substr(colon + 1));
}

std::string mask_parameters(std::string_view query) {
  std::string masked;
  while (!query.empty()) {
    const auto parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    const auto name = parameter.substr(0, parameter.find('='));
    masked += masked.empty() ? '?' : '&';
    masked += name == "heartbeat" ? std::string(parameter) : std::string(name) + "=***";
  }
  return masked;
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
  const std::string word = to_lower(text);
  if (word == "true" || word == "1" || word == "yes" || word == "on") {
    return true;
  }
  if (word == "false" || word == "0" || word == "no" || word == "off") {
    return false;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stopped != end) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t kSecond = 1000;
  constexpr auto kLimit =
      static_cast<std::uint64_t>(std::numeric_limits<std::chrono::milliseconds::rep>::max());
  const auto number = parse_with_unit(text,
                                      {{"ms", 1},
                                       {"s", kSecond},
                                       {"m", 60 * kSecond},
                                       {"h", 3600 * kSecond},
                                       {"d", 86400 * kSecond}},
                                      kLimit);
  if (!number) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(*number);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  return parse_with_unit(text,
                         {{"", 1}, {"KiB", 1U << 10U}, {"MiB", 1U << 20U}, {"GiB", 1U << 30U}},
                         std::numeric_limits<std::uint64_t>::max());
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    if (const auto trimmed = trim(item); !trimmed.empty()) {
      items.push_back(trimmed);
    }
  }
  return items;
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') {
      letter = static_cast<char>(letter - 'A' + 'a');
    }
  }
  return lower;
}

bool is_ip_address(std::string_view text) {
  in6_addr parsed{};
  const std::string address(text);
  return ::inet_pton(AF_INET, address.c_str(), &parsed) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

bool is_uri(std::string_view text, std::initializer_list<std::string_view> schemes) {
  const auto separator = text.find("://");
  if (separator == std::string_view::npos || separator + 3 >= text.size()) {
    return false;
  }
  const bool printable = std::all_of(text.begin(), text.end(), [](char letter) {
    return static_cast<unsigned char>(letter) > ' ' && letter != '\x7f';
  });
  return printable && std::find(schemes.begin(), schemes.end(),
                                to_lower(text.substr(0, separator))) != schemes.end();
}

std::string mask_uri(std::string_view uri) {
  const auto separator = uri.find("://");
  if (separator == std::string_view::npos) {
    return "***";
  }
  std::string_view rest = uri.substr(separator + 3);
  std::string masked(uri.substr(0, separator + 3));
  if (looks_like_password(rest)) {
    return masked + "***";
  }
  // The last @, because a password that was not percent-encoded may contain one,
  // or a slash.
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    masked += "***@";
    rest.remove_prefix(at + 1);
  }
  const auto question = std::min(rest.find('?'), rest.size());
  masked += rest.substr(0, question);
  masked += mask_parameters(rest.substr(std::min(question + 1, rest.size())));
  return masked;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  // More than a third of the letters wrong is another word, not a slip.
  std::size_t best_distance = (word.size() + 1) / 3 + 1;
  for (const auto candidate : candidates) {
    if (const auto d = distance(word, candidate); d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace chat21::server
