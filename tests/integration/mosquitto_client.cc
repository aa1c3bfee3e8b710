#include "tests/integration/mosquitto_client.h"

#include <chrono>
#include <mosquitto.h>
#include <stdexcept>

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

}  // namespace

MosquittoClient::MosquittoClient(const std::string& id, const std::string& token, int port,
                                 bool clean_session) {
  static const Library kLibrary;
  handle_ = mosquitto_new(id.c_str(), clean_session, this);
  if (handle_ == nullptr) throw std::runtime_error("cannot make a client");
  mosquitto_connect_callback_set(handle_, [](mosquitto*, void* self, int code) {
    self_of(self)->connected_ = code == 0;
    if (code != 0) self_of(self)->refusal_ = mosquitto_connack_string(code);
  });
  mosquitto_disconnect_callback_set(
      handle_, [](mosquitto*, void* self, int) { self_of(self)->closed_ = true; });
  mosquitto_subscribe_callback_set(
      handle_, [](mosquitto*, void* self, int, int, const int*) { ++self_of(self)->granted_; });
  mosquitto_publish_callback_set(handle_,
                                 [](mosquitto*, void* self, int) { ++self_of(self)->published_; });
  mosquitto_message_callback_set(
      handle_, [](mosquitto*, void* self, const mosquitto_message* message) {
        self_of(self)->inbox_.push_back({message->topic,
                                         std::string(static_cast<const char*>(message->payload),
                                                     static_cast<std::size_t>(message->payloadlen)),
                                         message->qos});
      });
  mosquitto_username_pw_set(handle_, "JWT", token.c_str());
  if (const int code = mosquitto_connect(handle_, "127.0.0.1", port, 10); code != 0) {
    throw std::runtime_error(std::string("cannot connect: ") + mosquitto_strerror(code));
  }
  if (!drive_until([this] { return connected_ || !refusal_.empty(); }) || !connected_) {
    throw std::runtime_error("the broker refuses the client: " + refusal_);
  }
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

bool MosquittoClient::publish(const std::string& topic, const std::string& body, int qos) {
  const int published = published_;
  mosquitto_publish(handle_, nullptr, topic.c_str(), static_cast<int>(body.size()), body.data(),
                    qos, false);
  return drive_until([&] { return published_ > published; });
}

std::optional<MosquittoClient::Message> MosquittoClient::next() {
  if (!drive_until([this] { return !inbox_.empty(); })) return std::nullopt;
  Message first = inbox_.front();
  inbox_.erase(inbox_.begin());
  return first;
}

}  // namespace chat21::tests
