// The clients of a simulated world, and the service that changes its groups.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "chat21/testing/memory_store.h"

#include "lib/testing/simulation/broker.h"
#include "lib/testing/simulation/judge.h"

namespace chat21::testing {

class Clients {
 public:
  Clients(Fate& fate, Broker& broker, Judge& judge);

  // One of them does something.
  void go_on();
  // Groups must be there before somebody writes to them.
  void found_groups(MemoryStore& store);
  void receive(Received received);

 private:
  struct Sending {
    Judge::Draft draft;
    std::string body;
  };
  struct Group {
    std::string id;
    std::vector<std::string> members;
  };

  void send();
  void send_again();
  void offer(const Sending& sending);
  void send_receipt();
  void read_or_archive();
  void change_group();
  void announce(const Group& group);
  static std::string members_of(const Group& group);
  std::string document_of(const Group& group) const;
  void say_presence();
  // Whether the broker has it.
  bool publish(const std::string& routing_key, const std::string& body, std::size_t queue,
               LetterNumber* letter = nullptr);
  std::size_t queue_of(const std::string& user, const std::string& other) const;
  const std::string& some_user() { return users_[fate_.below(users_.size())]; }

  Fate& fate_;
  Broker& broker_;
  Judge& judge_;
  std::vector<std::string> users_;
  std::vector<Group> groups_;
  std::vector<Received> received_;
  std::vector<Sending> unacknowledged_;
  std::size_t texts_ = 0;
  std::int64_t group_time_ = 1;
};

}  // namespace chat21::testing
