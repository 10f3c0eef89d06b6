#!/usr/bin/env bash
# Chooses `docker compose` or `docker-compose`, and runs it in this project's directory. No other script calls Compose.
# Fit for bash 3.2.
#
#   compose.sh ARGUMENT...               runs compose
#   compose.sh --service ARGUMENT...     runs `s3-sync ARGUMENT...` in the running service's container, with its exit code
#   compose.sh --logs [SERVICE...]       the containers' logs: until Ctrl-C on a terminal, else those so far
#   compose.sh --ps                      the containers and their states
#   compose.sh --healthy                 waits until the service is healthy, or prints why it is not
set -euo pipefail
cd "$(dirname "$0")/.."

give_up() { printf '%s\n' "$*" >&2; exit 1; }

command -v docker >/dev/null 2>&1 || give_up "Docker is not installed: install Docker Engine with Compose and run this again"
docker info >/dev/null 2>&1 || give_up "the Docker daemon is unreachable: start it, or get permission to use it, and run this again"
if docker compose version >/dev/null 2>&1; then
    compose() { docker compose "$@"; }
elif command -v docker-compose >/dev/null 2>&1; then
    compose() { docker-compose "$@"; }
else
    give_up "there is no Compose here: install the Docker Compose plugin (or docker-compose 1.29) and run this again"
fi

# shellcheck source=scripts/offline/images.sh
. scripts/offline/images.sh
use_offline_images .env

# Compose's own messages on stderr (a file that it cannot read, for example) go to the caller.
container() { compose ps -q sync-service | head -n 1; }

# Checks that the service runs; if not, prints what to do.
need_service() {
    local id state
    id=$(container)
    [ -n "$id" ] || give_up "the service is not running: \"make up\" (or ./sync_cli.sh start) starts it"
    state=$(docker inspect --format '{{.State.Status}}' "$id")
    case $state in
        running) ;;
        restarting) give_up "the service keeps restarting: \"make logs-sync\" shows why" ;;
        *) give_up "the service is not running ($state): \"make up\" (or ./sync_cli.sh start) starts it" ;;
    esac
}

# Succeeds if there is any container, running or not.
need_something() {
    [ -n "$(compose ps -a -q)" ] || give_up "nothing is there: \"make up\" (or ./sync_cli.sh start) starts everything"
}

# After 3 minutes, prints the end of the log instead of a guess.
wait_until_healthy() {
    local id health=none seconds=0 began
    need_service
    id=$(container)
    began=$(docker inspect --format '{{.RestartCount}}' "$id")
    while [ "$seconds" -lt 180 ]; do
        health=$(docker inspect --format '{{.State.Health.Status}}' "$id")
        [ "$health" != healthy ] || { echo "the service is healthy"; return; }
        if [ "$(docker inspect --format '{{.State.Status}} {{.RestartCount}}' "$id")" != "running $began" ]; then
            docker logs --tail 20 "$id" >&2
            give_up "the service ends and is started again; above is the end of its log"
        fi
        sleep 1
        seconds=$((seconds + 1))
    done
    docker logs --tail 20 "$id" >&2
    give_up "the service is not healthy yet ($health); above is the end of its log"
}

case ${1:-} in
    --service)
        shift
        need_service
        if [ -t 0 ] && [ -t 1 ]; then
            compose exec sync-service s3-sync "$@"
        else
            compose exec -T sync-service s3-sync "$@"
        fi
        ;;
    --healthy) wait_until_healthy ;;
    --ps)
        need_something
        compose ps -a
        ;;
    --logs)
        shift
        need_something
        if [ -t 1 ]; then
            compose logs -f --tail=100 "$@"
        else
            compose logs --no-color --tail=100 "$@"
        fi
        ;;
    *) compose "$@" ;;
esac
