#!/usr/bin/env bash
# The part of CI that needs Docker: the container tests, and the compose file from nothing to a green `make test-workflow`, taken down
# afterwards. Where no image can be pulled, the images are made first. Where there is no Docker it says loudly that nothing of this ran.
set -euo pipefail
cd "$(dirname "$0")/.."

skipped() {
    printf '\n*** SKIPPED: %s. THE CONTAINER TESTS (make test-containers) AND THE COMPOSE WORKFLOW (make test-workflow) DID NOT RUN. ***\n\n' "$1" >&2
    exit 0
}
command -v docker >/dev/null 2>&1 || skipped "THERE IS NO DOCKER HERE"
docker info >/dev/null 2>&1 || skipped "DOCKER DOES NOT ANSWER HERE"

# Docker without Compose, or without what asks the doubles: a bare Debian has both to install.
packages=()
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || packages+=(docker-compose)
command -v curl >/dev/null || packages+=(curl)
if [ "${#packages[@]}" -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

default_image() { sed -n "s/^ARG $1=//p" Dockerfile; }
s3_image=$(sed -n 's/.*S3_IMAGE:-\([^}]*\)}.*/\1/p' docker-compose.yml)
can_pull() {
    local image
    for image in "$(default_image DEBIAN_IMAGE)" "$(default_image RUST_IMAGE)" "$s3_image"; do
        docker image inspect "$image" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$image" >/dev/null 2>&1 || return 1
    done
}

part() {
    local began=$SECONDS
    "$@"
    printf 'containers: %s took %d s\n' "$*" $((SECONDS - began))
}

# Compose reads all three files, and has nothing to say about them.
files_are_clean() {
    local said
    said=$({
        scripts/compose.sh config -q
        scripts/compose.sh -f docker-compose.yml -f docker-compose.dev.yml config -q
        SYNC_IMAGE=s3-sync:test CUSTOMER_S3_BUCKET=b CUSTOMER_S3_ACCESS_KEY=k FILE_MANAGER_API_URL=http://files \
            scripts/compose.sh -p s3-sync -f docker-compose.production.yml config -q
    } 2>&1)
    [ -z "$said" ] || { printf 'containers: compose says of its files: %s\n' "$said" >&2; return 1; }
}
part files_are_clean

if can_pull; then
    echo "containers: S3 is $s3_image"
else
    part scripts/offline-images.sh
    echo "containers: no image can be pulled here: S3 is a stand-in for MinIO (docs/operations.md)"
fi

export CARGO_PROFILE=dev
part scripts/test-containers.sh

# The images that were just tested, in a project of their own: somebody's running stack stays as it is.
export SYNC_IMAGE=s3-sync:test MOCK_API_IMAGE=s3-sync-mock-api:test COMPOSE_PROJECT_NAME=s3-sync-ci
export MINIO_CUSTOMER_PORT=19001 MINIO_CUSTOMER_CONSOLE_PORT=19011 MINIO_TARGET_PORT=19002 MINIO_TARGET_CONSOLE_PORT=19012 MOCK_API_PORT=18001

take_down() {
    local code=$?
    if [ "$code" != 0 ]; then
        echo "containers: the compose workflow failed; what its containers say:" >&2
        scripts/compose.sh ps >&2 || true
        scripts/compose.sh logs --no-color --tail=200 >&2 || true
    fi
    make clean >/dev/null 2>&1 || true
    exit "$code"
}
make clean >/dev/null 2>&1
trap take_down EXIT
part make up test-workflow status
