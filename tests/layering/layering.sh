#!/usr/bin/env bash
# Checks the direction of dependencies:
#   include/chat21 <- lib/core; the other folders of lib/ and server see only
#   include/chat21 (and their own folder); the two clients of brokers lib/shared
#   as well; the core has no I/O, no clock and no thread.
set -euo pipefail

failures=0
complain() {
  echo "$*" >&2
  failures=$((failures + 1))
}

# refuse ROOT FOLDER REGEX WHY: no file under FOLDER includes what matches.
refuse() {
  local root=$1 folder=$2 regex=$3 why=$4 found
  [ -d "$root/$folder" ] || return 0
  found=$(grep -rnE --include='*.h' --include='*.cc' "^ *# *include *[<\"]($regex)" \
    "$root/$folder" || true)
  [ -z "$found" ] || complain "$folder: $why:"$'\n'"$found"
}

# allow_own ROOT FOLDER OWN: project files that FOLDER includes are public or match OWN.
allow_own() {
  local root=$1 folder=$2 own=$3 found
  [ -d "$root/$folder" ] || return 0
  found=$(grep -rnE --include='*.h' --include='*.cc' '^ *# *include *"' "$root/$folder" |
    grep -vE "include *\"(chat21/|($own)/)" || true)
  [ -z "$found" ] || complain "$folder: may include only chat21/ and $own/:"$'\n'"$found"
}

# users_of ROOT REGEX: the files of the project that include what matches.
users_of() {
  grep -rlE "^ *# *include *$2" "$1/include" "$1/lib" "$1/server" | sed "s|^$1/||" || true
}

includes() {
  local root=$1 folder
  local io='sys/|unistd|fcntl|poll\.h|netinet/|arpa/|fstream|iostream|cstdio|stdio\.h|filesystem'
  local threads='thread|mutex|shared_mutex|condition_variable|future|stop_token|pthread|semaphore'
  refuse "$root" lib/core "$io" "the core does no input or output"
  refuse "$root" lib/core "$threads" "the core has no thread"
  refuse "$root" include/chat21 'amqp|rabbitmq-c|sqlite3|rapidjson|fmt/|mosquitto|jwt\.h' \
    "public headers use the standard library only"
  for folder in lib/attempts lib/core lib/mosquitto lib/shared lib/sqlite lib/testing lib/token server; do
    allow_own "$root" "$folder" "$folder"
  done
  for folder in lib/mqtt lib/rabbitmq; do
    allow_own "$root" "$folder" "$folder|lib/shared"
  done
  allow_own "$root" include/chat21 include/chat21
  for folder in include lib/attempts lib/core lib/mosquitto lib/mqtt lib/shared lib/sqlite lib/testing lib/token server; do
    refuse "$root" "$folder" 'amqp|rabbitmq-c' "only lib/rabbitmq knows rabbitmq-c"
  done
  for folder in include lib/attempts lib/core lib/mosquitto lib/mqtt lib/rabbitmq lib/shared lib/testing lib/token server; do
    refuse "$root" "$folder" 'sqlite3' "only lib/sqlite knows SQLite"
  done
  for folder in include lib/attempts lib/core lib/rabbitmq lib/shared lib/sqlite lib/testing lib/token server; do
    refuse "$root" "$folder" 'mosquitto' "only lib/mqtt and lib/mosquitto know Mosquitto"
  done
  refuse "$root" lib/mqtt 'mosquitto_' "lib/mqtt is a client and no plugin"
  local users
  users=$(users_of "$root" '<rapidjson/' | grep -vxF lib/core/json.cc || true)
  [ -z "$users" ] || complain "only lib/core/json.cc knows RapidJSON, found: $users"
  users=$(users_of "$root" '[<"]jwt\.h' | grep -vE '^(lib/token/.*|server/token\.cc)$' || true)
  [ -z "$users" ] || complain "only lib/token and server/token.cc know libjwt, found: $users"
}

symbols() {
  local found
  # The undefined symbols are what the library asks of others.
  found=$(nm --undefined-only --demangle "$1" | grep -wE \
    'socket|connect|open|open64|read|write|send|recv|fopen|fopen64|clock_gettime|gettimeofday|time|pthread_create|nanosleep|getrandom|std::chrono::.*::now.*|std::thread.*|std::random_device.*' ||
    true)
  [ -z "$found" ] || complain "the core calls the outside world:"$'\n'"$found"
}

# A check that cannot fail proves nothing: each rule meets its violation here.
scratch=
expect_refusal() {
  local what=$1
  shift
  ! "$0" "$@" 2>/dev/null || complain "not found: $what"
}
expect_include_refused() {
  local what=$1 file=$2 line=$3
  echo "$line" >"$scratch/$file"
  expect_refusal "$what" includes "$scratch"
  rm "$scratch/$file"
}
self_test() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  mkdir -p "$scratch/include/chat21" "$scratch/lib/core" "$scratch/lib/rabbitmq" \
    "$scratch/lib/sqlite" "$scratch/lib/token" "$scratch/server/api"
  "$0" includes "$scratch" || complain "an empty tree is refused"
  expect_include_refused "a socket in the core" lib/core/x.cc '#include <sys/socket.h>'
  expect_include_refused "a thread in the core" lib/core/x.cc '#include <thread>'
  expect_include_refused "a library in a public header" include/chat21/x.h '#include <amqp.h>'
  expect_include_refused "the core's private header in the server" server/x.cc \
    '#include "lib/core/handlers.h"'
  expect_include_refused "what transports share in the core" lib/core/x.cc \
    '#include "lib/shared/wake_signal.h"'
  expect_include_refused "what transports share in the store" lib/sqlite/x.cc \
    '#include "lib/shared/wake_signal.h"'
  expect_include_refused "another transport's private header" lib/rabbitmq/x.cc \
    '#include "lib/mqtt/topics.h"'
  expect_include_refused "SQLite in the server" server/x.cc '#include <sqlite3.h>'
  expect_include_refused "RapidJSON elsewhere" lib/sqlite/x.cc '#include <rapidjson/reader.h>'
  expect_include_refused "RapidJSON in the server" server/x.cc '#include <rapidjson/writer.h>'
  expect_include_refused "libjwt in the REST API" server/api/x.cc '#include <jwt.h>'
  expect_include_refused "libjwt in another file of the server" server/broker_token.cc \
    '#include <jwt.h>'
  expect_include_refused "libjwt in the core" lib/core/token.cc '#include "jwt.h"'
  expect_include_refused "the component's private header in the server" server/x.cc \
    '#include "lib/token/x.h"'
  echo '#include <jwt.h>' | tee "$scratch/lib/token/x.cc" >"$scratch/server/token.cc"
  "$0" includes "$scratch" || complain "libjwt is refused where it belongs"
  echo 'long time(long *); long f(void) { return time(0); }' >"$scratch/x.c"
  cc -w -c "$scratch/x.c" -o "$scratch/x.o"
  expect_refusal "a clock in the core" symbols "$scratch/x.o"
}

case ${1:-} in
  includes) includes "$2" ;;
  symbols) symbols "$2" ;;
  self-test) self_test ;;
  *)
    echo "usage: layering.sh includes ROOT | symbols LIBRARY | self-test" >&2
    exit 2
    ;;
esac
[ "$failures" -eq 0 ]
