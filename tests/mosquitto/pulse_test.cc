#include "lib/mosquitto/pulse.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>

namespace chat21::mosquitto {
namespace {

using namespace std::chrono_literals;

class PulseTest : public testing::Test {
 protected:
  ~PulseTest() override { ::close(fd_); }

  // Since the last call.
  std::uint64_t beats() const {
    std::uint64_t count = 0;
    return ::read(fd_, &count, sizeof count) == sizeof count ? count : 0;
  }

  const int fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const Pulse::Clock::time_point start_ = Pulse::Clock::now();
};

TEST_F(PulseTest, BeatsOnceASecond) {
  Pulse pulse(std::to_string(fd_).c_str());
  pulse.beat(start_);
  pulse.beat(start_ + 999ms);
  EXPECT_EQ(beats(), 1U);
  pulse.beat(start_ + 1s);
  EXPECT_EQ(beats(), 1U);
}

TEST_F(PulseTest, LeavesOtherFilesAlone) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK), 0);
  Pulse(std::to_string(pipe[1]).c_str()).beat(start_);
  char any = 0;
  EXPECT_EQ(::read(pipe[0], &any, 1), -1) << "something was written";
  for (const int end : pipe) ::close(end);
}

TEST_F(PulseTest, BeatsNowhereWithoutANumber) {
  const std::string number = std::to_string(fd_);
  for (const char* text : {static_cast<const char*>(nullptr), "", "x", "-1", "1000000"}) {
    Pulse(text).beat(start_);
  }
  Pulse((number + "x").c_str()).beat(start_);
  EXPECT_EQ(beats(), 0U);
}

}  // namespace
}  // namespace chat21::mosquitto
