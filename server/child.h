// A program that runs beside us and does not outlive us.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "chat21/result.h"

#include "server/file_descriptor.h"

namespace chat21::server {

struct ChildOptions {
  std::vector<std::string> command{};      // the program's path first
  std::vector<std::string> environment{};  // NAME=value
  std::vector<int> inherited{};            // descriptors that it gets, besides 0, 1 and 2
};

// Thread rule: one thread, which started it: when that thread ends, the child is
// terminated.
class Child {
 public:
  // Starts it in a process group of its own, so that a terminal's Ctrl-C is for us alone.
  // It gets SIGTERM when we end. Error (Unavailable): the system, or the program
  // cannot be executed.
  static Result<Child> start(const ChildOptions& options);

  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();  // kills it and waits for its end, if nobody has waited

  pid_t pid() const { return pid_; }
  int ended_fd() const { return ended_.get(); }    // readable once it has ended
  int output_fd() const { return output_.get(); }  // what it writes to 1 and 2; does not block
  void signal(int number) const;

  // Waits for its end. "it exited with status 1", "it was killed by signal 9 (Killed)".
  std::string wait();

 private:
  Child(pid_t pid, FileDescriptor ended, FileDescriptor output);

  pid_t pid_;  // -1: nothing to wait for
  FileDescriptor ended_;
  FileDescriptor output_;
};

}  // namespace chat21::server
