// Names of users, from the product's own service if one is configured. Safe from any
// thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/client.h"

namespace chat21::server {

struct Contact {
  std::string id, fullname, firstname, lastname;  // only id is never empty
};

// Of whom nothing is known: the full name is the id.
Contact nameless(std::string_view user);

class Contacts {
 public:
  virtual ~Contacts() = default;

  // Never fails: without an answer the full name is the id.
  virtual Contact find(std::string_view user) = 0;
};

// Asks GET {endpoint}/{user} and remembers the answers for a while; an empty endpoint
// asks nobody. After a look-up that failed or was slow nobody is asked for some
// seconds, so that a service that is away does not delay every request. Borrows the
// client.
std::unique_ptr<Contacts> make_contacts(
    std::string endpoint, HttpClient& client,
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now);

}  // namespace chat21::server
