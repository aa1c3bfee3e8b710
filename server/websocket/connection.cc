#include "server/websocket/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <exception>
#include <vector>

#include "server/http/answers.h"
#include "server/http/failures.h"
#include "server/websocket/handshake.h"

namespace chat21::server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using websocket::close_code;
using Clock = std::chrono::steady_clock;
using Parser = http::request_parser<http::empty_body>;

// Browsers send their cookies, also those of other servers of this host.
constexpr std::size_t kHeaderBytes = 16U << 10U;
// What a client has to send is mostly small, and most clients are silent: the small buffer
// is all that waits for it, until one arrives that does not fit.
constexpr std::size_t kIdleBytes = 512;
constexpr std::size_t kBusyBytes = 16U << 10U;
// The kernel's for each socket. Left alone it takes megabytes for a client that does not read.
constexpr int kSocketBytes = 128 << 10;
// How long either side may take to close when the other has: for the broker to take what was
// sent before, and for the client to read why.
constexpr std::chrono::milliseconds kLinger{2000};
constexpr auto kNever = Clock::time_point::max();

void limit_buffers(Tcp& socket) {
  error_code ignored;  // larger ones work as well
  socket.set_option(Tcp::send_buffer_size(kSocketBytes), ignored);
  socket.set_option(Tcp::receive_buffer_size(kSocketBytes), ignored);
}

http::response<http::string_body> to_message(HttpResponse answer, bool is_head) {
  http::response<http::string_body> message(static_cast<http::status>(answer.status), 11);
  message.set(http::field::content_type, answer.content_type);
  message.set(http::field::connection, "close");
  for (const auto& [name, value] : answer.headers) {
    message.set(name, value);
    if (name == "Upgrade") message.set(http::field::connection, "upgrade, close");
  }
  message.content_length(answer.body.size());
  if (!is_head) message.body() = std::move(answer.body);
  return message;
}

template <class Stream>
class StreamBridge final : public BridgedConnection,
                           public std::enable_shared_from_this<StreamBridge<Stream>> {
 public:
  StreamBridge(BridgeCore& core, Stream stream, bool refused)
      : core_(core), refused_(refused), client_(std::move(stream)), broker_(core.io) {
    limit_buffers(socket());
    client_.read_message_max(core.options.max_message_bytes);
    client_.binary(true);
    client_.auto_fragment(false);  // it would cost a system call for every 4 kB
  }

  asio::awaitable<void> run() override {
    until_ = Clock::now() + core_.options.handshake_timeout;
    if (const bool upgraded = co_await shake_hands(); !upgraded) co_return;
    until_ = kNever;
    is_open_ = true;
    asio::co_spawn(core_.io, to_broker(),
                   [self = this->shared_from_this()](const std::exception_ptr& failure) {
                     if (failure) self->close();  // no memory
                   });
    const auto reason = co_await to_client();
    co_await part(reason_.value_or(reason));
  }

  void check(Clock::time_point now) override {
    if (now >= std::min(until_, last_)) return miss_deadline();
    // Beast closes what breaks the protocol, and would wait forever for the client to do so.
    if (is_open_ && last_ == kNever && !client_.is_open()) last_ = now + kLinger;
  }

  void leave() override {
    if (!is_open_) return close();
    reason_ = close_code::going_away;
    end_broker();
  }

  void close() override {
    error_code ignored;  // closed they are in any case
    socket().close(ignored);
    broker_.close(ignored);
  }

 private:
  Tcp& socket() { return socket_of(client_.next_layer()); }

  void miss_deadline() {
    if (!connecting_) return close();
    until_ = Clock::now() + core_.options.handshake_timeout;  // for the answer
    error_code ignored;
    broker_.close(ignored);
  }

  // --- The handshake ---

  // True once it is a WebSocket, and the broker has accepted a connection for it.
  asio::awaitable<bool> shake_hands() {
    if (co_await greet(client_.next_layer())) co_return false;
    boost::beast::flat_buffer buffer(kHeaderBytes);
    Parser parser;
    const auto status = co_await receive(parser, buffer);
    if (status == kGone) co_return false;
    auto refusal = status == kWhole ? refusal_of(parser.get(), core_.options.path)
                                    : std::optional(problem(status));
    if (!refusal && buffer.size() > 0) {
      refusal = problem(400, "A client has to wait for the answer before it sends more.");
    }
    if (!refusal && refused_) refusal = problem(503);
    // Before the upgrade: afterwards there is no answer that says why.
    if (!refusal) refusal = co_await connect();
    if (!refusal) co_return co_await upgrade(parser.get());
    const bool is_head = parser.get().method() == http::verb::head;
    co_await refuse(*std::move(refusal), is_head);
    co_return false;
  }

  // kWhole, kGone, or the status of the answer why it is not read any further.
  asio::awaitable<unsigned> receive(Parser& parser, boost::beast::flat_buffer& buffer) {
    parser.header_limit(kHeaderBytes);
    error_code failure;
    const auto bytes = co_await http::async_read_header(
        client_.next_layer(), buffer, parser, asio::redirect_error(asio::use_awaitable, failure));
    // The parser's own limit is one for the first line and one for the rest.
    if (bytes > kHeaderBytes) co_return 431;
    co_return failure ? status_of(failure) : kWhole;
  }

  asio::awaitable<std::optional<HttpResponse>> connect() {
    until_ = Clock::now() + core_.options.handshake_timeout;
    connecting_ = true;
    error_code failure;
    broker_.open(core_.broker.protocol(), failure);
    if (!failure) {
      limit_buffers(broker_);
      co_await broker_.async_connect(core_.broker,
                                     asio::redirect_error(asio::use_awaitable, failure));
    }
    if (!failure) broker_.set_option(asio::ip::tcp::no_delay(true), failure);
    if (!failure) broker_.non_blocking(true, failure);
    connecting_ = false;
    if (!failure) co_return std::nullopt;
    core_.broker_is_away(failure == asio::error::operation_aborted ? "it does not accept"
                                                                   : failure.message());
    co_return problem(503, "The broker does not answer.");
  }

  asio::awaitable<bool> upgrade(const HandshakeRequest& request) {
    client_.set_option(websocket::stream_base::decorator(
        [subprotocol = subprotocol_of(request)](websocket::response_type& answer) {
          answer.set(http::field::server, "chat21-server");
          if (!subprotocol.empty()) answer.set(http::field::sec_websocket_protocol, subprotocol);
        }));
    error_code failure;
    co_await client_.async_accept(request, asio::redirect_error(asio::use_awaitable, failure));
    co_return !failure;
  }

  asio::awaitable<void> refuse(HttpResponse answer, bool is_head) {
    const auto message = to_message(std::move(answer), is_head);
    auto& stream = client_.next_layer();
    error_code failure;
    co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return;
    until_ = Clock::now() + kLinger;
    co_await say_goodbye(stream);
    // Closing at once would reset the connection, and the client might lose the answer.
    socket().shutdown(Tcp::shutdown_send, failure);
    std::array<char, kIdleBytes> unread;
    while (!failure) {
      co_await socket().async_read_some(asio::buffer(unread),
                                        asio::redirect_error(asio::use_awaitable, failure));
    }
  }

  // --- The two directions ---

  // Ends with the client's side of the connection.
  asio::awaitable<void> to_broker() {
    std::vector<char> buffer(kIdleBytes);
    error_code failure;
    for (;;) {
      const auto bytes = co_await client_.async_read_some(
          asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, failure));
      if (failure) break;
      if (!client_.got_binary()) {
        reason_ = close_code::unknown_data;
        break;
      }
      co_await asio::async_write(broker_, asio::buffer(buffer.data(), bytes),
                                 asio::redirect_error(asio::use_awaitable, failure));
      if (failure) break;
      if (bytes == kIdleBytes) buffer = std::vector<char>(kBusyBytes);
      if (bytes < kIdleBytes && buffer.size() > kIdleBytes) buffer = std::vector<char>(kIdleBytes);
    }
    end_broker();
  }

  // Ends with the broker's side of the connection, and says how. Whatever ends the
  // connection, it ends by way of this: the broker has then taken all that was sent to it.
  asio::awaitable<close_code> to_client() {
    std::unique_ptr<std::array<char, kBusyBytes>> buffer;  // none while nothing arrives
    error_code failure;
    for (;;) {
      if (!buffer) {
        co_await broker_.async_wait(Tcp::wait_read,
                                    asio::redirect_error(asio::use_awaitable, failure));
        if (failure) co_return close_code::internal_error;
        buffer = std::make_unique_for_overwrite<std::array<char, kBusyBytes>>();
      }
      const auto bytes = broker_.read_some(asio::buffer(*buffer), failure);
      if (failure == asio::error::would_block) {
        buffer.reset();
        continue;
      }
      if (failure == asio::error::eof) co_return close_code::normal;
      if (failure) co_return close_code::internal_error;
      co_await send(asio::buffer(buffer->data(), bytes));
    }
  }

  // Once the client has gone, what the broker sends is not for anybody.
  asio::awaitable<void> send(asio::const_buffer bytes) {
    if (!client_.is_open()) co_return;
    until_ = Clock::now() + core_.options.stall_timeout;
    error_code failure;
    co_await client_.async_write(bytes, asio::redirect_error(asio::use_awaitable, failure));
    until_ = kNever;
    if (failure) end_broker();
  }

  // --- The end ---

  // Nothing more is sent to the broker. It closes then, after it has taken what it got.
  void end_broker() {
    last_ = std::min(last_, Clock::now() + kLinger);
    error_code ignored;  // the broker has closed already
    broker_.shutdown(Tcp::shutdown_send, ignored);
  }

  asio::awaitable<void> part(close_code reason) {
    if (!client_.is_open()) co_return;
    last_ = std::min(last_, Clock::now() + kLinger);
    error_code ignored;  // the client may have left
    co_await client_.async_close(reason, asio::redirect_error(asio::use_awaitable, ignored));
  }

  BridgeCore& core_;
  const bool refused_;
  websocket::stream<Stream, false> client_;  // without compression: it takes much memory
  Tcp broker_;
  Clock::time_point until_ = kNever;  // for what it waits for now
  Clock::time_point last_ = kNever;   // for the whole connection
  bool connecting_ = false;           // to the broker
  bool is_open_ = false;              // both sides are connected, or have been
  std::optional<close_code> reason_;  // if it is not the broker's
};

}  // namespace

std::shared_ptr<BridgedConnection> make_bridged_connection(BridgeCore& core, Tcp socket,
                                                           bool refused) {
  if (!core.tls) return std::make_shared<StreamBridge<Tcp>>(core, std::move(socket), refused);
  return std::make_shared<StreamBridge<Tls>>(core, Tls(std::move(socket), *core.tls), refused);
}

}  // namespace chat21::server
