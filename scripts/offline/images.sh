# shellcheck shell=bash
# Sourced, not run: reads the file that scripts/offline-images.sh writes. Fit for bash 3.2.

# use_offline_images [FILE]: the images built offline, if there are any. The environment and FILE take precedence.
use_offline_images() {
    local name value
    [ -f .offline-images.env ] || return 0
    while IFS='=' read -r name value; do
        if [ -z "${!name:-}" ] && ! grep -qs "^$name=." "${1:-/dev/null}"; then
            export "$name=$value"
        fi
    done <.offline-images.env
}
