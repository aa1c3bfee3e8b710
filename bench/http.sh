#!/usr/bin/env bash
# Does reading over HTTP slow messages down? Latency of messages without and with
# wrk on the history, turn and turn about, through one server. See docs/PERFORMANCE.md.
set -euo pipefail

# shellcheck disable=SC2034  # used by lib.sh
program=http.sh
# shellcheck source=bench/lib.sh
source "$(dirname -- "$0")/lib.sh"

readonly kAllowed=1.20  # by which the p99 of messages may grow
readonly kPage=200

usage() {
  cat <<'USAGE'
usage: bench/http.sh [--rounds N] [--rate N] [--seconds N] [--connections N] [--port-base N]

Sends direct messages from one MQTT client to another (default 200 a second for 10
seconds, QoS 0) through one chat21-server on a private RabbitMQ under build/bench-http,
N rounds (default 5) alone and N with wrk, which reads a page of 200 messages over
and over on some connections (default 8). Ends with status 1 if the p99 of messages,
as the median of the rounds, has grown by more than a fifth, or if a message or an
answer is missing.

wrk runs with nice 19: it stands for other machines, and would otherwise compete for
the processors of this one with the broker. The server's threads for HTTP run with
its default HTTP_NICE. Do not run it beside other work.
USAGE
}

rounds=5
rate=200
seconds=10
connections=8
port_base=15880
work=$root/build/bench-http

start_server() {
  RABBITMQ_URI=$uri APP_ID=$kApp STORE_PATH=$work/chat21.db LOG_LEVEL=INFO \
    HTTP_ENABLED=true HTTP_ADDRESS=127.0.0.1 PORT=$((port_base + 5)) BASEURL=/api \
    start_observer server 'connected to the broker' "$bin/chat21-server"
  await_line "$work/server.log" 'serving HTTP' "$observer_pid" "$kPatience" || fail "the server does not serve HTTP; see $work/server.log"
}

# A page and more, of about the size of the messages that are measured.
fill_history() {
  local topic=apps/$kApp/outgoing/users/reader/messages/writer/outgoing padding answer
  padding=$(printf 'x%.0s' {1..150})
  seq -f "{\"text\":\"message %g\",\"type\":\"text\",\"sender_fullname\":\"Reader\",\"recipient_fullname\":\"Writer\",\"attributes\":{\"padding\":\"$padding\"},\"metadata\":null,\"channel_type\":\"direct\"}" $((kPage + 50)) |
    mosquitto_pub -h 127.0.0.1 -p $((port_base + 1)) -u JWT -P "$reader" -q 1 -t "$topic" -l
  # Answered when everything before it is in the store.
  answer=$(ask "$api/messages/sync" --json '{"sender_fullname":"Reader","recipient_id":"writer","recipient_fullname":"Writer","text":"the last"}') ||
    fail "the server does not answer: $answer"
  answer=$(ask "$page")
  [[ $(jq '.result | length' <<<"$answer") == "$kPage" ]] || fail "the page is not full: $answer"
  page_bytes=${#answer}
}

ask() { curl -sS --fail-with-body --max-time "$kPatience" -H "Authorization: $reader" "$@"; }

measure_sending() {  # LABEL
  # The first second is not counted: wrk starts meanwhile.
  measure "$1" --rate "$rate" --seconds "$seconds" --warm-up "$rate"
}

measure_with_wrk() {
  local wrk_pid
  # In a session of its own, which nice values do not leave where the kernel groups
  # processes by session (sched_autogroup): so the group is made nice as well.
  setsid bash -c 'echo 19 >/proc/self/autogroup || true; exec nice -n 19 "$@"' wrk-alone \
    wrk -t1 -c"$connections" -d$((seconds + 4))s --latency -H "Authorization: $reader" "$page" >"$work/wrk.log" 2>&1 &
  wrk_pid=$!
  measure_sending with-wrk
  kill -0 "$wrk_pid" 2>/dev/null || fail "wrk has ended before the messages; see $work/wrk.log"
  wait "$wrk_pid" || fail "wrk has failed; see $work/wrk.log"
  summarize_wrk | tee -a "$work/results"
}

# One line: wrk's own report has ten. What is not answered well is no reading.
summarize_wrk() {
  ! grep -E 'Non-2xx|Socket errors' "$work/wrk.log" || fail "wrk got errors; see $work/wrk.log"
  awk '/requests in/ { requests = $1 } /Requests\/sec/ { rate = $2 }
    $1 == "50%" || $1 == "90%" || $1 == "99%" { latency[$1] = $2 }
    END { if (!requests) exit 1
          printf "wrk        requests=%s per_second=%s p50=%s p90=%s p99=%s\n",
            requests, rate, latency["50%"], latency["90%"], latency["99%"] }' "$work/wrk.log" ||
    fail "wrk has read nothing; see $work/wrk.log"
}

report() {
  local field
  for field in p50_ms p90_ms p99_ms; do
    awk -v field="$field" -v with="$(median with-wrk "$field")" -v alone="$(median alone "$field")" \
      'BEGIN { printf "median %s of messages: alone %s, with wrk %s, ratio %.2f\n", field, alone, with, with / alone }'
  done
  say "median of wrk: $(median wrk per_second) pages/s"
  awk -v with="$(median with-wrk p99_ms)" -v alone="$(median alone p99_ms)" -v allowed="$kAllowed" \
    'BEGIN { good = with <= allowed * alone
             printf "%s: the p99 of messages is %.2f times as long beside wrk, allowed is %.2f\n", good ? "good" : "BAD", with / alone, allowed
             exit !good }'
}

read_numbers "rounds rate seconds connections port-base" "$@"
require_packages build run rabbit test bench
build_all
start_broker
write_users bench-a bench-b
reader=$("$bin/chat21-server" token user reader --app "$kApp")
uri=$(amqp_uri)
api=http://127.0.0.1:$((port_base + 5))/api/$kApp
page=$api/reader/conversations/writer/messages
start_server
fill_history
describe_machine
say "messages  $rate/s, $seconds s, QoS 0, about 330 bytes each"
say "pages     $kPage messages, $page_bytes bytes; wrk with $connections connections, nice 19"
for ((round = 0; round < rounds; ++round)); do
  measure_sending alone
  measure_with_wrk
done
stop_observer
report
