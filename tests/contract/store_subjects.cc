#include "tests/contract/store_subjects.h"

#include <chrono>
#include <stdexcept>

#include "chat21/sqlite.h"
#include "chat21/testing/memory_store.h"

#include "lib/sqlite/database.h"
#include "tests/contract/temp_folder.h"

namespace chat21::contract {

namespace {

template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

class InMemory final : public Subject {
 public:
  Store& store() override { return store_; }
  History& history() override { return store_; }
  void poison(std::string_view) override { store_.fail_next_apply(); }
  void heal() override {}

 private:
  testing::MemoryStore store_;
};

class InSqlite final : public Subject {
 public:
  Store& store() override { return *store_; }
  History& history() override { return *history_; }

  void poison(std::string_view id) override {
    change("CREATE TRIGGER poison BEFORE INSERT ON messages WHEN new.message_id = '" +
           std::string(id) + "' BEGIN SELECT raise(ABORT, 'poisoned by the test'); END");
  }
  void heal() override { change("DROP TRIGGER poison"); }

 private:
  void change(const std::string& sql) {
    using sqlite::Database;
    Database database = value(
        Database::open(options_.path, Database::Access::Write, std::chrono::milliseconds(1000)));
    if (Result<> done = database.execute(sql, "prepare a test"); !done) {
      throw std::runtime_error(done.error().message);
    }
  }

  TempFolder folder_;
  SqliteOptions options_{.path = folder_ / "chat.db"};
  std::unique_ptr<Store> store_ = value(open_sqlite(options_));
  std::unique_ptr<History> history_ = value(open_sqlite_history(options_));
};

template <class T>
std::unique_ptr<Subject> make() {
  return std::make_unique<T>();
}

}  // namespace

std::vector<SubjectKind> every_store() {
  return {{"Memory", &make<InMemory>}, {"Sqlite", &make<InSqlite>}};
}

}  // namespace chat21::contract
