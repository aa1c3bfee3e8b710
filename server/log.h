// Structured logging to stderr: one line per entry, as text (logfmt) or JSON.
//
//   ts=2026-11-24T08:49:50.123Z level=warn msg="message rejected" topic=apps.x.y
//
// Values come from strangers: they are escaped so that none can begin a line,
// end a quotation or steer a terminal, and cut when long. Keys and messages are
// our own words. One Log may be used from several threads.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace spdlog {
class logger;
}

namespace chat21::server {

// The names are those of the Node server. An entry is written if its level is
// the configured one or an earlier one.
enum class LogLevel : std::uint8_t { Error, Warn, Info, Verbose, Debug };
enum class LogFormat : std::uint8_t { Text, Json };

struct Field {
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : Field(name, std::string_view(text)) {}
  Field(std::string_view name, const std::string& text) : Field(name, std::string_view(text)) {}
  Field(std::string_view name, bool flag) : key(name), value(flag) {}
  template <std::unsigned_integral T>
  Field(std::string_view name, T number) : key(name), value(std::uint64_t{number}) {}

  std::string_view key;
  std::variant<std::string_view, std::uint64_t, bool> value;
};

class Log {
 public:
  Log(LogLevel level, LogFormat format);                     // to stderr
  Log(LogLevel level, LogFormat format, std::ostream& out);  // borrows `out`

  bool enabled(LogLevel level) const;
  void write(LogLevel level, std::string_view message, std::initializer_list<Field> fields = {});

  void error(std::string_view message, std::initializer_list<Field> fields = {});
  void warn(std::string_view message, std::initializer_list<Field> fields = {});
  void info(std::string_view message, std::initializer_list<Field> fields = {});
  void debug(std::string_view message, std::initializer_list<Field> fields = {});

 private:
  std::shared_ptr<spdlog::logger> logger_;
  LogFormat format_;
};

// Bytes of a value that are shown; the rest is counted: ...[+1234 bytes].
inline constexpr std::size_t kMaxLoggedBytes = 512;

// `text` as the inside of a JSON string that is also safe on a terminal: quotes,
// backslashes, control characters, line separators and marks that reverse the
// direction of writing are escaped, bytes that are not UTF-8 become U+FFFD. At
// most `limit` bytes of `text`.
std::string escape(std::string_view text, std::size_t limit = kMaxLoggedBytes);

}  // namespace chat21::server
