#include "lib/mqtt/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mosquitto.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>

#include "lib/mqtt/topics.h"

namespace chat21::mqtt {
namespace {

// Read without a look at what else there is to do.
constexpr int kMostPackets = 1000;

// libmosquitto counts its users without a lock, so it is set up once and for good.
int set_up_library() {
  static const int kResult = mosquitto_lib_init();
  return kResult;
}

Session& self_of(void* self) {
  return *static_cast<Session*>(self);
}

Error unavailable(std::string why) {
  return fail(Error::Code::Unavailable, std::move(why));
}

std::string why_refused(int code) {
  switch (code) {
    case 1:
      return "it does not speak MQTT 3.1.1";
    case 2:
      return "it does not accept the client id";
    case 3:
      return "it is not available";
    case 4:
    case 5:
      return "it does not accept the token or password";
    default:
      return "for a reason that MQTT 3.1.1 does not know";
  }
}

}  // namespace

void Session::Destroy::operator()(mosquitto* handle) const {
  mosquitto_destroy(handle);
}

Session::~Session() {
  if (handle_ != nullptr && accepted()) mosquitto_disconnect(handle_.get());
}

// --- connecting -----------------------------------------------------------------

Result<> Session::start(const std::string& address) {
  if (auto ready = set_up(); !ready) return ready;
  errno = 0;
  const int code = mosquitto_connect_async(handle_.get(), address.c_str(), options_.port,
                                           static_cast<int>(options_.keepalive.count()));
  return check(code);
}

Result<> Session::set_up() {
  if (auto ready = check(set_up_library()); !ready) return ready;
  handle_.reset(mosquitto_new(options_.client_id.c_str(), true, this));
  if (handle_ == nullptr) return check(MOSQ_ERR_ERRNO);
  mosquitto_int_option(handle_.get(), MOSQ_OPT_TCP_NODELAY, 1);
  // The window is kept by who publishes; below it libmosquitto must not hold back any.
  mosquitto_max_inflight_messages_set(handle_.get(),
                                      static_cast<unsigned>(options_.publish_window));
  set_callbacks();
  if (!options_.password) return {};
  const std::string password = options_.password();
  return check(mosquitto_username_pw_set(handle_.get(), options_.user.c_str(), password.c_str()));
}

void Session::set_callbacks() {
  mosquitto_connect_callback_set(
      handle_.get(), [](mosquitto*, void* self, int code) { self_of(self).connack_ = code; });
  mosquitto_subscribe_callback_set(
      handle_.get(), [](mosquitto*, void* self, int mid, int count, const int* granted) {
        self_of(self).take_suback(mid, count == 1 ? *granted : -1);
      });
  mosquitto_publish_callback_set(
      handle_.get(), [](mosquitto*, void* self, int) { ++self_of(self).acknowledged_; });
  mosquitto_message_callback_set(handle_.get(),
                                 [](mosquitto*, void* self, const mosquitto_message* message) {
                                   self_of(self).take(*message);
                                 });
}

Result<> Session::subscribe(const std::string& filter) {
  const auto topic_filter = filter_of(filter);
  if (!topic_filter) return topic_filter.error();
  Subscription& asked = subscriptions_.emplace_back();
  asked.filter = filter;
  errno = 0;
  return check(mosquitto_subscribe(handle_.get(), &asked.mid, topic_filter->c_str(), 1));
}

void Session::take_suback(int mid, int granted) {
  for (Subscription& asked : subscriptions_) {
    if (asked.mid == mid) asked.granted = granted;
  }
}

Result<bool> Session::subscribed() const {
  for (const Subscription& asked : subscriptions_) {
    if (!asked.granted) return false;
    if (*asked.granted != 1) {
      return unavailable("the broker does not grant the subscription to '" + asked.filter +
                         "' at QoS 1");
    }
  }
  return true;
}

std::string_view Session::pending_filter() const {
  return std::find_if(subscriptions_.begin(), subscriptions_.end(),
                      [](const Subscription& asked) { return !asked.granted; })
      ->filter;
}

// --- serving ----------------------------------------------------------------------

int Session::fd() const {
  return mosquitto_socket(handle_.get());
}

short Session::events() const {
  return static_cast<short>(POLLIN | (congested() ? POLLOUT : 0));
}

bool Session::congested() const {
  return mosquitto_want_write(handle_.get());
}

Result<> Session::serve(short revents) {
  errno = 0;
  // First, since it tells best why a connection could not be made.
  if ((revents & (POLLOUT | POLLERR)) != 0) {
    if (auto written = check(mosquitto_loop_write(handle_.get(), 1)); !written) return written;
  }
  if ((revents & (POLLIN | POLLHUP)) != 0) {
    if (auto read = read_all(); !read) return read;
  }
  return check(mosquitto_loop_misc(handle_.get()));
}

Result<> Session::read_all() {
  pollfd socket{fd(), POLLIN, 0};
  for (int packets = 0; packets < kMostPackets && ::poll(&socket, 1, 0) == 1; ++packets) {
    errno = 0;  // libmosquitto reads one packet only if it finds an old EAGAIN
    if (auto read = check(mosquitto_loop_read(handle_.get(), 1)); !read) return read;
    if (inbox_.full()) break;
  }
  return {};
}

void Session::take(const mosquitto_message& message) {
  inbox_.push(routing_key_of(message.topic), {static_cast<const char*>(message.payload),
                                              static_cast<std::size_t>(message.payloadlen)});
}

Result<> Session::publish(const std::string& topic, std::string_view body) {
  errno = 0;
  ++published_;
  return check(mosquitto_publish(handle_.get(), nullptr, topic.c_str(),
                                 static_cast<int>(body.size()), body.data(), 1, false));
}

// --- errors -------------------------------------------------------------------------

Result<> Session::check(int code) const {
  const int system_error = errno;
  if (code == MOSQ_ERR_SUCCESS) return {};
  return unavailable(describe(code, system_error));
}

std::string Session::describe(int code, int system_error) const {
  switch (code) {
    case MOSQ_ERR_CONN_REFUSED:
      return "CONNACK " + std::to_string(connack_.value_or(-1)) + ": " +
             why_refused(connack_.value_or(-1));
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_NO_CONN:
      return "the connection was closed";
    case MOSQ_ERR_KEEPALIVE:
      return "no sign of life within the keepalive time of " +
             std::to_string(options_.keepalive.count()) + " s";
    case MOSQ_ERR_ERRNO:
      return std::generic_category().message(system_error);
    default:
      return mosquitto_strerror(code);
  }
}

// --- addresses ----------------------------------------------------------------------

Result<std::vector<std::string>> addresses_of(const std::string& host) {
  addrinfo hint{};
  hint.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hint, &found); code != 0) {
    return unavailable("cannot resolve '" + host + "': " + ::gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text.data());
    }
  }
  if (addresses.empty()) return unavailable("'" + host + "' has no address");
  return addresses;
}

}  // namespace chat21::mqtt
