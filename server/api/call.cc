#include "server/api/call.h"

#include <utility>

namespace chat21::server {
namespace {

constexpr std::string_view kAway = "the server cannot do this at the moment, try again later";
constexpr std::string_view kFault = "the server cannot do this";

HttpResponse json(unsigned status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

std::string quoted(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace

std::string text_of(const JsonObject& body, std::string_view key) {
  const JsonMember* member = body.find(key);
  if (member == nullptr || !member->is(JsonMember::Type::String)) return {};
  return decode_string(*member);
}

HttpResponse success(unsigned status) {
  return json(status, JsonWriter().boolean("success", true).object());
}

HttpResponse success_with(std::string_view key, std::string_view value, unsigned status) {
  return json(status, JsonWriter().boolean("success", true).json(key, value).object());
}

HttpResponse plain(unsigned status, std::string text) {
  HttpResponse response = json(status, std::move(text));
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

HttpResponse invalid(std::string sentence) {
  return plain(405, std::move(sentence));
}

HttpResponse other_app() {
  return plain(401, {});
}

HttpResponse unauthorized() {
  return json(403, JsonWriter().boolean("success", false).text("msg", "Unauthorized.").object());
}

HttpResponse failure(unsigned status, std::string_view error) {
  return json(status, JsonWriter().boolean("success", false).json("err", error).object());
}

HttpResponse failure_text(unsigned status, std::string_view text) {
  return failure(status, quoted(text));
}

HttpResponse unavailable(const Error& error, unsigned status) {
  // What exactly is wrong is nothing for strangers.
  return failure_text(status, error.code == Error::Code::Unavailable ? kAway : kFault);
}

HttpResponse not_carried_out() {
  return failure_text(504, "accepted, but not carried out in time");
}

}  // namespace chat21::server
