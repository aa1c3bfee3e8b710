#include "chat21/rabbitmq.h"

namespace chat21 {

RabbitmqOptions::Queue messages_queue(const std::string& app) {
  const std::string users = "apps." + app + ".users.";
  const std::string observer = "apps.observer." + app;
  return {.name = "messages",
          .bindings = {
              // One message, four addresses: the current one, that of clients
              // before 0.2.5, and the README's, with or without a leading '/',
              // which arrives as an empty first level.
              "apps." + app + ".outgoing.users.*.messages.*.outgoing",
              users + "*.messages.*.outgoing",
              users + "*.*.messages.outgoing",
              '.' + users + "*.*.messages.outgoing",
              users + "#.update",
              users + "#.archive",
              users + "*.presence.*",
              observer + ".groups.update",
              // The orders of services, this one included.
              observer + ".*.*",
              observer + ".users.*.messages.*.delivered",
          }};
}

RabbitmqOptions::Queue persist_queue(const std::string& app) {
  return {.name = "persist", .bindings = {"apps.observer." + app + ".users.*.messages.*.persist"}};
}

}  // namespace chat21
