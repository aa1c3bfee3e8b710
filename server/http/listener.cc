#include "server/http/listener.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <sstream>

namespace chat21::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// Without it, accept() that fails for want of file descriptors would be tried again at
// once, and fail, and so on.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::minutes kComplainEvery{1};

std::string to_text(const tcp::endpoint& endpoint) {
  std::ostringstream text;
  text << endpoint;
  return text.str();
}

}  // namespace

Result<> Listener::open(const std::string& address, std::uint16_t port) {
  error_code failure;
  const auto numeric = asio::ip::make_address(address, failure);
  if (failure) {
    return fail(Error::Code::InvalidArgument,
                "cannot listen on '" + address + "': it is not a numeric IP address");
  }
  const tcp::endpoint endpoint(numeric, port);
  acceptor_.open(endpoint.protocol(), failure);
  if (!failure) acceptor_.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure) acceptor_.bind(endpoint, failure);
  if (!failure) acceptor_.listen(tcp::acceptor::max_listen_connections, failure);
  if (!failure) port_ = acceptor_.local_endpoint(failure).port();
  if (!failure) return {};
  const auto code = failure == asio::error::address_in_use ? Error::Code::Unavailable
                                                           : Error::Code::InvalidArgument;
  return fail(code, "cannot listen on " + to_text(endpoint) + ": " + failure.message());
}

asio::awaitable<void> Listener::accept_all(std::function<void(tcp::socket)> welcome,
                                           std::function<void(const std::string&)> complain) {
  asio::steady_timer pause(io_);
  auto silent_until = Clock::now();
  for (;;) {
    error_code failure;
    auto socket =
        co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (closed_) break;
    if (!failure) {
      error_code ignored;  // it is only slower without, or reset already
      socket.set_option(tcp::no_delay(true), ignored);
      welcome(std::move(socket));
      continue;
    }
    if (Clock::now() >= silent_until) {
      complain("cannot accept " + kind_ + " connections: " + failure.message());
      silent_until = Clock::now() + kComplainEvery;
    }
    pause.expires_after(kAcceptPause);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
  }
}

void Listener::close() {
  closed_ = true;
  error_code ignored;  // nothing is accepted in any case
  acceptor_.close(ignored);
}

}  // namespace chat21::server
