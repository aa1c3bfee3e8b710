// What the tests of the attempts file share.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "chat21/attempts_file.h"

#include "tests/contract/temp_folder.h"

namespace chat21::contract {

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class AttemptsCase : public ::testing::Test {
 protected:
  // As the next process would.
  std::unique_ptr<Attempts> open() const {
    Result<std::unique_ptr<Attempts>> attempts = open_attempts(path_);
    if (!attempts) throw std::runtime_error(attempts.error().message);
    return *std::move(attempts);
  }
  // A process that ends while it works on these.
  void die_working_on(const std::vector<Fingerprint>& work) const { open()->begin(work); }

  std::string refusal() const {
    const auto attempts = open_attempts(path_);
    if (attempts) return "it was opened";
    return attempts.error().code == Error::Code::Unavailable ? attempts.error().message
                                                             : "another code";
  }

  static std::vector<Fingerprint> range(Fingerprint first, std::size_t count) {
    std::vector<Fingerprint> work;
    for (std::size_t i = 0; i < count; ++i) work.push_back(first + i);
    return work;
  }
  static std::size_t failed_of(const Attempts& attempts, const std::vector<Fingerprint>& work) {
    return static_cast<std::size_t>(std::count_if(
        work.begin(), work.end(), [&](Fingerprint one) { return attempts.failed(one) > 0; }));
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "chat.db-attempts";
};

}  // namespace chat21::contract
