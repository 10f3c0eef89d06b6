#!/usr/bin/env bash
# rebuild-on-change.sh ARGUMENT...: inside the container of `make dev`. Builds the service, runs `s3-sync ARGUMENT...`, and does both
# again when a source changes; after a change that does not compile, the previous build keeps running.
set -uo pipefail

binary=${CARGO_TARGET_DIR:-target}/debug/s3-sync
stamp=$(mktemp)
# As in the image: `make status` and sync_cli.sh find the program by its name.
ln -sf "$binary" /usr/local/bin/s3-sync
service=

stop_service() {
    [ -n "$service" ] || return 0
    kill -TERM "$service" 2>/dev/null
    wait "$service"
    service=
}
trap 'stop_service; exit 0' TERM INT

while true; do
    touch "$stamp"
    # The same packages as in the Dockerfile, so that no dependency is recompiled with other features.
    if cargo build --locked --package s3-sync --package mock-api --bin s3-sync; then
        stop_service
        "$binary" "$@" &
        service=$!
    else
        echo "rebuild-on-change: it does not compile; waiting for the next change" >&2
    fi
    until [ -n "$(find src Cargo.toml Cargo.lock -newer "$stamp" -print -quit)" ]; do
        sleep 1 &
        wait $!
    done
    echo "rebuild-on-change: a source changed" >&2
done
