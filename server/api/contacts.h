// Names of users, from the product's own service if one is configured. Safe from any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace chat21::server {

struct Contact {
  std::string id, fullname, firstname, lastname;  // only id is never empty
};

class Contacts {
 public:
  virtual ~Contacts() = default;

  // Never fails: without an answer the full name is the id.
  virtual Contact find(std::string_view user) = 0;
};

}  // namespace chat21::server
