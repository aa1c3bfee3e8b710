#!/usr/bin/env bash
# Compares the engines: latency at a given rate, the highest rate with its CPU and
# memory, and what idle connections take. See docs/PERFORMANCE.md.
set -euo pipefail

# shellcheck disable=SC2034  # used by lib.sh
program=engines.sh
# shellcheck source=bench/lib.sh
source "$(dirname -- "$0")/lib.sh"

usage() {
  cat <<'USAGE'
usage: bench/engines.sh [--quick] [--only ENGINE]... [--rate N] [--seconds N]
                        [--messages N] [--clients N] [--window N] [--idle N] [--port-base N]

Measures each engine with direct messages and with groups of 3, 10 and 100, QoS 0 and 1:

  paced   one sender, --rate messages a second (60) for --seconds (10): latency from
          publish to arrival at every recipient
  flood   64 senders (--clients) on connections of their own, each with at most --window
          messages (8) under way, --messages direct messages in all (40000) or as many in
          groups as make as many copies: messages a second until the last copy has arrived;
          CPU time for each message; peak memory
  idle    memory with --idle connected clients (1000)

Engines: rabbitmq, embedded-group, embedded-strict; and what their brokers alone can do,
relaying direct messages without JSON and store: rabbitmq-relay, mosquitto-relay. Without
--only, all. --quick takes two minutes and proves that it works, no more.

Fails if a message is missing, at a recipient or in the store. Everything runs on
127.0.0.1 and on this machine's processors, the clients too; do not run it beside other
work. Results go to build/bench-engines/results, one line each, and are printed as tables.
USAGE
}

rate=60
seconds=10
messages=40000
clients=64
window=8
idle=1000
port_base=15900
work=$root/build/bench-engines

readonly kEngines='rabbitmq-relay rabbitmq mosquitto-relay embedded-group embedded-strict'
readonly kShapes='0 3 10 100' # members of a group; 0: direct
only=

read_options() {
  local numbers=()
  while (($# > 0)); do
    case $1 in
      --quick) seconds=2 messages=2000 idle=100 ;;
      --only)
        [[ " $kEngines " == *" ${2:-} "* ]] || fail "--only needs one of: $kEngines"
        only+=" $2"
        shift
        ;;
      *) numbers+=("$1") ;;
    esac
    shift
  done
  read_numbers "rate seconds messages clients window idle port-base" "${numbers[@]}"
}

# --- Engines ------------------------------------------------------------------------
# Each start_ leaves the MQTT port in `port`, and in `watch` the processes that work.

start_rabbitmq() {
  start_node
  RABBITMQ_URI=$(amqp_uri) APP_ID=$kApp STORE_PATH=$store LOG_LEVEL=INFO HTTP_ENABLED=false \
    start_observer rabbitmq 'connected to the broker' "$bin/chat21-server"
  watch+=(--watch "observer=$observer_pid")
}

start_rabbitmq-relay() {
  start_node
  start_observer rabbitmq-relay relaying stdbuf -oL "$bin/chat21-relay" --uri "$(amqp_uri)" --app "$kApp"
  watch+=(--watch "observer=$observer_pid")
}

start_node() {
  "$broker" start "$work/broker" "$port_base"
  port=$((port_base + 1))
  watch=(--watch "broker=$(cut -d ' ' -f 1 "$work/broker/broker.pid")")
}

start_embedded-group() { start_embedded group; }
start_embedded-strict() { start_embedded strict; }

# QoS 1 is limited by acknowledgements alone, so queues may grow.
start_embedded() {  # DURABILITY
  local mosquitto_pid
  port=$((port_base + 10))
  rm -rf "$work/embedded"
  ENGINE=embedded STORE_DURABILITY=$1 STORE_PATH=$store BROKER_DIR=$work/embedded APP_ID=$kApp \
    MQTT_PORT=$port WEBSOCKET_ENABLED=false HTTP_ENABLED=false LOG_LEVEL=INFO \
    MQTT_MAX_QUEUED=1000000 MQTT_MAX_QUEUED_BYTES=1024MiB \
    start_observer "embedded-$1" 'msg="started"' "$bin/chat21-server"
  mosquitto_pid=$(ps -o pid= --ppid "$observer_pid" | tr -d ' ')
  watch=(--watch "broker=$mosquitto_pid" --watch "observer=$observer_pid")
}

start_mosquitto-relay() {
  port=$((port_base + 11))
  cat >"$work/relay.conf" <<CONF
listener $port 127.0.0.1
allow_anonymous true
user root
plugin $root/build/release/lib/bench/chat21_relay_plugin.so
max_queued_messages 0
CONF
  start_observer mosquitto-relay running mosquitto -c "$work/relay.conf"
  watch=(--watch "broker=$observer_pid")
}

start_engine() {  # ENGINE
  store=$work/$1.db
  rm -f "$store"*
  "start_$1"
}

stop_engine() {  # ENGINE
  stop_observer
  case $1 in rabbitmq*) "$broker" stop "$work/broker" ;; esac
}

# --- Measuring ----------------------------------------------------------------------

# chat21-load with a label; its line is kept, with what the store has gained. Fails with
# it, and when a message is not in the store.
measure_load() {  # ENGINE SHAPE QOS COPIES EXPECTED MODE OPTION...
  local engine=$1 shape=$2 qos=$3 copies=$4 expected=$5 mode=$6 line before after
  before=$(stored)
  line=$("$bin/chat21-load" "$mode" --port "$port" --app "$kApp" --users "$work/users" --qos "$qos" \
    --group "$shape" --label "$engine/$shape/$qos/$mode" "${watch[@]}" "${@:7}") ||
    fail "$engine, group of $shape, QoS $qos, $mode: messages are missing${line:+: $line}"
  after=$(stored)
  line+=" stored=$((${after% *} - ${before% *})) stored_copies=$((${after#* } - ${before#* }))"
  say "$line" | tee -a "$work/results"
  case $engine in *relay) return ;; esac
  [[ $line == *" stored=$expected stored_copies=$((expected * copies))" ]] ||
    fail "$engine: $expected messages in $((expected * copies)) copies should have been stored"
}

stored() {
  if [[ -e $store ]]; then
    sqlite3 -separator ' ' "file:$store?mode=ro" 'SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM copies)'
  else
    say '0 0'
  fi
}

measure_shape() {  # ENGINE SHAPE QOS
  local size=$2 copies count warm_up
  copies=$((size == 0 ? 2 : size + 1)) # in the store: a group has a timeline of its own
  count=$((messages * 2 / (size == 0 ? 2 : size)))
  count=$((count < clients * window ? clients * window : count)) # each sender's window is full once
  warm_up=$((count / 20))
  measure_load "$1" "$2" "$3" "$copies" $((rate + rate * seconds)) paced \
    --rate "$rate" --seconds "$seconds" --warm-up "$rate"
  measure_load "$1" "$2" "$3" "$copies" $((count + warm_up)) flood --clients "$clients" \
    --senders "$clients" --window "$window" --messages "$count" --warm-up "$warm_up"
}

measure_engine() {  # ENGINE
  local qos shape shapes=$kShapes
  case $1 in *relay) shapes=0 ;; esac
  start_engine "$1"
  for qos in 0 1; do
    for shape in $shapes; do measure_shape "$1" "$shape" "$qos"; done
  done
  stop_engine "$1"
  start_engine "$1"
  "$bin/chat21-load" idle --port "$port" --app "$kApp" --users "$work/users" --clients "$idle" \
    --label "$1/idle" "${watch[@]}" | tee -a "$work/results"
  stop_engine "$1"
}

# --- Tables -------------------------------------------------------------------------

# Rows of the lines whose label matches. Each column is a field, or several with slashes
# between: what a line does not have is a dash.
table() {  # LABEL_PATTERN HEADERS FIELDS
  printf '\n| %s |\n' "$2"
  sed 's/[^|]*/ --- /g; s/.*/|&|/' <<<"$2"
  awk -v pattern="$1" -v fields="$3" '
    $1 !~ pattern { next }
    {
      split("", value)
      for (i = 2; i <= NF; ++i) { split($i, pair, "="); value[pair[1]] = pair[2] }
      split($1, label, "/")
      value["engine"] = label[1]
      value["shape"] = label[2] == 0 ? "direct" : "group of " label[2]
      value["qos"] = label[3]
      value["all"] = "all " value["complete"]
      columns = split(fields, column, " ")
      row = "|"
      for (i = 1; i <= columns; ++i) {
        parts = split(column[i], part, "/")
        cell = ""
        for (j = 1; j <= parts; ++j) cell = cell (j > 1 ? " / " : "") (part[j] in value ? value[part[j]] : "-")
        row = row " " cell " |"
      }
      print row
    }' "$work/results"
}

print_tables() {
  table '/paced$' 'engine | message | QoS | p50 ms | p95 ms | p99 ms | max ms | delivered and stored' \
    'engine shape qos p50_ms p95_ms p99_ms max_ms all'
  table '/flood$' 'engine | message | QoS | messages/s | copies/s | CPU µs/message: broker / observer / clients | peak MiB: broker / observer | delivered and stored' \
    'engine shape qos per_second copies_per_second cpu_us_broker/cpu_us_observer/cpu_us_load peak_mib_broker/peak_mib_observer all'
  table '/idle$' "engine | MiB without clients: broker / observer | MiB with $idle | KiB each" \
    'engine empty_mib_broker/empty_mib_observer full_mib_broker/full_mib_observer kib_each_broker'
}

describe() {
  describe_build
  say "brokers   RabbitMQ $(dpkg-query -W -f '${Version}' rabbitmq-server), Mosquitto $(dpkg-query -W -f '${Version}' mosquitto)"
  say "load      $clients clients, $window messages of each under way; paced $rate/s for $seconds s; about 330 bytes each"
}

read_options "$@"
require_packages build run rabbit test
build_all
prepare_work
users=$((idle > clients + 100 ? idle : clients + 100))
mapfile -t names < <(seq -f 'bench-%g' "$users")
write_users "${names[@]}"
describe
for engine in ${only:-$kEngines}; do measure_engine "$engine"; done
print_tables
