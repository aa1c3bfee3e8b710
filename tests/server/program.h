// Runs chat21-server as a user would: a process with arguments and an
// environment of its own.
#pragma once

#include <chrono>
#include <string>
#include <sys/types.h>
#include <vector>

namespace chat21::server {

class Program {
 public:
  // `environment` as NAME=value; nothing is inherited.
  explicit Program(std::vector<std::string> arguments, std::vector<std::string> environment = {});
  ~Program();  // kills it if it still runs
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Reads until standard error contains the text that often; false if the program
  // ends or time runs out before.
  bool wait_for_error_output(const std::string& text, int times = 1);
  void signal(int number) const;
  // Reads the rest of the output and returns the exit status; 128 + the signal
  // if one killed it; -1 if it did not end in time, which is killed then.
  int wait();

  const std::string& output() const { return output_; }
  const std::string& error_output() const { return error_output_; }

 private:
  bool read_some(std::chrono::steady_clock::time_point deadline);

  pid_t pid_ = -1;
  int output_fd_ = -1;
  int error_fd_ = -1;
  std::string output_;
  std::string error_output_;
};

}  // namespace chat21::server
