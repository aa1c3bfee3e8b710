// Valid requests, broken at random places in ways that a seed repeats, against the
// sockets of a real server.
#include "tests/support/mutations.h"

#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>

#include "tests/http/serving.h"

namespace chat21::server {
namespace {

using tests::get;
using tests::Peer;

constexpr std::array<std::string_view, 6> kValid = {
    "GET /api/x?a=b HTTP/1.1\r\nHost: a\r\nAuthorization: JWT a.b.c\r\n\r\n",
    "POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
    "POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n",
    "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\nX: a\r\n b\r\n\r\n"};

constexpr std::array<std::string_view, 24> kTokens = {
    "\r\n",   "\n",  "\r",        "\r\n\r\n",  " ",           "\t",
    ":",      ";",   "0",         "ffffffff",  "-1",          "HTTP/1.0",
    "HTTP/9", "%00", "\xff",      ",",         "\"",          "Content-Length: 5\r\n",
    "/",      "?",   "chunked, ", "0\r\n\r\n", "Host: b\r\n", "Transfer-Encoding: chunked\r\n"};

constexpr tests::Mutating kMutating{.tokens = kTokens, .changes = 5, .longest_run = 3000};

// All answers to it, which have to be answers of HTTP one after the other.
void expect_answers(std::string_view all, const std::string& request) {
  EXPECT_TRUE(all.empty() || all.starts_with("HTTP/1.1 ") || all.starts_with("HTTP/1.0 "))
      << "to: " << request << "\nsaid: " << all;
}

class Mutations : public tests::Serving {};

TEST_F(Mutations, LeaveTheServerAsItWas) {
  constexpr int kCases = 2000;
  options.max_header_bytes = 4096;
  options.max_body_bytes = 4096;
  serve();
  std::mt19937_64 random(20250101);
  Peer kept = peer();
  for (int i = 0; i < kCases; ++i) {
    const auto request =
        tests::mutate(random, std::string(kValid[random() % kValid.size()]), kMutating);
    Peer client = peer();
    const std::size_t cut = random() % (request.size() + 1);
    client.send(std::string_view(request).substr(0, cut));
    client.send(std::string_view(request).substr(cut));
    client.end_sending();
    expect_answers(client.rest(), request);
    if (i % 100 != 0) continue;
    kept.send(get("/alive"));
    ASSERT_EQ(kept.answer().body, "GET /alive||") << "after: " << request;
  }
  EXPECT_EQ(ask(get("/alive")).body, "GET /alive||");
  EXPECT_TRUE(logged().empty()) << logged().front();
}

}  // namespace
}  // namespace chat21::server
