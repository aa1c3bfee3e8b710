#include "lib/mosquitto/access.h"

#include <algorithm>
#include <utility>

#include "chat21/topic.h"

namespace chat21::mosquitto {
namespace {

constexpr std::string_view kNoSession = "the client has not connected with a token";
constexpr std::string_view kExpired = "the token has expired";
constexpr std::string_view kTooLong = "the topic has more than 255 bytes";
constexpr std::string_view kNoScope = "no scope of the token allows it";
constexpr std::string_view kForObservers = "only an observer publishes this";
constexpr std::string_view kRetained = "retained messages for the observer are delivered to nobody";

}  // namespace

Result<std::string> Access::connect(Client client, std::string_view client_id,
                                    std::string_view token, Now now) {
  // Whoever had this address before has gone.
  sessions_.forget(client);
  newcomer_ = nullptr;
  if (token.empty()) return fail(Error::Code::InvalidArgument, "there is no token as password");
  auto verified = verify_token(token, rules_.tokens, now);
  if (!verified) return verified.error();
  Session session{.client_id = std::string(client_id),
                  .user = std::move(verified->user),
                  .rights = Rights(verified->scopes, rules_.tokens.audience),
                  .expires = verified->expires};
  if (!session.rights.connect()) {
    return fail(Error::Code::InvalidArgument, "no scope of the token allows to connect");
  }
  std::string user = session.user;
  sessions_.open(client, std::move(session));
  newcomer_ = client;
  return user;
}

void Access::disconnect(Client client, bool away) {
  newcomer_ = nullptr;
  sessions_.end(client, away);
}

Answer Access::publish(const Request& request, Now now) {
  const Session* session = sessions_.find(request.client);
  if (session == nullptr) {
    // The broker asks about the author of a retained message before it delivers it. The
    // author's rights were checked when it was published, by us or in an earlier life.
    return request.connected_once ? Answer{.refusal = kNoSession} : Answer{};
  }
  Answer answer{.key = key_of(request.topic), .user = session->user};
  answer.will = session->ended || taken_over(request.client, *session);
  newcomer_ = nullptr;
  if (now >= session->expires) {
    answer.refusal = kExpired;
  } else if (answer.key.size() > kMaxRoutingKey) {
    answer.refusal = kTooLong;
  } else if (!session->rights.allow(Permission::Write, answer.key)) {
    answer.refusal = kNoScope;
  } else if (is_from_observer(answer.key)) {
    answer.refusal = kForObservers;
  } else {
    answer.for_observer = is_for_observer(rules_.app, answer.key);
  }
  return answer;
}

Answer Access::subscribe(const Request& request, Now now) {
  newcomer_ = nullptr;
  const Session* session = sessions_.find(request.client);
  if (session == nullptr || session->ended) return {.refusal = kNoSession};
  Answer answer{.key = key_of(request.topic), .user = session->user};
  // The text of the filter itself is compared: where it is allowed, so is all it matches.
  std::replace(key_.begin(), key_.end(), '+', '*');
  if (now >= session->expires) {
    answer.refusal = kExpired;
  } else if (answer.key.size() > kMaxRoutingKey) {
    answer.refusal = kTooLong;
  } else if (!session->rights.allow(Permission::Read, answer.key)) {
    answer.refusal = kNoScope;
  }
  return answer;
}

Answer Access::receive(const Request& request) {
  newcomer_ = nullptr;
  Answer answer{.key = key_of(request.topic)};
  // We retain none; these are from before, or from a broker that was shutting down.
  if (request.retain && is_for_observer(rules_.app, answer.key)) {
    answer.refusal = kRetained;
    return answer;
  }
  const Session* session = sessions_.find(request.client);
  if (session == nullptr) {
    // A session from before the broker's start: what is queued for it is looked at again
    // when its client connects.
    if (request.connected_once) answer.refusal = kNoSession;
    return answer;
  }
  answer.user = session->user;
  if (!session->rights.allow(Permission::Read, answer.key)) answer.refusal = kNoScope;
  return answer;
}

std::string_view Access::observed_key(std::string_view topic) {
  const std::string_view key = key_of(topic);
  return is_for_observer(rules_.app, key) ? key : std::string_view();
}

void Access::turn() {
  newcomer_ = nullptr;
  sessions_.turn();
}

std::string_view Access::key_of(std::string_view topic) {
  key_.assign(topic);
  std::replace(key_.begin(), key_.end(), '/', '.');
  return key_;
}

bool Access::taken_over(Client client, const Session& session) const {
  if (newcomer_ == nullptr || newcomer_ == client) return false;
  const Session* newcomer = sessions_.find(newcomer_);
  return newcomer != nullptr && newcomer->client_id == session.client_id;
}

}  // namespace chat21::mosquitto
