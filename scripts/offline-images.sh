#!/usr/bin/env bash
# Builds the images that a build or a test would pull, on a machine that reaches a Debian mirror and a Rust package registry but no
# image registry: Debian slim (debootstrap), Rust (on it, with this machine's toolchain), and a replacement for MinIO.
#
#   scripts/offline-images.sh            builds missing and outdated images, and writes .offline-images.env, which the
#                                        Makefile and sync_cli.sh read: from then on they use these images
#   scripts/offline-images.sh --remove   removes the images and that file: from then on images are pulled again
#
# Each image carries a hash of its inputs; an image that is up to date is not rebuilt, so a second run takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly LABEL=s3-sync.offline.inputs
readonly ENV_FILE=.offline-images.env
readonly SUITE=${OFFLINE_SUITE:-bookworm}
readonly S3S_FS_VERSION=0.14.1
rust_version=$(sed -n 's/^channel *= *"\(.*\)"$/\1/p' rust-toolchain.toml)
readonly rust_version
readonly DEBIAN=s3-sync-offline/debian:$SUITE-slim
readonly RUST=s3-sync-offline/rust:$rust_version-slim-$SUITE
readonly S3=s3-sync-offline/s3:s3s-fs-$S3S_FS_VERSION

say() { printf 'offline-images: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 1; }

main() {
    command -v docker >/dev/null || give_up "there is no docker: install Docker Engine and run this again"
    docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || give_up "the Docker daemon does not answer: start it, or ask for the right to use it"
    case ${1:-} in
        '') ;;
        --remove) remove; return ;;
        *) give_up "usage: $0 [--remove]" ;;
    esac
    # A Debian system needs device files, which a tmpfs on /tmp may forbid.
    work=$(mktemp -d "${TMPDIR:-/var/tmp}/s3-sync-offline.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    replacing "$DEBIAN" debian_image
    replacing "$RUST" rust_image
    replacing "$S3" s3_image
    printf 'DEBIAN_IMAGE=%s\nRUST_IMAGE=%s\nS3_IMAGE=%s\n' "$DEBIAN" "$RUST" "$S3" >"$ENV_FILE"
    say "done; $ENV_FILE names the images for the Makefile and sync_cli.sh (for plain docker-compose: copy its lines into .env)"
}

# up_to_date IMAGE HASH: succeeds if the image exists and was built from these inputs.
up_to_date() {
    [ "$(docker image inspect --format "{{index .Config.Labels \"$LABEL\"}}" "$1" 2>/dev/null)" = "$2" ] || return 1
    say "$1 is up to date"
}

hash_of() { sha256sum | cut -c -16; }

# Certificates added to this machine: networks that inspect TLS need them inside the image, too.
own_certificates() { find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null | LC_ALL=C sort; }

# The mirror of this machine's own packages, or debootstrap's default.
mirror() {
    apt-get indextargets --format "\$(CODENAME) \$(REPO_URI)" 'Created-By: Packages' 2>/dev/null |
        awk -v suite="$SUITE" '$1 == suite { print $2; exit }'
}

debian_image() {
    local certificates inputs root=$work/debian as_root=()
    mapfile -t certificates < <(own_certificates)
    inputs=$({ declare -f debian_image; echo "$SUITE" "$(mirror)"; cat "${certificates[@]}" /dev/null; } | hash_of)
    up_to_date "$DEBIAN" "$inputs" && return
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    if ! command -v debootstrap >/dev/null; then
        command -v apt-get >/dev/null || give_up "there is no debootstrap: install it and run this again"
        say "installing debootstrap"
        "${as_root[@]}" apt-get update -qq >&2
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >&2
    fi
    say "making $DEBIAN"
    "${as_root[@]}" debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$root" "$(mirror)" >"$work/debootstrap.log" 2>&1 || {
        tail -n 20 "$work/debootstrap.log" >&2
        give_up "debootstrap failed"
    }
    "${as_root[@]}" mkdir -p "$root/usr/local/share/ca-certificates"
    [ "${#certificates[@]}" = 0 ] || "${as_root[@]}" cp "${certificates[@]}" "$root/usr/local/share/ca-certificates/"
    "${as_root[@]}" chroot "$root" update-ca-certificates >/dev/null
    # The paths that the official slim image leaves out as well, now and for packages installed later.
    printf 'path-exclude /usr/share/%s/*\n' doc info locale man | "${as_root[@]}" tee "$root/etc/dpkg/dpkg.cfg.d/slim" >/dev/null
    printf '%s\n' 'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' 'APT::Keep-Downloaded-Packages "false";' |
        "${as_root[@]}" tee "$root/etc/apt/apt.conf.d/slim" >/dev/null
    "${as_root[@]}" tar -C "$root" -c --one-file-system --exclude='./usr/share/doc/*' --exclude='./usr/share/info/*' \
        --exclude='./usr/share/locale/*' --exclude='./usr/share/man/*' --exclude='./var/lib/apt/lists/*' --exclude='./var/cache/apt/*' \
        --exclude='./var/log/*' --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' . |
        docker import --change "LABEL $LABEL=$inputs" --change 'CMD ["bash"]' - "$DEBIAN" >/dev/null
    "${as_root[@]}" rm -rf "$root"
}

rust_image() {
    local sysroot found inputs
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    command -v rustc >/dev/null || give_up "there is no Rust on this machine: scripts/bootstrap.sh installs it"
    found=$(rustc --version --verbose)
    sysroot=$(rustc --print sysroot)
    [ "$(sed -n 's/^release: //p' <<<"$found")" = "$rust_version" ] || give_up "rustc is not $rust_version, which rust-toolchain.toml asks for: $found"
    inputs=$({ declare -f rust_image; echo "$found"; id_of "$DEBIAN"; cat scripts/offline/rust.Dockerfile; } | hash_of)
    up_to_date "$RUST" "$inputs" && return
    say "making $RUST"
    cp scripts/offline/rust.Dockerfile "$work/Dockerfile"
    tar -c -C "$work" Dockerfile -C "$sysroot" --exclude='lib/rustlib/src' --exclude='lib/rustlib/etc' bin/cargo bin/rustc lib |
        build "$RUST" "$inputs" --build-arg "DEBIAN_IMAGE=$DEBIAN" -
}

s3_image() {
    local inputs
    inputs=$({ declare -f s3_image; echo "$S3S_FS_VERSION"; id_of "$RUST"; cat scripts/offline/s3.Dockerfile scripts/offline/s3-entry.sh; } | hash_of)
    up_to_date "$S3" "$inputs" && return
    say "making $S3"
    build "$S3" "$inputs" --build-arg "DEBIAN_IMAGE=$DEBIAN" --build-arg "RUST_IMAGE=$RUST" \
        --build-arg "S3S_FS_VERSION=$S3S_FS_VERSION" --file scripts/offline/s3.Dockerfile scripts/offline
}

id_of() { docker image inspect --format '{{.Id}}' "$1"; }

# build IMAGE HASH ARGUMENT...
build() {
    local image=$1 inputs=$2
    shift 2
    docker build --quiet --tag "$image" --label "$LABEL=$inputs" "$@" >"$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log" >&2
        give_up "$image cannot be built"
    }
}

# replacing IMAGE COMMAND...: runs the command, which rebuilds the image, and removes the previous image of that name. Nothing else is
# removed: images built from these carry their labels, too, and hold the layer with our compiled dependencies.
replacing() {
    local image=$1 before
    shift
    before=$(id_of "$image" 2>/dev/null || true)
    "$@"
    [ -z "$before" ] || [ "$before" = "$(id_of "$image")" ] || docker image rm "$before" >/dev/null 2>&1 || true
}

remove() {
    rm -f "$ENV_FILE"
    for image in "$S3" "$RUST" "$DEBIAN"; do
        if docker image inspect "$image" >/dev/null 2>&1; then
            docker image rm "$image" >/dev/null && say "removed $image"
        fi
    done
    docker image prune --force --filter "label=$LABEL" >/dev/null
}

main "$@"
