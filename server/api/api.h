// The REST API: finds the route, checks token, app, ids and body, and calls the
// handler. docs/PROTOCOL.md, "REST API", has the contract.
#pragma once

#include "server/api/services.h"
#include "server/http/message.h"

namespace chat21::server {

class Api {
 public:
  explicit Api(Services services);

  // From any thread. The answer lacks only the headers that all have.
  HttpResponse handle(const HttpRequest& request);

 private:
  Services services_;
};

// The headers of all answers: CORS, and what keeps browsers from guessing.
std::vector<std::pair<std::string, std::string>> common_headers();

}  // namespace chat21::server
