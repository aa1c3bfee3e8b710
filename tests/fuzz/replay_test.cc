// What the repository has found out about each target, run again: inputs that reach all
// its branches (corpus/), and inputs that once broke a promise (regressions/). Whatever
// they break ends this program with a message.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/targets.h"

namespace chat21::tests {
namespace {

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::exists(folder)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream) << "cannot read " << file;
  return {std::istreambuf_iterator<char>(stream), {}};
}

class Replay : public ::testing::TestWithParam<Target> {};

TEST_P(Replay, BreaksNoPromise) {
  const std::filesystem::path root = CHAT21_FUZZ_DIR;
  const Target& target = GetParam();
  const auto corpus = files_in(root / "corpus" / target.name);
  EXPECT_FALSE(corpus.empty()) << "there is no corpus for " << target.name;
  target.run({});
  for (const auto& file : corpus) target.run(content_of(file));
  for (const auto& file : files_in(root / "regressions" / target.name)) {
    target.run(content_of(file));
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, ::testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace chat21::tests
