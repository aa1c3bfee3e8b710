// Engine: the Observer of the plugin, with its store, on a thread of its own, so that a
// slow disk holds up neither connections nor heartbeats of the broker.
//
// The broker's thread puts messages in with accept(), and once per turn of its loop
// calls turn(), which hands what has come to the observer as one batch and takes out
// what there is to publish. While the observer works, the next batch forms by itself.
//
// While the store cannot be written there is trouble(): accept() refuses everything, what
// was accepted stays and is tried again, and with nothing left to try the engine writes
// to the store and removes it again; so it ends by itself. Errors that do not heal (a
// corrupt file) last until the broker is started again.
//
// Thread rule: everything here is called on the broker's thread, and nothing of it within
// EngineOptions::log or what turn() is given.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "chat21/result.h"
#include "chat21/sqlite.h"

#include "lib/mosquitto/outgoing.h"

namespace chat21::mosquitto {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

struct EngineOptions {
  std::filesystem::path store{};
  Durability durability = Durability::Process;
  // accept() returns once the message is stored, so that the broker acknowledges nothing
  // that a crash could lose. What it makes the observer publish still waits for turn().
  bool strict = false;
  std::uint64_t seed = 0;  // of message ids
  std::size_t max_body_bytes = 1U << 20U;
  // Accepted and not settled; with more accept() waits for the observer. While the
  // observer waits itself, each limit is exceeded by what one turn brings.
  std::size_t max_pending = 1024;
  std::size_t max_pending_bytes = 64U << 20U;
  // Not published yet; with more the observer waits for turn().
  std::size_t max_outgoing_bytes = 64U << 20U;
  // How long accept() waits at most, and so holds up the whole broker; after that there is
  // trouble, so that it does not wait for the next message as well. Also how long stop()
  // waits, and twice as long as the store waits for the lock of another process.
  std::chrono::milliseconds patience{10000};
  // Makes the broker's thread call turn() soon. Called on the engine's thread, again about
  // every millisecond while it has nothing to do and turn() was not called.
  std::function<void()> wake{};
  // Called on the broker's thread, inside of any call. Lines are printable ASCII, whatever
  // strangers wrote; about rejected messages at most ten a second, and then how many more.
  std::function<void(LogLevel, const std::string&)> log{};
};

class Engine {
 public:
  // Opens the store, and beside it a file of its own, "<store>-attempts", and starts. Errors:
  // those of open_sqlite(), among them that another process has the store open (Unavailable)
  // and a schema that is newer than this program (InvalidArgument), and of open_attempts().
  static Result<std::unique_ptr<Engine>> start(EngineOptions options);

  // As stop().
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Takes a message in, whose topic is one that the observer serves, in AMQP form. Both
  // texts are copied, of a body that is too large only the part that the limit allows.
  // Error (Unavailable): there is trouble(), patience is over, or it was stopped; the
  // message was not taken and whoever sent it may send it again.
  //
  // Strict: a message that was refused is not in the store, for it is only taken back when
  // the observer has not begun with it or has failed; until then this waits, longer than
  // patience if need be. What remains: the store reports an error of the disk for a commit
  // that a crash then finds complete on it; and a message that was stored, of which a crash
  // keeps the broker from sending the acknowledgement. Either is there twice if it is sent
  // again, as with any broker that delivers at least once.
  Result<> accept(std::string_view routing_key, std::string_view body);

  // Ends a turn of the broker's loop: the observer gets what was accepted in it, and
  // `publish` what the observer has published, in order.
  void turn(const std::function<void(Outgoing)>& publish);

  // Carries out all that was accepted, as far as the store lets it within patience, and
  // ends the thread; says in the log how many messages are lost, if any. What is to be
  // published then is handed to the last turn(). Accepts nothing any more.
  void stop();

  // Why messages are refused now; empty if they are not. Logged once when it begins and
  // once when it ends. Valid until the next call.
  const std::string& trouble() const;

 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat21::mosquitto
