#include "bench/load/connection.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace chat21::bench {
namespace {

// MQTT 3.1.1 §2.2.1, with the flags that the packet must have.
constexpr std::uint8_t kConnect = 0x10;
constexpr std::uint8_t kConnack = 0x20;
constexpr std::uint8_t kPublish = 0x30;
constexpr std::uint8_t kPuback = 0x40;
constexpr std::uint8_t kSubscribe = 0x82;
constexpr std::uint8_t kSuback = 0x90;
constexpr std::uint8_t kPingreq = 0xc0;
constexpr std::uint8_t kPingresp = 0xd0;
constexpr std::uint8_t kType = 0xf0;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::size_t number_at(std::string_view bytes, std::size_t at) {
  return std::size_t{byte_at(bytes, at)} << 8U | byte_at(bytes, at + 1);
}

struct Head {
  std::size_t size;    // of the head itself
  std::size_t packet;  // of what follows
};

// Nothing: it has not arrived as a whole.
std::optional<Head> head_of(std::string_view bytes) {
  std::size_t length = 0;
  for (std::size_t at = 1; at < bytes.size() && at <= 4; ++at) {
    length |= std::size_t{byte_at(bytes, at) & 0x7fU} << (7 * (at - 1));
    if ((byte_at(bytes, at) & 0x80U) == 0) return Head{at + 1, length};
  }
  return std::nullopt;
}

}  // namespace

Connection::Connection(std::size_t index, const std::string& user, const std::string& token,
                       std::uint16_t port, Handler& handler)
    : index_(index),
      user_(user),
      handler_(handler),
      fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    give_up(std::generic_category().message(errno));
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  send_connect(token);
}

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

// --- sending ------------------------------------------------------------------------

void Connection::send_connect(const std::string& token) {
  constexpr std::string_view kProtocol("\x00\x04MQTT\x04\xc2\x00\x00", 10);
  constexpr std::string_view kUser = "JWT";
  begin_packet(kConnect, kProtocol.size() + 6 + user_.size() + kUser.size() + token.size());
  out_.append(kProtocol);
  append_text(user_);  // the client id
  append_text(kUser);
  append_text(token);
}

void Connection::subscribe(std::string_view filter, int qos) {
  begin_packet(kSubscribe, 5 + filter.size());
  append_number(++last_id_);
  append_text(filter);
  out_.push_back(static_cast<char>(qos));
}

void Connection::publish(std::string_view topic, std::string_view body, int qos) {
  const std::size_t id_size = qos == 0 ? 0 : 2;
  begin_packet(static_cast<std::uint8_t>(kPublish | qos << 1),
               2 + topic.size() + id_size + body.size());
  append_text(topic);
  if (qos != 0) {
    if (++last_id_ == 0) ++last_id_;
    append_number(last_id_);
  }
  out_.append(body);
}

void Connection::ping() {
  begin_packet(kPingreq, 0);
}

void Connection::begin_packet(std::uint8_t header, std::size_t size) {
  out_.push_back(static_cast<char>(header));
  do {
    out_.push_back(static_cast<char>((size & 0x7fU) | (size > 0x7f ? 0x80U : 0U)));
    size >>= 7U;
  } while (size > 0);
}

void Connection::append_number(std::size_t number) {
  out_.push_back(static_cast<char>(number >> 8U));
  out_.push_back(static_cast<char>(number & 0xffU));
}

void Connection::append_text(std::string_view text) {
  append_number(text.size());
  out_.append(text);
}

bool Connection::flush() {
  while (wants_flush()) {
    const auto sent = ::send(fd_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return false;
      give_up(std::generic_category().message(errno));
    }
    written_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  written_ = 0;
  return true;
}

// --- receiving ----------------------------------------------------------------------

void Connection::read() {
  static std::array<char, 256U << 10U> buffer;  // of all connections: there is one thread
  const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got == 0) give_up("the broker has closed the connection");
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    give_up(std::generic_category().message(errno));
  }
  const std::string_view arrived(buffer.data(), static_cast<std::size_t>(got));
  if (begun_.empty()) {
    begun_.assign(arrived.substr(take_packets(arrived)));
  } else {
    begun_.append(arrived);
    begun_.erase(0, take_packets(begun_));
  }
}

// Returns how many bytes were whole packets.
std::size_t Connection::take_packets(std::string_view bytes) {
  std::size_t taken = 0;
  for (;;) {
    const std::string_view rest = bytes.substr(taken);
    const auto head = head_of(rest);
    if (!head || rest.size() < head->size + head->packet) return taken;
    take(byte_at(rest, 0), rest.substr(head->size, head->packet));
    taken += head->size + head->packet;
  }
}

void Connection::take(std::uint8_t header, std::string_view packet) {
  if ((header & kType) == kPublish) return take_publish(header, packet);
  if ((header & kType) == kPingresp) return handler_.answered(*this);
  if (packet.size() < 2) return;
  switch (header & kType) {
    case kConnack:
      if (byte_at(packet, 1) != 0) give_up("CONNACK " + std::to_string(byte_at(packet, 1)));
      return handler_.connected(*this);
    case kSuback:
      if (byte_at(packet, packet.size() - 1) > 2) give_up("the broker refuses the subscription");
      return handler_.subscribed(*this);
    case kPuback:
      return handler_.acknowledged(*this);
    default:
      return;
  }
}

void Connection::take_publish(std::uint8_t header, std::string_view packet) {
  const bool acknowledge = (header & 0x06U) != 0;
  const std::size_t length = packet.size() < 2 ? 0 : number_at(packet, 0);
  const std::size_t body = 2 + length + (acknowledge ? 2 : 0);
  if (packet.size() < body) give_up("a PUBLISH that is too short");
  if (acknowledge) {
    begin_packet(kPuback, 2);
    out_.append(packet.substr(2 + length, 2));
  }
  handler_.message(*this, packet.substr(2, length), packet.substr(body));
}

void Connection::give_up(const std::string& why) const {
  throw Trouble("client '" + user_ + "': " + why);
}

}  // namespace chat21::bench
