#!/usr/bin/env bash
# Checks everything there is to check. The last line says how many cases passed
# and failed; the exit status says whether all did.
set -euo pipefail

program=test.sh
# shellcheck source=scripts/lib.sh
source "$(dirname -- "$0")/scripts/lib.sh"
# shellcheck source=tests/integration/settings.sh
source "$root/tests/integration/settings.sh"

usage() {
  cat <<'USAGE'
usage: ./test.sh [OPTION]...

Installs what is missing (Debian packages, npm ci in tests/integration), then checks
the scripts and the formatting, builds and runs the unit, contract and conformance
tests with the address sanitizer, those that have threads with the thread sanitizer,
too, and the integration tests with the release build: with the embedded engine, and
with a private RabbitMQ under build/test. Ends with a line "N passed, N failed".

  --fast         only the unit, contract and conformance tests, without sanitizers
  --long         everything, the fast tests without sanitizers, too, 100,000 simulated worlds,
                 all faults (tests/faults), clang-tidy over lib/ and server/, five minutes
                 of requests made from docs/openapi.yaml (schemathesis, from PyPI, under
                 build/), and libFuzzer for a minute with each target (tests/fuzz/run.sh)
  --port-base N  first of the ports of the test brokers (default 15760; 20 are used)
  --no-install   do not install anything; fail with the command that would
  --help         this text
USAGE
}

scope=all
install=yes
port_base=15760
work=$root/build/test
passed=0
failed=0

read_options() {
  while (($# > 0)); do
    case $1 in
      --fast) scope=fast ;;
      --long) scope=long ;;
      --no-install) install=no ;;
      --port-base)
        { [[ ${2:-} =~ ^[1-9][0-9]{3,4}$ ]] && (($2 >= 1024 && $2 <= 65516)); } ||
          fail "--port-base needs a number from 1024 to 65516"
        port_base=$2
        shift
        ;;
      -h | --help) usage && exit 0 ;;
      *) fail "unknown option '$1'; see --help" ;;
    esac
    shift
  done
}

# --- Counting -------------------------------------------------------------------

headline() { printf '\n== %s\n' "$*"; }

# A step that counts as one case.
check() {  # NAME COMMAND...
  headline "$1"
  if "${@:2}"; then
    passed=$((passed + 1))
    say "ok"
  else
    failed=$((failed + 1))
    say "FAILED: $1"
  fi
}

# A step that other steps need; it counts only if it fails.
need() {  # NAME COMMAND...
  headline "$1"
  if ! "${@:2}"; then
    failed=$((failed + 1))
    say "FAILED: $1"
    return 1
  fi
}

# A step that reports cases of its own. COMMAND leaves "PASSED FAILED" in $tally.
cases() {  # NAME COMMAND...
  local status=0 good=0 bad=0
  headline "$1"
  rm -f "$tally"
  "${@:2}" || status=$?
  [[ ! -s $tally ]] || read -r good bad <"$tally"
  # A run that fails without a failed case, or that has no case, has failed.
  if ((bad == 0)) && { ((status != 0)) || ((good == 0)); }; then
    bad=1
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  ((bad == 0)) || say "FAILED: $1"
}

# --- Static checks ----------------------------------------------------------------

check_scripts() {
  (cd "$root" && shellcheck -x ./*.sh bench/*.sh scripts/*.sh tests/faults/*.sh tests/fuzz/*.sh \
    tests/integration/*.sh tests/long/*.sh .ci/run)
}

cpp_files() {  # FOLDER...
  (cd "$root" && find "$@" -name node_modules -prune -o \( -name '*.h' -o -name '*.cc' \) -print0)
}

check_format() {
  cpp_files bench include lib server tests | (cd "$root" && xargs -0 clang-format --dry-run -Werror)
}

check_tidy() {
  cpp_files lib server | grep -z '\.cc$' |
    (cd "$root" && xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/dev --quiet)
}

# --- Test programs ----------------------------------------------------------------

# The thread sanitizer of this compiler does not know the memory layout of newer
# kernels with much randomisation. A container may not allow to switch it off.
fixed_layout() {
  if setarch -R true 2>/dev/null; then
    setarch -R "$@"
  else
    "$@"
  fi
}

compile() { configure "$1" && (cd "$root" && fixed_layout cmake --build --preset "$1"); }

# Whoever has run ./run.sh before has configured it without tests.
compile_release() {
  configure release -DCHAT21_BUILD_TESTS=ON -DCHAT21_BUILD_BENCH=ON -DCHAT21_BUILD_EXAMPLES=ON &&
    (cd "$root" && cmake --build --preset release --target programs integration_tests simulation)
}

attribute() { grep -o -m 1 "$2=\"[0-9]*\"" "$1" | tr -dc 0-9; }

# A skipped case has not shown anything: it counts as failed.
count_ctest() {  # JUNIT_FILE
  local all bad skipped disabled
  [[ -s $1 ]] || return 1
  all=$(attribute "$1" tests)
  bad=$(attribute "$1" failures)
  skipped=$(attribute "$1" skipped)
  disabled=$(attribute "$1" disabled)
  bad=$((bad + skipped + disabled))
  printf '%s %s\n' $((all - bad)) "$bad" >"$tally"
  if ((skipped + disabled > 0)); then
    say "$((skipped + disabled)) cases did not run"
    return 1
  fi
}

run_ctest() {  # JUNIT_FILE ARGUMENT...
  local status=0
  rm -f "$1"
  (cd "$root" && fixed_layout ctest --output-junit "$1" --output-on-failure "${@:2}") || status=$?
  count_ctest "$1" || status=1
  return "$status"
}

test_preset() {  # PRESET
  need "build $1" compile "$1" || return 0
  cases "tests, $1" run_ctest "$work/ctest-$1.xml" --preset "$1"
}

# --- Integration --------------------------------------------------------------------

tap_number() { sed -n "s/^# $2 \([0-9]*\)$/\1/p" "$1" | tail -n 1; }

count_node() {  # TAP_FILE
  local good all
  [[ -s $1 ]] || return 1
  good=$(tap_number "$1" pass)
  all=$(tap_number "$1" tests)
  printf '%s %s\n' "${good:-0}" $((${all:-0} - ${good:-0})) >"$tally"
}

run_node_tests() {
  local tap=$work/node-$CHAT21_TEST_ENGINE.tap status=0
  rm -f "$tap"
  # It ends, with all that it has started, if this script is killed.
  (cd "$kIntegration" && exec setpriv --pdeathsig TERM node --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$tap" all.js) || status=$?
  count_node "$tap" || status=1
  return "$status"
}

# A fault with an engine and a mode is a case.
count_faults() {  # RESULTS
  local all good
  [[ -s $1 ]] || return 1
  all=$(jq -s length "$1")
  good=$(jq -s 'map(select(.ok)) | length' "$1")
  printf '%s %s\n' "$good" $((all - good)) >"$tally"
}

run_faults() {
  local results=$work/faults-$CHAT21_TEST_ENGINE.jsonl status=0
  local -a part=(--quick)
  [[ $scope != long ]] || part=()
  rm -f "$results"
  setpriv --pdeathsig TERM node "$root/tests/faults/run.js" --results "$results" "${part[@]}" || status=1
  count_faults "$results" || status=1
  node "$root/tests/faults/print.js" "$results" || status=1
  return "$status"
}

# The clients' tests against a server that is watched. Not with the embedded engine: Mosquitto
# loads no plugin that needs a sanitizer.
test_sanitized() {  # PRESET
  local CHAT21_SERVER=$root/build/$1/bin/chat21-server
  need "build chat21-server, $1" fixed_layout cmake --build "$root/build/$1" --target chat21-server || return 0
  cases "integration tests with RabbitMQ and the server of $1, MQTT and HTTP clients" run_node_tests
}

test_rabbitmq() {
  need "test broker on ports from $port_base" start_broker || return 0
  use_engine rabbitmq
  # Those that share a broker have a lock for it (RESOURCE_LOCK) and most only wait.
  cases "integration tests with RabbitMQ, C++" run_ctest "$work/ctest-rabbitmq.xml" \
    --test-dir build/release --parallel 3 -L integration --no-tests=error
  cases "integration tests with RabbitMQ, MQTT and HTTP clients" run_node_tests
  cases "faults under load, RabbitMQ" run_faults
  if [[ $scope == long ]]; then
    test_sanitized asan
    test_sanitized tsan
  fi
  [[ $scope != long ]] || check "requests made from docs/openapi.yaml (schemathesis)" "$root/tests/long/schemathesis.sh"
}

test_embedded() {
  use_engine embedded
  cases "integration tests with the embedded engine, C++" run_ctest "$work/ctest-embedded.xml" \
    --test-dir build/release -R '^integration: *Mosquitto\.' --no-tests=error
  cases "integration tests with the embedded engine, MQTT and HTTP clients" run_node_tests
  cases "faults under load, embedded engine" run_faults
}

# The fast tests run the first thousand of them.
simulate_worlds() { "$root/build/release/bin/simulation" --seeds 1-100000; }

# Against the programs as users build them. The tests that need no broker are not built
# again: the sanitizers have run them.
test_integration() {
  need "build release" compile_release || return 0
  [[ $scope != long ]] || check "100,000 simulated worlds" simulate_worlds
  need "a token for the tests" export_settings || return 0
  [[ $scope != long ]] || export CHAT21_TEST_LONG=yes
  need "modules of the integration tests" install_modules || return 0
  test_embedded
  test_rabbitmq
}

# --- The run --------------------------------------------------------------------------

finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  if ! stop_broker; then
    failed=$((failed + 1))
  fi
  if ((status != 0 && failed == 0)); then
    failed=1  # ended before its end
  fi
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  ((failed == 0)) && exit 0
  exit 1
}

install_all() {
  case $scope in
    fast) require_packages build test ;;
    all) require_packages build run rabbit test check ;;
    long) require_packages build run rabbit test check long fuzz ;;
  esac
  [[ $scope == fast ]] || require_node
}

main() {
  read_options "$@"
  mkdir -p "$work"
  tally=$work/tally
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  install_all
  if [[ $scope == fast ]]; then
    test_preset dev
    return
  fi
  check "scripts (shellcheck)" check_scripts
  check "formatting (clang-format)" check_format
  test_preset asan
  test_preset tsan
  test_integration
  if [[ $scope == long ]]; then
    test_preset dev
    check "clang-tidy over lib/ and server/" check_tidy
    check "inputs that libFuzzer finds" "$root/tests/fuzz/run.sh" --minutes 1 --jobs 2
  fi
}

main "$@"
