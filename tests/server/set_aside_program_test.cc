// chat21-server set-aside, and the file by which a server knows what it has died of.
#include <chrono>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "chat21/document.h"
#include "chat21/sqlite.h"

#include "tests/contract/temp_folder.h"
#include "tests/server/program.h"

namespace chat21::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class SetAsideProgram : public testing::Test {
 protected:
  void apply(const std::vector<Write>& writes) {
    const auto store = open_sqlite({.path = store_});
    ASSERT_TRUE(store) << store.error().message;
    const Result<> applied = (*store)->apply(writes);
    ASSERT_TRUE(applied) << applied.error().message;
  }
  static Time at(std::int64_t milliseconds) {
    return Time(std::chrono::milliseconds(milliseconds));
  }

  contract::TempFolder folder_;
  std::filesystem::path store_ = folder_ / "chat21.db";
  const std::string flag_ = "--store=" + store_.string();
};

TEST_F(SetAsideProgram, ListsNothingOfAStoreWithoutAny) {
  apply({});
  Program program({"set-aside", flag_});
  EXPECT_EQ(program.wait(), 0) << program.error_output();
  EXPECT_EQ(program.output(), "");
  EXPECT_EQ(program.error_output(), "");
}

TEST_F(SetAsideProgram, ListsALineOfJsonForEach) {
  const std::string bytes("\xff\0\n", 3);
  apply({SetAside{"apps.a", R"({"text":"hi"})", "it died", at(17)},
         SetAside{"apps.b", bytes, "it died", at(18)}});
  // The configured store, wherever it is configured.
  for (const bool by_flag : {true, false}) {
    std::vector<std::string> arguments = {"set-aside"};
    if (by_flag) arguments.push_back(flag_);
    std::vector<std::string> environment;
    if (!by_flag) environment.push_back("STORE_PATH=" + store_.string());
    Program program(arguments, environment);
    EXPECT_EQ(program.wait(), 0) << program.error_output();
    EXPECT_EQ(program.output(),
              R"({"number":1,"time":17,"reason":"it died","routing_key":"apps.a",)"
              R"("body":"{\"text\":\"hi\"}"})"
              "\n"
              R"({"number":2,"time":18,"reason":"it died","routing_key":"apps.b",)"
              R"("body_base64":"/wAK"})"
              "\n");
    EXPECT_EQ(program.error_output(), "");
  }
}

TEST_F(SetAsideProgram, ListsAllOfThem) {
  constexpr int kMany = 450;  // more than two slices
  std::vector<Write> writes;
  std::string expected;
  for (int i = 1; i <= kMany; ++i) {
    writes.push_back(SetAside{"apps.a", "body", "why", at(17)});
    expected += set_aside_document({i, at(17), "why", "apps.a", "body"}) + "\n";
  }
  apply(writes);
  Program program({"set-aside", flag_});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_EQ(program.output(), expected);
}

TEST_F(SetAsideProgram, ReadsBesideAServer) {
  const auto store = open_sqlite({.path = store_});
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_TRUE((*store)->apply(std::vector<Write>{SetAside{"apps.a", "body", "why", at(17)}}));
  Program program({"set-aside", flag_});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.output(), StartsWith(R"({"number":1,)"));
}

TEST_F(SetAsideProgram, SaysThatThereIsNoStore) {
  Program program({"set-aside", flag_});
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(program.output(), "");
  EXPECT_EQ(program.error_output(), "chat21-server: cannot open the database '" + store_.string() +
                                        "': it does not exist; a Store creates it\n");
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << "looking must leave nothing behind";
}

TEST_F(SetAsideProgram, PrintsItsHelp) {
  Program program({"set-aside", "--help"});
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.output(), AllOf(HasSubstr("a line of JSON"), HasSubstr("STORE_PATH")));
}

// --- The file of attempts -----------------------------------------------------------

TEST_F(SetAsideProgram, HasAServerThatNotesItsWorkBesideTheStore) {
  Program program({flag_, "--auto-restart=false"},
                  {"RABBITMQ_URI=amqp://u:p@127.0.0.1:1", "HTTP_ENABLED=false"});
  EXPECT_EQ(program.wait(), 1);
  EXPECT_TRUE(std::filesystem::exists(store_.string() + "-attempts"));
}

TEST_F(SetAsideProgram, HasAServerThatNamesTheFileItCannotOpen) {
  const std::string file = store_.string() + "-attempts";
  std::filesystem::create_directory(file);
  Program program({flag_}, {"RABBITMQ_URI=amqp://u:p@127.0.0.1:1", "HTTP_ENABLED=false"});
  EXPECT_EQ(program.wait(), 1);
  EXPECT_THAT(program.error_output(), AllOf(HasSubstr("msg=\"cannot note what is worked on\""),
                                            HasSubstr(file), HasSubstr("Is a directory")));
}

}  // namespace
}  // namespace chat21::server
