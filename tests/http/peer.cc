#include "tests/http/peer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace chat21::tests {
namespace {

constexpr int kPatience = 30000;  // milliseconds

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

PeerAnswer parse_head(const std::string& head) {
  PeerAnswer answer;
  answer.status = static_cast<unsigned>(std::stoul(head.substr(9, 3)));
  std::size_t begin = head.find("\r\n") + 2;
  while (begin < head.size()) {
    const auto end = head.find("\r\n", begin);
    const auto line = head.substr(begin, end - begin);
    const auto colon = line.find(": ");
    EXPECT_NE(colon, std::string::npos) << line;
    answer.headers[lower(line.substr(0, colon))] = line.substr(std::min(colon + 2, line.size()));
    begin = end + 2;
  }
  return answer;
}

}  // namespace

std::string get(std::string_view target, std::string_view more_headers) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(more_headers) +
         "\r\n";
}

std::string post(std::string_view target, std::string_view body, std::string_view more_headers) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_headers) + "\r\n" + std::string(body);
}

Peer::Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

Peer::~Peer() {
  if (socket_ >= 0) ::close(socket_);
}

Peer::Peer(Peer&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Peer::end_sending() {
  ::shutdown(socket_, SHUT_WR);
}

bool Peer::hears_within(int milliseconds) const {
  pollfd readable = {socket_, POLLIN, 0};
  return ::poll(&readable, 1, milliseconds) > 0;
}

bool Peer::receive() {
  const bool hears = hears_within(kPatience);
  EXPECT_TRUE(hears) << "nothing arrives, after: " << received_;
  if (!hears) return false;
  std::array<char, 65536> buffer;
  const auto size = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (size <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

PeerAnswer Peer::answer(bool is_head) {
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive()) return {};
  }
  auto answer = parse_head(received_.substr(0, end + 2));
  received_.erase(0, end + 4);
  const auto length = answer.headers.find("content-length");
  const std::size_t size =
      is_head || length == answer.headers.end() ? 0 : std::stoul(length->second);
  while (received_.size() < size) {
    if (!receive()) return {};
  }
  answer.body = received_.substr(0, size);
  received_.erase(0, size);
  return answer;
}

std::string Peer::read(std::size_t size) {
  while (received_.size() < size && receive()) {
  }
  auto bytes = received_.substr(0, size);
  received_.erase(0, bytes.size());
  return bytes;
}

std::size_t Peer::send_until_stuck(std::string_view bytes, int milliseconds) {
  std::size_t total = 0;
  while (total < bytes.size()) {
    pollfd writable = {socket_, POLLOUT, 0};
    if (::poll(&writable, 1, milliseconds) <= 0) break;
    const auto rest = bytes.substr(total);
    const auto sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) break;
    total += static_cast<std::size_t>(sent);
  }
  return total;
}

void Peer::vanish() {
  const linger at_once = {1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(socket_, -1));
}

std::string Peer::rest() {
  while (receive()) {
  }
  return std::exchange(received_, "");
}

}  // namespace chat21::tests
