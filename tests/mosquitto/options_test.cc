#include "lib/mosquitto/options.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tests/contract/temp_folder.h"

namespace chat21::mosquitto {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Result<PluginOptions> read(std::vector<OptionLine> lines) {
  lines.push_back({"store", "/var/lib/chat21/chat21.db"});
  return read_options(lines);
}

std::string complaint(const std::vector<OptionLine>& lines) {
  const auto options = read_options(lines);
  if (options) return "";
  EXPECT_EQ(options.error().code, Error::Code::InvalidArgument);
  return options.error().message;
}

std::string complaint_about(std::string_view name, std::string_view value) {
  return complaint({{"store", "s.db"}, {name, value}});
}

TEST(Options, NeedOnlyAStore) {
  const auto options = read({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->store, "/var/lib/chat21/chat21.db");
  EXPECT_EQ(options->app, "tilechat");
  EXPECT_EQ(options->tokens.key, "tokenKey");
  EXPECT_TRUE(options->has_default_key());
  EXPECT_EQ(options->tokens.audience, "rabbitmq");
  EXPECT_EQ(options->durability, Durability::Process);
  EXPECT_FALSE(options->strict);
  EXPECT_EQ(options->max_body_bytes, 1U << 20U);
  EXPECT_FALSE(options->seed);
  EXPECT_THAT(complaint({}), AllOf(HasSubstr("plugin_opt_store"), HasSubstr("missing")));
}

TEST(Options, AreTakenAsTheyAreWritten) {
  const auto options = read({{"app_id", "shop"},
                             {"jwt_key", "a key of ours"},
                             {"jwt_audience", "chat"},
                             {"max_body", "64KiB"},
                             {"seed", "18446744073709551615"}});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->app, "shop");
  EXPECT_EQ(options->tokens.key, "a key of ours");
  EXPECT_FALSE(options->has_default_key());
  EXPECT_EQ(options->tokens.audience, "chat");
  EXPECT_EQ(options->max_body_bytes, 64U << 10U);
  EXPECT_EQ(options->seed, UINT64_MAX);
}

TEST(Options, HaveThreeDurabilities) {
  struct Case {
    std::string_view name;
    bool strict;
    Durability durability;
  };
  for (const auto& [name, strict, durability] :
       {Case{"group", false, Durability::Process}, Case{"strict", true, Durability::Process},
        Case{"power", true, Durability::Power}}) {
    const auto options = read({{"durability", name}});
    ASSERT_TRUE(options) << name;
    EXPECT_EQ(options->strict, strict) << name;
    EXPECT_EQ(options->durability, durability) << name;
  }
}

TEST(Options, CountBytesWithUnits) {
  for (const auto& [text, bytes] : {std::pair<std::string_view, std::size_t>{"1", 1},
                                    {"4096", 4096},
                                    {"1KiB", 1024},
                                    {"256MiB", 256U << 20U}}) {
    const auto options = read({{"max_body", text}});
    ASSERT_TRUE(options) << text;
    EXPECT_EQ(options->max_body_bytes, bytes);
  }
  for (const std::string_view text : {"", "0", "-1", "1.5", "1kb", "KiB", "257MiB", "1 KiB",
                                      "18446744073709551615MiB", "99999999999999999999"}) {
    EXPECT_THAT(complaint_about("max_body", text),
                AllOf(HasSubstr("plugin_opt_max_body"), HasSubstr('"' + std::string(text) + '"'),
                      HasSubstr("allowed is"), HasSubstr("256MiB")));
  }
}

TEST(Options, SayWhatIsAllowedInPlaceOfWhatIsWrong) {
  EXPECT_THAT(complaint_about("durability", "process"),
              AllOf(HasSubstr("plugin_opt_durability"), HasSubstr("\"process\""),
                    HasSubstr("group, strict or power")));
  EXPECT_THAT(complaint_about("app_id", "a.b"),
              AllOf(HasSubstr("plugin_opt_app_id"), HasSubstr("\"a.b\""), HasSubstr("contains .")));
  EXPECT_THAT(complaint_about("app_id", "observer"), HasSubstr("observer"));
  EXPECT_THAT(complaint_about("jwt_audience", "a.b"), HasSubstr("without a dot"));
  EXPECT_THAT(complaint_about("jwt_audience", ""), HasSubstr("plugin_opt_jwt_audience"));
  EXPECT_THAT(complaint_about("seed", "x"), HasSubstr("64 bits"));
  EXPECT_THAT(complaint({{"store", ""}}), HasSubstr("the path of a file"));
  EXPECT_THAT(complaint_about("stoer", "x"),
              AllOf(HasSubstr("plugin_opt_stoer is unknown"), HasSubstr("store, app_id")));
  EXPECT_THAT(complaint({{"store", "a"}, {"store", "b"}}), HasSubstr("twice"));
}

TEST(Options, NeverShowAKey) {
  const std::string secret(5000, 's');
  EXPECT_THAT(complaint_about("jwt_key", secret),
              AllOf(HasSubstr("plugin_opt_jwt_key (a key)"), Not(HasSubstr("sss"))));
}

class KeyFile : public ::testing::Test {
 protected:
  std::string write(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    return path_;
  }
  static Result<PluginOptions> read_with(const std::string& path) {
    return read({{"jwt_key_file", path}});
  }

 private:
  contract::TempFolder folder_;
  std::string path_ = folder_ / "key";
};

TEST_F(KeyFile, IsTheKeyWithoutTheEndOfItsLine) {
  for (const auto& [content, key] :
       {std::pair<std::string, std::string>{"geheim\n", "geheim"},
        {"geheim", "geheim"},
        {" with blanks \n\n", " with blanks \n"},
        {std::string("nul\0inside", 10), std::string("nul\0inside", 10)},
        {std::string(4096, 'k') + '\n', std::string(4096, 'k')}}) {
    const auto options = read_with(write(content));
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->tokens.key, key);
  }
}

TEST_F(KeyFile, MustBeThereAndHoldAKey) {
  const std::string path = write("");
  for (const std::string& content : {std::string(), std::string("\n"), std::string(4097, 'k'),
                                     std::string(100000, 'k') + '\n'}) {
    write(content);
    EXPECT_THAT(complaint_about("jwt_key_file", path),
                AllOf(HasSubstr(path), HasSubstr("1 to 4096 bytes"), Not(HasSubstr("kkk"))));
  }
  EXPECT_THAT(complaint_about("jwt_key_file", path + ".not"),
              AllOf(HasSubstr(path + ".not"), HasSubstr("a file that the broker's user may read")));
  EXPECT_THAT(complaint_about("jwt_key_file", "/"), HasSubstr("a file that the broker's user"));
}

TEST_F(KeyFile, StandsInPlaceOfAKey) {
  const std::string path = write("k");
  EXPECT_THAT(complaint({{"store", "s"}, {"jwt_key", "k"}, {"jwt_key_file", path}}),
              HasSubstr("allowed is one"));
}

}  // namespace
}  // namespace chat21::mosquitto
