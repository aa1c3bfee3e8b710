#include "tests/contract/tcp_proxy.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace chat21::testing {
namespace {

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int connect_to(const std::string& host, std::uint16_t port) {
  addrinfo hint{};
  hint.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hint, &found) != 0) return -1;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    const int fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ::connect(fd, a->ai_addr, a->ai_addrlen) == 0) return fd;
    if (fd >= 0) ::close(fd);
  }
  return -1;
}

void send_at_once(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const auto written = ::send(fd, data, size, MSG_NOSIGNAL);
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

TcpProxy::TcpProxy(std::string host, std::uint16_t port)
    : host_(std::move(host)), server_port_(port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener_ < 0) throw_errno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(listener_, generic, size) != 0) throw_errno("bind");
  if (::getsockname(listener_, generic, &size) != 0) throw_errno("getsockname");
  port_ = ntohs(address.sin_port);
}

TcpProxy::~TcpProxy() {
  closing_ = true;
  ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
  if (acceptor_.joinable()) acceptor_.join();
  cut();
  join_links();
  ::close(listener_);
}

void TcpProxy::open() {
  if (::listen(listener_, 16) != 0) throw_errno("listen");
  acceptor_ = std::thread([this] { accept_all(); });
}

void TcpProxy::cut() {
  const std::lock_guard lock(mutex_);
  for (const Link& link : links_) {
    // recv() still returns what has arrived before, and then the end.
    ::shutdown(link.client, SHUT_RDWR);
    ::shutdown(link.server, SHUT_RD);
  }
}

void TcpProxy::accept_all() {
  while (!closing_) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = connect_to(host_, server_port_);
    if (server < 0) {
      ::close(client);
      continue;
    }
    send_at_once(client);
    send_at_once(server);
    ++connections_;
    const std::lock_guard lock(mutex_);
    Link& link = links_.emplace_back();
    link.client = client;
    link.server = server;
    link.upstream = std::thread([this, client, server] { copy(client, server, true); });
    link.downstream = std::thread([this, client, server] { copy(server, client, false); });
  }
}

void TcpProxy::copy(int from, int to, bool counted) {
  std::array<char, 16384> buffer{};
  for (;;) {
    const auto got = ::recv(from, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    const auto size = static_cast<std::size_t>(got);
    if (counted && bytes_left_ != SIZE_MAX) {
      if (bytes_left_ < size) {
        bytes_left_ = SIZE_MAX;
        write_all(to, buffer.data(), size / 2);  // in the middle of a frame, most likely
        ::shutdown(from, SHUT_RDWR);
        ::shutdown(to, SHUT_RDWR);
        cut();
        break;
      }
      bytes_left_ -= size;
    }
    if (!write_all(to, buffer.data(), size)) break;
  }
  ::shutdown(from, SHUT_RD);
  ::shutdown(to, SHUT_WR);
}

// The descriptors are closed here only, so that cut() never meets a reused one.
void TcpProxy::join_links() {
  for (Link& link : links_) {
    link.upstream.join();
    link.downstream.join();
    ::close(link.client);
    ::close(link.server);
  }
}

}  // namespace chat21::testing
