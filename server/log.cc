#include "server/log.h"

#include <chrono>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <iterator>
#include <ostream>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <utility>

namespace chat21::server {
namespace {

// spdlog has no level between info and debug, so ours are moved down by one.
spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::Error:
      return spdlog::level::err;
    case LogLevel::Warn:
      return spdlog::level::warn;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Verbose:
      return spdlog::level::debug;
    case LogLevel::Debug:
      return spdlog::level::trace;
  }
  return spdlog::level::err;
}

std::string_view level_name(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "debug";
    case spdlog::level::debug:
      return "verbose";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    default:
      return "error";
  }
}

// Puts time and level in front of what Log::write has made of the rest.
class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& entry, spdlog::memory_buf_t& line) override {
    const auto time = std::chrono::floor<std::chrono::milliseconds>(entry.time);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto stamp = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                                   fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                                   (time - seconds).count());
    const std::string_view rest(entry.payload.data(), entry.payload.size());
    if (format_ == LogFormat::Json) {
      fmt::format_to(std::back_inserter(line), R"({{"ts":"{}","level":"{}",{}}})", stamp,
                     level_name(entry.level), rest);
    } else {
      fmt::format_to(std::back_inserter(line), "ts={} level={} {}", stamp, level_name(entry.level),
                     rest);
    }
    line.push_back('\n');
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(format_);
  }

 private:
  LogFormat format_;
};

// Whether a value needs no quotes in logfmt.
bool is_plain(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+*#,%";
  return !text.empty() && text.size() <= kMaxLoggedBytes &&
         text.find_first_not_of(kPlain) == std::string_view::npos;
}

void append_text(std::string& out, LogFormat format, std::string_view key, std::string_view value) {
  if (format == LogFormat::Json) {
    fmt::format_to(std::back_inserter(out), R"("{}":"{}")", key, escape(value));
  } else if (is_plain(value)) {
    fmt::format_to(std::back_inserter(out), "{}={}", key, value);
  } else {
    fmt::format_to(std::back_inserter(out), R"({}="{}")", key, escape(value));
  }
}

void append_field(std::string& out, LogFormat format, const Field& field) {
  out += format == LogFormat::Json ? ',' : ' ';
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_text(out, format, field.key, *text);
    return;
  }
  if (format == LogFormat::Json) {
    fmt::format_to(std::back_inserter(out), "\"{}\":", field.key);
  } else {
    fmt::format_to(std::back_inserter(out), "{}=", field.key);
  }
  if (const auto* number = std::get_if<std::uint64_t>(&field.value)) {
    fmt::format_to(std::back_inserter(out), "{}", *number);
  } else {
    out += std::get<bool>(field.value) ? "true" : "false";
  }
}

std::shared_ptr<spdlog::logger> make_logger(LogLevel level, LogFormat format,
                                            spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("chat21-server", std::move(sink));
  logger->set_formatter(std::make_unique<LineFormatter>(format));
  logger->set_level(to_spdlog(level));
  logger->flush_on(spdlog::level::trace);
  return logger;
}

}  // namespace

Log::Log(LogLevel level, LogFormat format)
    : logger_(make_logger(level, format, std::make_shared<spdlog::sinks::stderr_sink_mt>())),
      format_(format) {}

Log::Log(LogLevel level, LogFormat format, std::ostream& out)
    : logger_(make_logger(level, format, std::make_shared<spdlog::sinks::ostream_sink_mt>(out))),
      format_(format) {}

bool Log::enabled(LogLevel level) const {
  return logger_->should_log(to_spdlog(level));
}

void Log::write(LogLevel level, std::string_view message, std::initializer_list<Field> fields) {
  if (!enabled(level)) {
    return;
  }
  std::string rest = format_ == LogFormat::Json ? fmt::format(R"("msg":"{}")", escape(message))
                                                : fmt::format(R"(msg="{}")", escape(message));
  for (const Field& field : fields) {
    append_field(rest, format_, field);
  }
  logger_->log(to_spdlog(level), spdlog::string_view_t(rest.data(), rest.size()));
}

void Log::error(std::string_view message, std::initializer_list<Field> fields) {
  write(LogLevel::Error, message, fields);
}

void Log::warn(std::string_view message, std::initializer_list<Field> fields) {
  write(LogLevel::Warn, message, fields);
}

void Log::info(std::string_view message, std::initializer_list<Field> fields) {
  write(LogLevel::Info, message, fields);
}

void Log::debug(std::string_view message, std::initializer_list<Field> fields) {
  write(LogLevel::Debug, message, fields);
}

}  // namespace chat21::server
