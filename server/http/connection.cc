#include "server/http/connection.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <exception>
#include <string_view>

#include "server/http/answers.h"
#include "server/http/failures.h"
#include "server/http/streams.h"

namespace chat21::server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;
using Clock = asio::steady_timer::clock_type;
using Parser = http::request_parser<http::string_body>;
using Message = http::response<http::string_body>;

constexpr std::size_t kFirstRead = 1024;  // most requests fit, and it is all that an idle one costs
// How long a client may go on sending what is not read any more. Closing at once would
// reset the connection, and the client would lose the answer.
constexpr milliseconds kLinger{2000};

// --- Requests ---

// Why a request whose header has arrived is not read any further; kWhole if it is.
unsigned refusal_of(const Parser& parser) {
  const auto& head = parser.get();
  // What others might take for the end of the body must not differ from what we do.
  if (const auto codings = head.count(http::field::transfer_encoding); codings > 0) {
    const auto coding = head[http::field::transfer_encoding];
    if (codings > 1 || head.version() == 10 || !boost::beast::iequals(coding, "chunked")) {
      return 501;
    }
  }
  if (head.version() == 11 && head.count(http::field::host) != 1) return 400;
  return kWhole;
}

bool expects_continue(const Parser& parser) {
  const auto& head = parser.get();
  return head.version() == 11 && boost::beast::iequals(head[http::field::expect], "100-continue") &&
         !parser.is_done();
}

// The safe methods of RFC 9110 §9.2.1, as far as anybody uses them.
bool only_reads(const Parser& parser) {
  const auto method = parser.get().method();
  return method == http::verb::get || method == http::verb::head || method == http::verb::options;
}

HttpRequest take_request(Parser& parser) {
  auto& message = parser.get();
  const bool is_head = message.method() == http::verb::head;
  return {.method = is_head ? "GET" : std::string(message.method_string()),
          .target = std::string(message.target()),
          .authorization = std::string(message[http::field::authorization]),
          .body = std::move(message.body())};
}

// --- Answers ---

// How an answer is put on the wire.
struct Framing {
  unsigned version = 11;
  bool is_head = false;
  bool keeps_open = false;

  static Framing of(const Parser& parser) {
    const auto& head = parser.get();
    return {.version = head.version(), .is_head = head.method() == http::verb::head};
  }
};

Message to_message(HttpResponse response, const ServerCore& core, const Framing& framing) {
  Message message(static_cast<http::status>(response.status), framing.version);
  const bool may_have_body = response.status != 204 && response.status != 304;
  if (may_have_body) message.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : core.options.headers) message.insert(name, value);
  for (const auto& [name, value] : response.headers) message.insert(name, value);
  // After the others, so that none of them says where the answer ends.
  message.keep_alive(framing.keeps_open);
  message.content_length(may_have_body ? boost::optional<std::uint64_t>(response.body.size())
                                       : boost::none);
  if (may_have_body && !framing.is_head) message.body() = std::move(response.body);
  return message;
}

// The share of an answer in pending_bytes, for as long as the answer waits.
struct GiveBack {
  std::size_t bytes = 0;
  void operator()(std::atomic<std::size_t>* total) const { *total -= bytes; }
};
using PendingBytes = std::unique_ptr<std::atomic<std::size_t>, GiveBack>;

struct Answer {
  HttpResponse response;
  PendingBytes pending;
};

// What the handler makes of it; 500 if that cannot be sent.
HttpResponse handle(ServerCore& core, const HttpRequest& request) {
  const auto complain = [&core](const std::string& what) {
    if (core.options.log) core.options.log(what);
  };
  try {
    auto response = core.handler(request);
    if (can_be_sent(response)) return response;
    complain("a handler made an answer that cannot be sent: wrong status or header");
  } catch (const std::exception& failure) {
    complain(std::string("a handler failed: ") + failure.what());
  } catch (...) {
    complain("a handler failed");
  }
  return problem(500);
}

// On a worker thread. Whoever had to wait too long for one is not served any more: the
// client has probably left, and others wait.
asio::awaitable<Answer> carry_out(ServerCore& core, HttpRequest request,
                                  Clock::time_point deadline) {
  const bool is_late = core.aborted || Clock::now() > deadline;
  Answer answer{.response = is_late ? problem(503) : handle(core, request), .pending = {}};
  const auto bytes = answer.response.body.size();
  answer.pending = PendingBytes(&core.pending_bytes, GiveBack{bytes});
  if (core.pending_bytes.fetch_add(bytes) + bytes > core.options.max_pending_bytes) {
    answer.pending.reset();
    answer.response = problem(503);
  }
  co_return answer;
}

// --- The connection ---

template <class Stream>
class StreamConnection final : public Connection,
                               public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
  StreamConnection(ServerCore& core, Stream stream, bool refused)
      : core_(core),
        refused_(refused),
        stream_(std::move(stream)),
        timer_(core.io),
        buffer_(core.options.max_header_bytes) {}

  asio::awaitable<void> run() override {
    auto next = co_await start();
    while (next == Next::Serve) {
      next = co_await serve();
    }
    if (next == Next::Part) co_await part();
  }

  void finish() override {
    error_code failure;
    // What has arrived may be a whole request. Cancelled, not closed: a read that has
    // succeeded already, and was not told so yet, stays as it is.
    if (reading_ && socket().available(failure) == 0) socket().cancel(failure);
  }

  void close() override {
    error_code ignored;  // closed it is in any case
    socket().close(ignored);
    no_deadline();
  }

 private:
  enum class Next { Serve, Part, Leave };
  enum class Late { Close, Answer };  // what happens at the deadline

  Tcp& socket() { return socket_of(stream_); }
  std::size_t first_read() const { return std::min(kFirstRead, buffer_.max_size()); }

  asio::awaitable<Next> start() {
    set_deadline(core_.options.request_timeout, Late::Close);
    const error_code failure = co_await greet(stream_);
    if (failure) co_return Next::Leave;
    if (!refused_) co_return Next::Serve;
    const bool sent = co_await send(problem(503), Framing());
    co_return sent ? Next::Part : Next::Leave;
  }

  // One request and its answer.
  asio::awaitable<Next> serve() {
    const bool begun = co_await wait_for_request();
    if (!begun) co_return Next::Leave;
    Parser parser;
    const auto status = co_await receive(parser);
    if (status == kGone) co_return Next::Leave;
    auto framing = Framing::of(parser);
    if (status != kWhole) {
      const bool sent = co_await send(problem(status), framing);
      co_return sent ? Next::Part : Next::Leave;
    }
    const bool keeps_open = parser.keep_alive();
    reading_ = false;
    no_deadline();  // the handler takes the time it takes
    auto& workers = only_reads(parser) ? core_.reads : core_.changes;
    const auto deadline = Clock::now() + core_.options.request_timeout;
    Answer answer = co_await asio::co_spawn(
        workers, carry_out(core_, take_request(parser), deadline), asio::use_awaitable);
    framing.keeps_open = keeps_open && !core_.stopping;
    const bool sent = co_await send(std::move(answer.response), framing);
    if (!sent) co_return Next::Leave;
    co_return framing.keeps_open && !core_.stopping ? Next::Serve : Next::Part;
  }

  asio::awaitable<bool> wait_for_request() {
    if (buffer_.size() > 0) co_return true;  // sent ahead of our answer
    buffer_.shrink_to_fit();
    set_deadline(core_.options.idle_timeout, Late::Close);
    const auto room = buffer_.prepare(first_read());
    error_code failure;
    const auto bytes =
        co_await stream_.async_read_some(room, asio::redirect_error(asio::use_awaitable, failure));
    buffer_.commit(bytes);
    co_return !failure;
  }

  // kWhole, kGone, or the status of the answer why it is not read any further.
  asio::awaitable<unsigned> receive(Parser& parser) {
    parser.header_limit(static_cast<std::uint32_t>(core_.options.max_header_bytes));
    parser.body_limit(core_.options.max_body_bytes);
    set_deadline(core_.options.request_timeout, Late::Answer);
    error_code failure;
    const auto bytes = co_await http::async_read_header(
        stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, failure));
    // The parser's own limit is one for the first line and one for the rest.
    if (bytes > core_.options.max_header_bytes) co_return 431;
    if (failure) co_return late_ ? 408 : status_of(failure);
    if (const auto status = refusal_of(parser); status != kWhole) co_return status;
    if (expects_continue(parser)) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(stream_, asio::buffer(kContinue),
                                 asio::redirect_error(asio::use_awaitable, failure));
    }
    if (failure) co_return kGone;
    co_await http::async_read(stream_, buffer_, parser,
                              asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return late_ ? 408 : status_of(failure);
    co_return kWhole;
  }

  asio::awaitable<bool> send(HttpResponse response, Framing framing) {
    reading_ = false;
    set_deadline(core_.options.request_timeout, Late::Close);
    const auto message = to_message(std::move(response), core_, framing);
    error_code failure;
    co_await http::async_write(stream_, message,
                               asio::redirect_error(asio::use_awaitable, failure));
    reading_ = true;
    co_return !failure;
  }

  // After the last answer: lets the client read it before the connection is closed.
  asio::awaitable<void> part() {
    set_deadline(kLinger, Late::Close);
    co_await say_goodbye(stream_);
    buffer_.consume(buffer_.size());
    error_code failure;
    socket().shutdown(Tcp::shutdown_send, failure);
    while (!failure && (!core_.stopping || socket().available(failure) > 0)) {
      const auto rest = buffer_.prepare(first_read());
      co_await socket().async_read_some(rest, asio::redirect_error(asio::use_awaitable, failure));
    }
  }

  void set_deadline(milliseconds time, Late late) {
    late_ = false;
    timer_.expires_after(time);
    timer_.async_wait([self = this->shared_from_this(), late](const error_code& failure) {
      // It may have been set anew after this was queued.
      if (!failure && self->timer_.expiry() <= Clock::now()) self->miss_deadline(late);
    });
  }

  // Not cancel(): the timer may have gone off, and its handler not have run yet.
  void no_deadline() { timer_.expires_at(Clock::time_point::max()); }

  void miss_deadline(Late late) {
    if (late == Late::Close) return close();
    // In case that it was not reading: the invitation to send may not be taken.
    set_deadline(core_.options.request_timeout, Late::Close);
    late_ = true;
    error_code ignored;  // closed by the client: the read ends as well
    // Ends this read and all that follow, while an answer can still be sent.
    socket().shutdown(Tcp::shutdown_receive, ignored);
  }

  ServerCore& core_;
  const bool refused_;
  Stream stream_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  bool reading_ = true;  // waits for the client, who is owed nothing
  bool late_ = false;    // the request has missed its deadline
};

}  // namespace

std::shared_ptr<Connection> make_connection(ServerCore& core, Tcp socket, bool refused) {
  if (!core.tls) {
    return std::make_shared<StreamConnection<Tcp>>(core, std::move(socket), refused);
  }
  return std::make_shared<StreamConnection<Tls>>(core, Tls(std::move(socket), *core.tls), refused);
}

}  // namespace chat21::server
