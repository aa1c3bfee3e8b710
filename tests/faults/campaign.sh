#!/usr/bin/env bash
# Inflicts faults on the release build under load, and prints what was lost, stored twice
# and repeated, and how long each took to recover.
set -euo pipefail

program=campaign.sh
# shellcheck source=scripts/lib.sh
source "$(dirname -- "$0")/../../scripts/lib.sh"
# shellcheck source=tests/integration/settings.sh
source "$root/tests/integration/settings.sh"

usage() {
  cat <<'USAGE'
usage: tests/faults/campaign.sh [OPTION]...

Runs each fault against a server of its own under 1,500 messages a second at QoS 1, holds
what senders were promised and recipients got against the store, and prints a table. The
exit status is 1 if an accepted message is missing (in mode group of the embedded engine:
more than its bound) or stored twice. Uses the release build, which it makes, and a private
RabbitMQ; writes under build/faults, results as lines of JSON to build/faults/results.jsonl.
link-cut needs root (CAP_NET_ADMIN), for ss -K.

  --engine E     only rabbitmq or embedded (default: both)
  --only FAULT   only this fault; may be repeated
  --list         the names of all faults
  --quick        a short part, within a minute
  --seed N       of what is random, to repeat a run (it is printed)
  --port-base N  first of the 20 ports (default 15780)
  --no-build     take the server as it is
  --no-install   do not install anything; fail with the command that would
  --help         this text
USAGE
}

install=yes
build=yes
list=no
port_base=15780
engines=(embedded rabbitmq)
arguments=()
seed=$((RANDOM * 32768 + RANDOM))
work=$root/build/faults

read_options() {
  while (($# > 0)); do
    case $1 in
      --engine)
        [[ ${2:-} == rabbitmq || ${2:-} == embedded ]] || fail "--engine needs rabbitmq or embedded"
        engines=("$2")
        shift
        ;;
      --only)
        [[ -n ${2:-} ]] || fail "--only needs the name of a fault; --list prints them"
        arguments+=(--only "$2")
        shift
        ;;
      --list) list=yes ;;
      --quick) arguments+=(--quick) ;;
      --seed)
        [[ ${2:-} =~ ^[0-9]{1,10}$ ]] || fail "--seed needs a number"
        seed=$2
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

prepare() {
  require_packages build run rabbit test check
  require_node
  install_modules
  [[ $build == no ]] || { configure release && build release --target programs; }
  export_settings
}

list_faults() {
  local engine
  for engine in "${engines[@]}"; do
    use_engine "$engine"
    node "$root/tests/faults/run.js" --list
  done
}

main() {
  local engine status=0
  read_options "$@"
  mkdir -p "$work"
  rm -f "$work/results.jsonl"
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  prepare
  if [[ $list == yes ]]; then
    list_faults
    return
  fi
  for engine in "${engines[@]}"; do
    use_engine "$engine"
    [[ $engine != rabbitmq ]] || start_broker
    # It ends, with all that it has started, if this script is killed; in the background, so
    # that the script hears of a signal at once.
    setpriv --pdeathsig TERM node "$root/tests/faults/run.js" --results "$work/results.jsonl" --seed "$seed" \
      "${arguments[@]}" &
    wait $! || status=1
  done
  [[ -s $work/results.jsonl ]] || fail "no fault of that name; --list prints them"
  printf '\nseed %s\n\n' "$seed"
  node "$root/tests/faults/print.js" "$work/results.jsonl" || status=1
  return "$status"
}

main "$@"
