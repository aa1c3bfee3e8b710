#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>
#include <string>
#include <string_view>

#include "server/log.h"

namespace chat21::server {
namespace {

constexpr char32_t kInvalid = 0xFFFFFFFF;

struct Decoded {
  char32_t code_point;
  std::size_t length;
};

// What a leading byte announces. The lowest code point of each length refuses
// overlong forms.
struct Lead {
  std::uint8_t mask, bits;
  std::size_t length;
  char32_t lowest;
};
constexpr std::array<Lead, 3> kLeads = {{
    {0xE0, 0xC0, 2, 0x80},
    {0xF0, 0xE0, 3, 0x800},
    {0xF8, 0xF0, 4, 0x10000},
}};

bool is_scalar(char32_t code_point, char32_t lowest) {
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  return code_point >= lowest && code_point <= 0x10FFFF && !surrogate;
}

// The code point at the front of a text that is not empty.
Decoded decode(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  if (first < 0x80) {
    return {first, 1};
  }
  const auto* lead = std::find_if(kLeads.begin(), kLeads.end(), [first](const Lead& candidate) {
    return (first & candidate.mask) == candidate.bits;
  });
  if (lead == kLeads.end() || lead->length > text.size()) {
    return {kInvalid, 1};
  }
  char32_t code_point = first & static_cast<std::uint8_t>(~lead->mask);
  for (const char next : text.substr(1, lead->length - 1)) {
    const auto byte = static_cast<std::uint8_t>(next);
    if ((byte & 0xC0U) != 0x80U) {
      return {kInvalid, 1};
    }
    code_point = (code_point << 6U) | (byte & 0x3FU);
  }
  if (!is_scalar(code_point, lead->lowest)) {
    return {kInvalid, 1};
  }
  return {code_point, lead->length};
}

// Characters that a terminal or a viewer of logs acts upon instead of showing.
bool is_unsafe(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c <= 0x9F);
  const bool line = c == 0x2028 || c == 0x2029;
  const bool direction = c == 0x061C || c == 0x200E || c == 0x200F ||
                         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return control || line || direction || c == 0xFEFF;
}

void append_escaped(std::string& out, std::string_view character, char32_t code_point) {
  switch (code_point) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case kInvalid:
      out += "\\ufffd";
      return;
    default:
      break;
  }
  if (is_unsafe(code_point)) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(code_point));
  } else {
    out += character;
  }
}

}  // namespace

std::string escape(std::string_view text, std::size_t limit) {
  std::string out;
  out.reserve(std::min(text.size(), limit) + 8);
  std::size_t done = 0;
  while (done < text.size()) {
    const auto [code_point, length] = decode(text.substr(done));
    if (done + length > limit) {
      fmt::format_to(std::back_inserter(out), "...[+{} bytes]", text.size() - done);
      break;
    }
    append_escaped(out, text.substr(done, length), code_point);
    done += length;
  }
  return out;
}

}  // namespace chat21::server
