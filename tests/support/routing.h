// A Router with the facts around it, for tests that say: this arrives, that is
// to be done.
#pragma once

#include <chrono>
#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/router.h"
#include "chat21/topic.h"

namespace chat21::tests {

inline constexpr Time kNow{std::chrono::milliseconds(1760000000456)};

// One line a write, so that a list of them reads like a story:
//   message m1 {"text":"hi"}
//   copy u100/u200 m1 100
std::string describe(const Write& write);

class Routing : public ::testing::Test {
 protected:
  struct Published {
    std::string routing_key, body;
    friend bool operator==(const Published&, const Published&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Published& published) {
      return out << published.routing_key << ' ' << published.body;
    }
  };

  // --- What the Store knows ---
  void know_group(std::string_view group, std::string_view document);
  void know_conversation(std::string_view timeline, std::string_view conversation,
                         std::string_view document);
  void know_copy(std::string_view timeline, std::string_view conversation,
                 std::string_view message_id);
  // `body` is what is stored of the message.
  void know_sent(std::string_view sender, std::string_view client_message_id,
                 std::string_view body);
  void know_message(std::string_view message_id, std::string_view body);  // likewise

  // --- What arrives ---
  // Replaces the effects of what arrived before.
  void arrive(std::string_view routing_key, std::string_view body);
  void arrive(const Delivery& delivery);
  // Several at once; returns how many were decided.
  std::size_t arrive_together(const std::vector<Published>& deliveries);

  // --- What is to be done ---
  // The id of the message that was stamped stands as ID in keys, bodies and writes.
  std::vector<Published> published() const;
  std::vector<std::string> writes() const;
  std::vector<std::string> published_keys() const;
  std::string body_for(std::string_view routing_key) const;  // fails the test if there is none
  Outcome outcome() const;                                   // of the only delivery
  std::string detail() const;                                // of its rejection
  std::vector<Event::Kind> events() const;
  std::string message_id() const;

  Router& router();
  void forget_router() { router_.reset(); }  // the next one has the options and policies of then
  Effects& effects() { return effects_; }

  Router::Options options{.seed = 7};
  std::vector<Policy*> policies;
  Time now = kNow;

 private:
  std::string hide_id(std::string_view text) const;
  std::size_t route(std::span<const Delivery> deliveries);

  std::unique_ptr<Router> router_;
  std::map<std::string, std::string> facts_;  // by the record's parts
  std::deque<std::string> texts_;             // what deliveries point to
  Effects effects_;
  Tag next_tag_ = 1;
};

}  // namespace chat21::tests
