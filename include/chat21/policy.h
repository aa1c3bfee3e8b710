// Policy: decides whether an outgoing message may pass.
//
// Called by the Router on the Observer's thread, once per outgoing message; it
// must not block. Lifetime: views in `Message` are valid during the call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "chat21/delivery.h"

namespace chat21 {

struct Message {
  std::string_view app, sender;
  std::string_view recipient;  // a user id or a group id
  bool to_group = false;
  std::string_view body;  // the draft as the sender published it: a valid JSON object
};

struct Verdict {
  bool allowed = true;
  std::string code;  // of a refusal: a short word for programs, e.g. "blocked"
  std::string text;  // of a refusal: for people

  static Verdict allow() { return {}; }
  static Verdict deny(std::string code, std::string text) {
    return {false, std::move(code), std::move(text)};
  }
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const = 0;  // for logs and metrics
  virtual Verdict review(const Message& message, Time now) = 0;
};

// What a Router without policies does, as an object.
class AllowAll final : public Policy {
 public:
  std::string_view name() const override { return "allow-all"; }
  Verdict review(const Message&, Time) override { return Verdict::allow(); }
};

}  // namespace chat21
