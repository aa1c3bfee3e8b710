#include "server/http/target.h"

#include <algorithm>
#include <curl/curl.h>
#include <memory>

namespace chat21::server {
namespace {

std::optional<std::string> decode(std::string_view text) {
  // What the library would leave as it is.
  for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 1)) {
    constexpr std::string_view kHex = "0123456789abcdefABCDEF";
    if (i + 2 >= text.size() || kHex.find(text[i + 1]) == std::string_view::npos ||
        kHex.find(text[i + 2]) == std::string_view::npos) {
      return std::nullopt;
    }
  }
  if (text.empty()) return std::string();  // a length of 0 means "measure it" to the library
  int length = 0;
  const std::unique_ptr<char, decltype(&curl_free)> decoded(
      curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &length), &curl_free);
  if (!decoded) return std::nullopt;
  return std::string(decoded.get(), static_cast<std::size_t>(length));
}

// The part before `separator`; `rest` goes on after it.
std::string_view take(std::string_view& rest, char separator) {
  const auto part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

// Proxies send the absolute form, "http://host/path", and a server has to take it (RFC
// 9112 §3.2.2). Whatever the host: there is one service here.
std::string_view without_origin(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    target.remove_prefix(std::min(target.find('/'), target.size()));
    return target.empty() ? "/" : target;
  }
  return target;
}

}  // namespace

const std::string* Target::parameter(std::string_view name) const {
  const auto found = std::find_if(query.begin(), query.end(),
                                  [name](const auto& entry) { return entry.first == name; });
  return found == query.end() ? nullptr : &found->second;
}

std::optional<Target> parse_target(std::string_view target) {
  target = without_origin(target);
  if (!target.starts_with('/')) return std::nullopt;
  Target parsed;
  std::string_view query = target.substr(0, target.find('#'));
  std::string_view path = take(query, '?');
  path.remove_prefix(1);
  while (!path.empty()) {
    auto segment = decode(take(path, '/'));
    if (!segment) return std::nullopt;
    parsed.segments.push_back(*std::move(segment));
  }
  while (!query.empty()) {
    std::string value(take(query, '&'));
    std::replace(value.begin(), value.end(), '+', ' ');
    std::string_view rest = value;
    auto name = decode(take(rest, '='));
    auto decoded = decode(rest);
    if (!name || !decoded) return std::nullopt;
    parsed.query.emplace_back(*std::move(name), *std::move(decoded));
  }
  return parsed;
}

}  // namespace chat21::server
