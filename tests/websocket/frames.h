// WebSocket frames (RFC 6455 §5), written and read byte for byte.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace chat21::tests {

enum Opcode : unsigned {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

// As a client sends it: masked.
std::string frame(unsigned opcode, std::string_view payload, bool is_last = true);
std::string close_frame(std::uint16_t code);

struct Frame {
  unsigned opcode = 0;  // 0 and no payload: the connection ended before
  bool is_last = true;
  std::string payload;

  // Of a close frame; 0 if it is none.
  unsigned close_code() const;
};

// From a server, which masks nothing. `read` gives so many bytes, or fewer at the end.
Frame read_frame(const std::function<std::string(std::size_t)>& read);

// The header of a handshake that is as it should be.
std::string upgrade(std::string_view target = "/ws",
                    std::string_view more_headers = "Sec-WebSocket-Protocol: mqtt\r\n");

}  // namespace chat21::tests
