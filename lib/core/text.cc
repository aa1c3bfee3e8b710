#include "lib/core/text.h"

#include <cstdint>

namespace chat21 {
namespace {

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// What the first byte of a sequence says about it: its length, and the range of
// its second byte, which is where overlong forms, surrogates and code points
// above U+10FFFF show (Unicode 15, table 3-7).
struct Lead {
  std::size_t length;
  unsigned second_from;
  unsigned second_to;
};

Lead lead_of(unsigned first) {
  if (first < 0x80U) return {1, 0, 0};
  if (first < 0xC2U) return {0, 0, 0};
  if (first < 0xE0U) return {2, 0x80, 0xBF};
  if (first == 0xE0U) return {3, 0xA0, 0xBF};
  if (first == 0xEDU) return {3, 0x80, 0x9F};
  if (first < 0xF0U) return {3, 0x80, 0xBF};
  if (first == 0xF0U) return {4, 0x90, 0xBF};
  if (first < 0xF4U) return {4, 0x80, 0xBF};
  if (first == 0xF4U) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

std::size_t utf8_length_at(std::string_view text, std::size_t i) {
  const Lead lead = lead_of(byte_at(text, i));
  if (lead.length <= 1) return lead.length;
  if (lead.length > text.size() - i) return 0;
  const unsigned second = byte_at(text, i + 1);
  if (second < lead.second_from || second > lead.second_to) return 0;
  for (std::size_t k = 2; k < lead.length; ++k) {
    if ((byte_at(text, i + k) & 0xC0U) != 0x80U) return 0;
  }
  return lead.length;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length_at(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t group = byte_at(bytes, i) << 16U;
    if (left > 1) group |= byte_at(bytes, i + 1) << 8U;
    if (left > 2) group |= byte_at(bytes, i + 2);
    out += kDigits[group >> 18U];
    out += kDigits[(group >> 12U) & 0x3FU];
    out += left > 1 ? kDigits[(group >> 6U) & 0x3FU] : '=';
    out += left > 2 ? kDigits[group & 0x3FU] : '=';
  }
}

}  // namespace chat21
