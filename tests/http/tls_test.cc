#include <curl/curl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "server/http/client.h"
#include "tests/contract/temp_folder.h"
#include "tests/http/certificate.h"
#include "tests/http/serving.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using tests::get;
using tests::Peer;

class Tls : public tests::Serving {
 protected:
  Tls() {
    tests::make_certificate(certificate_, key_);
    options.certificate_file = certificate_;
    options.key_file = key_;
  }

  std::string url() const { return "https://127.0.0.1:" + std::to_string(server_->port()); }

  // Trusts our certificate. The status, or curl's error as a negative number.
  long ask_over_tls(long most_version = CURL_SSLVERSION_MAX_DEFAULT, std::string body = "") {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                   &curl_easy_cleanup);
    received_.clear();
    curl_easy_setopt(curl.get(), CURLOPT_URL, url().c_str());
    curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, certificate_.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
    curl_easy_setopt(curl.get(), CURLOPT_SSLVERSION, most_version);
    curl_easy_setopt(
        curl.get(), CURLOPT_WRITEFUNCTION, +[](char* data, size_t, size_t size, void* to) {
          static_cast<std::string*>(to)->append(data, size);
          return size;
        });
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &received_);
    if (!body.empty()) curl_easy_setopt(curl.get(), CURLOPT_COPYPOSTFIELDS, body.c_str());
    const auto result = curl_easy_perform(curl.get());
    if (result != CURLE_OK) return -static_cast<long>(result);
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  Error refused() {
    auto started = HttpServer::start(options, echo);
    EXPECT_FALSE(started);
    return started ? Error{} : started.error();
  }

  contract::TempFolder folder_;
  const std::string certificate_ = folder_ / "certificate.pem";
  const std::string key_ = folder_ / "key.pem";
  std::string received_;
};

TEST_F(Tls, ServesHttps) {
  serve();
  EXPECT_EQ(ask_over_tls(), 200);
  EXPECT_EQ(received_, "GET /||");
  const std::string large(90000, 'x');  // several records
  EXPECT_EQ(ask_over_tls(CURL_SSLVERSION_MAX_DEFAULT, large), 200);
  EXPECT_EQ(received_, "POST /||" + large);
}

TEST_F(Tls, IsOfVersion12OrLater) {
  serve();
  EXPECT_EQ(ask_over_tls(CURL_SSLVERSION_MAX_TLSv1_2), 200);
  EXPECT_EQ(ask_over_tls(long{CURL_SSLVERSION_MAX_TLSv1_1} | long{CURL_SSLVERSION_TLSv1}),
            -static_cast<long>(CURLE_SSL_CONNECT_ERROR));
}

TEST_F(Tls, HasTheLimitsOfHttp) {
  options.max_body_bytes = 10;
  serve();
  EXPECT_EQ(ask_over_tls(CURL_SSLVERSION_MAX_DEFAULT, "larger than 10"), 413);
}

TEST_F(Tls, ClosesOnThoseWhoDoNotSpeakIt) {
  serve();
  for (const auto& garbage :
       {get("/"), std::string(100000, '\xff'), std::string("\x16\x03\x01\xff\xff")}) {
    Peer client = peer();
    client.send(garbage);
    client.end_sending();
    EXPECT_THAT(client.rest(), testing::Not(HasSubstr("HTTP/")));
  }
  EXPECT_EQ(ask_over_tls(), 200);
}

TEST_F(Tls, HasToBeAgreedOnInTime) {
  options.request_timeout = 200ms;
  serve();
  Peer silent = peer();
  Peer slow = peer();
  slow.send("\x16\x03\x01");
  EXPECT_EQ(silent.rest(), "");
  EXPECT_EQ(slow.rest(), "");
}

TEST_F(Tls, IsStoppedWithItsConnections) {
  serve();
  Peer silent = peer();
  EXPECT_EQ(ask_over_tls(), 200);
  server_->stop(1h);
  EXPECT_EQ(silent.rest(), "");
}

TEST_F(Tls, NamesTheFileThatIsWrong) {
  options.certificate_file = "/nonexistent/certificate.pem";
  EXPECT_EQ(refused().code, Error::Code::InvalidArgument);
  EXPECT_EQ(refused().message,
            "cannot use the certificate /nonexistent/certificate.pem: No such file or directory");
  options.certificate_file = key_;
  EXPECT_EQ(refused().message, "cannot use the certificate " + key_ + ": no start line");
  options.certificate_file = certificate_;
  options.key_file = "/nonexistent/key.pem";
  EXPECT_EQ(refused().message,
            "cannot use the key /nonexistent/key.pem: No such file or directory");
  options.key_file = "";
  EXPECT_THAT(refused().message, HasSubstr("the key"));
}

TEST_F(Tls, NeedsTheKeyOfItsCertificate) {
  const std::string other = folder_ / "other.pem";
  tests::make_certificate(folder_ / "unused.pem", other);
  options.key_file = other;
  EXPECT_EQ(refused().message, "cannot use the key " + other + ": key values mismatch");
}

TEST_F(Tls, DoesNotAskForAPassphrase) {
  const std::string locked = folder_ / "locked.pem";
  ASSERT_EQ(std::system(
                ("openssl pkcs8 -topk8 -passout pass:abc -in '" + key_ + "' -out '" + locked + "'")
                    .c_str()),
            0);
  options.key_file = locked;
  EXPECT_EQ(refused().code, Error::Code::InvalidArgument);
  EXPECT_THAT(refused().message, HasSubstr(locked));
}

TEST_F(Tls, IsRefusedByOurClientIfNobodyVouchesForTheServer) {
  serve();
  HttpClient client(HttpClient::Options{});
  const auto reply = client.perform({.url = url()});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Error::Code::Unavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("certificate"));
}

}  // namespace
}  // namespace chat21::server
