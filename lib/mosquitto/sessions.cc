#include "lib/mosquitto/sessions.h"

#include <utility>

namespace chat21::mosquitto {

void Sessions::open(Client client, Session session) {
  forget(client);
  sessions_.emplace(client, Entry{.session = std::move(session), .place = {}});
}

void Sessions::forget(Client client) {
  const auto found = sessions_.find(client);
  if (found == sessions_.end()) return;
  come_back(found->second);
  sessions_.erase(found);
}

const Session* Sessions::find(Client client) const {
  const auto found = sessions_.find(client);
  return found == sessions_.end() ? nullptr : &found->second.session;
}

void Sessions::end(Client client, bool away) {
  const auto found = sessions_.find(client);
  if (found == sessions_.end()) return;
  Entry& entry = found->second;
  if (entry.session.ended || !away) {
    entry.session.ended = true;
    over_.push_back(client);
    return;
  }
  entry.session.ended = true;
  entry.away = true;
  entry.place = away_.insert(away_.end(), client);
  if (away_.size() > max_away_) forget(away_.front());
}

void Sessions::turn() {
  for (const Client client : over_) {
    const Session* session = find(client);
    if (session != nullptr && session->ended) forget(client);
  }
  over_.clear();
}

void Sessions::come_back(Entry& entry) {
  if (entry.away) away_.erase(entry.place);
  entry.away = false;
}

}  // namespace chat21::mosquitto
