#include "server/http/client.h"

#include <atomic>
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "tests/http/serving.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Code = Error::Code;

class Client : public tests::Serving {
 protected:
  std::string url(std::string_view target) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + std::string(target);
  }

  Error refused(const HttpCall& call) {
    auto reply = client_.perform(call);
    EXPECT_FALSE(reply) << call.url;
    return reply ? Error{} : reply.error();
  }

  HttpClient client_{{.timeout = 10s, .max_reply_bytes = 1000}};
};

TEST_F(Client, GetsAndPosts) {
  serve();
  const auto got = client_.perform({.url = url("/a?b=c"), .headers = {{"Authorization", "x y"}}});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "GET /a?b=c|x y|");
  const auto posted = client_.perform({.url = url("/a"), .body = std::string("{\0}", 3)});
  ASSERT_TRUE(posted) << posted.error().message;
  EXPECT_EQ(posted->body, std::string("POST /a||{\0}", 12));
}

TEST_F(Client, TakesAnyStatusForAReplyAndFollowsNothing) {
  serve([](const HttpRequest&) {
    return HttpResponse{.status = 302, .headers = {{"Location", "/elsewhere"}}};
  });
  const auto reply = client_.perform({.url = url("/")});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 302);
}

TEST_F(Client, KeepsNothingOfTheCallBefore) {
  serve();
  ASSERT_TRUE(client_.perform({.url = url("/"), .headers = {{"Authorization", "x"}}, .body = "b"}));
  const auto reply = client_.perform({.url = url("/")});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->body, "GET /||");
}

TEST_F(Client, KeepsItsConnection) {
  options.max_connections = 1;
  serve();
  for (int i = 0; i < 5; ++i) {
    const auto reply = client_.perform({.url = url("/")});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200);
  }
}

TEST_F(Client, MayBeUsedFromSeveralThreads) {
  serve();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, target = '/' + std::to_string(i)] {
      for (int call = 0; call < 10; ++call) {
        const auto reply = client_.perform({.url = url(target)});
        ASSERT_TRUE(reply) << reply.error().message;
        EXPECT_EQ(reply->body, "GET " + target + "||");
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(Client, SpeaksHttpAlone) {
  for (const auto* wrong : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/_x",
                            "127.0.0.1/", "", "http://", "http://a b/", "dict://127.0.0.1/"}) {
    EXPECT_EQ(refused({.url = wrong}).code, Code::InvalidArgument) << wrong;
  }
  EXPECT_EQ(refused({.url = std::string("http://127.0.0.1/\0/a", 20)}).code, Code::InvalidArgument);
}

TEST_F(Client, SendsNoHeaderOfSeveralLines) {
  serve();
  EXPECT_EQ(refused({.url = url("/"), .headers = {{"A", "b\r\nC: d"}}}).code,
            Code::InvalidArgument);
  EXPECT_EQ(refused({.url = url("/"), .headers = {{"A\n", "b"}}}).code, Code::InvalidArgument);
}

TEST_F(Client, SaysThatNobodyListensWithoutSecrets) {
  serve();
  const auto port = std::to_string(server_->port());
  server_.reset();
  const auto error = refused({.url = "http://me:secret@127.0.0.1:" + port + "/a?token=secret"});
  EXPECT_EQ(error.code, Code::Unavailable);
  EXPECT_THAT(error.message, HasSubstr("no answer from http://127.0.0.1:" + port + "/a: "));
  EXPECT_THAT(error.message, Not(HasSubstr("secret")));
}

TEST_F(Client, DoesNotWaitForever) {
  std::latch go_on(1);
  serve([&](const HttpRequest& request) {
    go_on.wait();
    return echo(request);
  });
  HttpClient hasty({.timeout = 100ms});
  const auto reply = hasty.perform({.url = url("/")});
  go_on.count_down();
  server_.reset();  // before the latch
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::Unavailable);
}

TEST_F(Client, TakesNoReplyThatIsTooLarge) {
  serve([](const HttpRequest& request) {
    return HttpResponse{.body = std::string(request.target == "/fits" ? 1000 : 1001, 'x')};
  });
  const auto fits = client_.perform({.url = url("/fits")});
  ASSERT_TRUE(fits) << fits.error().message;
  EXPECT_EQ(fits->body.size(), 1000U);
  const auto error = refused({.url = url("/large")});
  EXPECT_EQ(error.code, Code::Unavailable);
  EXPECT_THAT(error.message, HasSubstr("longer than 1000 bytes"));
}

}  // namespace
}  // namespace chat21::server
