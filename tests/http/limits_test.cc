// What strangers may cost.
#include <atomic>
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <latch>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "tests/http/serving.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Pair;
using tests::get;
using tests::Peer;
using tests::PeerAnswer;
using tests::post;

class Limits : public tests::Serving {
 protected:
  void expect_refused(std::string_view request, unsigned status) {
    Peer client = peer();
    client.send(request);
    const auto answer = client.answer();
    EXPECT_EQ(answer.status, status) << request.substr(0, 200);
    EXPECT_THAT(answer.body, testing::StartsWith(R"({"success":false,"err":")"));
    EXPECT_THAT(answer.headers, Contains(Pair("connection", "close")));
    EXPECT_EQ(client.rest(), "");
  }

  PeerAnswer ask_until_let_in(std::string_view target) const {
    PeerAnswer answer;
    do {
      answer = ask(get(target));
    } while (answer.status == 503 || answer.status == 0);
    return answer;
  }
};

TEST_F(Limits, HoldForTheHeader) {
  options.max_header_bytes = 2000;
  serve();
  const auto padded = [](std::size_t size) {
    const auto rest = get("/", "X: \r\n").size();
    return get("/", "X: " + std::string(size - rest, 'x') + "\r\n");
  };
  EXPECT_EQ(ask(padded(2000)).status, 200U);
  expect_refused(padded(2001), 431);
  expect_refused(padded(100000), 431);
  expect_refused("GET /" + std::string(3000, 'x'), 431);
  expect_refused("GET / HTTP/1.1\r\nX: " + std::string(3000, 'x'), 431);
  // The first line and the rest, each short enough alone.
  expect_refused(get('/' + std::string(1500, 'x'), "X: " + std::string(1500, 'x') + "\r\n"), 431);
}

TEST_F(Limits, HoldForTheBodyBeforeItIsRead) {
  options.max_body_bytes = 1000;
  serve();
  EXPECT_EQ(ask(post("/", std::string(1000, 'x'))).status, 200U);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n", 413);
  expect_refused(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n", 413);
}

TEST_F(Limits, LetAClientReadWhyItsBodyIsRefused) {
  options.max_body_bytes = 1000;
  serve();
  Peer client = peer();
  client.send(post("/", std::string(1 << 20, 'x')));  // more than sockets buffer
  EXPECT_EQ(client.answer().status, 413U);
}

TEST_F(Limits, HoldForBodiesInChunks) {
  options.max_body_bytes = 1000;
  serve();
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string chunks;
  for (int i = 0; i < 100; ++i) chunks += "a\r\n0123456789\r\n";
  EXPECT_EQ(ask(head + chunks + "0\r\n\r\n").status, 200U);
  expect_refused(head + chunks + "1\r\n", 413);
  expect_refused(head + "3e9\r\n", 413);
  expect_refused(head + "ffffffffffffffff\r\n", 413);
  expect_refused(head + "1;" + std::string(100000, 'x'), 431);
  expect_refused(head + "0\r\nX: " + std::string(100000, 'x'), 431);
}

TEST_F(Limits, AreAlsoThoseOfTheProtocol) {
  serve();
  const std::string host = " HTTP/1.1\r\nHost: a\r\n";
  expect_refused("nonsense\r\n\r\n", 400);
  expect_refused("GET /\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\nHost: a\n\n", 400);
  expect_refused("G(T /" + host + "\r\n", 400);
  expect_refused("GET /" + host + "no colon\r\n\r\n", 400);
  expect_refused("GET /" + host + "a b: c\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\n\r\n", 400);
  expect_refused("GET /" + host + "Host: b\r\n\r\n", 400);
  expect_refused("POST /" + host + "Content-Length: -1\r\n\r\n", 400);
  expect_refused("POST /" + host + "Content-Length: 1x\r\n\r\n", 400);
  expect_refused("POST /" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400);
  expect_refused("POST /" + host + "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400);
  expect_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400);
  expect_refused("\x16\x03\x01\x02\x00\x01", 400);
}

TEST_F(Limits, LetNobodyHideARequestInABody) {
  serve();
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string hidden = get("/hidden");
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  expect_refused(head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n" + hidden, 400);
  expect_refused(head + "Content-Length: 1\r\n" + chunked + "\r\n" + hidden, 400);
  expect_refused(head + chunked + "Content-Length: 1\r\n\r\n" + hidden, 400);
  expect_refused(head + "Transfer-Encoding: gzip\r\n\r\n" + hidden, 501);
  expect_refused(head + "Transfer-Encoding: gzip, chunked\r\n\r\n" + hidden, 501);
  expect_refused(head + "Transfer-Encoding: gzip\r\n" + chunked + "\r\n" + hidden, 501);
  Peer old = peer();
  old.send("POST / HTTP/1.0\r\n" + chunked + "\r\n" + hidden);
  EXPECT_EQ(old.answer().status, 501U);
  EXPECT_EQ(old.rest(), "");
}

TEST_F(Limits, HoldForTheTimeOfAWholeRequest) {
  options.request_timeout = 200ms;
  serve();
  for (const auto& begun :
       {std::string("G"), get("/", "X: ").substr(0, 30), post("/", "body").substr(0, 50)}) {
    expect_refused(begun, 408);
  }
}

TEST_F(Limits, CountTheTimeFromTheFirstByteNotFromTheLast) {
  options.request_timeout = 300ms;
  serve();
  Peer client = peer();
  // Each byte comes in time; together they never do.
  client.send("GET / HTTP/1.1\r\nX: ");
  while (!client.hears_within(50)) client.send("x");
  EXPECT_EQ(client.answer().status, 408U);
}

TEST_F(Limits, CloseConnectionsThatStayIdle) {
  options.idle_timeout = 100ms;
  serve();
  Peer silent = peer();
  EXPECT_EQ(silent.rest(), "");
  Peer client = peer();
  client.send(get("/"));
  EXPECT_EQ(client.answer().status, 200U);
  EXPECT_EQ(client.rest(), "");
}

TEST_F(Limits, CloseOnAClientThatDoesNotTakeItsAnswer) {
  options.request_timeout = 200ms;
  options.max_connections = 1;
  const std::size_t size = 32U << 20U;  // more than sockets buffer
  serve([&](const HttpRequest& request) {
    return HttpResponse{.body = std::string(request.target == "/large" ? size : 1, 'x')};
  });
  Peer client = peer();
  client.send(get("/large"));
  ASSERT_TRUE(client.hears_within(30000));
  EXPECT_EQ(ask_until_let_in("/small").status, 200U);
  EXPECT_LT(client.rest().size(), size);
}

TEST_F(Limits, HoldForAnswersThatAreNotTaken) {
  options.max_pending_bytes = 40U << 20U;
  serve([](const HttpRequest& request) {
    if (request.target == "/small") return HttpResponse{.body = "ok"};
    return HttpResponse{.body = std::string(30U << 20U, 'x')};
  });
  Peer slow = peer();
  slow.send(get("/large"));
  ASSERT_TRUE(slow.hears_within(30000));
  EXPECT_EQ(ask(get("/large")).status, 503U);
  EXPECT_EQ(ask(get("/small")).status, 200U);
  EXPECT_EQ(slow.answer().body.size(), 30U << 20U);
  // What was sent is not counted any more. Its last bytes arrive before they are given back.
  EXPECT_EQ(ask_until_let_in("/large").status, 200U);
}

TEST_F(Limits, RefuseAnAnswerThatIsLargerThanAllMayBe) {
  options.max_pending_bytes = 1000;
  serve([](const HttpRequest&) { return HttpResponse{.body = std::string(1001, 'x')}; });
  EXPECT_EQ(ask(get("/")).status, 503U);
}

TEST_F(Limits, LetNobodyWhoReadsWaitForThoseWhoChange) {
  std::latch go_on(1);
  options.workers = 1;
  options.change_workers = 1;
  serve([&](const HttpRequest& request) {
    if (request.method != "GET" && request.method != "OPTIONS") go_on.wait();
    return HttpResponse{.body = request.method};
  });
  std::vector<Peer> waiting;
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH"}) {
    waiting.push_back(peer());
    waiting.back().send(method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  }
  EXPECT_EQ(ask(get("/")).body, "GET");
  EXPECT_EQ(ask("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n").body, "OPTIONS");
  Peer head = peer();
  head.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(head.answer(true).status, 200U);
  go_on.count_down();
  for (Peer& client : waiting) EXPECT_EQ(client.answer().status, 200U);
}

TEST_F(Limits, HoldForTheTimeUntilAHandlerIsFree) {
  std::latch begun(1), go_on(1);
  std::atomic<int> handled = 0;
  options.workers = 1;
  options.request_timeout = 100ms;
  serve([&](const HttpRequest& request) {
    begun.count_down();
    go_on.wait();
    ++handled;
    return echo(request);
  });
  Peer running = peer();
  running.send(get("/"));
  begun.wait();
  Peer queued = peer();
  queued.send(get("/"));
  EXPECT_FALSE(queued.hears_within(300));
  go_on.count_down();
  EXPECT_EQ(running.answer().status, 200U);
  EXPECT_EQ(queued.answer().status, 503U);
  EXPECT_EQ(handled, 1);
}

TEST_F(Limits, HoldForConnections) {
  options.max_connections = 2;
  serve();
  {
    Peer one = peer(), two = peer();
    one.send(get("/"));
    EXPECT_EQ(one.answer().status, 200U);
    two.send(get("/"));
    EXPECT_EQ(two.answer().status, 200U);
    expect_refused("", 503);
    expect_refused(get("/"), 503);
    // However many come, those who are in are served.
    std::vector<Peer> crowd;
    for (int i = 0; i < 200; ++i) crowd.push_back(peer());
    one.send(get("/again"));
    EXPECT_EQ(one.answer().body, "GET /again||");
  }
  EXPECT_EQ(ask_until_let_in("/").status, 200U) << "they have left";
}

TEST_F(Limits, AnswerAtOnceWhileManySendSlowly) {
  options.max_connections = 1000;
  serve();
  std::vector<Peer> slow;
  for (int i = 0; i < 500; ++i) slow.push_back(peer());
  const auto request = get("/slow", "X: y\r\n");
  for (std::size_t byte = 0; byte < request.size(); ++byte) {
    for (auto& client : slow) ASSERT_TRUE(client.send(request.substr(byte, 1)));
    ASSERT_EQ(ask(get("/fast")).body, "GET /fast||");
  }
  for (auto& client : slow) ASSERT_EQ(client.answer().body, "GET /slow||");
}

TEST_F(Limits, OfTheSystemDoNotEndTheServer) {
  serve();
  Peer before = peer();
  before.send(get("/"));
  EXPECT_EQ(before.answer().status, 200U);
  rlimit usual = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  // This process is client and server: there is a descriptor for the client alone.
  rlimit few = usual;
  const int highest = ::dup(0);
  ::close(highest);
  few.rlim_cur = static_cast<rlim_t>(highest) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  Peer late = peer();
  late.send(get("/late"));
  before.send(get("/meanwhile"));
  EXPECT_EQ(before.answer().body, "GET /meanwhile||");
  while (logged().empty()) std::this_thread::yield();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_EQ(late.answer().body, "GET /late||");
  EXPECT_THAT(logged(),
              testing::ElementsAre("cannot accept HTTP connections: Too many open files"));
}

}  // namespace
}  // namespace chat21::server
