# shellcheck shell=bash disable=SC2154  # work and port_base are of those who source this
# What the measurements through a broker share. Source it from a script that sets
# `program`, `port_base` and `work`, where everything is kept.

# shellcheck source=scripts/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib.sh"

readonly kApp=tilechat
readonly kPatience=30  # seconds for anything to start
# shellcheck disable=SC2034  # used by those who source this
readonly bin=$root/build/release/bin
observer_pid=
# Brokers, servers and tokens have it from here; without one each program warns.
export JWT_KEY=a-key-of-the-benchmarks-alone

# Options that are numbers, each into the variable of its name.
read_numbers() {  # NAMES OPTION...
  local names=$1
  shift
  while (($# > 0)); do
    case $1 in
      -h | --help) usage && exit 0 ;;
      --*)
        [[ " $names " == *" ${1#--} "* ]] || fail "unknown option '$1'; see --help"
        [[ ${2:-} =~ ^[0-9]+$ ]] || fail "$1 needs a number"
        printf -v "$(tr - _ <<<"${1#--}")" '%s' "$2"
        shift
        ;;
      *) fail "unknown argument '$1'; see --help" ;;
    esac
    shift
  done
}

build_all() {
  configure release -DCHAT21_BUILD_BENCH=ON || fail "the build cannot be configured (output above)"
  build release --target programs || fail "the build has failed (output above)"
}

# Whatever is started from here on is stopped at the end.
prepare_work() {
  mkdir -p "$work"
  rm -f "$work"/chat21.db* "$work/results"
  trap stop_all EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

start_broker() {
  prepare_work
  "$broker" start "$work/broker" "$port_base"
}

# What chat21-load reads: users and their tokens, the first for a service.
write_users() {  # USER...
  printf 'observer %s\n' "$("$bin/chat21-server" token observer --app "$kApp")" >"$work/users"
  # shellcheck disable=SC2016  # the shell of xargs expands it
  printf '%s\n' "$@" | xargs -P 2 -I '{}' sh -c 'printf "%s %s\n" "$3" "$("$1" token user "$3" --app "$2")"' \
    sh "$bin/chat21-server" "$kApp" '{}' >>"$work/users"
}

stop_all() {
  local status=$?
  trap - EXIT
  [[ -z $observer_pid ]] || end_child "$observer_pid" 15 || true
  "$broker" stop "$work/broker" || status=1
  exit "$status"
}

amqp_uri() {
  printf 'amqp://observer:%s@127.0.0.1:%s?heartbeat=10' "$("$bin/chat21-server" token observer)" "$port_base"
}

describe_machine() {
  describe_build
  say "broker    RabbitMQ $("$broker" ctl "$work/broker" version)"
}

describe_build() {
  say "machine   $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
  say "build     release ($(sed -n 's/^CMAKE_BUILD_TYPE:.*=//p' "$root/build/release/CMakeCache.txt")), commit $(git -C "$root" rev-parse --short HEAD)"
}

# start_observer NAME PATTERN COMMAND...: returns once it consumes.
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

# Latency from publish to the recipient's inbox; the line is printed and kept.
measure() {  # LABEL OPTION...
  "$bin/chat21-load" paced --port "$((port_base + 1))" --app "$kApp" --users "$work/users" --label "$1" "${@:2}" |
    tee -a "$work/results"
}

# The median of one field over the rounds of LABEL.
median() {  # LABEL FIELD
  sed -n "s/^$1 .* $2=\([0-9.]*\).*/\1/p" "$work/results" | sort -n |
    awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
