#!/usr/bin/env bash
# Puts the release build under pressure: a store that is slow, and twice as many messages as
# go through it. Prints a table of what happens meanwhile and afterwards.
set -euo pipefail

program=pressure.sh
# shellcheck source=scripts/lib.sh
source "$(dirname -- "$0")/../../scripts/lib.sh"
# shellcheck source=tests/integration/settings.sh
source "$root/tests/integration/settings.sh"

usage() {
  cat <<'USAGE'
usage: tests/faults/pressure.sh [OPTION]...

Another process has the lock of the store for 0.9 s of each second. Measures what goes
through then, sends twice as many for ten minutes at QoS 1, lets the store go, and waits
until all is delivered. A line a minute: messages accepted (PUBACK) and done (delivered) a
second, those that wait, of them those that RabbitMQ has handed out; memory; and how long
probes took, 10 a second, from sender to recipient. A sender waits when 500 of its
messages are not accepted.
The exit status is 1 if memory, the messages handed out, or the latency afterwards are
beyond their limits, or a message is lost, stored twice or not delivered. Writes under
build/pressure.

  --minutes N    of pressure (default 10)
  --engine E     only rabbitmq or embedded (default: both)
  --mode M       of the embedded engine: group (default) or strict
  --port-base N  first of the 20 ports (default 15800)
  --no-build     take the server as it is
  --no-install   do not install anything; fail with the command that would
  --help         this text
USAGE
}

install=yes
build=yes
minutes=10
mode=group
port_base=15800
engines=(embedded rabbitmq)
# shellcheck disable=SC2034  # settings.sh uses it
work=$root/build/pressure

read_options() {
  while (($# > 0)); do
    case $1 in
      --minutes)
        [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || fail "--minutes needs a number"
        minutes=$2
        shift
        ;;
      --engine)
        [[ ${2:-} == rabbitmq || ${2:-} == embedded ]] || fail "--engine needs rabbitmq or embedded"
        engines=("$2")
        shift
        ;;
      --mode)
        [[ ${2:-} == group || ${2:-} == strict ]] || fail "--mode needs group or strict"
        mode=$2
        shift
        ;;
      --port-base)
        { [[ ${2:-} =~ ^[1-9][0-9]{3,4}$ ]] && (($2 >= 1024 && $2 <= 65516)); } ||
          fail "--port-base needs a number from 1024 to 65516"
        port_base=$2
        shift
        ;;
      --no-build) build=no ;;
      --no-install) install=no ;;
      -h | --help) usage && exit 0 ;;
      *) fail "unknown option '$1'; see --help" ;;
    esac
    shift
  done
}

finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  stop_broker || status=1
  exit "$status"
}

main() {
  local engine interval status=0
  read_options "$@"
  mkdir -p "$work"
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  require_packages build run rabbit test check
  require_node
  install_modules
  [[ $build == no ]] || { configure release && build release --target programs; }
  export_settings
  interval=$((minutes == 1 ? 10 : 60))
  for engine in "${engines[@]}"; do
    use_engine "$engine"
    printf '\n%s\n\n' "$engine$([[ $engine != embedded ]] || printf ', %s' "$mode")"
    [[ $engine != rabbitmq ]] || start_broker
    # It ends, with all that it has started, if this script is killed.
    setpriv --pdeathsig TERM node "$root/tests/faults/pressure.js" --seconds $((60 * minutes)) \
      --interval "$interval" --mode "$mode" || status=1
  done
  return "$status"
}

main "$@"
