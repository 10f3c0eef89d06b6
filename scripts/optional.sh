#!/usr/bin/env bash
# optional.sh TOOL COMMAND...: runs COMMAND if TOOL is installed. Otherwise it prints prominently that the check is skipped,
# and fails if CI is set: CI skips nothing.
set -euo pipefail

tool=$1
shift
if command -v "$tool" >/dev/null 2>&1; then
    exec "$@"
fi
printf '\n*** SKIPPED: %s is not installed ("make tools" installs it), so this did not run: %s ***\n\n' "$tool" "$*" >&2
[ -z "${CI:-}" ]
