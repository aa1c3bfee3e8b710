// About the server itself: who it is, how it is, what it can do.

#include <map>

#include "server/api/handlers.h"
#include "server/api/openapi.h"

namespace chat21::server {

HttpResponse get_banner(Services&, const Call&) {
  return plain(200, "Chat21 Http Server v. " CHAT21_VERSION);
}

HttpResponse get_health(Services&, const Call&) {
  HttpResponse response;
  response.body = JsonWriter().text("status", "ok").object();
  return response;
}

HttpResponse get_ready(Services& services, const Call& call) {
  const auto troubles = services.troubles();
  if (troubles.empty()) return get_health(services, call);
  JsonWriter reasons;
  for (const auto& [component, reason] : troubles) reasons.text(component, reason);
  HttpResponse response;
  response.status = 503;
  response.body =
      JsonWriter().text("status", "not ready").json("reasons", reasons.object()).object();
  return response;
}

HttpResponse get_claims(Services&, const Call& call) {
  HttpResponse response;
  response.body = call.caller.claims;
  return response;
}

HttpResponse get_info(Services&, const Call&) {
  // The version of the API that clients know, not ours.
  HttpResponse response;
  response.body = JsonWriter().text("v", "0.2.34.2").object();
  return response;
}

HttpResponse get_openapi(Services&, const Call&) {
  HttpResponse response;
  response.content_type = "application/yaml";
  response.body = openapi_yaml();
  return response;
}

}  // namespace chat21::server
