#!/usr/bin/env bash
# The service in its containers, from any directory. Fit for bash 3.2. The exit code of a command is that of s3-sync
# (docs/cli.md); of the others, that of compose.
set -euo pipefail

# Called by a symbolic link, it works in the directory of its target.
source=${BASH_SOURCE[0]}
while [ -L "$source" ]; do
    target=$(readlink "$source")
    case $target in
        /*) source=$target ;;
        *) source=$(dirname "$source")/$target ;;
    esac
done
here=$(cd "$(dirname "$source")" && pwd)

usage() {
    cat <<'HELP'
Usage: sync_cli.sh COMMAND [ARGUMENT...]

The containers:
  start                starts everything and waits until the service is healthy (builds the images the first time)
  stop                 stops everything; nothing is lost
  restart              stops and starts the service
  logs [SERVICE...]    the containers' logs; on a terminal until Ctrl-C
  shell                a shell in the service's container

In the running service (its exit codes: docs/cli.md):
  status               its state, and which endpoints are reachable
  initial-sync         lists the whole bucket and applies it
  incremental-sync     one cycle
  test                 checks every endpoint, with a hint for each unreachable one
  COMMAND              every other command of s3-sync: reconcile, export, why, dead-letters, …

  help                 this text
HELP
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
    start)
        "$here/scripts/compose.sh" up -d "$@"
        exec "$here/scripts/compose.sh" --healthy
        ;;
    stop) exec "$here/scripts/compose.sh" stop "$@" ;;
    restart)
        "$here/scripts/compose.sh" restart "${@:-sync-service}"
        exec "$here/scripts/compose.sh" --healthy
        ;;
    logs) exec "$here/scripts/compose.sh" --logs "$@" ;;
    shell) exec "$here/scripts/compose.sh" exec sync-service bash ;;
    help | -h | --help) usage ;;
    *) exec "$here/scripts/compose.sh" --service "$command" "$@" ;;
esac
