#include "lib/rabbitmq/topology.h"

#include <amqp_framing.h>
#include <string>
#include <string_view>

namespace chat21::rabbitmq {
namespace {

constexpr int kNotFound = 404;
constexpr int kPreconditionFailed = 406;

// What exists with other properties will not change by asking again.
Result<> last_reply(Connection& connection, const std::string& attempted) {
  auto done = connection.check(amqp_get_rpc_reply(connection.state()), attempted);
  if (!done && connection.reply_code() == kPreconditionFailed) {
    return fail(Error::Code::InvalidArgument, done.error().message);
  }
  return done;
}

Result<> declare_exchange(Connection& connection, const std::string& name) {
  // First only ask: an exchange that is there may have properties of its own,
  // and using it needs no right to configure.
  const std::string attempted = "cannot use exchange '" + name + "'";
  amqp_exchange_declare(connection.state(), kChannel, bytes_of(name), amqp_cstring_bytes("topic"),
                        1, 1, 0, 0, amqp_empty_table);
  auto found = last_reply(connection, attempted);
  if (found || connection.reply_code() != kNotFound) return found;

  // The refusal has closed the channel.
  if (auto reopened = connection.reopen_channel(); !reopened) return reopened;
  amqp_exchange_declare(connection.state(), kChannel, bytes_of(name), amqp_cstring_bytes("topic"),
                        0, 1, 0, 0, amqp_empty_table);
  return last_reply(connection, "cannot declare exchange '" + name + "'");
}

Result<> declare_queue(Connection& connection, const std::string& exchange,
                       const RabbitmqOptions::Queue& queue) {
  // An exclusive queue goes with its connection as it is. To be deleted also with its
  // consumer lets it go at once when we only stop to consume.
  const amqp_boolean_t exclusive = queue.exclusive ? 1 : 0;
  const amqp_boolean_t durable = queue.exclusive ? 0 : 1;
  const amqp_boolean_t auto_delete = exclusive;
  amqp_queue_declare(connection.state(), kChannel, bytes_of(queue.name), 0, durable, exclusive,
                     auto_delete, amqp_empty_table);
  if (auto declared = last_reply(connection, "cannot declare queue '" + queue.name + "'");
      !declared) {
    return declared;
  }
  for (const std::string& pattern : queue.bindings) {
    amqp_queue_bind(connection.state(), kChannel, bytes_of(queue.name), bytes_of(exchange),
                    bytes_of(pattern), amqp_empty_table);
    if (auto bound =
            last_reply(connection, "cannot bind queue '" + queue.name + "' to '" + pattern + "'");
        !bound) {
      return bound;
    }
  }
  return {};
}

}  // namespace

Result<> declare_topology(Connection& connection, const RabbitmqOptions& options) {
  if (auto declared = declare_exchange(connection, options.exchange); !declared) return declared;
  for (const RabbitmqOptions::Queue& queue : options.queues) {
    if (auto declared = declare_queue(connection, options.exchange, queue); !declared) {
      return declared;
    }
  }
  return {};
}

}  // namespace chat21::rabbitmq
