// What the tests of the Engine share: one over a file of its own, and this thread in the
// part of the broker's.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "chat21/history.h"
#include "chat21/json.h"
#include "chat21/sqlite.h"

#include "lib/mosquitto/engine.h"
#include "tests/contract/sqlite_files.h"

namespace chat21::mosquitto {

inline const std::string kAdaToBob = "apps.tilechat.outgoing.users.ada.messages.bob.outgoing";

inline std::string text_message(const std::string& text) {
  return R"({"text":")" + text + R"(","type":"text"})";
}

class EngineCase : public contract::SqliteFiles {
 protected:
  struct Published {
    std::string topic, body;
  };
  struct Line {
    LogLevel level;
    std::string text;
  };

  EngineCase() {
    engine_options_.store = options_.path;
    engine_options_.seed = 7;
    engine_options_.wake = [this] {
      ++wakes_;
      wakes_.notify_all();
    };
    engine_options_.log = [this](LogLevel level, const std::string& text) {
      log_.push_back({level, text});
    };
  }

  void start() { engine_ = contract::value(Engine::start(engine_options_)); }

  Result<> accept(const std::string& text) {
    return engine_->accept(kAdaToBob, text_message(text));
  }

  void turn() {
    engine_->turn([this](Outgoing outgoing) {
      published_.push_back({outgoing.topic, std::string(outgoing.body.get(), outgoing.size)});
    });
  }

  // Sleeps as the broker does, until there is something to publish, and takes it; so
  // often until there are `count`.
  void turn_until_published(std::size_t count) {
    turn();
    while (published_.size() < count) {
      wakes_.wait(wakes_seen_);
      wakes_seen_ = wakes_;
      turn();
    }
  }

  // As the broker's loop would: a turn every now and then.
  void turn_while(const std::function<bool()>& condition) {
    while (condition()) {
      turn();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void turn_until_well() {
    turn_while([this] { return !engine_->trouble().empty(); });
  }

  // The texts of what Ada has in her conversation with Bob, the oldest first.
  std::vector<std::string> stored() {
    std::vector<std::string> texts;
    std::string last = "-";  // before every id
    for (;;) {
      const Documents page = messages(contract::kAda, {.after = last, .limit = kMaxPage});
      for (const std::string& document : page) {
        JsonObject message;
        contract::check(message.parse(document));
        texts.push_back(decode_string(*message.find("text")));
        last = decode_string(*message.find("message_id"));
      }
      if (page.empty()) return texts;
    }
  }

  std::size_t lines_with(const std::string& words) const {
    std::size_t count = 0;
    for (const Line& line : log_) {
      if (line.text.find(words) != std::string::npos) ++count;
    }
    return count;
  }

  EngineOptions engine_options_;
  std::atomic<std::uint64_t> wakes_ = 0;
  std::uint64_t wakes_seen_ = 0;
  std::vector<Published> published_;
  std::vector<Line> log_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace chat21::mosquitto
