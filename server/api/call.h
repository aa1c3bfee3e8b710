// One request on its way through a handler of the REST API, and how it is answered.
#pragma once

#include <string>
#include <string_view>

#include "chat21/json.h"
#include "chat21/result.h"

#include "server/api/identity.h"
#include "server/http/message.h"
#include "server/http/target.h"

namespace chat21::server {

// What the braces of a route's path matched, valid ids; empty if the path has none.
struct PathIds {
  std::string app, user, conversation, group, member, instance, other, token;
};

struct Call {
  const HttpRequest& request;
  Target target;
  Caller caller;  // empty if the route asks for no token
  PathIds ids;
  JsonObject body;  // empty unless the route takes one; views into `request`
};

// The text of a member of the body; empty if it is missing, null or no string.
std::string text_of(const JsonObject& body, std::string_view key);

// --- Answers (docs/PROTOCOL.md, "REST API") ---------------------------------------

HttpResponse success(unsigned status = 200);  // {"success":true}
HttpResponse success_with(std::string_view key, std::string_view json, unsigned status = 200);
HttpResponse plain(unsigned status, std::string text);  // text/plain
HttpResponse invalid(std::string sentence);             // 405, text/plain
HttpResponse other_app();                               // 401, no body
HttpResponse unauthorized();                            // 403, "Unauthorized."
// {"success":false,"err":`json`}
HttpResponse failure(unsigned status, std::string_view json);
HttpResponse failure_text(unsigned status, std::string_view text);
// The store could not be read (503), or the broker did not take it: logged by the caller.
HttpResponse unavailable(const Error& error, unsigned status = 503);
// The broker has it, the observer has not done it in time: 504.
HttpResponse not_carried_out();

}  // namespace chat21::server
