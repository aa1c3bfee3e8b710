// One MQTT 3.1.1 connection as a load generator wants it: what it sends goes out with
// few system calls, what arrives is looked at where it lies. libmosquitto reads every
// packet with three calls and copies it twice, which costs as much as the broker's part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace chat21::bench {

// Nothing here can go on after an error.
struct Trouble : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Connection;

class Handler {
 public:
  virtual ~Handler() = default;
  virtual void connected(Connection& connection) = 0;     // CONNACK
  virtual void subscribed(Connection& connection) = 0;    // SUBACK
  virtual void acknowledged(Connection& connection) = 0;  // PUBACK
  virtual void answered(Connection& connection) = 0;      // PINGRESP
  // The views are valid during the call.
  virtual void message(Connection& connection, std::string_view topic, std::string_view body) = 0;
};

// Not thread-safe. Throws Trouble, also when the broker refuses or closes.
class Connection {
 public:
  // `index` is the caller's. Connects to 127.0.0.1 and sends CONNECT: clean session, no
  // keepalive.
  Connection(std::size_t index, const std::string& user, const std::string& token,
             std::uint16_t port, Handler& handler);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::size_t index() const { return index_; }
  const std::string& user() const { return user_; }
  int fd() const { return fd_; }

  // Into a buffer, which flush() writes.
  void subscribe(std::string_view filter, int qos);
  void publish(std::string_view topic, std::string_view body, int qos);
  void ping();

  // Reads what has arrived and hands it on; what that acknowledges goes into the buffer.
  void read();
  bool wants_flush() const { return written_ < out_.size(); }
  // False: the socket takes no more for now.
  bool flush();

 private:
  void send_connect(const std::string& token);
  void begin_packet(std::uint8_t header, std::size_t size);
  void append_number(std::size_t number);
  void append_text(std::string_view text);
  std::size_t take_packets(std::string_view bytes);
  void take(std::uint8_t header, std::string_view packet);
  void take_publish(std::uint8_t header, std::string_view packet);
  [[noreturn]] void give_up(const std::string& why) const;

  std::size_t index_;
  std::string user_;
  Handler& handler_;
  int fd_ = -1;
  std::uint16_t last_id_ = 0;
  std::string out_;
  std::size_t written_ = 0;  // of out_
  std::string begun_;        // a packet that has not arrived as a whole
};

}  // namespace chat21::bench
