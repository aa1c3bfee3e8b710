#!/usr/bin/env bash
# Installs a build and builds and starts programs against what was installed.
set -euo pipefail
build=$1
flags=$2
source=$(dirname -- "$(realpath -- "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/installed" >/dev/null
cmake -G Ninja -S "$source" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/installed" \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_FLAGS="$flags" >/dev/null
cmake --build "$work/build"

status=0
"$work/build/embedded" 2>"$work/said" || status=$?
[ "$status" -eq 2 ]
grep -q '^usage: embedded' "$work/said"
"$work/build/token" | grep -q '^the token is refused'
