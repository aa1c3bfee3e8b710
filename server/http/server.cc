#include "server/http/server.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <future>
#include <set>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include "server/http/answers.h"
#include "server/http/connection.h"
#include "server/http/listener.h"
#include "server/http/tls.h"

namespace chat21::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

// How many are told at the same time that there are too many; the rest is just closed.
constexpr std::size_t kRefusedAtOnce = 64;
constexpr std::chrono::milliseconds kFinishEvery{50};

}  // namespace

class HttpServer::Impl {
 public:
  Impl(HttpServerOptions options, Handler handler)
      : core_{.options = std::move(options), .handler = std::move(handler)} {}

  Result<> open() {
    for (const auto& [name, value] : core_.options.headers) {
      if (!is_header(name, value)) {
        return fail(Error::Code::InvalidArgument, "cannot send the header '" + name + "'");
      }
    }
    if (!core_.options.certificate_file.empty() || !core_.options.key_file.empty()) {
      auto tls = load_tls(core_.options.certificate_file, core_.options.key_file);
      if (!tls) return fail(tls.error());
      core_.tls.emplace(*std::move(tls));
    }
    return listener_.open(core_.options.address, core_.options.port);
  }

  void run() {
    auto accept_all =
        listener_.accept_all([this](tcp::socket socket) { welcome(std::move(socket)); },
                             [this](const std::string& what) { complain(what); });
    asio::co_spawn(core_.io, std::move(accept_all), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);  // no memory: as anywhere else
    });
    io_thread_ = start_thread(core_.io);
    start_workers(core_.reads, core_.options.workers);
    start_workers(core_.changes, core_.options.change_workers);
  }

  std::uint16_t port() const { return listener_.port(); }

  void stop(std::chrono::milliseconds patience) {
    if (!io_thread_.joinable()) return;
    asio::co_spawn(core_.io, finish(), asio::detached);
    if (ended_.get_future().wait_for(patience) != std::future_status::ready) {
      core_.aborted = true;
      asio::post(core_.io, [this] {
        for (const auto& connection : connections_) connection->close();
      });
    }
    io_thread_.join();
    has_reads_.reset();
    has_changes_.reset();
    for (auto& worker : workers_) worker.join();
  }

 private:
  void start_workers(asio::io_context& work, std::size_t count) {
    for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
      workers_.push_back(start_thread(work));
    }
  }

  std::thread start_thread(asio::io_context& work) {
    return std::thread([this, &work] {
      lower_priority();
      work.run();
      if (&work == &core_.io) ended_.set_value();
    });
  }

  // Of the calling thread: on Linux each has its own niceness.
  void lower_priority() {
    if (core_.options.nice == 0) return;
    const auto thread = static_cast<id_t>(::gettid());
    const int now = ::getpriority(PRIO_PROCESS, thread);
    if (::setpriority(PRIO_PROCESS, thread, now + core_.options.nice) != 0) {
      complain(std::string("cannot lower the priority of an HTTP thread: ") + std::strerror(errno));
    }
  }

  // --- On the thread of io ---

  void welcome(tcp::socket socket) {
    const bool is_refused = connections_.size() - refused_ >= core_.options.max_connections;
    if (is_refused && refused_ >= kRefusedAtOnce) return;
    const auto connection = make_connection(core_, std::move(socket), is_refused);
    connections_.insert(connection);
    if (is_refused) ++refused_;
    asio::co_spawn(core_.io, connection->run(),
                   [this, connection, is_refused](const std::exception_ptr& failure) {
                     connection->close();
                     connections_.erase(connection);
                     if (is_refused) --refused_;
                     if (connections_.empty()) finishing_.cancel();
                     if (failure) complain("an HTTP connection failed: " + reason_of(failure));
                   });
  }

  asio::awaitable<void> finish() {
    core_.stopping = true;
    listener_.close();
    has_connections_.reset();  // the thread ends with the last connection
    // Again and again, for one may just be between two reads.
    error_code ignored;  // the pause is cut short
    while (!connections_.empty()) {
      for (const auto& connection : connections_) connection->finish();
      finishing_.expires_after(kFinishEvery);
      co_await finishing_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

  static std::string reason_of(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& reason) {
      return reason.what();
    } catch (...) {
      return "unknown reason";
    }
  }

  void complain(const std::string& what) const {
    if (core_.options.log) core_.options.log(what);
  }

  ServerCore core_;
  Listener listener_{core_.io, "HTTP"};
  std::set<std::shared_ptr<Connection>> connections_;  // of the thread of io
  std::size_t refused_ = 0;                            // of those; likewise
  asio::steady_timer finishing_{core_.io};
  WorkGuard has_connections_ = asio::make_work_guard(core_.io);
  WorkGuard has_reads_ = asio::make_work_guard(core_.reads);
  WorkGuard has_changes_ = asio::make_work_guard(core_.changes);
  std::promise<void> ended_;  // the thread of io
  std::thread io_thread_;
  std::vector<std::thread> workers_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options, Handler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  if (const auto opened = impl->open(); !opened) return fail(opened.error());
  impl->run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  impl_->stop(std::chrono::milliseconds(0));
}

std::uint16_t HttpServer::port() const {
  return impl_->port();
}

void HttpServer::stop(std::chrono::milliseconds patience) {
  impl_->stop(patience);
}

}  // namespace chat21::server
