// What the broker of the embedded engine reads: mosquitto.conf and the key of tokens, in
// a folder that is ours alone.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "chat21/result.h"

#include "server/config.h"

namespace chat21::server {

// The files in the folder of the broker.
struct BrokerFolder {
  std::filesystem::path path;  // absolute

  std::filesystem::path configuration() const { return path / "mosquitto.conf"; }
  std::filesystem::path key() const { return path / "jwt.key"; }
  std::filesystem::path lock() const { return path / "broker.lock"; }
  std::filesystem::path server_lock() const { return path / "server.lock"; }
  std::filesystem::path own_lines() const { return path / "conf.d"; }  // the operator's
};

BrokerFolder broker_folder(const Config& config);

// The largest packet that the broker reads: a message that is a bit too large is still
// told so by the observer, a client that sends far more is disconnected.
std::size_t max_packet_bytes(const Config& config);

// The text of mosquitto.conf. Errors (InvalidArgument): a value that such a file cannot
// carry: it knows neither quotes nor escapes.
Result<std::string> broker_configuration(const Config& config, const std::filesystem::path& plugin);

// Makes the folders (0700) that are not there. Errors: InvalidArgument (a folder is not
// ours alone), Unavailable (the file system).
Result<> make_broker_folder(const BrokerFolder& folder);

// Writes what differs into the folder, each file (0600) whole or not at all. Errors: those
// of broker_configuration(), Unavailable (the file system).
Result<> write_broker_configuration(const Config& config, const std::filesystem::path& plugin);

}  // namespace chat21::server
