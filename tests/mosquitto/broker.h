// A Mosquitto of a test's own, with the plugin in it, as an operator starts it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>

namespace chat21::mosquitto {

// A port of 127.0.0.1 that nobody listens on.
int free_port();

class Broker {
 public:
  // Runs `mosquitto -c configuration`. What it logs must go to standard error.
  explicit Broker(const std::filesystem::path& configuration);
  ~Broker();  // kills it if it still runs
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Reads until the log has the text once more since what was waited for last; false if
  // the broker ends or time runs out before.
  bool wait_for_log(const std::string& text);
  // Asks it to end, and returns its exit status; 128 + the signal if one killed it.
  int stop();
  // The same without asking first.
  int wait();
  void kill();
  // Makes it read its configuration again (SIGHUP).
  void reload() const;

  // Files that it writes may have that many bytes from now on; nothing: as many as they like.
  void limit_files(std::optional<std::size_t> bytes) const;

  std::string log() const;

 private:
  void read_log(int fd);

  pid_t pid_ = -1;
  std::size_t seen_ = 0;  // of the log

  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::string log_;
  bool log_ended_ = false;
  // Reads all the time: a broker whose log nobody takes stands still.
  std::thread reader_;
};

}  // namespace chat21::mosquitto
