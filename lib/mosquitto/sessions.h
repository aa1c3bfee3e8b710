// Sessions: what the clients of the broker may do, by the token they connected with.
//
// Mosquitto tells of a client's end before it asks about its will, which may be days
// later (MQTT 5), and never tells that it has forgotten one. So a session outlives its
// connection here: until the next turn of the broker's loop if nothing can follow, else
// until the broker uses the client's address again or too many others have left since.
//
// Thread rule: like any value, one object belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "chat21/token.h"

namespace chat21::mosquitto {

// The broker's name for a client: an address that we never look at.
using Client = const void*;

struct Session {
  std::string client_id;
  std::string user;
  Rights rights;
  std::chrono::sys_seconds expires{};
  bool ended = false;  // its connection has gone
};

class Sessions {
 public:
  // `max_away`: of ended sessions for which something can follow. The one that ended
  // first is forgotten for another.
  explicit Sessions(std::size_t max_away) : max_away_(max_away) {}

  // In place of whatever was known of the client.
  void open(Client client, Session session);
  void forget(Client client);

  // Valid until the next call that is not find(); nullptr if the client is unknown.
  const Session* find(Client client) const;

  // The connection has gone. `away`: the broker may still ask about this client, because
  // it keeps its subscriptions or has a will to publish later. A second end is the last.
  void end(Client client, bool away);

  // The broker has finished a turn of its loop, and asks no more about those that ended
  // in it and are not away.
  void turn();

  std::size_t size() const { return sessions_.size(); }

 private:
  struct Entry {
    Session session;
    std::list<Client>::iterator place;  // in away_, if `away`
    bool away = false;
  };
  void come_back(Entry& entry);

  std::size_t max_away_;
  std::unordered_map<Client, Entry> sessions_;
  std::list<Client> away_;  // in the order of their ends
  std::vector<Client> over_;
};

}  // namespace chat21::mosquitto
