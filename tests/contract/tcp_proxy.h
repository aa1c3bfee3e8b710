// Stands between a client and a server on 127.0.0.1 and breaks their connections.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace chat21::testing {

class TcpProxy {
 public:
  // Takes a port, on which connections are refused until open().
  TcpProxy(std::string host, std::uint16_t port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::uint16_t port() const { return port_; }
  void open();
  // Ends all connections, after what clients have sent is passed on; new ones
  // are taken.
  void cut();
  // Ends all connections once the clients have sent this many bytes more.
  void cut_after(std::size_t bytes) { bytes_left_ = bytes; }
  std::size_t connections() const { return connections_; }

 private:
  struct Link {
    int client = -1;
    int server = -1;
    std::thread upstream, downstream;
  };
  void accept_all();
  void copy(int from, int to, bool counted);
  void join_links();

  std::string host_;
  std::uint16_t server_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::thread acceptor_;
  std::mutex mutex_;  // guards links_
  std::list<Link> links_;
  std::atomic<std::size_t> bytes_left_ = SIZE_MAX;
  std::atomic<std::size_t> connections_ = 0;
  std::atomic<bool> closing_ = false;
};

}  // namespace chat21::testing
