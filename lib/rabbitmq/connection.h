// One AMQP connection with one channel.
#pragma once

#include <amqp.h>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat21/rabbitmq.h"
#include "chat21/result.h"

#include "lib/rabbitmq/stop_signal.h"
#include "lib/rabbitmq/uri.h"

namespace chat21::rabbitmq {

// The only channel. rabbitmq-c keeps frames of other channels in a list that it
// searches from the front; with one there is nothing to search.
inline constexpr amqp_channel_t kChannel = 1;

// An AMQP string that points into `text`, which rabbitmq-c only reads.
inline amqp_bytes_t bytes_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

inline std::string_view view_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

// Who wants the frames that arrive on the channel.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // The frame's bytes are valid during the call.
  virtual Result<> take(const amqp_frame_t& frame) = 0;
};

// Errors of all methods: Unavailable. After one the connection is of no use:
// drop() it.
class Connection {
 public:
  // Borrows the options and the URI. `purpose` is what an operator sees in the
  // broker's list of connections.
  Connection(const RabbitmqOptions& options, const Uri& uri, std::string_view purpose)
      : options_(options), uri_(uri), purpose_(purpose) {}
  ~Connection() { drop(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Connects, logs in and opens the channel.
  Result<> open(const StopSignal& stop);

  // Reads what has arrived, answers heartbeats and closes, gives channel frames
  // to the sink. Does not wait. Afterwards nothing is left in user space, so
  // that poll() on fd() tells when there is more.
  Result<> pump(FrameSink& sink);

  // Evaluates the reply to an RPC. `attempted` begins the error's message.
  Result<> check(const amqp_rpc_reply_t& reply, std::string_view attempted);
  // The same for calls that return a status.
  Result<> check(int status, std::string_view attempted) const;

  // Opens the channel again, after the broker has closed it.
  Result<> reopen_channel();

  // Says goodbye if that can be done in short time, then drops.
  void close() noexcept;
  void drop() noexcept;

  bool is_open() const { return state_ != nullptr; }
  amqp_connection_state_t state() const { return state_; }
  int fd() const;
  // As negotiated; the broker may ask for less than the URI.
  std::chrono::seconds heartbeat() const;
  // The broker has asked not to publish on this connection.
  bool blocked() const { return blocked_; }
  // With which the broker has refused or closed: 404 not found, 406 exists with
  // other properties. 0: it has not.
  int reply_code() const { return reply_code_; }

 private:
  Result<> open_socket(const StopSignal& stop);
  Result<> open_tcp_socket(const StopSignal& stop);
  Result<> open_tls_socket();
  Result<> limit_silence(std::chrono::milliseconds limit) const;
  Result<> log_in();
  Result<> take(const amqp_frame_t& frame, FrameSink& sink);
  Result<> take_method(const amqp_method_t& method);
  Error closed_by_broker(std::string_view attempted, const amqp_method_t& method);
  Error lost(int status, std::string_view attempted) const;
  void log(RabbitmqOptions::Level level, const std::string& message) const;

  const RabbitmqOptions& options_;
  const Uri& uri_;
  std::string purpose_;
  amqp_connection_state_t state_ = nullptr;
  bool blocked_ = false;
  int reply_code_ = 0;
};

}  // namespace chat21::rabbitmq
