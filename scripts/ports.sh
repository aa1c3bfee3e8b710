# shellcheck shell=bash
# Who listens on ports of 127.0.0.1. Source it.

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

listener_of() {  # PORT -> ' by NAME, process ID' or nothing
  local line
  line=$(ss -Hltnp "sport = :$1" 2>/dev/null | head -n 1) || return 0
  [[ $line =~ \(\(\"([^\"]+)\",pid=([0-9]+) ]] || return 0
  printf ' by %s, process %s' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
}

# Prints the first of the ports that somebody has, as a complaint; fails if there is none.
busy_port() {  # PORT NAME [PORT NAME]...
  while (($# >= 2)); do
    if port_open "$1"; then
      printf 'port %s (%s) is in use%s; choose another range with --port-base N' "$1" "$2" "$(listener_of "$1")"
      return
    fi
    shift 2
  done
  return 1
}
