#include "tests/integration/mosquitto_client.h"

#include <chrono>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdexcept>
#include <sys/socket.h>
#include <utility>

namespace chat21::tests {
namespace {

using Clock = std::chrono::steady_clock;

// Generous: nobody waits for it unless something is broken.
constexpr std::chrono::seconds kPatience{30};

MosquittoClient* self_of(void* self) {
  return static_cast<MosquittoClient*>(self);
}

struct Library {
  Library() { mosquitto_lib_init(); }
  ~Library() { mosquitto_lib_cleanup(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

// One property of a packet of MQTT 5; none if the value is 0.
class Properties {
 public:
  Properties(int id, std::uint32_t value) {
    if (value > 0) mosquitto_property_add_int32(&list_, id, value);
  }
  ~Properties() { mosquitto_property_free_all(&list_); }
  Properties(const Properties&) = delete;
  Properties& operator=(const Properties&) = delete;

  mosquitto_property* get() const { return list_; }
  mosquitto_property* release() { return std::exchange(list_, nullptr); }

 private:
  mosquitto_property* list_ = nullptr;
};

}  // namespace

MosquittoClient::MosquittoClient(const std::string& id, const std::string& token, int port,
                                 bool clean_session)
    : MosquittoClient(
          Options{.id = id, .token = token, .port = port, .clean_session = clean_session}) {}

MosquittoClient::MosquittoClient(const Options& options) {
  static const Library kLibrary;
  handle_ = mosquitto_new(options.id.c_str(), options.clean_session, this);
  if (handle_ == nullptr) throw std::runtime_error("cannot make a client");
  mosquitto_int_option(handle_, MOSQ_OPT_PROTOCOL_VERSION, options.protocol);
  if (options.will) set_will(options);
  mosquitto_connect_callback_set(handle_, [](::mosquitto*, void* self, int code) {
    self_of(self)->connected_ = code == 0;
    if (code != 0) self_of(self)->refusal_ = mosquitto_connack_string(code);
  });
  mosquitto_disconnect_callback_set(
      handle_, [](::mosquitto*, void* self, int) { self_of(self)->closed_ = true; });
  mosquitto_subscribe_callback_set(
      handle_, [](::mosquitto*, void* self, int, int, const int*) { ++self_of(self)->granted_; });
  mosquitto_publish_callback_set(
      handle_, [](::mosquitto*, void* self, int) { ++self_of(self)->published_; });
  mosquitto_message_callback_set(
      handle_, [](::mosquitto*, void* self, const mosquitto_message* message) {
        self_of(self)->inbox_.push_back({message->topic,
                                         std::string(static_cast<const char*>(message->payload),
                                                     static_cast<std::size_t>(message->payloadlen)),
                                         message->qos});
      });
  mosquitto_username_pw_set(handle_, "JWT",
                            options.token.empty() ? nullptr : options.token.c_str());
  const Properties properties(MQTT_PROP_SESSION_EXPIRY_INTERVAL, options.session_expiry);
  if (const int code = mosquitto_connect_bind_v5(handle_, "127.0.0.1", options.port, 10, nullptr,
                                                 properties.get());
      code != 0) {
    throw std::runtime_error(std::string("cannot connect: ") + mosquitto_strerror(code));
  }
  if (!drive_until([this] { return connected_ || !refusal_.empty(); }) || !connected_) {
    throw std::runtime_error("the broker refuses the client: " + refusal_);
  }
}

void MosquittoClient::set_will(const Options& options) {
  Properties properties(MQTT_PROP_WILL_DELAY_INTERVAL, options.will_delay);
  const Message& will = *options.will;
  const int code =
      mosquitto_will_set_v5(handle_, will.topic.c_str(), static_cast<int>(will.body.size()),
                            will.body.data(), will.qos, options.retain_will, properties.get());
  if (code != MOSQ_ERR_SUCCESS) throw std::runtime_error("cannot set a will");
  if (options.protocol == 5) properties.release();  // it is the client's now
}

MosquittoClient::~MosquittoClient() {
  mosquitto_disconnect(handle_);
  mosquitto_destroy(handle_);
}

// False if the connection is closed first.
bool MosquittoClient::drive_until(const std::function<bool()>& done) {
  const auto deadline = Clock::now() + kPatience;
  while (!done()) {
    if (closed_) return false;
    if (Clock::now() > deadline) throw std::runtime_error("the MQTT client waited in vain");
    if (mosquitto_loop(handle_, 100, 1) != MOSQ_ERR_SUCCESS) closed_ = true;
  }
  return true;
}

bool MosquittoClient::subscribe(const std::string& filter, int qos) {
  const int granted = granted_;
  mosquitto_subscribe(handle_, nullptr, filter.c_str(), qos);
  return drive_until([&] { return granted_ > granted; });
}

bool MosquittoClient::publish(const std::string& topic, const std::string& body, int qos,
                              bool retain) {
  const int published = published_;
  mosquitto_publish(handle_, nullptr, topic.c_str(), static_cast<int>(body.size()), body.data(),
                    qos, retain);
  return drive_until([&] { return published_ > published; });
}

std::optional<MosquittoClient::Message> MosquittoClient::next() {
  if (!drive_until([this] { return !inbox_.empty(); })) return std::nullopt;
  Message first = inbox_.front();
  inbox_.pop_front();
  return first;
}

void MosquittoClient::wait_until_closed() {
  drive_until([this] { return closed_; });
}

void MosquittoClient::cut() {
  ::shutdown(mosquitto_socket(handle_), SHUT_RDWR);
  wait_until_closed();
}

}  // namespace chat21::tests
