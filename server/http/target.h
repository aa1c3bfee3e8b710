// The target of a request, taken apart: path segments and query parameters, decoded
// once (RFC 3986). Pure, safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chat21::server {

struct Target {
  // "/api/a%20b/" is {"api", "a b"}: an empty last segment is dropped, others stay, and
  // so do ".." and what decodes to '/', NUL or no UTF-8: who uses a segment checks it.
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;

  const std::string* parameter(std::string_view name) const;  // the first; null if there is none
};

// Nothing if it is not a path, or is wrongly encoded. Of the absolute form of proxies,
// "http://host/path", the host is left out.
std::optional<Target> parse_target(std::string_view target);

}  // namespace chat21::server
