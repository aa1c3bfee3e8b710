#include "lib/rabbitmq/topology.h"

#include <amqp_framing.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chat21::rabbitmq {
namespace {

constexpr int kNotFound = 404;
constexpr int kResourceLocked = 405;
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

// An empty name is replaced by the broker.
Result<DeclaredQueue> declare(Connection& connection, const RabbitmqOptions::Queue& queue,
                              const std::string& name) {
  // An exclusive queue goes with its connection as it is. To be deleted also with its
  // consumer lets it go at once when we only stop to consume.
  const amqp_boolean_t exclusive = queue.exclusive ? 1 : 0;
  const amqp_boolean_t durable = queue.exclusive ? 0 : 1;
  const amqp_boolean_t auto_delete = exclusive;
  const auto* declared = amqp_queue_declare(connection.state(), kChannel, bytes_of(name), 0,
                                            durable, exclusive, auto_delete, amqp_empty_table);
  if (auto done = last_reply(connection, "cannot declare queue '" + queue.name + "'"); !done) {
    return done.error();
  }
  return DeclaredQueue{.name = std::string(view_of(declared->queue)),
                       .messages = declared->message_count,
                       .consumers = declared->consumer_count};
}

Result<DeclaredQueue> declare_queue(Connection& connection, const std::string& exchange,
                                    const RabbitmqOptions::Queue& queue) {
  auto declared = declare(connection, queue, queue.name);
  // It may belong to our last connection, which the broker takes for alive until it has
  // missed its heartbeats.
  if (!declared && queue.exclusive && connection.reply_code() == kResourceLocked) {
    if (auto reopened = connection.reopen_channel(); !reopened) return reopened.error();
    declared = declare(connection, queue, "");
  }
  if (!declared) return declared;
  for (const std::string& pattern : queue.bindings) {
    amqp_queue_bind(connection.state(), kChannel, bytes_of(declared->name), bytes_of(exchange),
                    bytes_of(pattern), amqp_empty_table);
    if (auto bound = last_reply(connection,
                                "cannot bind queue '" + declared->name + "' to '" + pattern + "'");
        !bound) {
      return bound.error();
    }
  }
  return declared;
}

}  // namespace

Result<std::vector<DeclaredQueue>> declare_topology(Connection& connection,
                                                    const RabbitmqOptions& options) {
  if (auto declared = declare_exchange(connection, options.exchange); !declared) {
    return declared.error();
  }
  std::vector<DeclaredQueue> queues;
  for (const RabbitmqOptions::Queue& queue : options.queues) {
    auto declared = declare_queue(connection, options.exchange, queue);
    if (!declared) return declared.error();
    queues.push_back(*std::move(declared));
  }
  return queues;
}

}  // namespace chat21::rabbitmq
