#include "lib/mosquitto/journal.h"

#include <utility>

namespace chat21::mosquitto {

void Journal::note(const Event& event, Clock::time_point now) {
  if (event.kind != Event::Kind::Rejected) return;
  const std::lock_guard lock(mutex_);
  if (now - began_ >= kPeriod) begin_period(now);
  if (++noted_ > kMostLines) {
    ++suppressed_;
    return;
  }
  lines_.push_back("message rejected: outcome=" + std::string(to_string(event.outcome)) +
                   " topic=\"" + quotable(event.routing_key) + "\" reason=\"" +
                   quotable(event.detail) + "\" bytes=" + std::to_string(event.body.size()));
}

std::vector<std::string> Journal::take(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (suppressed_ > 0 && now - began_ >= kPeriod) begin_period(now);
  return std::exchange(lines_, {});
}

void Journal::begin_period(Clock::time_point now) {
  if (suppressed_ > 0) {
    lines_.push_back("more messages rejected: " + std::to_string(suppressed_));
  }
  began_ = now;
  noted_ = suppressed_ = 0;
}

std::string quotable(std::string_view text, std::size_t limit) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else {
      out += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
    }
  }
  if (text.size() > limit) out += "...[+" + std::to_string(text.size() - limit) + " bytes]";
  return out;
}

}  // namespace chat21::mosquitto
