// An HttpClient that asks nobody: answers by a script and remembers the calls.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/http/client.h"

namespace chat21::tests {

class ScriptedClient final : public server::HttpClient {
 public:
  using Script = std::function<Result<server::HttpReply>(const server::HttpCall&)>;

  ScriptedClient() : ScriptedClient(404, {}) {}
  explicit ScriptedClient(Script script) : HttpClient({}), script_(std::move(script)) {}
  // Always the same answer.
  ScriptedClient(long status, std::string body)
      : ScriptedClient([status, body = std::move(body)](const server::HttpCall&) {
          return Result(server::HttpReply{.status = status, .body = body});
        }) {}

  Result<server::HttpReply> perform(const server::HttpCall& call) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
    return script_(call);
  }

  void follow(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }

  std::vector<server::HttpCall> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::vector<std::string> urls() const {
    std::vector<std::string> urls;
    for (const server::HttpCall& call : calls()) urls.push_back(call.url);
    return urls;
  }

 private:
  mutable std::mutex mutex_;
  Script script_;
  std::vector<server::HttpCall> calls_;
};

}  // namespace chat21::tests
