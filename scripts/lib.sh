# shellcheck shell=bash
# What run.sh and test.sh share. Source it from a script that sets `program`.

root=$(realpath -- "$(dirname -- "${BASH_SOURCE[0]}")/..")
readonly root
# shellcheck disable=SC2034  # used by those who source this
readonly broker=$root/scripts/broker.sh

say() { printf '%s\n' "$*"; }

# One aligned line about one thing.
note() { printf '  %-9s %s\n' "$1" "$2"; }

fail() {
  printf '%s: %s\n' "${program:-chat21}" "$*" >&2
  exit 1
}

# --- Debian packages ----------------------------------------------------------

installed() {  # PACKAGE [COMMAND]
  if [[ -n ${2:-} ]] && command -v "$2" >/dev/null; then
    return 0
  fi
  # shellcheck disable=SC2016  # the braces are dpkg-query's
  [[ $(dpkg-query -W -f '${db:Status-Status} ' "$1" 2>/dev/null) == *'installed '* ]]
}

# Prints what the sections of packages.txt name and this machine does not have.
missing_packages() {  # SECTION...
  local section package command
  while read -r section package command; do
    [[ $section == '#'* || " $* " != *" $section "* ]] && continue
    installed "$package" "$command" || printf '%s\n' "$package"
  done <"$root/scripts/packages.txt"
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "root is needed to install packages, and there is no sudo; as root: $(apt_command "${packages[@]}")"
  fi
}

apt_command() { printf 'apt-get install --yes --no-install-recommends %s' "$*"; }

# The packages of servers start them, and enable them for the next boot. We want
# the programs only: a policy file forbids the start, unless the machine has one
# of its own, and services that were not there before are disabled.
install_packages() {  # PACKAGE...
  # shellcheck disable=SC2016  # expanded by the shell of root
  as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive sh -ec '
    policy=/usr/sbin/policy-rc.d
    if ! [ -e "$policy" ]; then
      trap "rm -f $policy" EXIT
      printf "#!/bin/sh\nexit 101\n" >"$policy"
      chmod 755 "$policy"
    fi
    new=
    for unit in rabbitmq-server.service epmd.socket mosquitto.service; do
      [ -e "/lib/systemd/system/$unit" ] || new="$new $unit"
    done
    apt-get update
    apt-get install --yes --no-install-recommends "$@"
    for unit in $new; do
      if [ -e "/lib/systemd/system/$unit" ] && command -v systemctl >/dev/null; then
        systemctl disable "$unit"
      fi
    done' sh "$@"
}

# What apt-get says that it had to load, in its own words.
loaded_by() {  # LOG
  local size
  size=$(sed -n 's/^Need to get \(.*\) of archives\.$/\1/p' "$1" | tail -n 1)
  printf '%s' "${size%%/*}"  # the rest was there already
}

# Installs what is missing; with `$install` = no says how instead. Leaves in `downloaded`
# how much was loaded for that.
downloaded='0 B'
require_packages() {  # SECTION...
  local packages log
  command -v dpkg-query >/dev/null || fail "this needs Debian 12 or a system made from it: there is no dpkg-query"
  mapfile -t packages < <(missing_packages "$@")
  if ((${#packages[@]} == 0)); then
    return
  fi
  if [[ ${install:-yes} == no ]]; then
    fail "packages are missing: apt-get update && $(apt_command "${packages[@]}")"
  fi
  note packages "missing, installing with apt-get: ${packages[*]}"
  mkdir -p "$root/build"
  log=$root/build/apt.log
  if ! install_packages "${packages[@]}" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "apt-get failed; the whole output is $log"
  fi
  # shellcheck disable=SC2034  # used by those who source this
  downloaded=$(loaded_by "$log")
}

require_node() {
  local version
  version=$(node --version) || fail "node does not run"
  version=${version#v}
  ((${version%%.*} >= 18)) || fail "node $version is too old: 18 or later is needed (Debian 12 has it: nodejs)"
}

# --- Build --------------------------------------------------------------------

# Configures a preset; quiet unless it fails.
configure() {  # PRESET [ARGUMENT...]
  local log=$root/build/configure-$1.log
  mkdir -p "$root/build"
  if ! (cd "$root" && cmake --preset "$@") >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
}

# Shows progress, and nothing if there is nothing to do.
build() {  # PRESET [ARGUMENT...]
  local plan
  plan=$(cd "$root" && cmake --build --preset "$@" -- -n) || true
  [[ $plan == *'no work to do'* ]] || (cd "$root" && NINJA_STATUS='  [%f/%t] ' cmake --build --preset "$@")
}

# --- Waiting ------------------------------------------------------------------

# Waits until a line of FILE matches; fails when PROCESS has ended before or
# after SECONDS. The file may come into being later.
await_line() {  # FILE PATTERN PROCESS SECONDS
  grep -q -m 1 -E "$2" < <(exec timeout "$4" tail -n +1 -s 0.1 --pid="$3" -F "$1" 2>/dev/null)
}

# Ends a child: in order first, by force if it does not. Returns its status.
end_child() {  # PROCESS SECONDS
  kill -TERM "$1" 2>/dev/null || true
  timeout "$2" tail -s 0.05 --pid="$1" -f /dev/null || kill -KILL "$1" 2>/dev/null || true
  wait "$1"
}
