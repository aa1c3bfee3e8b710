#!/usr/bin/env bash
# Asks a running server what docs/openapi.yaml allows and forbids, thousands of times:
# no answer of 500 or more, and none that the file does not describe. Started by
# ./test.sh --long, which has a broker and the variables CHAT21_...
set -euo pipefail

# shellcheck disable=SC2034  # used by lib.sh
program=schemathesis.sh
# shellcheck source=scripts/lib.sh
source "$(dirname -- "$0")/../../scripts/lib.sh"

readonly kSeed=1
readonly kSeconds=140  # for one caller; there are two
readonly kTimeout=300   # seconds, if the tool does not come to an end
readonly kPatience=30   # seconds for the server to start
readonly venv=$root/build/schemathesis
readonly work=$root/build/test/schemathesis
server_pid=

install_tool() {
  local wanted=$root/tests/long/requirements.txt
  ! cmp -s "$wanted" "$venv/requirements.txt" || return 0
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$venv/"
}

stop_server() {
  local status=$?
  trap - EXIT
  [[ -z $server_pid ]] || end_child "$server_pid" 15 || status=1
  exit "$status"
}

start_server() {
  local log=$work/server.log
  : >"$log"
  RABBITMQ_URI=$CHAT21_TEST_AMQP_URI APP_ID=tilechat STORE_PATH=$work/chat21.db \
    HTTP_ENABLED=true HTTP_ADDRESS=127.0.0.1 PORT=0 BASEURL=/api "$CHAT21_SERVER" >"$log" 2>&1 &
  server_pid=$!
  local line
  for line in 'connected to the broker' 'serving HTTP'; do
    await_line "$log" "$line" "$server_pid" "$kPatience" || fail "the server did not start; its log is $log"
  done
  url=http://127.0.0.1:$(sed -n 's/.*"serving HTTP".* port=\([0-9]*\).*/\1/p' "$log")
}

create_groups() {
  local group
  for group in group-77 group-78; do
    curl -sS --fail-with-body -H "Authorization: $(<"$work/user.token")" "$url/api/tilechat/groups" \
      --json "{\"group_id\":\"$group\",\"group_name\":\"Fuzzed\",\"group_members\":{\"bob\":1}}" >/dev/null
  done
}

ask() {  # CALLER
  printf '\n-- as %s\n' "$1"
  CALLER_TOKEN=$(<"$work/$1.token") timeout "$kTimeout" "$venv/bin/schemathesis" --no-color \
    --config-file "$root/tests/long/schemathesis.toml" run "$root/docs/openapi.yaml" --url "$url" \
    --seed "$kSeed" --max-time "$kSeconds"
}

main() {
  local caller status=0
  umask 077  # there are tokens
  mkdir -p "$work"
  cd "$work"  # the tool leaves its notes where it stands
  rm -f chat21.db*
  install_tool
  trap stop_server EXIT
  start_server
  "$CHAT21_SERVER" token user ann --app tilechat >user.token
  "$CHAT21_SERVER" token user root --app tilechat --admin >admin.token
  create_groups
  for caller in user admin; do
    ask "$caller" || status=1
  done
  kill -0 "$server_pid" || fail "the server has ended; its log is $work/server.log"
  return "$status"
}

main
