#include "chat21/attempts_file.h"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <unordered_map>
#include <utility>

#include "lib/attempts/image.h"

namespace chat21 {
namespace {

using attempts::Image;

constexpr auto kSize = static_cast<off_t>(sizeof(Image));

Error failure(const std::filesystem::path& path, std::string_view tried, std::string_view why) {
  std::string message = "cannot ";
  message.append(tried).append(" '").append(path.string()).append("': ").append(why);
  return fail(Error::Code::Unavailable, std::move(message));
}

Error failure(const std::filesystem::path& path, std::string_view tried, int error) {
  return failure(path, tried, std::generic_category().message(error));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

struct Unmap {
  void operator()(Image* image) const noexcept { munmap(image, sizeof(Image)); }
};
using Mapping = std::unique_ptr<Image, Unmap>;

// A store into a page for which there is no room on the disk would end the process, so the
// room is taken first. What lies there already stays.
Result<> take_room(int descriptor, const std::filesystem::path& path) {
  int error = 0;
  do {
    error = posix_fallocate(descriptor, 0, kSize);
  } while (error == EINTR);
  if (error != 0) return failure(path, "take room on the disk for", error);
  return {};
}

Result<Mapping> map(int descriptor, const std::filesystem::path& path) {
  void* bytes = mmap(nullptr, sizeof(Image), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (bytes == MAP_FAILED) return failure(path, "map", errno);
  return Mapping(static_cast<Image*>(bytes));
}

// Bytes that are all 0.
Result<> clear(int descriptor, const std::filesystem::path& path) {
  if (ftruncate(descriptor, 0) != 0) return failure(path, "empty", errno);
  return take_room(descriptor, path);
}

class AttemptsFile final : public Attempts {
 public:
  explicit AttemptsFile(Mapping image) : image_(std::move(image)) {
    const attempts::Area& area = attempts::suspects_of(*image_);
    for (std::size_t i = 0; i < area.count; ++i)
      places_.emplace(area.suspects.at(i).fingerprint, i);
  }

  void begin(std::span<const Fingerprint> work) noexcept override { attempts::note(*image_, work); }

  unsigned failed(Fingerprint fingerprint) const noexcept override {
    const auto place = places_.find(fingerprint);
    if (place == places_.end()) return 0;
    return static_cast<unsigned>(attempts::suspects_of(*image_).suspects[place->second].failures);
  }

  void forget(Fingerprint fingerprint) noexcept override {
    const auto place = places_.find(fingerprint);
    if (place == places_.end()) return;
    attempts::suspects_of(*image_).forgotten[place->second] = 1;
    places_.erase(place);
  }

 private:
  Mapping image_;
  std::unordered_map<Fingerprint, std::size_t> places_;  // among the suspects
};

}  // namespace

Result<std::unique_ptr<Attempts>> open_attempts(const std::filesystem::path& path) {
  constexpr mode_t kOnlyUs = S_IRUSR | S_IWUSR;
  // Not to wait for the other side of a pipe that has this name.
  const Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, kOnlyUs));
  if (file.number() < 0) return failure(path, "open", errno);
  struct stat status {};
  if (fstat(file.number(), &status) != 0) return failure(path, "look at", errno);
  if (!S_ISREG(status.st_mode)) return failure(path, "use", "it is not a file");

  if (status.st_size != kSize) {
    if (auto cleared = clear(file.number(), path); !cleared) return cleared.error();
  } else if (auto taken = take_room(file.number(), path); !taken) {
    return taken.error();
  }
  auto image = map(file.number(), path);
  if (!image) return image.error();
  if (!attempts::is_sane(**image)) {
    image->reset();
    if (auto cleared = clear(file.number(), path); !cleared) return cleared.error();
    image = map(file.number(), path);
    if (!image) return image.error();
    attempts::begin_anew(**image);
  }
  attempts::start_generation(**image);
  return std::unique_ptr<Attempts>(std::make_unique<AttemptsFile>(*std::move(image)));
}

}  // namespace chat21
