// A client of the tests that sends any bytes, also such as no HTTP library would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace chat21::tests {

struct PeerAnswer {
  unsigned status = 0;  // 0: the connection ended before
  std::map<std::string, std::string> headers;
  std::string body;
};

// "GET /target" of HTTP/1.1, whole.
std::string get(std::string_view target, std::string_view more_headers = "");
std::string post(std::string_view target, std::string_view body,
                 std::string_view more_headers = "");

// Waits at most half a minute for anything; then the test fails.
class Peer {
 public:
  explicit Peer(std::uint16_t port);  // of 127.0.0.1
  // Takes over a socket that is connected.
  static Peer of(int socket) { return Peer(Socket{socket}); }
  ~Peer();
  Peer(Peer&& other) noexcept;
  Peer& operator=(Peer&&) = delete;

  // False if the other side has closed.
  bool send(std::string_view bytes);
  void end_sending();
  PeerAnswer answer(bool is_head = false);
  // All until the other side closes.
  std::string rest();
  // So many bytes; fewer if the other side closes before.
  std::string read(std::size_t size);
  // Whether anything, or the end, can be read within this time.
  bool hears_within(int milliseconds) const;
  // As many of these as can be sent without the other side reading: what takes longer than
  // this is taken to be stuck.
  std::size_t send_until_stuck(std::string_view bytes, int milliseconds);
  // Closes at once, with a reset.
  void vanish();

 private:
  struct Socket {
    int number;
  };
  explicit Peer(Socket socket) : socket_(socket.number) {}

  bool receive();  // appends to received_; false at the end

  int socket_ = -1;
  std::string received_;
};

}  // namespace chat21::tests
