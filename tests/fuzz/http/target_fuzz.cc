#include <string>

#include "server/http/target.h"
#include "tests/fuzz/http/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {
namespace {

std::string encode(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4U];
    encoded += kHex[byte & 0xFU];
  }
  return encoded;
}

}  // namespace

void fuzz_target(std::string_view input) {
  const auto target = server::parse_target(input);
  if (!target) return;
  promise(input.starts_with('/') || input.starts_with("http"), "a target is a path");
  std::string written;
  for (const std::string& segment : target->segments) written += '/' + encode(segment);
  // An empty one at the end would be dropped.
  if (target->segments.empty() || target->segments.back().empty()) written += '/';
  char separator = '?';
  for (const auto& [name, value] : target->query) {
    written += separator + encode(name) + '=' + encode(value);
    separator = '&';
    const std::string* first = target->parameter(name);
    promise(first != nullptr, "a parameter is found by its name");
  }
  const auto again = server::parse_target(written);
  promise(again && again->segments == target->segments && again->query == target->query,
          "a target is decoded once");
}

}  // namespace chat21::tests
