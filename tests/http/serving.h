// A server on a free port, for the tests.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/http/server.h"
#include "tests/http/peer.h"

namespace chat21::tests {

class Serving : public ::testing::Test {
 protected:
  // The default handler tells what it was asked.
  void serve(server::HttpServer::Handler handler = echo) {
    if (!options.log) options.log = [this](const std::string& line) { note(line); };
    auto started = server::HttpServer::start(options, std::move(handler));
    ASSERT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
  }

  Peer peer() const { return Peer(server_->port()); }

  // The answer to this, on a connection of its own.
  PeerAnswer ask(std::string_view request) const {
    Peer client = peer();
    client.send(request);
    return client.answer();
  }

  static server::HttpResponse echo(const server::HttpRequest& request) {
    return {.content_type = "text/plain",
            .body = request.method + ' ' + request.target + '|' + request.authorization + '|' +
                    request.body};
  }

  std::vector<std::string> logged() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  server::HttpServerOptions options;
  std::unique_ptr<server::HttpServer> server_;

 private:
  void note(const std::string& line) {
    const std::lock_guard lock(mutex_);
    log_.push_back(line);
  }

  std::mutex mutex_;  // guards log_
  std::vector<std::string> log_;
};

}  // namespace chat21::tests
