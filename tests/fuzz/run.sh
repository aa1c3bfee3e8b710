#!/usr/bin/env bash
# Looks with libFuzzer for inputs that break a promise; CONTRIBUTING.md, "Fuzzing", says
# what to do with one. Fails if there is any.
set -euo pipefail

# shellcheck disable=SC2034  # used by lib.sh
program=tests/fuzz/run.sh
# shellcheck source=scripts/lib.sh
source "$(dirname -- "$0")/../../scripts/lib.sh"

usage() {
  cat <<'USAGE'
usage: tests/fuzz/run.sh [OPTION]...

Builds the preset "fuzz" and runs every target, each beginning with tests/fuzz/corpus
and with what earlier runs have found (build/fuzz/corpus). Prints for each how many inputs
were tried, how many a second, and what code they reached.

  --minutes N   for each target (default 1)
  --runs N      inputs for each target, instead
  --target T    only this one; may be given several times
  --jobs N      targets at once (default 1)
  --no-install  do not install anything; fail with the command that would
  --help        this text

A finding is kept in build/fuzz/findings/TARGET, with what was said about it.
USAGE
}

seconds=60
runs=-1
jobs=1
# shellcheck disable=SC2034  # used by lib.sh
install=yes
wanted=()

number() { [[ ${2:-} =~ ^[1-9][0-9]{0,9}$ ]] || fail "$1 needs a number from 1"; }

read_options() {
  while (($# > 0)); do
    case $1 in
      --minutes) number "$@" && seconds=$(($2 * 60)) && shift ;;
      --runs) number "$@" && runs=$2 seconds=0 && shift ;;
      --jobs) number "$@" && jobs=$2 && shift ;;
      --target) wanted+=("${2:-}") && shift ;;
      --no-install) install=no ;;
      -h | --help) usage && exit 0 ;;
      *) fail "unknown option '$1'; see --help" ;;
    esac
    shift
  done
}

readonly bin=$root/build/fuzz/bin
readonly work=$root/build/fuzz

# Lines "PROGRAM TARGET". Without --target a program names its targets and fails.
all_targets() {
  local path
  for path in "$bin"/fuzz-*; do
    "$path" 2>&1 | tail -n +2 | sed "s|^|${path##*/} |" || true
  done
}

# A number that libFuzzer has printed last; 0 if it has not come so far.
last_number() {  # LOG BEFORE_IT
  local found
  found=$(grep -a -o "$2 *[0-9]*" "$1" | tail -n 1 | tr -dc 0-9) || true
  printf '%s' "${found:-0}"
}

# Leaves "EXECUTIONS PER_SECOND EDGES FEATURES FINDINGS" in the target's result.
fuzz() {  # PROGRAM TARGET
  local corpus=$work/corpus/$2 found=$work/findings/$2 log=$work/findings/$2.log status=0
  mkdir -p "$corpus" "$found"
  "$bin/$1" "--target=$2" -max_total_time="$seconds" -runs="$runs" -max_len=1024 -entropic=0 \
    -timeout=20 -print_final_stats=1 -artifact_prefix="$found/" \
    "$corpus" "$root/tests/fuzz/corpus/$2" >"$log" 2>&1 || status=1
  printf '%s %s %s %s %s\n' "$(last_number "$log" number_of_executed_units:)" \
    "$(last_number "$log" average_exec_per_sec:)" "$(last_number "$log" cov:)" \
    "$(last_number "$log" ft:)" "$status" >"$work/results/$2"
}

report() {
  local result target executions rate edges features finding all=0 findings=0
  printf '%-12s %12s %10s %8s %9s %9s\n' target executions 'a second' edges features findings
  for result in "$work"/results/*; do
    target=${result##*/}
    read -r executions rate edges features finding <"$result"
    printf '%-12s %12s %10s %8s %9s %9s\n' "$target" "$executions" "$rate" "$edges" "$features" "$finding"
    all=$((all + executions))
    findings=$((findings + finding))
    ((finding == 0)) || say "  see $work/findings/$target.log; the input is in $work/findings/$target"
  done
  printf '%-12s %12s %40s\n' total "$all" "$findings"
  ((findings == 0))
}

main() {
  local name target chosen=() line
  read_options "$@"
  require_packages build test fuzz
  configure fuzz
  build fuzz
  rm -rf "$work/results"
  mkdir -p "$work/results" "$work/findings"
  while read -r name target; do
    ((${#wanted[@]} == 0)) || [[ " ${wanted[*]} " == *" $target "* ]] || continue
    chosen+=("$name $target")
  done < <(all_targets)
  ((${#chosen[@]} > 0)) || fail "there is no such target; there are: $(all_targets | cut -d ' ' -f 2 | xargs)"
  for line in "${chosen[@]}"; do
    read -r name target <<<"$line"
    # shellcheck disable=SC2312
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
    fuzz "$name" "$target" &
  done
  wait
  report
}

main "$@"
