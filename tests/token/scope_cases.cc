#include "tests/token/scope_cases.h"

#include <algorithm>

namespace chat21::tests {
namespace {

using Attempt = ScopeCase::Attempt;
using Cases = std::vector<ScopeCase>;

constexpr auto Connect = Attempt::Connect;
constexpr auto Publish = Attempt::Publish;
constexpr auto Subscribe = Attempt::Subscribe;

// What `chat21-server token user ann` gives.
const std::vector<std::string> kAnn = {
    "rabbitmq.read:*/*/apps.t.users.ann.*", "rabbitmq.write:*/*/apps.t.users.ann.*",
    "rabbitmq.write:*/*/apps.t.outgoing.users.ann.*", "rabbitmq.configure:*/*/*"};
const std::vector<std::string> kService = {"rabbitmq.read:*/*/*", "rabbitmq.write:*/*/*",
                                           "rabbitmq.configure:*/*/*"};

Cases users_and_services() {
  return {
      {"a user", Connect, "", kAnn, true},
      {"a service", Connect, "", kService, true},
      {"the own subtree", Publish, "apps/t/users/ann/x", kAnn, true},
      {"deep in the own subtree", Publish, "apps/t/users/ann/messages/bob/hi", kAnn, true},
      {"an empty level in it", Publish, "apps/t/users/ann/", kAnn, true},
      {"its root is not in it", Publish, "apps/t/users/ann", kAnn, false},
      {"the own outgoing subtree", Publish, "apps/t/outgoing/users/ann/x", kAnn, true},
      {"somebody else's", Publish, "apps/t/users/bob/x", kAnn, false},
      {"a longer name", Publish, "apps/t/users/anna/x", kAnn, false},
      {"another case", Publish, "apps/t/users/Ann/x", kAnn, false},
      {"another app", Publish, "apps/u/users/ann/x", kAnn, false},
      {"services' orders", Publish, "apps/observer/t/groups/x", kAnn, false},
      {"a slash in front", Publish, "/apps/t/users/ann/x", kAnn, false},
      {"the own pattern further inside", Publish, "x/apps/t/users/ann/x", kAnn, false},
      {"dots are levels", Publish, "apps.t.users/ann.x", kAnn, true},
      {"dots make levels of an id", Publish, "apps/t/users/bob.ann/x", kAnn, false},
      {"a service", Publish, "any/topic", kService, true},
      {"a service, one level", Publish, "x", kService, true},
      {"the own inbox", Subscribe, "apps/t/users/ann/#", kAnn, true},
      {"levels of the own inbox", Subscribe, "apps/t/users/ann/+/bob/+", kAnn, true},
      {"one topic of the own inbox", Subscribe, "apps/t/users/ann/x", kAnn, true},
      {"the outgoing subtree is not for reading", Subscribe, "apps/t/outgoing/users/ann/#", kAnn,
       false},
      {"the inbox without its subtree", Subscribe, "apps/t/users/ann", kAnn, false},
      {"everything", Subscribe, "#", kAnn, false},
      {"everybody's inbox", Subscribe, "apps/t/users/+/#", kAnn, false},
      {"any first level", Subscribe, "+/t/users/ann/#", kAnn, false},
      {"more than the subtree", Subscribe, "apps/t/users/#", kAnn, false},
      {"dots in a filter", Subscribe, "apps.t.users.ann/#", kAnn, true},
      {"everything, by a service", Subscribe, "#", kService, true},
      {"any level, by a service", Subscribe, "+/x/#", kService, true},
      {"the longest topic", Publish, std::string(255, 'x'), kService, true},
      {"longer than AMQP's", Publish, std::string(256, 'x'), kService, true},
      {"the longest filter", Subscribe, std::string(255, 'x'), kService, true},
      {"longer than AMQP's", Subscribe, std::string(256, 'x'), kService, true},
  };
}

Cases permissions() {
  return {
      {"reading is not writing", Publish, "a", {"rabbitmq.read:*/*/*"}, false},
      {"configuring is not writing", Publish, "a", {"rabbitmq.configure:*/*/*"}, false},
      {"writing is not reading", Subscribe, "a", {"rabbitmq.write:*/*/*"}, false},
      {"in upper case", Publish, "a", {"rabbitmq.WRITE:*/*/*"}, false},
      {"another prefix", Publish, "a", {"rabbit.write:*/*/*"}, false},
      {"a longer prefix", Publish, "a", {"rabbitmqx.write:*/*/*"}, false},
      {"a prefix in upper case", Publish, "a", {"RabbitMQ.write:*/*/*"}, false},
      {"no prefix", Publish, "a", {"write:*/*/*"}, false},
      {"the prefix twice", Publish, "a", {"rabbitmq.rabbitmq.write:*/*/*"}, false},
      {"a colon for the dot", Publish, "a", {"rabbitmq:write:*/*/*"}, false},
      {"a dot for the colon", Publish, "a", {"rabbitmq.write.*/*/*"}, false},
      {"a blank before the colon", Publish, "a", {"rabbitmq.write :*/*/*"}, false},
      {"a blank in front", Publish, "a", {" rabbitmq.write:*/*/*"}, false},
      {"an unknown permission", Publish, "a", {"rabbitmq.writes:*/*/*"}, false},
      {"no pattern", Publish, "a", {"rabbitmq.write:"}, false},
      {"one pattern", Publish, "a", {"rabbitmq.write:*"}, false},
      {"two patterns are not for topics", Publish, "a", {"rabbitmq.write:*/*"}, false},
      {"two patterns are not for filters", Subscribe, "a", {"rabbitmq.read:*/*"}, false},
      {"four patterns", Publish, "a", {"rabbitmq.write:*/*/*/*"}, false},
      {"a slash in the topic's pattern", Publish, "a/b", {"rabbitmq.write:*/*/a/b"}, false},
      {"an empty pattern", Publish, "a", {"rabbitmq.write:*/*/"}, false},
      {"one good scope of many",
       Publish,
       "a",
       {"", "rabbitmq.", "nonsense", "rabbitmq.write:*/*/%", "rabbitmq.write:*/*/a"},
       true},
      {"scopes are not put together",
       Publish,
       "a",
       {"rabbitmq.write:x/*/a", "rabbitmq.write:*/x/a", "rabbitmq.write:*/*/b"},
       false},
  };
}

Cases stars() {
  return {
      {"no star", Publish, "a/b", {"rabbitmq.write:*/*/a.b"}, true},
      {"no star, longer", Publish, "a/b/c", {"rabbitmq.write:*/*/a.b"}, false},
      {"no star, further inside", Publish, "c/a/b", {"rabbitmq.write:*/*/a.b"}, false},
      {"a dot is no wildcard", Publish, "axb", {"rabbitmq.write:*/*/a.b"}, false},
      {"regular expressions", Publish, "a", {"rabbitmq.write:*/*/(a|b)"}, false},
      {"brackets are letters", Publish, "[a]?/x", {"rabbitmq.write:*/*/[a]?.*"}, true},
      {"no variables", Publish, "x/ann", {"rabbitmq.write:*/*/x.{username}"}, false},
      {"in the middle", Publish, "a/b/z", {"rabbitmq.write:*/*/a.*.z"}, true},
      {"in the middle, over levels", Publish, "a/b/c/z", {"rabbitmq.write:*/*/a.*.z"}, true},
      {"in the middle, nothing", Publish, "a//z", {"rabbitmq.write:*/*/a.*.z"}, true},
      {"one dot is not two", Publish, "a/z", {"rabbitmq.write:*/*/a.*.z"}, false},
      {"the end is somewhere else", Publish, "a/b/z/c", {"rabbitmq.write:*/*/a.*.z"}, false},
      {"the end comes twice", Publish, "a/b/z/z", {"rabbitmq.write:*/*/a.*.z"}, false},
      {"at the front", Publish, "a/b", {"rabbitmq.write:*/*/*b"}, true},
      {"at the front, nothing", Publish, "b", {"rabbitmq.write:*/*/*b"}, true},
      {"at the front, taking too little", Publish, "bb", {"rabbitmq.write:*/*/*b"}, false},
      {"at the end, nothing", Publish, "a", {"rabbitmq.write:*/*/a*"}, true},
      {"around", Publish, "xay", {"rabbitmq.write:*/*/*a*"}, true},
      {"around, nothing", Publish, "a", {"rabbitmq.write:*/*/*a*"}, true},
      {"the two ends do not overlap", Publish, "a", {"rabbitmq.write:*/*/a*a"}, false},
      {"two next to each other", Publish, "abc", {"rabbitmq.write:*/*/a**"}, true},
      {"two next to each other, nothing", Publish, "a", {"rabbitmq.write:*/*/a**"}, false},
      {"three in the middle, nothing", Publish, "ab", {"rabbitmq.write:*/*/a***b"}, true},
      {"two at the front, nothing", Publish, "a", {"rabbitmq.write:*/*/**a"}, true},
      {"two alone", Publish, "a", {"rabbitmq.write:*/*/**"}, true},
      {"several", Publish, "a/1/b/2/c", {"rabbitmq.write:*/*/a.*.b.*.c"}, true},
      {"several, in another order", Publish, "a/1/c/2/b", {"rabbitmq.write:*/*/a.*.b.*.c"}, false},
  };
}

Cases encodings() {
  return {
      {"an encoded dot", Publish, "a/b", {"rabbitmq.write:*/*/a%2Eb"}, true},
      {"in lower case", Publish, "a/b", {"rabbitmq.write:*/*/a%2eb"}, true},
      {"an encoded letter", Publish, "A", {"rabbitmq.write:*/*/%41"}, true},
      {"an encoded slash is no level", Publish, "a/b", {"rabbitmq.write:*/*/a%2Fb"}, false},
      {"an encoded percent", Publish, "a%b", {"rabbitmq.write:*/*/a%25b"}, true},
      {"decoded once only", Publish, "a/b", {"rabbitmq.write:*/*/a%252Eb"}, false},
      {"an encoded star is none", Publish, "a/b", {"rabbitmq.write:*/*/a.%2A"}, false},
      {"an encoded star", Publish, "a/*", {"rabbitmq.write:*/*/a.%2A"}, true},
      {"an encoded star is MQTT's plus", Subscribe, "a/+", {"rabbitmq.read:*/*/a.%2A"}, true},
      {"and not its hash", Subscribe, "a/#", {"rabbitmq.read:*/*/a.%2A"}, false},
      {"a hash", Subscribe, "a/#", {"rabbitmq.read:*/*/a.#"}, true},
      {"a hash is no wildcard", Subscribe, "a/b", {"rabbitmq.read:*/*/a.#"}, false},
      {"an encoded hash", Subscribe, "a/#", {"rabbitmq.read:*/*/a.%23"}, true},
      {"a blank", Publish, "a b", {"rabbitmq.write:*/*/a b"}, true},
      {"a plus is a blank", Publish, "a b", {"rabbitmq.write:*/*/a+b"}, true},
      {"an encoded blank", Publish, "a b", {"rabbitmq.write:*/*/a%20b"}, true},
      {"a plus is no wildcard", Subscribe, "a/+", {"rabbitmq.read:*/*/a.+"}, false},
      {"a percent alone", Publish, "a%", {"rabbitmq.write:*/*/a%"}, false},
      {"a percent cut short", Publish, "a%2", {"rabbitmq.write:*/*/a%2"}, false},
      {"a percent and no digits", Publish, "a%zz", {"rabbitmq.write:*/*/a%zz"}, false},
      {"broken behind a star", Publish, "a/b", {"rabbitmq.write:*/*/a*%"}, false},
      {"a star within an encoding", Publish, "a/b", {"rabbitmq.write:*/*/a%2*"}, false},
      {"letters beyond ASCII", Publish, "h\u00e9llo/x", {"rabbitmq.write:*/*/h\u00e9llo.*"}, true},
      {"the same encoded", Publish, "h\u00e9llo/x", {"rabbitmq.write:*/*/h%C3%A9llo.*"}, true},
      {"a star takes bytes", Publish, "h\u00e9llo", {"rabbitmq.write:*/*/h%C3*llo"}, true},
      {"composed otherwise", Publish, "he\u0301llo", {"rabbitmq.write:*/*/h\u00e9llo"}, false},
      {"other cases beyond ASCII", Publish, "H\u00c9", {"rabbitmq.write:*/*/H\u00e9"}, false},
      {"beyond the basic plane",
       Publish,
       "\U0001F600/x",
       {"rabbitmq.write:*/*/\U0001F600.*"},
       true},
      {"a filter beyond ASCII", Subscribe, "\u4f60/#", {"rabbitmq.read:*/*/\u4f60.*"}, true},
  };
}

Cases hosts_and_exchanges() {
  return {
      {"no scope", Connect, "", {}, false},
      {"a scope of something else", Connect, "", {"openid"}, false},
      {"another prefix", Connect, "", {"other.read:*/*/*"}, false},
      {"another virtual host", Connect, "", {"rabbitmq.read:chat/*/*"}, false},
      {"any permission will do", Connect, "", {"rabbitmq.configure:*/nothing"}, true},
      {"an unknown one will not", Connect, "", {"rabbitmq.READ:*/*"}, false},
      {"one pattern", Connect, "", {"rabbitmq.read:*"}, false},
      {"four patterns", Connect, "", {"rabbitmq.read:*/*/*/*"}, false},
      {"an encoded slash", Connect, "", {"rabbitmq.read:%2F/x"}, true},
      {"the same in lower case", Connect, "", {"rabbitmq.read:%2f/x"}, true},
      {"and a star", Connect, "", {"rabbitmq.read:%2F*/x"}, true},
      {"and two", Connect, "", {"rabbitmq.read:%2F**/x"}, false},
      {"a slash as it is", Connect, "", {"rabbitmq.read://x"}, false},
      {"a broken virtual host", Connect, "", {"rabbitmq.read:%/x/x"}, false},
      {"the rest may be broken", Connect, "", {"rabbitmq.read:*/%/%"}, true},
      {"the rest may be empty", Connect, "", {"rabbitmq.read:*//"}, true},
      {"an empty virtual host", Publish, "a", {"rabbitmq.write:/*/a"}, false},
      {"our virtual host", Publish, "a", {"rabbitmq.write:%2F/*/a"}, true},
      {"another virtual host", Publish, "a", {"rabbitmq.write:chat/*/a"}, false},
      {"our exchange", Publish, "a", {"rabbitmq.write:*/amq.topic/a"}, true},
      {"our exchange, encoded", Publish, "a", {"rabbitmq.write:*/amq%2Etopic/a"}, true},
      {"an exchange like ours", Publish, "a", {"rabbitmq.write:*/amq.*/a"}, true},
      {"another exchange", Publish, "a", {"rabbitmq.write:*/amq.direct/a"}, false},
      {"part of its name", Publish, "a", {"rabbitmq.write:*/amq/a"}, false},
      {"in upper case", Publish, "a", {"rabbitmq.write:*/AMQ.topic/a"}, false},
      {"an empty name", Publish, "a", {"rabbitmq.write:*//a"}, false},
      {"a broken name", Publish, "a", {"rabbitmq.write:*/amq.topic%/a"}, false},
      {"our exchange", Subscribe, "a/#", {"rabbitmq.read:*/amq.topic/a.*"}, true},
      {"another exchange", Subscribe, "a/#", {"rabbitmq.read:*/amq.direct/a.*"}, false},
  };
}

}  // namespace

const std::vector<ScopeCase>& scope_cases() {
  static const Cases kAll = [] {
    Cases all;
    for (const auto& part :
         {users_and_services(), permissions(), stars(), encodings(), hosts_and_exchanges()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return kAll;
}

bool allowed_by(const Rights& rights, const ScopeCase& attempt) {
  std::string key = attempt.topic;
  std::replace(key.begin(), key.end(), '/', '.');
  std::replace(key.begin(), key.end(), '+', '*');
  switch (attempt.attempt) {
    case Attempt::Connect:
      break;
    case Attempt::Publish:
      return rights.allow(Permission::Write, key);
    case Attempt::Subscribe:
      return rights.allow(Permission::Read, key);
  }
  return rights.connect();
}

std::string describe(const ScopeCase& attempt) {
  std::string text = attempt.why;
  text += attempt.attempt == Publish     ? ": publish to "
          : attempt.attempt == Subscribe ? ": subscribe to "
                                         : ": connect";
  text += attempt.topic + " with";
  for (const std::string& scope : attempt.scopes) text += " \"" + scope + '"';
  return text;
}

}  // namespace chat21::tests
