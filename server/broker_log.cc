#include "server/broker_log.h"

#include <algorithm>
#include <utility>

namespace chat21::server {
namespace {

constexpr std::size_t kRemembered = 3;

// Mosquitto does not write the level of a line; its errors and warnings begin with these
// words, and the lines of the plugin with its name.
LogLevel level_of(std::string_view line) {
  constexpr std::string_view kPlugin = "chat21: ";
  const bool plugin = line.starts_with(kPlugin);
  if (plugin) line.remove_prefix(kPlugin.size());
  if (line.starts_with("Error")) return LogLevel::Error;
  if (line.starts_with("Warning")) return LogLevel::Warn;
  return plugin ? LogLevel::Info : LogLevel::Verbose;
}

// "mosquitto version 2.0.11 running": written once all listeners are open.
bool says_ready(std::string_view line) {
  return line.starts_with("mosquitto version ") && line.ends_with(" running");
}

void remember(std::deque<std::string>& lines, std::string_view line) {
  lines.emplace_back(line);
  if (lines.size() > kRemembered) lines.pop_front();
}

}  // namespace

void BrokerLog::begin() {
  line_.clear();
  errors_.clear();
  lines_.clear();
  ready_ = false;
}

void BrokerLog::take(std::string_view bytes, Clock::time_point now) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    add(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    end_line(now);
    bytes.remove_prefix(end + 1);
  }
}

void BrokerLog::finish(Clock::time_point now) {
  if (!line_.empty()) end_line(now);
}

void BrokerLog::add(std::string_view part) {
  line_ += part.substr(0, kMaxLine - std::min(line_.size(), kMaxLine));
}

void BrokerLog::end_line(Clock::time_point now) {
  const std::string line = std::exchange(line_, {});
  if (line.empty()) return;
  const LogLevel level = level_of(line);
  ready_ = ready_ || says_ready(line);
  remember(level == LogLevel::Error ? errors_ : lines_, line);
  if (log_.enabled(level)) forward(line, level, now);
}

void BrokerLog::forward(std::string_view line, LogLevel level, Clock::time_point now) {
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    in_second_ = 0;
    if (left_out_ > 0) log_.warn("lines of the broker were left out", {{"lines", left_out_}});
    left_out_ = 0;
  }
  if (++in_second_ > kMaxLinesPerSecond) {
    ++left_out_;
    return;
  }
  log_.write(level, "mosquitto", {{"says", line}});
}

std::string BrokerLog::reason() const {
  std::string text;
  for (const std::string& line : errors_.empty() ? lines_ : errors_) {
    text += (text.empty() ? "" : "; ") + line;
  }
  return text;
}

}  // namespace chat21::server
