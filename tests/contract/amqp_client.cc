#include "tests/contract/amqp_client.h"

#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <stdexcept>

namespace chat21::testing {
namespace {

constexpr amqp_channel_t kChannel = 1;

amqp_bytes_t bytes_of(const std::string& text) {
  return {text.size(), const_cast<char*>(text.data())};
}

std::string string_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

std::string describe(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
    return amqp_error_string2(reply.library_error);
  }
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    return string_of(static_cast<amqp_channel_close_t*>(reply.reply.decoded)->reply_text);
  }
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    return string_of(static_cast<amqp_connection_close_t*>(reply.reply.decoded)->reply_text);
  }
  return "no answer";
}

void check(const amqp_rpc_reply_t& reply, const std::string& attempted) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    throw std::runtime_error("test client: " + attempted + ": " + describe(reply));
  }
}

}  // namespace

AmqpClient::AmqpClient(const rabbitmq::Uri& uri) : state_(amqp_new_connection()) {
  amqp_socket_t* socket = amqp_tcp_socket_new(state_);
  if (amqp_socket_open(socket, uri.host.c_str(), uri.port) != AMQP_STATUS_OK) {
    amqp_destroy_connection(state_);
    throw std::runtime_error("test client: cannot connect to " + uri.address());
  }
  testing::check(amqp_login(state_, uri.vhost.c_str(), 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                            uri.user.c_str(), uri.password.c_str()),
                 "log in");
  amqp_channel_open(state_, kChannel);
  check("open a channel");
  amqp_confirm_select(state_, kChannel);
  check("ask for confirms");
}

AmqpClient::~AmqpClient() {
  amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(state_);
}

void AmqpClient::check(const std::string& attempted) {
  testing::check(amqp_get_rpc_reply(state_), attempted);
  amqp_maybe_release_buffers(state_);
}

void AmqpClient::declare_topic_exchange(const std::string& name) {
  amqp_exchange_declare(state_, kChannel, bytes_of(name), amqp_cstring_bytes("topic"), 0, 1, 0, 0,
                        amqp_empty_table);
  check("declare exchange " + name);
}

void AmqpClient::declare_queue(const std::string& name, bool durable) {
  amqp_queue_declare(state_, kChannel, bytes_of(name), 0, durable ? 1 : 0, 0, 0, amqp_empty_table);
  check("declare queue " + name);
}

void AmqpClient::bind(const std::string& queue, const std::string& exchange,
                      const std::string& pattern) {
  amqp_queue_bind(state_, kChannel, bytes_of(queue), bytes_of(exchange), bytes_of(pattern),
                  amqp_empty_table);
  check("bind queue " + queue);
}

void AmqpClient::publish(const std::string& exchange, const std::string& key,
                         const std::string& body) {
  const int status = amqp_basic_publish(state_, kChannel, bytes_of(exchange), bytes_of(key), 0, 0,
                                        nullptr, bytes_of(body));
  amqp_frame_t frame{};
  if (status != AMQP_STATUS_OK || amqp_simple_wait_frame(state_, &frame) != AMQP_STATUS_OK ||
      frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
    throw std::runtime_error("test client: a publish was not confirmed");
  }
  amqp_maybe_release_buffers(state_);
}

std::optional<AmqpClient::Got> AmqpClient::get(const std::string& queue) {
  const auto reply = amqp_basic_get(state_, kChannel, bytes_of(queue), 1);
  testing::check(reply, "get from queue " + queue);
  if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return std::nullopt;
  Got got;
  got.routing_key = string_of(static_cast<amqp_basic_get_ok_t*>(reply.reply.decoded)->routing_key);
  amqp_message_t message{};
  testing::check(amqp_read_message(state_, kChannel, &message, 0), "read a message");
  got.body = string_of(message.body);
  got.persistent = (message.properties._flags & AMQP_BASIC_DELIVERY_MODE_FLAG) != 0 &&
                   message.properties.delivery_mode == AMQP_DELIVERY_PERSISTENT;
  amqp_destroy_message(&message);
  amqp_maybe_release_buffers(state_);
  return got;
}

std::uint32_t AmqpClient::ready_messages(const std::string& queue) {
  const auto* declared =
      amqp_queue_declare(state_, kChannel, bytes_of(queue), 1, 0, 0, 0, amqp_empty_table);
  testing::check(amqp_get_rpc_reply(state_), "look at queue " + queue);
  const auto ready = declared->message_count;
  amqp_maybe_release_buffers(state_);
  return ready;
}

void AmqpClient::delete_queue(const std::string& name) {
  amqp_queue_delete(state_, kChannel, bytes_of(name), 0, 0);
  check("delete queue " + name);
}

void AmqpClient::delete_exchange(const std::string& name) {
  amqp_exchange_delete(state_, kChannel, bytes_of(name), 0);
  check("delete exchange " + name);
}

}  // namespace chat21::testing
