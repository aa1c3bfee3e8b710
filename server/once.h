// A thing that happens once, for those who wait with poll().
#pragma once

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/file_descriptor.h"

namespace chat21::server {

// Safe from any thread.
class Once {
 public:
  Once() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void raise() const {
    const std::uint64_t one = 1;
    // Can only fail when the counter is full, and then it is readable already.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
  }
  int fd() const { return fd_.get(); }  // readable once raised and ever after; -1: out of files

 private:
  FileDescriptor fd_;
};

}  // namespace chat21::server
