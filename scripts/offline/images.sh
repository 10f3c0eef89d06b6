# shellcheck shell=bash
# Sourced, not run: the one place that reads what scripts/offline-images.sh wrote. Fit for bash 3.2.

# use_offline_images [FILE]: the images that were made offline, if there are any. What the environment says goes first, and what FILE sets.
use_offline_images() {
    local name value
    [ -f .offline-images.env ] || return 0
    while IFS='=' read -r name value; do
        if [ -z "${!name:-}" ] && ! grep -qs "^$name=." "${1:-/dev/null}"; then
            export "$name=$value"
        fi
    done <.offline-images.env
}
