#include "tests/websocket/frames.h"

#include <array>
#include <gtest/gtest.h>

#include "tests/http/peer.h"

namespace chat21::tests {
namespace {

std::string big_endian(std::uint64_t number, std::size_t bytes) {
  std::string text;
  for (std::size_t i = bytes; i > 0; --i) {
    text += static_cast<char>(number >> (8 * (i - 1)) & 0xffU);
  }
  return text;
}

std::uint64_t number_of(std::string_view big_endian_bytes) {
  std::uint64_t number = 0;
  for (const char c : big_endian_bytes) number = number << 8U | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

std::string frame(unsigned opcode, std::string_view payload, bool is_last) {
  constexpr std::array<char, 4> kMask = {'\x12', '\x34', '\x56', '\x78'};
  std::string bytes(1, static_cast<char>((is_last ? 0x80U : 0U) | opcode));
  if (payload.size() < 126) {
    bytes += static_cast<char>(0x80U | payload.size());
  } else if (payload.size() < 65536) {
    bytes += static_cast<char>(0x80U | 126U) + big_endian(payload.size(), 2);
  } else {
    bytes += static_cast<char>(0x80U | 127U) + big_endian(payload.size(), 8);
  }
  bytes.append(kMask.data(), kMask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes += static_cast<char>(payload[i] ^ kMask[i % 4]);
  }
  return bytes;
}

std::string close_frame(std::uint16_t code) {
  return frame(kClose, big_endian(code, 2));
}

unsigned Frame::close_code() const {
  if (opcode != kClose || payload.size() < 2) return 0;
  return static_cast<unsigned>(number_of(payload.substr(0, 2)));
}

Frame read_frame(const std::function<std::string(std::size_t)>& read) {
  const auto head = read(2);
  if (head.size() < 2) return {};
  const auto first = static_cast<unsigned char>(head[0]);
  std::uint64_t size = static_cast<unsigned char>(head[1]);
  EXPECT_LT(size, 128U) << "masked";
  if (size >= 126) size = number_of(read(size == 126 ? 2 : 8));
  return {.opcode = first & 0xfU, .is_last = (first & 0x80U) != 0, .payload = read(size)};
}

std::string upgrade(std::string_view target, std::string_view more_headers) {
  return get(target,
             "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                 std::string(more_headers));
}

}  // namespace chat21::tests
