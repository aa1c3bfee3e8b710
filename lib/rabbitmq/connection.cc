#include "lib/rabbitmq/connection.h"

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "lib/rabbitmq/dial.h"

namespace chat21::rabbitmq {
namespace {

using Level = RabbitmqOptions::Level;

// The default of RabbitMQ. A JWT of some kilobytes as the password has to fit
// into one frame.
constexpr int kFrameMax = 131072;

// For goodbyes: nothing depends on the broker having heard them.
constexpr timeval kGoodbye{1, 0};

timeval to_timeval(std::chrono::milliseconds time) {
  return {time.count() / 1000, time.count() % 1000 * 1000};
}

amqp_table_entry_t entry(const char* key, std::string_view value) {
  amqp_table_entry_t entry{};
  entry.key = amqp_cstring_bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = bytes_of(value);
  return entry;
}

amqp_table_entry_t capability(const char* key) {
  amqp_table_entry_t entry{};
  entry.key = amqp_cstring_bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = 1;
  return entry;
}

Error unavailable(std::string_view attempted, std::string_view why) {
  std::string message(attempted);
  if (!message.empty()) message += ": ";
  return fail(Error::Code::Unavailable, message.append(why));
}

}  // namespace

Result<> Connection::open(const StopSignal& stop) {
  drop();
  state_ = amqp_new_connection();
  if (state_ == nullptr) return unavailable("", "out of memory");
  if (auto opened = open_socket(stop); !opened) return opened;
  if (auto logged_in = log_in(); !logged_in) return logged_in;
  if (auto limited = limit_silence(2 * heartbeat()); !limited) return limited;
  const timeval timeout = to_timeval(options_.connect_timeout);
  if (auto set = check(amqp_set_rpc_timeout(state_, &timeout), "cannot set the time-out"); !set) {
    return set;
  }
  return reopen_channel();
}

Result<> Connection::open_socket(const StopSignal& stop) {
  return uri_.tls ? open_tls_socket() : open_tcp_socket(stop);
}

Result<> Connection::open_tcp_socket(const StopSignal& stop) {
  amqp_socket_t* socket = amqp_tcp_socket_new(state_);
  if (socket == nullptr) return unavailable("", "out of memory");
  const auto fd = dial(uri_.host, uri_.port, options_.connect_timeout, stop);
  if (!fd) return fd.error();
  amqp_tcp_socket_set_sockfd(socket, *fd);
  return {};
}

// rabbitmq-c has to connect by itself here: it checks the certificate against
// the name it connected to.
Result<> Connection::open_tls_socket() {
  // OpenSSL 1.1 and later initialise themselves, and in a program that embeds us
  // it is not ours to do.
  amqp_set_initialize_ssl_library(0);
  amqp_socket_t* socket = amqp_ssl_socket_new(state_);
  if (socket == nullptr) return unavailable("", "cannot create a TLS socket");
  amqp_ssl_socket_set_verify_peer(socket, options_.verify_peer ? 1 : 0);
  amqp_ssl_socket_set_verify_hostname(socket, options_.verify_peer ? 1 : 0);
  // Left alone, 0.11 excludes SSL 2 and 3 only.
  if (auto set = check(amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST),
                       "cannot ask for TLS 1.2");
      !set) {
    return set;
  }
  if (options_.ca_file.empty()) {
    auto* context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
    if (SSL_CTX_set_default_verify_paths(context) != 1) {
      return unavailable("", "cannot load the system's certificate authorities");
    }
  } else if (auto set =
                 check(amqp_ssl_socket_set_cacert(socket, options_.ca_file.c_str()),
                       "cannot load the certificate authorities in '" + options_.ca_file + "'");
             !set) {
    return set;
  }
  const timeval timeout = to_timeval(options_.connect_timeout);
  return check(amqp_socket_open_noblock(socket, uri_.host.c_str(), uri_.port, &timeout), "");
}

Result<> Connection::log_in() {
  const timeval timeout = to_timeval(options_.connect_timeout);
  if (auto set = check(amqp_set_handshake_timeout(state_, &timeout), "cannot set the time-out");
      !set) {
    return set;
  }
  // Not announced, the broker would neither tell that a queue was deleted nor
  // that it blocks publishers.
  std::array capabilities{capability("consumer_cancel_notify"), capability("connection.blocked"),
                          capability("publisher_confirms"), capability("basic.nack"),
                          capability("authentication_failure_close")};
  amqp_table_entry_t announced{};
  announced.key = amqp_cstring_bytes("capabilities");
  announced.value.kind = AMQP_FIELD_KIND_TABLE;
  announced.value.value.table = {static_cast<int>(capabilities.size()), capabilities.data()};
  std::array properties{announced, entry("product", "chat21observer"),
                        entry("connection_name", purpose_)};
  const amqp_table_t table{static_cast<int>(properties.size()), properties.data()};
  return check(amqp_login_with_properties(state_, uri_.vhost.c_str(), kChannel, kFrameMax,
                                          uri_.heartbeat, &table, AMQP_SASL_METHOD_PLAIN,
                                          uri_.user.c_str(), uri_.password.c_str()),
               "");
}

// amqp_basic_publish() and the sending of acks wait for a full socket without
// end, and nothing is read meanwhile: the system has to notice a dead peer. 0: as
// long as it does by itself, a quarter of an hour.
Result<> Connection::limit_silence(std::chrono::milliseconds limit) const {
  const auto timeout = static_cast<unsigned>(limit.count());
  if (::setsockopt(fd(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout) != 0) {
    return unavailable("cannot set TCP_USER_TIMEOUT", std::generic_category().message(errno));
  }
  return {};
}

Result<> Connection::reopen_channel() {
  reply_code_ = 0;
  amqp_channel_open(state_, kChannel);
  return check(amqp_get_rpc_reply(state_), "cannot open a channel");
}

Result<> Connection::pump(FrameSink& sink) {
  for (;;) {
    amqp_frame_t frame;
    timeval no_wait{0, 0};
    const int status = amqp_simple_wait_frame_noblock(state_, &frame, &no_wait);
    if (status == AMQP_STATUS_TIMEOUT) return {};
    if (status != AMQP_STATUS_OK) return lost(status, "");
    if (auto taken = take(frame, sink); !taken) return taken;
    // Only now: the frame pointed into these buffers. They grow without bound
    // if they are not given back. Without effect while more of the channel's
    // frames are queued.
    amqp_maybe_release_buffers_on_channel(state_, frame.channel);
  }
}

Result<> Connection::take(const amqp_frame_t& frame, FrameSink& sink) {
  const bool method = frame.frame_type == AMQP_FRAME_METHOD;
  if (frame.channel == 0) {
    if (method) return take_method(frame.payload.method);
    log(Level::Warning,
        "ignoring a frame of type " + std::to_string(frame.frame_type) + " from the broker");
    return {};
  }
  if (method && frame.payload.method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    return closed_by_broker("", frame.payload.method);
  }
  return sink.take(frame);
}

Result<> Connection::take_method(const amqp_method_t& method) {
  switch (method.id) {
    case AMQP_CONNECTION_CLOSE_METHOD:
      return closed_by_broker("", method);
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const auto* blocked = static_cast<const amqp_connection_blocked_t*>(method.decoded);
      blocked_ = true;
      log(Level::Warning, "the broker at " + uri_.address() +
                              " asks publishers to wait: " + std::string(view_of(blocked->reason)));
      // It does not read what is on the way, which would pass for a dead peer.
      return limit_silence(std::chrono::milliseconds(0));
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      blocked_ = false;
      log(Level::Info, "the broker at " + uri_.address() + " takes publishes again");
      return limit_silence(2 * heartbeat());
    default:
      log(Level::Warning,
          "ignoring " + std::string(amqp_method_name(method.id)) + " from the broker");
      return {};
  }
}

Result<> Connection::check(const amqp_rpc_reply_t& reply, std::string_view attempted) {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
      return {};
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      return closed_by_broker(attempted, reply.reply);
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      return lost(reply.library_error, attempted);
    case AMQP_RESPONSE_NONE:
      break;
  }
  return unavailable(attempted, "the connection was closed");
}

Result<> Connection::check(int status, std::string_view attempted) const {
  if (status == AMQP_STATUS_OK) return {};
  return lost(status, attempted);
}

Error Connection::lost(int status, std::string_view attempted) const {
  std::string why = amqp_error_string2(status);
  // Of these the library says no more, but it comes straight from the system.
  if (status == AMQP_STATUS_SOCKET_ERROR || status == AMQP_STATUS_TCP_ERROR) {
    why += ": " + std::generic_category().message(errno);
  }
  return unavailable(attempted, why);
}

// Answers, so that the broker does not have to wait for a time-out; whether the
// answer arrives makes no difference to us.
Error Connection::closed_by_broker(std::string_view attempted, const amqp_method_t& method) {
  std::string why;
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_connection_close_t*>(method.decoded);
    reply_code_ = close->reply_code;
    why = "the broker closed the connection: " + std::to_string(close->reply_code) + ' ' +
          std::string(view_of(close->reply_text));
    amqp_connection_close_ok_t answer{};
    amqp_send_method(state_, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &answer);
  } else if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
    reply_code_ = close->reply_code;
    why = "the broker closed the channel: " + std::to_string(close->reply_code) + ' ' +
          std::string(view_of(close->reply_text));
    amqp_channel_close_ok_t answer{};
    amqp_send_method(state_, kChannel, AMQP_CHANNEL_CLOSE_OK_METHOD, &answer);
  } else {
    why = "unexpected answer from the broker: " + std::string(amqp_method_name(method.id));
  }
  return unavailable(attempted, why);
}

void Connection::close() noexcept {
  if (!is_open()) return;
  // A blocked broker does not read, and a full socket would make us wait.
  pollfd writable{fd(), POLLOUT, 0};
  if (!blocked_ && ::poll(&writable, 1, 0) == 1 && (writable.revents & POLLOUT) != 0 &&
      amqp_set_rpc_timeout(state_, &kGoodbye) == AMQP_STATUS_OK) {
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  }
  drop();
}

void Connection::drop() noexcept {
  if (state_ == nullptr) return;
  amqp_destroy_connection(state_);
  state_ = nullptr;
  blocked_ = false;
  reply_code_ = 0;
}

int Connection::fd() const {
  return amqp_get_sockfd(state_);
}

std::chrono::seconds Connection::heartbeat() const {
  return std::chrono::seconds(amqp_get_heartbeat(state_));
}

void Connection::log(Level level, const std::string& message) const {
  if (options_.log) options_.log(level, message);
}

}  // namespace chat21::rabbitmq
