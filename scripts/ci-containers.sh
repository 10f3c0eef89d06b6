#!/usr/bin/env bash
# The part of CI that needs Docker: the container tests, and the compose file from scratch to a green `make test-workflow`, removed
# afterwards. If no image can be pulled, the images are built first. Without Docker it prints prominently that none of this ran.
set -euo pipefail
cd "$(dirname "$0")/.."

skipped() {
    printf '\n*** SKIPPED: %s. THE CONTAINER TESTS (make test-containers) AND THE COMPOSE WORKFLOW (make test-workflow) DID NOT RUN. ***\n\n' "$1" >&2
    exit 0
}
command -v docker >/dev/null 2>&1 || skipped "THERE IS NO DOCKER HERE"
docker info >/dev/null 2>&1 || skipped "DOCKER DOES NOT ANSWER HERE"

# Docker without Compose, or without curl for the test doubles: on a bare Debian both must be installed.
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
        docker image inspect "$image" >/dev/null 2>&1 || timeout 600 docker pull --quiet "$image" >/dev/null 2>&1 || return 1
    done
}

part() {
    local began=$SECONDS
    "$@"
    printf 'containers: %s took %d s\n' "$*" $((SECONDS - began))
}

# Compose must read all three files without any message.
files_are_clean() {
    local said code=0
    said=$({
        scripts/compose.sh config -q &&
            scripts/compose.sh -f docker-compose.yml -f docker-compose.dev.yml config -q &&
            SYNC_IMAGE=s3-sync:test CUSTOMER_S3_BUCKET=b CUSTOMER_S3_ACCESS_KEY=k FILE_MANAGER_API_URL=http://files \
            scripts/compose.sh -p s3-sync-production -f docker-compose.production.yml config -q
    } 2>&1) || code=$?
    [ "$code" = 0 ] && [ -z "$said" ] || { printf 'containers: compose ends with %s and reports about its files: %s\n' "$code" "$said" >&2; return 1; }
}
part files_are_clean

can_pull || part scripts/offline-images.sh
# shellcheck source=scripts/offline/images.sh
. scripts/offline/images.sh
use_offline_images
case ${S3_IMAGE:-$s3_image} in
    s3-sync-offline/*) echo "containers: S3 is a stand-in for MinIO, $S3_IMAGE (docs/operations.md)" ;;
    *) echo "containers: S3 is ${S3_IMAGE:-$s3_image}" ;;
esac

export CARGO_PROFILE=dev
part scripts/test-containers.sh

# The images just tested, in a separate project, so that a running stack of the user is not touched.
export SYNC_IMAGE=s3-sync:test MOCK_API_IMAGE=s3-sync-mock-api:test COMPOSE_PROJECT_NAME=s3-sync-ci
export MINIO_CUSTOMER_PORT=19001 MINIO_CUSTOMER_CONSOLE_PORT=19011 MINIO_TARGET_PORT=19002 MINIO_TARGET_CONSOLE_PORT=19012 MOCK_API_PORT=18001

take_down() {
    local code=$?
    if [ "$code" != 0 ]; then
        echo "containers: the compose workflow failed; the logs of its containers:" >&2
        scripts/compose.sh ps >&2 || true
        scripts/compose.sh logs --no-color --tail=200 >&2 || true
    fi
    make clean >/dev/null 2>&1 || true
    left=$(docker volume ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" || true)
    if [ -n "$left" ]; then
        printf 'containers: make clean leaves the volumes %s\n' "$left" >&2
        [ "$code" != 0 ] || code=1
    fi
    exit "$code"
}
trap take_down EXIT
make clean >/dev/null
part make up test-workflow status
