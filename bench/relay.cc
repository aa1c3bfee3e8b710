// What does the broker alone cost? The least any observer can do: takes each
// outgoing message and publishes its unchanged body to both inboxes. No JSON, no
// store, no reconnecting; rabbitmq-c and the serial batch loop (take what is
// there, publish all, wait for all confirms, acknowledge).
//
// Runs in place of chat21-server, on the same broker, until SIGINT or SIGTERM:
// the result is a ratio to latencies taken beside it, not the figures.
#include <algorithm>
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lib/rabbitmq/confirm_window.h"
#include "lib/rabbitmq/uri.h"

namespace {

constexpr amqp_channel_t kChannel = 1;
constexpr std::size_t kBatch = 256;  // also the prefetch

volatile std::sig_atomic_t stopped = 0;

amqp_bytes_t bytes_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

std::string_view view_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

[[noreturn]] void give_up(const std::string& attempted) {
  throw std::runtime_error("relay: cannot " + attempted);
}

void check(int status, const std::string& attempted) {
  if (status != AMQP_STATUS_OK) give_up(attempted + ": " + amqp_error_string2(status));
}

void check_reply(amqp_connection_state_t state, const std::string& attempted) {
  if (amqp_get_rpc_reply(state).reply_type != AMQP_RESPONSE_NORMAL) give_up(attempted);
}

amqp_connection_state_t connect(const chat21::rabbitmq::Uri& uri) {
  amqp_connection_state_t state = amqp_new_connection();
  amqp_socket_t* socket = amqp_tcp_socket_new(state);
  check(amqp_socket_open(socket, uri.host.c_str(), uri.port), "connect to " + uri.address());
  if (amqp_login(state, uri.vhost.c_str(), 1, 131072, uri.heartbeat, AMQP_SASL_METHOD_PLAIN,
                 uri.user.c_str(), uri.password.c_str())
          .reply_type != AMQP_RESPONSE_NORMAL) {
    give_up("log in");
  }
  amqp_channel_open(state, kChannel);
  check_reply(state, "open a channel");
  return state;
}

void consume(amqp_connection_state_t state, const std::string& app) {
  const auto queue = bytes_of("messages");
  amqp_queue_declare(state, kChannel, queue, 0, 1, 0, 0, amqp_empty_table);
  check_reply(state, "declare the queue");
  amqp_queue_bind(state, kChannel, queue, bytes_of("amq.topic"),
                  bytes_of("apps." + app + ".outgoing.users.*.messages.*.outgoing"),
                  amqp_empty_table);
  check_reply(state, "bind the queue");
  amqp_basic_qos(state, kChannel, 0, kBatch, 0);
  check_reply(state, "set the prefetch");
  amqp_basic_consume(state, kChannel, queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  check_reply(state, "consume");
}

// False: nothing is there.
bool next_frame(amqp_connection_state_t state, amqp_frame_t& frame) {
  timeval no_wait{0, 0};
  const int status = amqp_simple_wait_frame_noblock(state, &frame, &no_wait);
  if (status == AMQP_STATUS_TIMEOUT) return false;
  check(status, "read");
  return true;
}

// "apps.APP.outgoing.users.ME.messages.YOU.outgoing" -> ME, YOU; or nothing.
std::array<std::string_view, 2> ends_of(std::string_view key) {
  std::array<std::string_view, 8> levels;
  for (std::string_view& level : levels) {
    level = key.substr(0, key.find('.'));
    key.remove_prefix(std::min(level.size() + 1, key.size()));
  }
  return {levels[4], levels[6]};
}

struct Delivery {
  std::string key, body;
};

class Relay {
 public:
  Relay(const chat21::rabbitmq::Uri& uri, std::string app)
      : app_(std::move(app)), in_(connect(uri)), out_(connect(uri)) {
    amqp_confirm_select(out_, kChannel);
    check_reply(out_, "ask for confirms");
    consume(in_, app_);
  }
  ~Relay() {
    for (amqp_connection_state_t state : {in_, out_}) {
      amqp_connection_close(state, AMQP_REPLY_SUCCESS);
      amqp_destroy_connection(state);
    }
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  void turn() {
    read_deliveries();
    read_confirms();  // and heartbeats
    if (complete_ == 0) {
      wait();
      return;
    }
    for (std::size_t i = 0; i < complete_; ++i) publish_twice(batch_[i]);
    while (window_.unconfirmed() > 0) {
      wait();
      read_confirms();
    }
    check(amqp_basic_ack(in_, kChannel, last_tag_, 1), "acknowledge");
    complete_ = 0;
  }

 private:
  void read_deliveries() {
    amqp_frame_t frame;
    while ((complete_ < kBatch || body_left_ > 0) && next_frame(in_, frame)) {
      Delivery& delivery = batch_[complete_];
      if (frame.frame_type == AMQP_FRAME_METHOD) {
        if (frame.payload.method.id != AMQP_BASIC_DELIVER_METHOD) give_up("go on: closed");
        const auto* deliver = static_cast<amqp_basic_deliver_t*>(frame.payload.method.decoded);
        delivery.key.assign(view_of(deliver->routing_key));
        delivery.body.clear();
        arriving_tag_ = deliver->delivery_tag;
      } else if (frame.frame_type == AMQP_FRAME_HEADER) {
        body_left_ = frame.payload.properties.body_size;
        if (body_left_ == 0) complete();
      } else if (frame.frame_type == AMQP_FRAME_BODY) {
        delivery.body.append(view_of(frame.payload.body_fragment));
        body_left_ -= frame.payload.body_fragment.len;
        if (body_left_ == 0) complete();
      }
      amqp_maybe_release_buffers_on_channel(in_, kChannel);
    }
  }

  void complete() {
    last_tag_ = arriving_tag_;
    ++complete_;
  }

  void publish_twice(const Delivery& delivery) {
    const auto [sender, recipient] = ends_of(delivery.key);
    publish(sender, recipient, delivery.body);
    publish(recipient, sender, delivery.body);
  }

  void publish(std::string_view owner, std::string_view other, std::string_view body) {
    key_.assign("apps.").append(app_).append(".users.").append(owner);
    key_.append(".messages.").append(other).append(".clientadded");
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    check(amqp_basic_publish(out_, kChannel, bytes_of("amq.topic"), bytes_of(key_), 0, 0,
                             &properties, bytes_of(body)),
          "publish");
    window_.sent();
  }

  void read_confirms() {
    amqp_frame_t frame;
    while (next_frame(out_, frame)) {
      if (frame.frame_type != AMQP_FRAME_METHOD ||
          frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
        give_up("go on: publishing was refused or closed");
      }
      const auto* ack = static_cast<amqp_basic_ack_t*>(frame.payload.method.decoded);
      window_.confirm(ack->delivery_tag, ack->multiple != 0);
      amqp_maybe_release_buffers_on_channel(out_, kChannel);
    }
  }

  void wait() {
    std::array<pollfd, 2> fds{
        {{amqp_get_sockfd(in_), POLLIN, 0}, {amqp_get_sockfd(out_), POLLIN, 0}}};
    // While confirms are awaited, more deliveries are no reason to wake up.
    ::poll(window_.unconfirmed() > 0 ? &fds[1] : fds.data(), window_.unconfirmed() > 0 ? 1 : 2,
           1000);
  }

  std::string app_;
  amqp_connection_state_t in_;
  amqp_connection_state_t out_;
  std::vector<Delivery> batch_{kBatch + 1};
  std::size_t complete_ = 0;
  std::uint64_t body_left_ = 0;
  std::uint64_t arriving_tag_ = 0;
  std::uint64_t last_tag_ = 0;
  chat21::rabbitmq::ConfirmWindow window_{2 * kBatch};
  std::string key_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string uri_text;
  std::string app = "tilechat";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--uri") uri_text = argv[i + 1];
    if (option == "--app") app = argv[i + 1];
  }
  const auto uri = chat21::rabbitmq::parse_uri(uri_text);
  if (!uri || argc % 2 == 0) {
    std::fprintf(stderr, "usage: relay --uri amqp://user:password@host:port [--app APP]\n");
    if (!uri) std::fprintf(stderr, "relay: %s\n", uri.error().message.c_str());
    return 2;
  }
  std::signal(SIGINT, [](int) { stopped = 1; });
  std::signal(SIGTERM, [](int) { stopped = 1; });
  try {
    Relay relay(*uri, app);
    std::puts("relaying");
    std::fflush(stdout);
    while (stopped == 0) relay.turn();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
