// A file that one process at a time holds locked. The system frees it when all who share
// the descriptor have ended, however they end; so a child that inherits it holds it.
#pragma once

#include <chrono>
#include <filesystem>
#include <sys/types.h>

#include "chat21/result.h"

#include "server/file_descriptor.h"

namespace chat21::server {

class FileLock {
 public:
  // Creates the file if it does not exist. If another process has it: waits at most
  // `patience` for its end, and no longer once `stop_fd` is readable (-1: nobody stops).
  // Errors: Unavailable (still locked, with the process; the file system).
  static Result<FileLock> take(const std::filesystem::path& path,
                               std::chrono::milliseconds patience, int stop_fd);

  // Tells others whose end to wait for.
  void name(pid_t holder) const;

  int fd() const { return fd_.get(); }

 private:
  explicit FileLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace chat21::server
