// What the tests of the SQLite store share: a file of their own, and how to open
// and damage it.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "chat21/sqlite.h"

#include "lib/sqlite/database.h"
#include "tests/contract/store_language.h"
#include "tests/contract/temp_folder.h"

namespace chat21::contract {

template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

inline void check(const Result<>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class SqliteFiles : public ::testing::Test {
 protected:
  using Database = sqlite::Database;
  using Documents = History::Documents;

  std::unique_ptr<Store> open() { return value(open_sqlite(options_)); }
  std::unique_ptr<History> read() { return value(open_sqlite_history(options_)); }

  // As another program would, past the Store.
  Database open_raw(Database::Access access = Database::Access::Write) {
    return value(Database::open(options_.path, access, std::chrono::milliseconds(1000)));
  }
  void change_raw(const std::string& sql) {
    check(open_raw(Database::Access::Create).execute(sql, "change the file for a test"));
  }

  Documents messages(const Place& place, const Page& page = {}) {
    return value(read()->messages(place.app, place.timeline, place.conversation, page));
  }

  std::filesystem::path beside(const char* ending) const { return options_.path.string() + ending; }

  TempFolder folder_;
  SqliteOptions options_{.path = folder_ / "chat.db",
                         .busy_timeout = std::chrono::milliseconds(200)};
  Words words_;
};

// Why opening or using the file fails.
template <class T>
Error refusal(const Result<T>& result) {
  if (!result) return result.error();
  ADD_FAILURE() << "it was not refused";
  return {};
}

MATCHER_P2(Refuses, code, words, "") {
  *result_listener << "says: " << arg.message;
  return arg.code == code && ::testing::Matches(words)(arg.message);
}

}  // namespace chat21::contract
