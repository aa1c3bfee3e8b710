#include "server/http/server.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <latch>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "tests/http/serving.h"

namespace chat21::server {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using tests::get;
using tests::Peer;
using tests::post;

class Server : public tests::Serving {};

TEST_F(Server, GivesTheRequestToTheHandler) {
  serve();
  const auto answer = ask(post("/a%20b?c=d", "the body", "Authorization: JWT x\r\n"));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "POST /a%20b?c=d|JWT x|the body");
  EXPECT_THAT(answer.headers, Contains(Pair("content-type", "text/plain")));
}

TEST_F(Server, SendsTheHeadersOfAllAnswersAndThoseOfThisOne) {
  options.headers = {{"X-All", "1"}};
  serve([](const HttpRequest&) {
    return HttpResponse{.status = 404, .headers = {{"X-One", "2"}}};
  });
  const auto answer = ask(get("/"));
  EXPECT_EQ(answer.status, 404U);
  EXPECT_THAT(answer.headers, Contains(Pair("x-all", "1")));
  EXPECT_THAT(answer.headers, Contains(Pair("x-one", "2")));
  EXPECT_THAT(ask("nonsense\r\n\r\n").headers, Contains(Pair("x-all", "1")));
}

TEST_F(Server, KeepsTheConnection) {
  serve();
  Peer client = peer();
  for (const std::string target : {"/1", "/2", "/3"}) {
    client.send(get(target));
    EXPECT_EQ(client.answer().body, "GET " + target + "||");
  }
}

TEST_F(Server, AnswersRequestsSentAheadInTheirOrder) {
  serve();
  Peer client = peer();
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += post('/' + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
  client.send(requests);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(client.answer().body,
              "POST /" + std::to_string(i) + "||" + std::string(static_cast<std::size_t>(i), 'x'));
  }
}

TEST_F(Server, ClosesWhenAsked) {
  serve();
  Peer client = peer();
  client.send(get("/", "Connection: close\r\n") + get("/never"));
  const auto answer = client.answer();
  EXPECT_EQ(answer.status, 200U);
  EXPECT_THAT(answer.headers, Contains(Pair("connection", "close")));
  EXPECT_EQ(client.rest(), "");
}

TEST_F(Server, SpeaksHttp10) {
  serve();
  Peer once = peer();
  once.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_THAT(once.rest(), HasSubstr("\r\n\r\nGET /a||"));
  Peer kept = peer();
  for (int i = 0; i < 2; ++i) {
    kept.send("GET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const auto answer = kept.answer();
    EXPECT_EQ(answer.body, "GET /b||");
    EXPECT_THAT(answer.headers, Contains(Pair("connection", "keep-alive")));
  }
}

TEST_F(Server, AnswersHeadLikeGetWithoutTheBody) {
  serve();
  Peer client = peer();
  client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto head = client.answer(true);
  EXPECT_EQ(head.status, 200U);
  EXPECT_THAT(head.headers, Contains(Pair("content-length", "8")));
  client.send(get("/b"));
  EXPECT_EQ(client.answer().body, "GET /b||") << "a body must not stand between";
}

TEST_F(Server, SendsNoBodyWithAStatusThatHasNone) {
  serve([](const HttpRequest&) { return HttpResponse{.status = 204, .body = "lost"}; });
  Peer client = peer();
  for (int i = 0; i < 2; ++i) {
    client.send(get("/"));
    const auto answer = client.answer();
    EXPECT_EQ(answer.status, 204U);
    EXPECT_EQ(answer.headers.count("content-length"), 0U);
  }
}

TEST_F(Server, TakesBodiesInChunks) {
  serve();
  Peer client = peer();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("3;extension=1\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(client.answer().body, "POST /||abcde");
}

TEST_F(Server, InvitesABodyThatWaitsToBeAskedFor) {
  serve();
  Peer client = peer();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 100U);
  client.send("body");
  EXPECT_EQ(client.answer().body, "POST /||body");
}

TEST_F(Server, AnswersAHandlerThatThrowsWith500) {
  serve([](const HttpRequest& request) -> HttpResponse {
    if (request.target == "/odd") throw 1;
    throw std::runtime_error("no luck");
  });
  Peer client = peer();
  for (const std::string target : {"/", "/odd"}) {
    client.send(get(target));
    const auto answer = client.answer();
    EXPECT_EQ(answer.status, 500U);
    EXPECT_EQ(answer.body, R"({"success":false,"err":"Internal server error."})");
  }
  EXPECT_THAT(logged(), ElementsAre("a handler failed: no luck", "a handler failed"));
}

TEST_F(Server, LetsNoHandlerSplitAnAnswer) {
  serve([](const HttpRequest&) {
    return HttpResponse{.headers = {{"Location", "/\r\nSet-Cookie: evil=1"}}};
  });
  const auto answer = ask(get("/"));
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.headers.count("set-cookie"), 0U);
}

TEST_F(Server, LetsNoHandlerSayWhereTheAnswerEnds) {
  serve([](const HttpRequest&) {
    return HttpResponse{.body = "abc",
                        .headers = {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}}};
  });
  Peer client = peer();
  for (int i = 0; i < 2; ++i) {
    client.send(get("/"));
    const auto answer = client.answer();
    EXPECT_EQ(answer.body, "abc");
    EXPECT_EQ(answer.headers.count("transfer-encoding"), 0U);
  }
}

TEST_F(Server, RunsHandlersAtTheSameTime) {
  options.workers = 3;
  std::latch all(3);
  serve([&all](const HttpRequest& request) {
    all.arrive_and_wait();
    return echo(request);
  });
  std::vector<Peer> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(peer());
    clients.back().send(get("/"));
  }
  for (auto& client : clients) EXPECT_EQ(client.answer().status, 200U);
}

TEST_F(Server, LowersThePriorityOfItsThreads) {
  const auto priority = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
  options.nice = 3;
  serve([&](const HttpRequest&) { return HttpResponse{.body = std::to_string(priority())}; });
  const int mine = priority();
  EXPECT_EQ(ask(get("/")).body, std::to_string(std::min(mine + 3, 19)));
}

TEST_F(Server, ListensOnIpv6) {
  options.address = "::1";
  serve();
  EXPECT_NE(server_->port(), 0);
}

TEST_F(Server, SaysThatThePortIsTaken) {
  serve();
  auto second = options;
  second.port = server_->port();
  const auto refused = HttpServer::start(second, echo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Error::Code::Unavailable);
  EXPECT_EQ(refused.error().message, "cannot listen on 127.0.0.1:" + std::to_string(second.port) +
                                         ": Address already in use");
}

TEST_F(Server, RefusesAnAddressThatIsNone) {
  for (const auto* address : {"", "localhost", "1.2.3", "127.0.0.1:80"}) {
    const auto refused = HttpServer::start({.address = address}, echo);
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, Error::Code::InvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr(address));
  }
  const auto foreign = HttpServer::start({.address = "192.0.2.1"}, echo);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().message,
            "cannot listen on 192.0.2.1:0: Cannot assign requested address");
}

TEST_F(Server, RefusesHeadersOfAllAnswersThatAreNone) {
  const auto refused = HttpServer::start({.headers = {{"X", "a\r\nY: b"}}}, echo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Error::Code::InvalidArgument);
}

}  // namespace
}  // namespace chat21::server
