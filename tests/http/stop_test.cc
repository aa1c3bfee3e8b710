#include <atomic>
#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "tests/http/serving.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using tests::get;
using tests::Peer;
using tests::post;

constexpr auto kLong = 1h;  // a test that waits for it to pass has failed

class Stop : public tests::Serving {};

TEST_F(Stop, EndsIdleConnections) {
  serve();
  Peer unused = peer(), used = peer();
  used.send(get("/"));
  EXPECT_EQ(used.answer().status, 200U);
  server_->stop(kLong);
  EXPECT_EQ(unused.rest(), "");
  EXPECT_EQ(used.rest(), "");
}

TEST_F(Stop, EndsRequestsThatHaveNotArrivedWhole) {
  serve();
  Peer client = peer();
  client.send(get("/"));
  EXPECT_EQ(client.answer().status, 200U);
  client.send("GET / HT");
  server_->stop(2s);
  EXPECT_EQ(client.rest(), "");
}

TEST_F(Stop, AnswersWhatHasArrived) {
  std::latch begun(1), go_on(1);
  serve([&](const HttpRequest& request) {
    begun.count_down();
    go_on.wait();
    return echo(request);
  });
  Peer client = peer();
  client.send(post("/", "body"));
  begun.wait();
  auto stopped = std::async(std::launch::async, [this] { server_->stop(kLong); });
  EXPECT_EQ(stopped.wait_for(100ms), std::future_status::timeout);
  go_on.count_down();
  const auto answer = client.answer();
  EXPECT_EQ(answer.body, "POST /||body");
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_EQ(client.rest(), "");
  stopped.get();
}

TEST_F(Stop, AcceptsNothingNew) {
  std::latch begun(1), go_on(1);
  options.workers = 1;
  serve([&](const HttpRequest& request) {
    begun.count_down();
    go_on.wait();
    return echo(request);
  });
  Peer client = peer();
  client.send(get("/"));
  begun.wait();
  const auto port = server_->port();
  auto stopped = std::async(std::launch::async, [this] { server_->stop(kLong); });
  // Listens no longer: its port can be had.
  Result<std::unique_ptr<HttpServer>> next = fail(Error::Code::Internal, "not tried");
  do {
    next = HttpServer::start({.port = port}, echo);
  } while (!next);
  Peer other(port);
  other.send(get("/other"));
  EXPECT_EQ(other.answer().body, "GET /other||");
  go_on.count_down();
  EXPECT_EQ(client.answer().status, 200U);
  stopped.get();
}

TEST_F(Stop, WaitsForHandlersButNotForTheirClients) {
  std::latch begun(1), go_on(1);
  std::atomic<int> finished = 0;
  options.workers = 1;
  serve([&](const HttpRequest& request) {
    begun.count_down();
    go_on.wait();
    ++finished;
    return echo(request);
  });
  Peer running = peer();
  running.send(get("/"));
  begun.wait();
  Peer queued = peer();
  queued.send(get("/"));
  auto stopped = std::async(std::launch::async, [this] { server_->stop(50ms); });
  EXPECT_EQ(running.rest(), "") << "closed once patience has ended";
  EXPECT_EQ(queued.rest(), "");
  EXPECT_EQ(stopped.wait_for(0ms), std::future_status::timeout);
  go_on.count_down();
  stopped.get();
  EXPECT_EQ(finished, 1) << "what had not begun is dropped";
}

TEST_F(Stop, EndsAnAnswerThatIsNotTaken) {
  serve([](const HttpRequest&) { return HttpResponse{.body = std::string(32U << 20U, 'x')}; });
  Peer client = peer();
  client.send(get("/"));
  ASSERT_TRUE(client.hears_within(30000));
  server_->stop(50ms);
  EXPECT_LT(client.rest().size(), 32U << 20U);
}

TEST_F(Stop, MayBeCalledTwiceAndIsWhatTheDestructorDoes) {
  serve();
  server_->stop(kLong);
  server_->stop(kLong);
  server_.reset();
  serve();
  Peer client = peer();
  client.send("GET");
  server_.reset();
  EXPECT_EQ(client.rest(), "");
}

TEST_F(Stop, IsSafeWhileRequestsArrive) {
  for (int round = 0; round < 20; ++round) {
    serve();
    std::latch busy(4);
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&busy, client = peer()]() mutable {
        client.send(get("/"));
        EXPECT_EQ(client.answer().status, 200U);
        busy.count_down();
        while (client.send(get("/"))) {
          const auto answer = client.answer();
          if (answer.status == 0) break;
          EXPECT_EQ(answer.body, "GET /||");
        }
      });
    }
    busy.wait();
    server_->stop(kLong);
    for (auto& client : clients) client.join();
  }
}

}  // namespace
}  // namespace chat21::server
