#include "server/open_files.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace chat21::server {
namespace {

// In a process that ends: nobody can raise a hard limit again.
[[noreturn]] void raise(rlimit before, std::size_t wanted, std::size_t told, rlim_t after) {
  rlimit now{};
  const bool done = ::setrlimit(RLIMIT_NOFILE, &before) == 0 && allow_open_files(wanted) == told &&
                    ::getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == after;
  std::exit(done ? 0 : 1);
}

TEST(OpenFiles, AreAllowedAsFarAsTheSystemLetsUs) {
  const rlimit low{.rlim_cur = 100, .rlim_max = 200};
  EXPECT_EXIT(raise(low, 150, 150, 150), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(raise(low, 201, 200, 200), testing::ExitedWithCode(0), "");
}

TEST(OpenFiles, AreNeverTakenAway) {
  const rlimit enough{.rlim_cur = 150, .rlim_max = 200};
  EXPECT_EXIT(raise(enough, 120, 120, 150), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace chat21::server
