#!/usr/bin/env bash
# The C++ of the README is examples/embedded.cc without its first line, so that
# what is shown is compiled.
set -euo pipefail
root=$1
# shellcheck disable=SC2016  # no shell in these
diff <(tail -n +2 "$root/examples/embedded.cc") \
  <(sed -n '/^```cpp$/,/^```$/p' "$root/README.md" | sed '1d;$d')
