#!/usr/bin/env bash
# Installs what is missing, builds, starts everything on this machine, shows a
# message travelling and reads it over HTTP, and stays up to be tried.
set -euo pipefail

program=run.sh
# shellcheck source=scripts/lib.sh
source "$(dirname -- "$0")/scripts/lib.sh"
# shellcheck source=scripts/ports.sh
source "$root/scripts/ports.sh"

readonly kApp=tilechat
readonly kEngines=(embedded rabbitmq)
readonly began=${EPOCHREALTIME/[.,]/}  # microseconds
readonly kPatience=30  # seconds that anything may take which normally takes one

usage() {
  cat <<'USAGE'
usage: ./run.sh [OPTION]...

Installs missing Debian packages, builds chat21-server, starts it with a broker of its
own, sends a message from ann to bob with real MQTT clients, shows the way it took,
reads it again over HTTP, and stays until Ctrl-C. Everything listens on 127.0.0.1 only.

  --demo           end after the message: status 0, or 1 if anything was not as expected
  --engine NAME    embedded: chat21-server runs Mosquitto with its plugin (default);
                   rabbitmq: a private RabbitMQ, as on several machines
  --data DIR       where broker and store keep their data and logs (default build/run)
  --port-base N    first of six ports (default 15700): +1 MQTT, +2 WebSocket, +5 REST API;
                   RabbitMQ also has +0 AMQP, +3 and +4 for itself
  --no-install     do not install packages; say which command would
  --help           this text

JWT_KEY in the environment is the key that signs the tokens (default: a random one,
kept in DIR/jwt.key).
USAGE
}

demo=no
engine=embedded
install=yes
data=$root/build/run
port_base=15700
server_pid=
api=  # address of the REST API for the app
broker_mine=no
settings=()
serving=
broker_is=
listeners=()
login=()
unexpected=0
own_key=yes
interrupted_status=  # set while there is something to interrupt

read_options() {
  while (($# > 0)); do
    case $1 in
      --demo) demo=yes ;;
      --no-install) install=no ;;
      --engine | --data | --port-base)
        (($# >= 2)) || fail "$1 needs a value; see --help"
        set_option "$1" "$2"
        shift
        ;;
      --engine=* | --data=* | --port-base=*) set_option "${1%%=*}" "${1#*=}" ;;
      -h | --help) usage && exit 0 ;;
      *) fail "unknown option '$1'; see --help" ;;
    esac
    shift
  done
}

set_option() {  # OPTION VALUE
  case $1 in
    --data)
      [[ -n $2 ]] || fail "--data needs a directory"
      data=$(realpath -m -- "$2")
      ;;
    --port-base)
      { [[ $2 =~ ^[1-9][0-9]{3,4}$ ]] && (($2 >= 1024 && $2 <= 65530)); } ||
        fail "--port-base '$2' is not allowed: a number from 1024 to 65530"
      port_base=$2
      ;;
    --engine)
      [[ " ${kEngines[*]} " == *" $2 "* ]] || fail "--engine '$2' is not allowed; there is: ${kEngines[*]}"
      engine=$2
      ;;
  esac
}

# --- Starting and stopping ------------------------------------------------------

build_server() {
  local options=()
  # Whoever has configured this directory keeps what he chose; for trying, the
  # packages of the tests are not needed.
  [[ -f $root/build/release/CMakeCache.txt ]] || options=(-DCHAT21_BUILD_TESTS=OFF -DCHAT21_BUILD_BENCH=OFF)
  configure release "${options[@]}" || fail "the build cannot be configured (output above)"
  build release --target chat21-server chat21_mosquitto_plugin || fail "the build has failed (output above)"
  server=$root/build/release/bin/chat21-server
  note build "$("$server" --version | head -n 1), build/release/bin/chat21-server"
}

# Broker, server and the makers of tokens have to agree on it.
choose_key() {
  if [[ -z ${JWT_KEY:-} ]]; then
    own_key=no
    [[ -s $data/jwt.key ]] || head -c 24 /dev/urandom | base64 >"$data/jwt.key"
    JWT_KEY=$(<"$data/jwt.key")
  fi
  export JWT_KEY
}

start_rabbitmq() {
  if "$broker" running "$data/broker"; then
    fail "a broker runs already in $data/broker: use another --data DIR and --port-base N, or end it: scripts/broker.sh stop '$data/broker'"
  fi
  broker_mine=yes
  "$broker" start "$data/broker" "$port_base" || exit 1
}

require_free_ports() {  # PORT NAME [PORT NAME]...
  local busy
  if busy=$(busy_port "$@"); then
    fail "$busy (it takes N to N+5)"
  fi
}

# These set `settings` to those of the server that belong to the engine, `serving` to
# what it logs when its broker serves, and `broker_is` to the name of that.
use_embedded() {
  # Its server would refuse to start, but after our log has taken the place of the other's.
  local lock=$data/mosquitto/server.lock
  [[ ! -e $lock ]] || flock --nonblock "$lock" true ||
    fail "a server runs already in $data: use another --data DIR and --port-base N, or end it: process $(<"$lock")"
  require_free_ports $((port_base + 1)) MQTT $((port_base + 2)) WebSocket
  settings=(ENGINE=embedded MQTT_ADDRESS=127.0.0.1 MQTT_PORT=$((port_base + 1))
    WEBSOCKET_ADDRESS=127.0.0.1 WEBSOCKET_PORT=$((port_base + 2)) BROKER_DIR="$data/mosquitto")
  serving='the broker is ready'
  broker_is="Mosquitto $(dpkg-query -W -f '${Version}' mosquitto) with our plugin"
}

use_rabbitmq() {
  start_rabbitmq
  local token
  token=$("$server" token observer)
  settings=(RABBITMQ_URI="amqp://observer:$token@127.0.0.1:$port_base?heartbeat=60")
  serving='connected to the broker'
  broker_is="RabbitMQ $("$broker" ctl "$data/broker" version), AMQP $port_base"
}

# In a session of its own, so that Ctrl-C reaches this script alone, which then
# stops things in order; and told to end if this script is killed.
start_server() {
  local line log=$data/server.log
  : >"$log"
  settings+=(APP_ID="$kApp" STORE_PATH="$data/chat21.db" LOG_LEVEL="${LOG_LEVEL:-INFO}"
    HTTP_ENABLED=true HTTP_ADDRESS=127.0.0.1 PORT=$((port_base + 5)) BASEURL=/api)
  (export "${settings[@]}" && exec setsid setpriv --pdeathsig TERM "$server") </dev/null >>"$log" 2>&1 &
  server_pid=$!
  for line in "$serving" 'serving HTTP'; do
    if ! await_line "$log" "$line" "$server_pid" "$kPatience"; then
      tail -n 15 "$log" >&2
      fail "chat21-server did not come up; its log is $log"
    fi
  done
  api=http://127.0.0.1:$((port_base + 5))/api/$kApp
  note broker "$broker_is, on 127.0.0.1: MQTT $((port_base + 1)), WebSocket $((port_base + 2))"
  note server "chat21-server, app $kApp, log $data/server.log"
  note store "SQLite, $data/chat21.db"
  note REST "$api"
}

# Ends what this script has started, and nothing else.
stop_all() {
  local status=$? process
  trap - EXIT
  trap '' INT TERM
  for process in "${listeners[@]}"; do
    kill "$process" 2>/dev/null || true
  done
  if [[ -n $server_pid ]] && ! end_child "$server_pid" 15; then
    say "chat21-server did not end well; its log is $data/server.log" >&2
    status=1
  fi
  if [[ $broker_mine == yes ]]; then
    "$broker" stop "$data/broker" || status=1
  fi
  [[ -z $server_pid ]] || say "Stopped. The data stays in $data"
  exit "$status"
}

# --- Clients --------------------------------------------------------------------

write_tokens() {
  local user
  for user in ann bob; do
    "$server" token user "$user" --app "$kApp" >"$data/$user.token"
  done
}

# Sets `login` to the arguments with which a mosquitto client connects as USER.
log_in() {  # USER
  login=(-h 127.0.0.1 -p $((port_base + 1)) -u JWT -P "$(<"$data/$1.token")")
}

# Begins to wait for one message in the inbox of USER; returns once the broker has
# accepted the subscription. The file gets the topic and the message.
listen() {  # USER
  local file=$data/$1.inbox
  : >"$file"
  log_in "$1"
  stdbuf -oL mosquitto_sub "${login[@]}" -t "apps/$kApp/users/$1/messages/#" -C 1 -W "$kPatience" -d -F '%t %p' \
    >"$file" 2>&1 &
  listeners+=($!)
  await_line "$file" '^Subscribed' $! "$kPatience" ||
    fail "$1 cannot subscribe: $(tail -n 1 "$file")"
}

received_topic() { sed -n 's|^\(apps/[^ ]*\) .*|\1|p' "$data/$1.inbox"; }
received_message() { sed -n 's|^apps/[^ ]* ||p' "$data/$1.inbox"; }

# --- The demonstration ------------------------------------------------------------

expect() {  # WHAT ACTUAL EXPECTED
  if [[ $2 != "$3" ]]; then
    say "  UNEXPECTED: $1 is '$2' instead of '$3'"
    unexpected=$((unexpected + 1))
  fi
}

query() { sqlite3 -readonly -cmd '.timeout 5000' "$@"; }

exchange() {
  local draft=$1 outgoing=$2
  listeners=()
  listen ann
  listen bob
  log_in ann
  mosquitto_pub "${login[@]}" -q 1 -t "$outgoing" -m "$draft"
  wait "${listeners[0]}" || fail "ann's copy did not arrive within $kPatience s; see $data/server.log"
  wait "${listeners[1]}" || fail "bob's copy did not arrive within $kPatience s; see $data/server.log"
  listeners=()
}

show_path() {  # OUTGOING
  say
  say "A message from ann to bob"
  say
  printf '  %-13s %s\n' 'ann publishes' "$1"
  printf '  %-13s %-58s status %s\n' \
    'ann receives' "$(received_topic ann)" "$(received_message ann | jq .status)" \
    'bob receives' "$(received_topic bob)" "$(received_message bob | jq .status)"
  say
  say "  ann's copy"
  received_message ann | jq . | sed 's/^/    /'
  say "  bob's copy"
  received_message bob | jq . | sed 's/^/    /'
}

check_copies() {  # DRAFT
  local user id
  expect "the topic in ann's inbox" "$(received_topic ann)" "apps/$kApp/users/ann/messages/bob/clientadded"
  expect "the topic in bob's inbox" "$(received_topic bob)" "apps/$kApp/users/bob/messages/ann/clientadded"
  expect "the status of ann's copy" "$(received_message ann | jq .status)" 100
  expect "the status of bob's copy" "$(received_message bob | jq .status)" 150
  id=$(received_message ann | jq -r .message_id)
  expect "the message_id of bob's copy" "$(received_message bob | jq -r .message_id)" "$id"
  for user in ann bob; do
    expect "what was sent, in $user's copy" \
      "$(received_message $user | jq -cS --argjson draft "$1" 'with_entries(select(.key | in($draft)))')" \
      "$(jq -cS . <<<"$1")"
    expect "attributes in $user's copy" "$(received_message $user | jq -c '[has("attributes"), .attributes]')" '[true,null]'
  done
}

show_rows() {  # MESSAGE_ID
  local table
  say
  say "  Rows in the store"
  query -box "$data/chat21.db" \
    "SELECT timeline, conversation, status, message_id FROM copies WHERE message_id = '$1' ORDER BY status" \
    "SELECT timeline, conversation, is_new, archived, last_message FROM conversations WHERE last_message = '$1' ORDER BY timeline" \
    "SELECT message_id, substr(body, 1, 50) || '...' AS body FROM messages WHERE message_id = '$1'" |
    sed 's/^/    /'
  for table in 'copies WHERE message_id' 'conversations WHERE last_message' 'messages WHERE message_id'; do
    expect "the number of rows in ${table%% *}" "$(query "$data/chat21.db" "SELECT count(*) FROM $table = '$1'")" \
      "$([[ $table == messages* ]] && echo 1 || echo 2)"
  done
  expect "the statuses in the store" \
    "$(query "$data/chat21.db" "SELECT group_concat(timeline || ' ' || status, ', ') FROM (SELECT * FROM copies WHERE message_id = '$1' ORDER BY status)")" \
    'ann 100, bob 150'
}

read_history() {  # USER OTHER
  curl -sS --fail-with-body --max-time "$kPatience" -H "Authorization: $(<"$data/$1.token")" "$api/$1/conversations/$2/messages?limit=1"
}

# The same message, asked for over HTTP.
show_history() {  # MESSAGE_ID
  local answer
  say
  say "  ann asks over HTTP: GET $api/ann/conversations/bob/messages?limit=1"
  answer=$(read_history ann bob) || fail "the REST API does not answer: $answer; see $data/server.log"
  jq -c '.result[0]' <<<"$answer" | sed 's/^/    /'
  expect "the message over HTTP" "$(jq -r '.result[0].message_id' <<<"$answer")" "$1"
  expect "its timeline" "$(jq -r '.result[0] | "\(.timelineOf) \(.conversWith) \(.status)"' <<<"$answer")" 'ann bob 100'
}

demonstrate() {
  local outgoing="apps/$kApp/outgoing/users/ann/messages/bob/outgoing" draft id
  draft=$(jq -cn --arg text "Hello bob, it is $(date +%T)" '{text: $text, type: "text",
    sender_fullname: "Ann", recipient_fullname: "Bob", channel_type: "direct", attributes: null, metadata: null}')
  exchange "$draft" "$outgoing"
  show_path "$outgoing"
  check_copies "$draft"
  id=$(received_message ann | jq -r .message_id)
  [[ $id =~ ^[0-9a-f-]{36}$ ]] || fail "the message_id of ann's copy is no UUID: '$id'"
  show_rows "$id"
  show_history "$id"
  say
  if ((unexpected > 0)); then
    fail "$unexpected of these are not as expected"
  fi
  say "  As expected: one message, both inboxes (100 sent, 150 delivered), in the store, and over HTTP."
}

# The beginning of a command to paste: sub or pub, connected as USER.
client() { printf "mosquitto_%s -h 127.0.0.1 -p %s -u JWT -P \"\$(cat %q)\"" "$2" $((port_base + 1)) "$data/$1.token"; }

# The beginning of a command to paste that asks as USER.
ask() { printf "curl -H \"Authorization: \$(cat %q)\"" "$data/$1.token"; }

more_users() {
  local key
  key=JWT_KEY=...  # an own key is not repeated on the screen
  [[ $own_key == yes ]] || printf -v key "JWT_KEY=\"\$(cat %q)\"" "$data/jwt.key"
  printf '%s %q token user carol' "$key" "$server"
}

invite() {
  local message='{"text":"Hi bob","type":"text","attributes":null}'
  local group='{"group_id":"group-tea","group_name":"Tea","group_members":{"bob":1}}'
  local draft='{"sender_fullname":"Ann","recipient_id":"group-tea","recipient_fullname":"Tea","text":"Tea?"}'
  cat <<TEXT

Try it in another terminal

  Listen as bob
    $(client bob sub) -v -t 'apps/$kApp/users/bob/#'

  Send as ann
    $(client ann pub) -t 'apps/$kApp/outgoing/users/ann/messages/bob/outgoing' -m '$message'

  Read ann's history with bob over HTTP
    $(ask ann) $api/ann/conversations/bob/messages

  Create a group of ann and bob, and send to it
    $(ask ann) --json '$group' $api/groups
    $(ask ann) --json '$draft' $api/messages

  MQTT over WebSocket   ws://127.0.0.1:$((port_base + 2))/ws
  REST API, described   http://127.0.0.1:$((port_base + 5))/api/openapi.yaml
  User name, password   JWT, and the token in $data/ann.token
  More users            $(more_users)

Ctrl-C stops everything.
TEXT
}

stay() {
  interrupted_status=0
  wait "$server_pid" || true
  server_pid=
  tail -n 15 "$data/server.log" >&2
  fail "chat21-server has ended by itself; its log is $data/server.log"
}

show_cost() {
  local tenths=$(((${EPOCHREALTIME/[.,]/} - began) / 100000))
  say
  say "  $((tenths / 10)).$((tenths % 10)) s from the start of this script to here; packages downloaded: $downloaded"
}

main() {
  local sections=(build run)
  read_options "$@"
  [[ $engine != rabbitmq ]] || sections+=(rabbit)
  require_packages "${sections[@]}"
  say "Chat21 on this machine"
  build_server
  umask 077  # tokens and messages are nobody else's business
  mkdir -p "$data"
  trap stop_all EXIT
  trap 'exit "${interrupted_status:-130}"' INT
  trap 'exit "${interrupted_status:-143}"' TERM
  choose_key
  require_free_ports $((port_base + 5)) 'REST API'
  "use_$engine"
  start_server
  write_tokens
  demonstrate
  show_cost
  if [[ $demo == no ]]; then
    invite
    stay
  fi
}

main "$@"
