#!/usr/bin/env bash
# Compares chat21-server with the relay on one private broker, turn and turn
# about, and prints the ratio of their median latencies. See docs/PERFORMANCE.md.
set -euo pipefail

# shellcheck disable=SC2034  # used by lib.sh
program=latency.sh
# shellcheck source=bench/lib.sh
source "$(dirname -- "$0")/lib.sh"

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

measure_sending() {  # LABEL
  measure "$1" --rate "$rate" --seconds "$seconds" --qos "$qos"
}

run_relay() {
  start_observer relay relaying stdbuf -oL "$bin/chat21-relay" --uri "$uri" --app "$kApp"
  measure_sending relay
  stop_observer
}

run_server() {
  RABBITMQ_URI=$uri APP_ID=$kApp STORE_PATH=$work/chat21.db LOG_LEVEL=INFO HTTP_ENABLED=false \
    start_observer server 'connected to the broker' "$bin/chat21-server"
  measure_sending server
  stop_observer
}

report() {
  local field
  for field in p50_ms p99_ms; do
    awk -v field="$field" -v server="$(median server "$field")" -v relay="$(median relay "$field")" \
      'BEGIN { printf "median %s: server %s, relay %s, ratio %.2f\n", field, server, relay, server / relay }'
  done
}

read_numbers "rounds rate seconds qos port-base" "$@"
require_packages build run rabbit test
build_all
start_broker
write_users bench-a bench-b
uri=$(amqp_uri)
describe_machine
say "load      $rate messages/s, $seconds s, QoS $qos, about 330 bytes each"
for ((round = 0; round < rounds; ++round)); do
  run_relay
  run_server
done
report
