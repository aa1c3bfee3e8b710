#include "server/websocket/bridge.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <set>
#include <thread>

#include "server/http/listener.h"
#include "server/http/tls.h"
#include "server/websocket/connection.h"

namespace chat21::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// How many are told at the same time that there are too many; the rest is just closed.
constexpr std::size_t kRefusedAtOnce = 64;
constexpr std::chrono::milliseconds kCheckEvery{250};
constexpr std::chrono::minutes kComplainEvery{1};

}  // namespace

class WebSocketBridge::Impl {
 public:
  explicit Impl(WebSocketOptions options) : core_{.options = std::move(options)} {
    core_.broker_is_away = [this](const std::string& reason) { complain_of_broker(reason); };
  }

  Result<> open() {
    const auto& options = core_.options;
    error_code failure;
    core_.broker = {asio::ip::make_address(options.broker_address, failure), options.broker_port};
    if (failure) {
      return fail(Error::Code::InvalidArgument, "cannot connect to '" + options.broker_address +
                                                    "': it is not a numeric IP address");
    }
    if (!options.certificate_file.empty() || !options.key_file.empty()) {
      auto tls = load_tls(options.certificate_file, options.key_file);
      if (!tls) return fail(tls.error());
      core_.tls.emplace(*std::move(tls));
    }
    return listener_.open(options.address, options.port);
  }

  void run() {
    spawn(listener_.accept_all([this](Tcp socket) { welcome(std::move(socket)); },
                               [this](const std::string& what) { complain(what); }));
    spawn(check_all());
    thread_ = std::thread([this] { core_.io.run(); });
  }

  std::uint16_t port() const { return listener_.port(); }

  void stop() {
    asio::post(core_.io, [this] {
      stopping_ = true;
      listener_.close();
      for (const auto& connection : connections_) connection->leave();
      check_again_.cancel();
    });
    thread_.join();
  }

 private:
  void spawn(asio::awaitable<void> task) {
    asio::co_spawn(core_.io, std::move(task), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);  // no memory: as anywhere else
    });
  }

  // --- On the thread of io ---

  void welcome(Tcp socket) {
    const bool is_refused = connections_.size() - refused_ >= core_.options.max_connections;
    if (is_refused && refused_ >= kRefusedAtOnce) return;
    const auto connection = make_bridged_connection(core_, std::move(socket), is_refused);
    connections_.insert(connection);
    if (is_refused) ++refused_;
    asio::co_spawn(core_.io, connection->run(),
                   [this, connection, is_refused](const std::exception_ptr& failure) {
                     connection->close();
                     connections_.erase(connection);
                     if (is_refused) --refused_;
                     if (stopping_) check_again_.cancel();
                     if (failure) complain("a WebSocket connection failed for want of memory");
                   });
  }

  asio::awaitable<void> check_all() {
    while (!stopping_ || !connections_.empty()) {
      error_code ignored;  // the pause is cut short
      check_again_.expires_after(kCheckEvery);
      co_await check_again_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      const auto now = Clock::now();
      for (const auto& connection : connections_) connection->check(now);
    }
  }

  void complain_of_broker(const std::string& reason) {
    const auto now = Clock::now();
    if (now < silent_until_) return;
    silent_until_ = now + kComplainEvery;
    complain("cannot connect a WebSocket client to the broker at " + core_.options.broker_address +
             ", port " + std::to_string(core_.options.broker_port) + ": " + reason);
  }

  void complain(const std::string& what) const {
    if (core_.options.log) core_.options.log(what);
  }

  BridgeCore core_;
  Listener listener_{core_.io, "WebSocket"};
  std::set<std::shared_ptr<BridgedConnection>> connections_;
  std::size_t refused_ = 0;  // of those
  asio::steady_timer check_again_{core_.io};
  Clock::time_point silent_until_ = Clock::now();
  bool stopping_ = false;
  std::thread thread_;  // of io, whose all of the above is
};

Result<std::unique_ptr<WebSocketBridge>> WebSocketBridge::start(WebSocketOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (const auto opened = impl->open(); !opened) return fail(opened.error());
  impl->run();
  return std::unique_ptr<WebSocketBridge>(new WebSocketBridge(std::move(impl)));
}

WebSocketBridge::WebSocketBridge(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WebSocketBridge::~WebSocketBridge() {
  impl_->stop();
}

std::uint16_t WebSocketBridge::port() const {
  return impl_->port();
}

}  // namespace chat21::server
