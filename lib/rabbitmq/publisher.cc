#include "lib/rabbitmq/publisher.h"

#include <amqp_framing.h>
#include <string>

namespace chat21::rabbitmq {

Result<> Publisher::start(Connection& connection) {
  amqp_confirm_select(connection.state(), kChannel);
  return connection.check(amqp_get_rpc_reply(connection.state()), "cannot ask for confirms");
}

Result<> Publisher::send(Connection& connection, const Publish& publish) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  // Not mandatory: an inbox nobody listens to is normal.
  const int status =
      amqp_basic_publish(connection.state(), kChannel, bytes_of(options_.exchange),
                         bytes_of(publish.routing_key), 0, 0, &properties, bytes_of(publish.body));
  if (auto sent = connection.check(status, "cannot publish"); !sent) return sent;
  window_.sent();
  ++published_;
  return {};
}

Result<> Publisher::take(const amqp_frame_t& frame) {
  // Of content there is none: nothing is mandatory, so nothing is returned.
  if (frame.frame_type != AMQP_FRAME_METHOD) return {};
  const amqp_method_t& method = frame.payload.method;
  switch (method.id) {
    case AMQP_BASIC_ACK_METHOD:
      return take_ack(*static_cast<const amqp_basic_ack_t*>(method.decoded));
    case AMQP_BASIC_NACK_METHOD:
      return fail(Error::Code::Unavailable, "the broker could not take a message (basic.nack)");
    default:
      if (options_.log) {
        options_.log(RabbitmqOptions::Level::Warning,
                     "ignoring " + std::string(amqp_method_name(method.id)) + " from the broker");
      }
      return {};
  }
}

Result<> Publisher::take_ack(const amqp_basic_ack_t& ack) {
  const std::size_t count = window_.confirm(ack.delivery_tag, ack.multiple != 0);
  if (count == 0) {
    return fail(Error::Code::Unavailable,
                "unexpected from the broker: a confirm of nothing that waits for one");
  }
  confirmed_ += count;
  return {};
}

}  // namespace chat21::rabbitmq
