// A part of a test in a process of its own: to be killed, or to live under limits
// and rights that the test program itself must not get.
#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <signal.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace chat21::contract {

class Child {
 public:
  // What the child tells its parent with: a pipe that holds it back when full.
  class Voice {
   public:
    explicit Voice(int descriptor) : descriptor_(descriptor) {}
    void say(std::string_view text) const {
      while (!text.empty()) {
        const ssize_t written = write(descriptor_, text.data(), text.size());
        if (written <= 0) _exit(2);
        text.remove_prefix(static_cast<std::size_t>(written));
      }
    }

   private:
    int descriptor_;
  };

  explicit Child(const std::function<void(const Voice&)>& life) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
    id_ = fork();
    if (id_ < 0) throw std::runtime_error("cannot fork");
    if (id_ == 0) {
      close(ends[0]);
      live(life, Voice(ends[1]));
    }
    close(ends[1]);
    ear_ = ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    close(ear_);
    if (id_ > 0) end(SIGKILL);
  }

  // The next line it says, without the end of line; empty once it has ended.
  std::string hear_line() {
    std::string line;
    for (char byte = 0; read(ear_, &byte, 1) == 1 && byte != '\n';) line += byte;
    return line;
  }

  // All that is left to hear; waits for its end.
  std::string hear_all() {
    std::string text;
    for (char byte = 0; read(ear_, &byte, 1) == 1;) text += byte;
    return text;
  }

  void kill_hard() { end(SIGKILL); }

 private:
  // Ends here whatever happens: the test program above is the parent's.
  [[noreturn]] static void live(const std::function<void(const Voice&)>& life, const Voice& voice) {
    try {
      life(voice);
    } catch (const std::exception& error) {
      voice.say(std::string("the child failed: ") + error.what() + "\n");
      _exit(1);
    }
    _exit(0);
  }

  void end(int signal) {
    kill(id_, signal);
    waitpid(id_, nullptr, 0);
    id_ = 0;
  }

  pid_t id_ = 0;
  int ear_ = -1;
};

// In a child: rights do not bind root, so it gives that up.
inline void become_nobody() {
  constexpr unsigned kNobody = 65534;
  if (geteuid() != 0) return;
  if (setresgid(kNobody, kNobody, kNobody) != 0) _exit(3);
  if (setresuid(kNobody, kNobody, kNobody) != 0) _exit(3);
}

}  // namespace chat21::contract
