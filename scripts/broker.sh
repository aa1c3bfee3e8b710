#!/usr/bin/env bash
# A private RabbitMQ node: every file below one directory, every listener on
# 127.0.0.1, started and stopped without touching a RabbitMQ of the system.
set -euo pipefail

# shellcheck source=scripts/ports.sh
source "$(dirname -- "$0")/ports.sh"

readonly kServer=/usr/lib/rabbitmq/bin/rabbitmq-server  # the wrapper in /usr/sbin insists on its own user
readonly kCtl=/usr/lib/rabbitmq/bin/rabbitmqctl
readonly kNode=chat21@localhost  # the data belongs to this name, so it is the same for all ports
readonly kStartSeconds=120
readonly kStopSeconds=60

usage() {
  cat <<'USAGE'
usage: scripts/broker.sh COMMAND DIR [...]

  start DIR PORT_BASE  start the node that lives in DIR; returns when it serves AMQP and MQTT
  stop DIR             stop it in order; no error if it does not run
  kill DIR             end it at once (SIGKILL), as a crash would
  pause DIR            freeze it (SIGSTOP): connections stay open, nobody answers
  resume DIR           let it go on (SIGCONT)
  running DIR          status 0 if it runs
  ctl DIR ARGS...      rabbitmqctl for this node

Ports, all on 127.0.0.1, counted from PORT_BASE:
  +0 AMQP   +1 MQTT   +2 MQTT over WebSocket (path /ws)   +3 epmd   +4 Erlang distribution

Clients log in with a JWT as password (HS256). JWT_KEY is the key, tokenKey if unset.
Data survives stop and kill; log files are in DIR/log.
USAGE
}

die() {
  printf 'broker: %s\n' "$*" >&2
  exit 1
}

# --- processes --------------------------------------------------------------

# The time a process was started, in clock ticks since boot; fails for a process
# that is gone or only waits to be reaped. With the id it names one process for
# ever, so a recycled id is never signalled.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -r -a fields <<<"${stat##*) }"
  [[ ${fields[0]} != Z && ${fields[0]} != X ]] || return 1
  printf '%s' "${fields[19]}"
}

remember() {  # FILE PID
  printf '%s %s\n' "$2" "$(start_time "$2")" >"$1"
}

# Prints the process id kept in FILE if that very process still runs.
recall() {  # FILE
  local pid started
  [[ -f $1 ]] || return 1
  read -r pid started <"$1" || return 1
  [[ $(start_time "$pid") == "$started" ]] || return 1
  printf '%s' "$pid"
}

# Waits until the process of the pid file is gone. It is nobody's child here, so
# there is no event to wait for.
wait_gone() {  # FILE SECONDS
  local deadline=$((SECONDS + $2))
  while recall "$1" >/dev/null; do
    ((SECONDS < deadline)) || return 1
    sleep 0.02
  done
}

end_process() {  # FILE SIGNAL SECONDS
  local pid
  if pid=$(recall "$1"); then
    kill "-$2" "$pid" 2>/dev/null || true
    wait_gone "$1" "$3" || return 1
  fi
  rm -f "$1"
}

# Prints the processes that PID has started, and theirs.
descendants() {  # PID
  local child
  while read -r child; do
    printf '%s\n' "$child"
    descendants "$child"
  done < <(ps -o pid= --ppid "$1")
}

# Ends the node. Erlang has helper processes that notice its end by themselves, a
# moment later: they are waited for, so that nothing of the node is left.
end_node() {  # SIGNAL SECONDS
  local pid helper status=0
  if pid=$(recall "$broker_pid"); then
    while read -r helper; do
      remember "$dir/helper-$helper.pid" "$helper" || true  # it may have ended meanwhile
    done < <(descendants "$pid")
  fi
  end_process "$broker_pid" "$1" "$2" || status=1
  for helper in "$dir"/helper-*.pid; do
    [[ -f $helper ]] || continue
    ((status != 0)) || wait_gone "$helper" 10 || status=1
    rm -f "$helper"
  done
  return "$status"
}

# --- ports ------------------------------------------------------------------

require_free_ports() {  # PORT_BASE
  local busy
  if busy=$(busy_port "$1" AMQP $(($1 + 1)) MQTT $(($1 + 2)) WebSocket $(($1 + 3)) epmd $(($1 + 4)) distribution); then
    die "$busy (it takes N to N+4)"
  fi
}

check_port_base() {
  if ! [[ $1 =~ ^[1-9][0-9]{3,4}$ ]] || (($1 < 1024 || $1 > 65531)); then
    die "port base '$1' is not allowed: a number from 1024 to 65531"
  fi
}

# --- files ------------------------------------------------------------------

# Sets the paths of the node in DIR.
use_dir() {
  [[ -n $1 ]] || die "the directory is empty; see --help"
  dir=$(realpath -m -- "$1")
  broker_pid=$dir/broker.pid
  epmd_pid=$dir/epmd.pid
  log=$dir/log/broker.log
}

# As numbers, so that no character of it means anything to Erlang.
erlang_bytes() {
  local bytes
  bytes=$(printf '%s' "$1" | od -An -v -tu1 -w1 | tr -d ' ' | paste -sd, -)
  printf '<<%s>>' "$bytes"
}

write_plugins() {
  printf '[rabbitmq_auth_backend_oauth2,rabbitmq_mqtt,rabbitmq_web_mqtt].\n' >"$dir/etc/enabled_plugins"
}

write_settings() {  # PORT_BASE
  cat >"$dir/etc/rabbitmq.conf" <<SETTINGS
listeners.tcp.1 = 127.0.0.1:$1

auth_backends.1 = rabbit_auth_backend_oauth2

mqtt.listeners.tcp.1 = 127.0.0.1:$(($1 + 1))
mqtt.allow_anonymous = false
mqtt.vhost = /
mqtt.exchange = amq.topic
mqtt.subscription_ttl = 86400000
mqtt.prefetch = 10

web_mqtt.tcp.ip = 127.0.0.1
web_mqtt.tcp.port = $(($1 + 2))
web_mqtt.ws_path = /ws

log.console = false
log.file = broker.log
log.file.level = info
SETTINGS
}

# A symmetric key cannot be written in rabbitmq.conf.
write_key() {
  cat >"$dir/etc/advanced.config" <<KEY
[{rabbitmq_auth_backend_oauth2,
  [{resource_server_id, <<"rabbitmq">>},
   {key_config,
    [{default_key, <<"legacy-token-key">>},
     {signing_keys,
      #{<<"legacy-token-key">> =>
          {map, #{<<"alg">> => <<"HS256">>,
                  <<"kty">> => <<"MAC">>,
                  <<"kid">> => <<"legacy-token-key">>,
                  <<"value">> => $(erlang_bytes "${JWT_KEY:-tokenKey}")}}}}]}]}].
KEY
}

write_cookie() {
  [[ -s $dir/home/.erlang.cookie ]] && return
  head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/home/.erlang.cookie"
  chmod 400 "$dir/home/.erlang.cookie"
}

write_files() {  # PORT_BASE
  umask 077  # the key and the cookie are secrets
  mkdir -p "$dir"/{etc/conf.d,home,data,log}
  : >"$dir/etc/rabbitmq-env.conf"  # hides the one of the system
  write_plugins
  write_settings "$1"
  write_key
  write_cookie
  printf '%s\n' "$1" >"$dir/port_base"
}

port_base() {
  [[ -s $dir/port_base ]] || die "no broker was ever started in $dir"
  cat "$dir/port_base"
}

# Runs a program of RabbitMQ with an environment made here alone: what the caller
# or the system has set for another node must not reach this one.
in_node() {
  local base schedulers
  base=$(port_base)
  schedulers=$(nproc)
  ((schedulers <= 4)) || schedulers=4
  exec env -i PATH="$PATH" LANG=C.UTF-8 HOME="$dir/home" RUNNING_UNDER_SYSTEMD=true \
    ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$((base + 3)) ERL_CRASH_DUMP="$dir/log/erl_crash.dump" \
    RABBITMQ_CONF_ENV_FILE="$dir/etc/rabbitmq-env.conf" \
    RABBITMQ_NODENAME="$kNode" RABBITMQ_DIST_PORT=$((base + 4)) \
    RABBITMQ_CONFIG_FILE="$dir/etc/rabbitmq" RABBITMQ_CONFIG_FILES="$dir/etc/conf.d" \
    RABBITMQ_ADVANCED_CONFIG_FILE="$dir/etc/advanced.config" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$dir/etc/enabled_plugins" \
    RABBITMQ_GENERATED_CONFIG_DIR="$dir/etc/generated" \
    RABBITMQ_MNESIA_BASE="$dir/data" RABBITMQ_LOG_BASE="$dir/log" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S $schedulers:$schedulers -kernel inet_dist_use_interface {127,0,0,1}" \
    RABBITMQ_CTL_DIST_PORT_MIN=0 RABBITMQ_CTL_DIST_PORT_MAX=0 \
    RABBITMQ_CTL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
    "$@"
}

# --- commands ---------------------------------------------------------------

# A session of its own keeps the Ctrl-C of a terminal away from the process: the
# one who started it stops it.
start_epmd() {  # PORT
  setsid epmd -address 127.0.0.1 -port "$1" </dev/null >>"$dir/log/epmd.log" 2>&1 &
  remember "$epmd_pid" $!
  disown  # no news from the shell about its end
  until port_open "$1"; do
    recall "$epmd_pid" >/dev/null || die "epmd did not start on port $1: $(tail -n 3 "$dir/log/epmd.log")"
    sleep 0.02
  done
}

# The node says in its log when the last plugin serves. Fails when the process
# ends before, or after too long a time.
await_startup() {  # PROCESS OFFSET
  grep -q -m 1 'Server startup complete' \
    < <(exec timeout "$kStartSeconds" tail -c "+$(($2 + 1))" -s 0.1 --pid="$1" -F "$log" 2>/dev/null)
}

start_node() {
  local offset=0
  [[ ! -f $log ]] || offset=$(stat -c %s "$log")
  touch "$log"
  trap interrupt_start INT TERM
  # In a directory of its own: Mnesia writes dumps where it stands.
  (cd "$dir/log" && in_node setsid "$kServer") </dev/null >>"$dir/log/console.log" 2>&1 &
  remember "$broker_pid" $!
  disown
  await_startup $! "$offset" || abandon_start
  trap - INT TERM
}

end_at_once() {
  end_node KILL 10 || true
  end_process "$epmd_pid" KILL 10 || true
}

abandon_start() {
  end_at_once
  tail -n 15 "$log" "$dir/log/console.log" >&2
  die "the node in $dir did not start; the whole log is $log"
}

interrupt_start() {
  end_at_once
  die "interrupted while the node in $dir was starting"
}

start() {
  local base=$2 pid
  check_port_base "$base"
  [[ -x $kServer ]] || die "RabbitMQ is not installed: apt-get install --no-install-recommends rabbitmq-server"
  if pid=$(recall "$broker_pid"); then
    die "a broker runs already in $dir (process $pid, ports from $(port_base)); to end it: scripts/broker.sh stop '$dir'"
  fi
  end_process "$epmd_pid" KILL 10 || true  # what a crash of ours has left
  require_free_ports "$base"
  write_files "$base"
  start_epmd $((base + 3))
  start_node
}

stop() {
  local pid
  if pid=$(recall "$broker_pid"); then
    kill -CONT "$pid" 2>/dev/null || true  # a paused node cannot stop
  fi
  if ! end_node TERM "$kStopSeconds"; then
    end_at_once
    die "the node in $dir did not stop within $kStopSeconds s and was killed; its log is $log"
  fi
  end_process "$epmd_pid" TERM 10 || die "epmd of $dir does not end"
}

kill_node() {
  running_pid >/dev/null
  end_node KILL 10 || die "the node in $dir does not end"
  end_process "$epmd_pid" KILL 10 || die "epmd of $dir does not end"
}

running_pid() {
  recall "$broker_pid" || die "no broker runs in $dir"
}

signal_node() {  # SIGNAL
  local pid
  pid=$(running_pid)
  kill "-$1" "$pid"
}

ctl() {
  running_pid >/dev/null  # without a node rabbitmqctl would leave an epmd behind
  in_node "$kCtl" --node "$kNode" "$@"
}

main() {
  case ${1:-} in
    -h | --help | help) usage && return ;;
    start) (($# == 3)) || die "start takes a directory and a port base; see --help" ;;
    stop | kill | pause | resume | running) (($# == 2)) || die "$1 takes a directory; see --help" ;;
    ctl) (($# >= 3)) || die "ctl takes a directory and what rabbitmqctl shall do; see --help" ;;
    '') usage >&2 && exit 2 ;;
    *) die "unknown command '$1': start, stop, kill, pause, resume, running and ctl are allowed" ;;
  esac
  use_dir "$2"
  case $1 in
    start) start "$2" "$3" ;;
    stop) stop ;;
    running) recall "$broker_pid" >/dev/null ;;
    kill) kill_node ;;
    pause) signal_node STOP ;;
    resume) signal_node CONT ;;
    ctl) shift 2 && ctl "$@" ;;
  esac
}

main "$@"
