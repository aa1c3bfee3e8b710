// What every test run can afford without clang: valid inputs, broken at random
// places in ways that a seed repeats.
#include "tests/support/mutations.h"

#include <array>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>

#include "tests/fuzz/core/targets.h"

namespace chat21::tests {
namespace {

constexpr std::array<std::string_view, 23> kValid = {
    "apps.tilechat.outgoing.users.u1.messages.u2.outgoing\n"
    R"({"text":"hi","attributes":{"hiddenFor":"u1","updateconversation":false},"metadata":null})",
    "apps.tilechat.users.u1.messages.u2.outgoing\n"
    R"({"timestamp":0,"channel_type":"group","x":[1,2.5e3,{"a":{"b":null}}]})",
    "apps.tilechat.users.u1.group-1.messages.outgoing\n"
    R"({"group":{"name":"x","members":{"u2":1,"u\u0033":1}},"text":"\ud83d\ude00"})",
    ".apps.tilechat.users.u1.u2.messages.outgoing\n{}",
    "apps.tilechat.outgoing.users.u1.messages.u2.outgoing\n"
    R"({"text":"hi","client_message_id":"c1"})",
    "apps.tilechat.outgoing.users.u1.messages.u2.outgoing\n"
    R"({"client\u005fmessage_id":"c1","timestamp":1,"text":"hi","_id":"1","status":5})",
    "apps.tilechat.outgoing.users.u1.messages.group-1.outgoing\n"
    R"({"group":{"members":{"u2":1}},"client_message_id":"c\u0031"})",
    "apps.tilechat.users.u1.messages.u2.m1.update\n{\"status\":200}",
    "apps.tilechat.users.u1.conversations.u2.update\n{\"is_new\":false,\"archived\":true}",
    "apps.tilechat.users.u1.conversations.u2.archive\n{}",
    "apps.tilechat.users.u1.presence.c1\n{\"connected\":true}",
    "apps.observer.tilechat.users.u1.messages.group-1.delivered\n"
    R"({"message_id":"m1","_id":"1","status":150,"timestamp":1750000000000,"__history":"true"})",
    "apps.observer.tilechat.users.u1.messages.u2.persist\n"
    R"({"message_id":"0199c82c-0000-7000-8000-000000000000","status":100,"text":"x"})",
    "apps.observer.tilechat.groups.update\n"
    R"({"group":{"uid":"group-1","appId":"tilechat","members":{"u1":1},"updatedOn":5},)"
    R"("notify_to":{"u1":1,"u2":1}})",
    "apps.observer.tilechat.groups.delete\n"
    R"({"group":{"uid":"group-1","appId":"tilechat","updatedOn":5},"notify_to":{"u1":1,"u\u0032":1}})",
    "apps.observer.tilechat.conversations.delete\n{\"conversation\":\"group-1\"}",
    "apps.observer.tilechat.messages.delete\n{\"conversation\":\"u\\u0031\"}",
    "apps.observer.tilechat.instances.save\n"
    R"({"instance":{"_id":"1","instance_id":"a:b/c","app_id":"tilechat","user_id":"u1","x":[1]}})",
    "apps.observer.tilechat.instances.remove\n{\"instance_id\":\"a:b/c\"}",
    "apps.observer.tilechat.blocks.save\n{\"user_id\":\"u1\",\"blocked_id\":\"u2\"}",
    "apps.observer.tilechat.blocks.remove\n{\"user_id\":\"u1\",\"blocked_id\":\"u2\"}",
    "apps.observer.tilechat.api.fence\n{\"inbox\":\"api-1\",\"token\":\"t1\"}",
    "apps.tilechat.users.u1.groups.update\n{}"};

constexpr std::array<std::string_view, 25> kTokens = {
    "{",           "}",        "[",  "]",          "\"",
    ":",           ",",        "\\", "\\u0000",    "\\ud800",
    "\xFF",        "\xC2\x80", ".",  "*",          "#",
    "null",        "1e308",    "-0", "\"group\":", "\"members\":{",
    "\"status\":", "group-",   "\n", "\"_id\":1,", "\"client_message_id\":"};

TEST(Stranger, MayKnowTheProtocol) {
  for (const std::string_view input : kValid) fuzz_router(input);
}

TEST(Stranger, BreaksNoPromiseOfTheRouter) {
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    std::mt19937_64 random(seed);
    const std::string input = mutate(random, std::string(kValid[seed % kValid.size()]),
                                     {.tokens = kTokens, .changes = 6});
    SCOPED_TRACE("seed " + std::to_string(seed));
    fuzz_router(input);
  }
}

}  // namespace
}  // namespace chat21::tests
