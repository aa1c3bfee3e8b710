#!/usr/bin/env bash
# Checks the direction of dependencies:
#   include/chat21 <- lib/core; lib/rabbitmq, lib/sqlite, lib/testing and server
#   see only include/chat21 (and their own folder); the core has no I/O, no
#   clock and no thread.
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

# allow_own ROOT FOLDER OWN: project files that FOLDER includes are public or OWN.
allow_own() {
  local root=$1 folder=$2 own=$3 found
  [ -d "$root/$folder" ] || return 0
  found=$(grep -rnE --include='*.h' --include='*.cc' '^ *# *include *"' "$root/$folder" |
    grep -vE "include *\"(chat21/|$own/)" || true)
  [ -z "$found" ] || complain "$folder: may include only chat21/ and $own/:"$'\n'"$found"
}

includes() {
  local root=$1 folder
  local io='sys/|unistd|fcntl|poll\.h|netinet/|arpa/|fstream|iostream|cstdio|stdio\.h|filesystem'
  local threads='thread|mutex|shared_mutex|condition_variable|future|stop_token|pthread|semaphore'
  refuse "$root" lib/core "$io" "the core does no input or output"
  refuse "$root" lib/core "$threads" "the core has no thread"
  refuse "$root" include/chat21 'amqp|rabbitmq-c|sqlite3|rapidjson|fmt/|mosquitto' \
    "public headers use the standard library only"
  for folder in lib/core lib/rabbitmq lib/sqlite lib/testing server; do
    allow_own "$root" "$folder" "$folder"
  done
  allow_own "$root" include/chat21 include/chat21
  for folder in include lib/core lib/sqlite lib/testing server; do
    refuse "$root" "$folder" 'amqp|rabbitmq-c' "only lib/rabbitmq knows rabbitmq-c"
  done
  for folder in include lib/core lib/rabbitmq lib/testing server; do
    refuse "$root" "$folder" 'sqlite3' "only lib/sqlite knows SQLite"
  done
  local users
  users=$(grep -rlE '^ *# *include *<rapidjson/' "$root/include" "$root/lib" "$root/server" |
    sed "s|^$root/||" || true)
  [ -z "$users" ] || [ "$users" = lib/core/json.cc ] ||
    complain "only lib/core/json.cc knows RapidJSON, found: $users"
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
  mkdir -p "$scratch/include/chat21" "$scratch/lib/core" "$scratch/lib/sqlite" "$scratch/server"
  "$0" includes "$scratch" || complain "an empty tree is refused"
  expect_include_refused "a socket in the core" lib/core/x.cc '#include <sys/socket.h>'
  expect_include_refused "a thread in the core" lib/core/x.cc '#include <thread>'
  expect_include_refused "a library in a public header" include/chat21/x.h '#include <amqp.h>'
  expect_include_refused "the core's private header in the server" server/x.cc \
    '#include "lib/core/handlers.h"'
  expect_include_refused "SQLite in the server" server/x.cc '#include <sqlite3.h>'
  expect_include_refused "RapidJSON elsewhere" lib/sqlite/x.cc '#include <rapidjson/reader.h>'
  expect_include_refused "RapidJSON in the server" server/x.cc '#include <rapidjson/writer.h>'
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
