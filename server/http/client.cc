#include "server/http/client.h"

#include <algorithm>
#include <curl/curl.h>
#include <memory>
#include <string_view>

namespace chat21::server {
namespace {

using Code = Error::Code;
using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;
using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// One a thread: curl keeps its connections open for the next call.
CURL* handle_of_thread() {
  // Once in the process, before any other call of curl. Never undone: threads may still
  // have handles when main() ends.
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) return nullptr;
  thread_local const Handle handle(curl_easy_init(), &curl_easy_cleanup);
  if (handle) curl_easy_reset(handle.get());
  return handle.get();
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
  return text;
}

// The URL for error messages, without what may be secret: password and query.
Result<std::string> check_url(const std::string& text) {
  const Url url(curl_url(), &curl_url_cleanup);
  if (text.find('\0') != std::string::npos ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return fail(Code::InvalidArgument, "not a URL with http:// or https://");
  }
  const auto scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return fail(Code::InvalidArgument,
                "a URL has to begin with http:// or https://, not " + scheme);
  }
  for (const auto part :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(url.get(), part, nullptr, 0);
  }
  return part_of(url.get(), CURLUPART_URL);
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Result<Headers> to_headers(const HttpCall& call) {
  Headers headers(nullptr, &curl_slist_free_all);
  const auto add = [&headers](const std::string& line) {
    // Returns the same list, longer, or null and leaves it.
    if (auto* longer = curl_slist_append(headers.get(), line.c_str())) {
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
  };
  if (!call.body.empty()) add("Content-Type: application/json");
  for (const auto& [name, value] : call.headers) {
    if (!is_one_line(name) || !is_one_line(value)) {
      return fail(Code::InvalidArgument, "a header must be one line");
    }
    // Without a value, curl takes "name:" for "leave this one out".
    add(value.empty() ? name + ';' : name + ": " + value);
  }
  return headers;
}

struct Received {
  std::string body;
  std::size_t most;
  bool is_too_large = false;
};

std::size_t receive(const char* data, std::size_t, std::size_t size, void* where) {
  auto& received = *static_cast<Received*>(where);
  if (size > received.most - received.body.size()) {
    received.is_too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  received.body.append(data, size);
  return size;
}

// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): curl's own way
void prepare(CURL* curl, const HttpCall& call, const HttpClient::Options& options) {
  curl_easy_setopt(curl, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // signals belong to the program
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  if (call.body.empty()) return;
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
}

Result<HttpReply> exchange(CURL* curl, Headers headers, std::size_t max_reply_bytes) {
  Received received{.body = {}, .most = max_reply_bytes};
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  const auto result = curl_easy_perform(curl);
  HttpReply reply{.body = std::move(received.body)};
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_easy_reset(curl);  // it must not keep pointers to what ends here
  if (result == CURLE_OK) return reply;
  if (received.is_too_large) {
    return fail(Code::Unavailable,
                "the reply is longer than " + std::to_string(max_reply_bytes) + " bytes");
  }
  return fail(Code::Unavailable, *reason ? reason : curl_easy_strerror(result));
}
// NOLINTEND(cppcoreguidelines-pro-type-vararg)

}  // namespace

HttpClient::HttpClient(Options options) : options_(options) {}

Result<HttpReply> HttpClient::perform(const HttpCall& call) {
  CURL* const curl = handle_of_thread();
  if (!curl) return fail(Code::Unavailable, "cannot make an HTTP request: curl does not start");
  const auto shown = check_url(call.url);
  if (!shown) return fail(shown.error());
  auto headers = to_headers(call);
  if (!headers)
    return fail(headers.error().code, "cannot ask " + *shown + ": " + headers.error().message);
  prepare(curl, call, options_);
  auto reply = exchange(curl, *std::move(headers), options_.max_reply_bytes);
  if (!reply)
    return fail(reply.error().code, "no answer from " + *shown + ": " + reply.error().message);
  return reply;
}

}  // namespace chat21::server
