// JSON texts, written: the counterpart of json.cc.

#include <algorithm>
#include <cstddef>
#include <string>

#include "chat21/json.h"

#include "lib/core/text.h"

namespace chat21 {
namespace {

void append_control(std::string& out, char control) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (control) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      const auto byte = static_cast<unsigned char>(control);
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
  }
}

// Whether the byte stands for itself, inside of a string.
bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void append_escaped(std::string& out, char c) {
  if (c != '"' && c != '\\') return append_control(out, c);
  out += '\\';
  out += c;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  out += '"';
  while (true) {
    const auto* const special = std::find_if_not(text.begin(), text.end(), is_plain);
    out.append(text.begin(), special);
    text.remove_prefix(static_cast<std::size_t>(special - text.begin()));
    if (text.empty()) break;
    const std::size_t length = utf8_length_at(text, 0);
    if (length == 1) {
      append_escaped(out, text.front());
    } else {
      out += length == 0 ? kReplacement : text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

void JsonWriter::start(std::string_view key) {
  if (!members_.empty()) members_ += ',';
  append_json_string(members_, key);
  members_ += ':';
}

JsonWriter& JsonWriter::text(std::string_view key, std::string_view value) {
  start(key);
  append_json_string(members_, value);
  return *this;
}

JsonWriter& JsonWriter::number(std::string_view key, std::int64_t value) {
  return json(key, std::to_string(value));
}

JsonWriter& JsonWriter::boolean(std::string_view key, bool value) {
  return json(key, value ? "true" : "false");
}

JsonWriter& JsonWriter::json(std::string_view key, std::string_view value) {
  start(key);
  members_ += value;
  return *this;
}

}  // namespace chat21
