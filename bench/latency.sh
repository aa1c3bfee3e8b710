#!/usr/bin/env bash
# Compares chat21-server with the relay on one private broker, turn and turn
# about, and prints the ratio of their median latencies. See docs/PERFORMANCE.md.
set -euo pipefail

program=latency.sh
# shellcheck source=scripts/lib.sh
source "$(dirname -- "$0")/../scripts/lib.sh"

readonly kApp=tilechat
readonly kPatience=30  # seconds for anything to start

usage() {
  cat <<'USAGE'
usage: bench/latency.sh [--rounds N] [--rate N] [--seconds N] [--qos N] [--port-base N]

Sends direct messages from one MQTT client to another (default 60 a second for 10
seconds, QoS 0) through the relay and through chat21-server, N rounds each (default
3), on a private RabbitMQ under build/bench. The relay does the least that any
observer can do: no JSON, no store. Do not run it beside other work.
USAGE
}

rounds=3
rate=60
seconds=10
qos=0
port_base=15860
work=$root/build/bench
bin=$root/build/release/bin
observer_pid=

read_options() {
  while (($# > 0)); do
    case $1 in
      --rounds | --rate | --seconds | --qos | --port-base)
        [[ ${2:-} =~ ^[0-9]+$ ]] || fail "$1 needs a number"
        printf -v "$(tr - _ <<<"${1#--}")" '%s' "$2"
        shift
        ;;
      -h | --help) usage && exit 0 ;;
      *) fail "unknown option '$1'; see --help" ;;
    esac
    shift
  done
}

stop_all() {
  local status=$?
  trap - EXIT
  [[ -z $observer_pid ]] || end_child "$observer_pid" 15 || true
  "$broker" stop "$work/broker" || status=1
  exit "$status"
}

describe_machine() {
  say "machine   $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
  say "build     release ($(sed -n 's/^CMAKE_BUILD_TYPE:.*=//p' "$root/build/release/CMakeCache.txt")), commit $(git -C "$root" rev-parse --short HEAD)"
  say "broker    RabbitMQ $("$broker" ctl "$work/broker" version)"
  say "load      $rate messages/s, $seconds s, QoS $qos, about 330 bytes each"
}

# start_observer NAME COMMAND...: returns once it consumes.
start_observer() {
  local log=$work/$1.log pattern=$2
  shift 2
  : >"$log"
  "$@" >"$log" 2>&1 &
  observer_pid=$!
  await_line "$log" "$pattern" "$observer_pid" "$kPatience" || fail "$1 did not start; see $log"
}

stop_observer() {
  end_child "$observer_pid" 15 || fail "the observer did not end well"
  observer_pid=
}

measure() {  # LABEL
  "$bin/chat21-latency" --port "$((port_base + 1))" --app "$kApp" --label "$1" --rate "$rate" \
    --seconds "$seconds" --qos "$qos" --sender-token "$sender" --recipient-token "$recipient" |
    tee -a "$work/results"
}

run_relay() {
  start_observer relay relaying stdbuf -oL "$bin/chat21-relay" --uri "$uri" --app "$kApp"
  measure relay
  stop_observer
}

run_server() {
  RABBITMQ_URI=$uri APP_ID=$kApp STORE_PATH=$work/chat21.db LOG_LEVEL=INFO \
    start_observer server 'connected to the broker' "$bin/chat21-server"
  measure server
  stop_observer
}

# The median of one field over the rounds of LABEL.
median() {  # LABEL FIELD
  sed -n "s/^$1 .* $2=\([0-9.]*\).*/\1/p" "$work/results" | sort -n |
    awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

report() {
  local field
  for field in p50_ms p99_ms; do
    awk -v field="$field" -v server="$(median server "$field")" -v relay="$(median relay "$field")" \
      'BEGIN { printf "median %s: server %s, relay %s, ratio %.2f\n", field, server, relay, server / relay }'
  done
}

read_options "$@"
require_packages build run test
configure release -DCHAT21_BUILD_BENCH=ON || fail "the build cannot be configured (output above)"
build release || fail "the build has failed (output above)"
mkdir -p "$work"
rm -f "$work"/chat21.db* "$work/results"
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$broker" start "$work/broker" "$port_base"
sender=$("$bin/chat21-server" token user bench-a --app "$kApp")
recipient=$("$bin/chat21-server" token user bench-b --app "$kApp")
uri="amqp://observer:$("$bin/chat21-server" token observer)@127.0.0.1:$port_base?heartbeat=10"
describe_machine
for ((round = 0; round < rounds; ++round)); do
  run_relay
  run_server
done
report
