// A configuration from flags, variables and a file, as tests give them.
#pragma once

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/config.h"

namespace chat21::server {

// One way to configure: flags, variables and a file.
class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() {
    std::string pattern = testing::TempDir() + "chat21-config-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ConfigurationTest() override { std::filesystem::remove_all(folder_); }

  void flag(const std::string& key, const std::string& value) {
    flags_.push_back({find_setting(key), value, Given::Origin::Flag, "--" + key});
  }
  void variable(const std::string& name, const std::string& value) { variables_[name] = value; }
  void file(const std::string& text) {
    file_ = (folder_ / "chat21.conf").string();
    std::ofstream(*file_) << text;
  }

  Result<Configuration> load() const {
    return Configuration::load(flags_, file_, [this](const char* name) -> const char* {
      const auto found = variables_.find(name);
      return found == variables_.end() ? nullptr : found->second.c_str();
    });
  }
  // What is wrong, with the name of the file shortened.
  std::string complaints() const {
    const auto loaded = load();
    std::string text = loaded ? "nothing" : loaded.error().message;
    for (auto at = std::string::npos;
         (at = text.find(folder_.string() + "/")) != std::string::npos;) {
      text.erase(at, folder_.string().size() + 1);
    }
    return text;
  }
  Config config() const {
    const auto loaded = load();
    EXPECT_TRUE(loaded) << loaded.error().message;
    return loaded ? loaded->config() : Config{};
  }

  std::filesystem::path folder_;

 private:
  std::vector<Given> flags_;
  std::map<std::string, std::string> variables_;
  std::optional<std::string> file_;
};

}  // namespace chat21::server
