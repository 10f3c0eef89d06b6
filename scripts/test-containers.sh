#!/usr/bin/env bash
# test-containers.sh [ARGUMENT...]: builds the images of the container tests (with the quick profile unless CARGO_PROFILE is set),
# and runs the tests on them; arguments go to the test program. SYNC_IMAGE, MOCK_API_IMAGE and S3_IMAGE name other images.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v docker >/dev/null 2>&1 || { echo "Docker is not installed: install Docker Engine and run this again" >&2; exit 1; }
docker info >/dev/null 2>&1 || { echo "the Docker daemon is unreachable: start it and run this again" >&2; exit 1; }
# shellcheck source=scripts/offline/images.sh
. scripts/offline/images.sh
use_offline_images
# After `make tools` has just installed Rust, the PATH does not have it yet.
PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
arguments=(--build-arg "CARGO_PROFILE=${CARGO_PROFILE:-dev}")
for name in RUST_IMAGE DEBIAN_IMAGE; do
    [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
done
if [ -z "${SYNC_IMAGE:-}" ]; then
    export SYNC_IMAGE=s3-sync:test
    docker build --quiet "${arguments[@]}" --tag "$SYNC_IMAGE" . >/dev/null
fi
if [ -z "${MOCK_API_IMAGE:-}" ]; then
    export MOCK_API_IMAGE=s3-sync-mock-api:test
    docker build --quiet "${arguments[@]}" --file Dockerfile.mock-api --tag "$MOCK_API_IMAGE" . >/dev/null
fi
export S3_IMAGE=${S3_IMAGE:-pgsty/silo:RELEASE.2026-09-03T13-18-01Z}
cargo test --workspace --features "${FEATURES:-failpoints},containers" --test containers -- "$@"
