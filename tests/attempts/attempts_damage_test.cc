// Files that are none of ours, are broken, or cannot be had.
#include <algorithm>
#include <random>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/attempts/image.h"
#include "tests/attempts/attempts_case.h"
#include "tests/contract/child.h"

namespace chat21::contract {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class AttemptsDamage : public AttemptsCase {
 protected:
  std::string sane_bytes() const {
    die_working_on({7, 8});
    die_working_on({7});
    return bytes_of(path_);
  }
  void expect_begun_anew() const {
    {
      const auto attempts = open();
      EXPECT_EQ(attempts->failed(7), 0U);
      attempts->begin(std::vector<Fingerprint>{7});
    }
    EXPECT_EQ(open()->failed(7), 1U);
  }
};

TEST_F(AttemptsDamage, OfTheLengthBeginsAnew) {
  const std::string bytes = sane_bytes();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, sizeof(std::uint64_t),
                                 bytes.size() / 2, bytes.size() - 1, bytes.size() + 1}) {
    SCOPED_TRACE(size);
    std::string damaged = bytes;
    damaged.resize(size, 'x');
    write_bytes(path_, damaged);
    expect_begun_anew();
  }
}

TEST_F(AttemptsDamage, OfWhatOthersWroteBeginsAnew) {
  const std::size_t size = sane_bytes().size();
  for (const char byte : {'\0', 'x', '\xff'}) {
    write_bytes(path_, std::string(size, byte));
    expect_begun_anew();
  }
}

// The version is in it.
TEST_F(AttemptsDamage, OfTheMagicBeginsAnew) {
  std::string bytes = sane_bytes();
  bytes[0] = static_cast<char>(bytes[0] + 1);
  write_bytes(path_, bytes);
  expect_begun_anew();
}

// Nobody is set aside because a disk has turned a bit.
TEST_F(AttemptsDamage, OfASuspectBeginsAnew) {
  std::string bytes = sane_bytes();
  attempts::Image image;
  ASSERT_EQ(bytes.size(), sizeof image);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(&image));
  attempts::suspects_of(image).suspects[0].failures += 100;
  write_bytes(path_, std::string(reinterpret_cast<const char*>(&image), sizeof image));
  expect_begun_anew();
}

TEST_F(AttemptsDamage, AtRandomIsSurvived) {
  std::mt19937 random(20'251'124);
  const auto up_to = [&](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most)(random);
  };
  const std::string bytes = sane_bytes();
  for (int round = 0; round < 300; ++round) {
    std::string damaged = bytes;
    // Near the fields that decide as often as anywhere.
    const std::size_t reach = round % 2 == 0 ? 64 : damaged.size() - 1;
    for (std::size_t changes = up_to(8); changes > 0; --changes) {
      damaged[up_to(reach)] = static_cast<char>(up_to(255));
    }
    if (round % 5 == 0) damaged.resize(up_to(damaged.size()));
    write_bytes(path_, damaged);
    {
      const auto attempts = open();
      attempts->begin(std::vector<Fingerprint>{7, 1000});
      attempts->forget(8);
    }
    const auto attempts = open();
    EXPECT_GE(attempts->failed(7), 1U) << round;
    EXPECT_GE(attempts->failed(1000), 1U) << round;
    EXPECT_EQ(attempts->failed(8), 0U) << round;
  }
}

// As a copy of it may be: without room on the disk for its zeros.
TEST_F(AttemptsDamage, WithHolesHasThemFilled) {
  const std::string bytes = sane_bytes();
  const std::size_t used = 4096;
  write_bytes(path_, bytes.substr(0, used));
  std::filesystem::resize_file(path_, bytes.size());
  open();
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, status.st_size);
}

TEST_F(AttemptsDamage, OfTheFolderIsNamed) {
  path_ = folder_ / "none" / "chat.db-attempts";
  EXPECT_THAT(refusal(), AllOf(HasSubstr("cannot open '" + path_.string() + "'"),
                               HasSubstr("No such file or directory")));
}

TEST_F(AttemptsDamage, IsNoFile) {
  std::filesystem::create_directory(path_);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("directory")));
  std::filesystem::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("not a file")));
}

TEST_F(AttemptsDamage, IsNotAllowed) {
  open();
  chmod(path_.c_str(), 0400);
  chmod(folder_.path().c_str(), 0777);
  Child child([&](const Child::Voice& parent) {
    become_nobody();
    parent.say(refusal());
  });
  EXPECT_THAT(child.hear_all(),
              AllOf(HasSubstr("'" + path_.string() + "'"), HasSubstr("Permission denied")));
}

void let_files_grow_to(std::size_t bytes) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(3);
}

TEST_F(AttemptsDamage, HasNoRoomAtFirst) {
  Child child([&](const Child::Voice& parent) {
    let_files_grow_to(4096);
    parent.say(refusal());
  });
  EXPECT_THAT(child.hear_all(), AllOf(HasSubstr("take room"), HasSubstr(path_.string()),
                                      HasSubstr("File too large")));
}

// Whoever had it open before needs nothing of a disk that has become full since.
TEST_F(AttemptsDamage, NeedsNoMoreRoomLater) {
  open();
  Child child([&](const Child::Voice& parent) {
    let_files_grow_to(4096);
    for (int i = 0; i < 3; ++i) die_working_on(range(1, attempts::kMostWork));
    parent.say("done");
  });
  EXPECT_EQ(child.hear_all(), "done");
  EXPECT_EQ(open()->failed(attempts::kMostWork), 3U);
}

}  // namespace
}  // namespace chat21::contract
