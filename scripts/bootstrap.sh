#!/bin/sh
# Checks for a C compiler and the Rust toolchain of rust-toolchain.toml, and installs what is missing: the compiler with
# apt-get (as root or with sudo), Rust with rustup's documented installer. If it cannot, it prints in one line what to
# install. If nothing is missing it prints nothing, uses no network and takes milliseconds.
set -eu
cd "$(dirname "$0")/.."

cargo_bin="${CARGO_HOME:-$HOME/.cargo}/bin"
PATH="$cargo_bin:$PATH"
rust_version=$(sed -n 's/^channel *= *"\(.*\)"$/\1/p' rust-toolchain.toml)

say() { printf 'bootstrap: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Succeeds if `apt-get` may be used: as root, with a sudo that needs no password, or on a terminal.
can_apt() {
    has apt-get || return 1
    [ "$(id -u)" = 0 ] && return 0
    has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }
}

apt_install() {
    as_root=sudo
    [ "$(id -u)" = 0 ] && as_root=
    say "installing $* with apt-get"
    $as_root apt-get update -qq >&2 || say "apt-get update failed; trying with the package lists at hand"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# A compiler without the C library's headers is useless. On macOS `cc` exists before the tools that it calls.
has_c_compiler() {
    has cc || return 1
    [ "$(uname)" != Darwin ] || xcode-select -p >/dev/null 2>&1 || return 1
    printf '#include <stdlib.h>\n' | cc -E -x c - >/dev/null 2>&1
}

need_c_compiler() {
    has_c_compiler && return
    if can_apt && apt_install gcc libc6-dev; then
        has_c_compiler && return
    fi
    give_up "no C compiler: install one (Debian, Ubuntu: apt-get install gcc libc6-dev; Fedora: dnf install gcc; Alpine: apk add gcc musl-dev; macOS: xcode-select --install) and run this again"
}

# With rustup only the toolchain's directory is checked: calling rustup could use the network.
has_rust() {
    has cargo || return 1
    if has rustup; then
        [ -n "${RUSTUP_TOOLCHAIN:-}" ] && return 0
        for toolchain in "${RUSTUP_HOME:-$HOME/.rustup}/toolchains/$rust_version"-*; do
            [ -d "$toolchain" ] && return 0
        done
        return 1
    fi
    at_least "$(cargo --version | sed 's/^cargo \([0-9.]*\).*/\1/')" "$rust_version"
}

# at_least 1.96.0 1.95.0: succeeds if the first version is the second one or later.
at_least() {
    awk -v have="$1" -v need="$2" 'BEGIN {
        split(have, h, "."); split(need, n, ".")
        for (i = 1; i <= 3; i++) if (h[i] + 0 != n[i] + 0) exit !(h[i] + 0 > n[i] + 0)
    }'
}

# Downloaded completely before it runs: a truncated script must not run.
run_rustup_installer() {
    if ! has curl && ! has wget; then
        can_apt || return 1
        apt_install curl ca-certificates || return 1
    fi
    installer=$(mktemp)
    trap 'rm -f "$installer"' EXIT
    if has curl; then
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o "$installer" || return 1
    else
        wget -q https://sh.rustup.rs -O "$installer" || return 1
    fi
    RUSTUP_INIT_SKIP_PATH_CHECK=yes sh "$installer" -y --profile minimal --default-toolchain "$rust_version" \
        --component clippy --component rustfmt >&2
}

need_rust() {
    has_rust && return
    if has rustup; then
        say "installing Rust $rust_version with rustup"
        rustup toolchain install "$rust_version" --profile minimal --component clippy --component rustfmt >&2 && return
    else
        say "installing Rust $rust_version with rustup's installer"
        # `hash -r`: the shell remembers where it found an older cargo.
        run_rustup_installer && hash -r && has_rust && return
    fi
    give_up "no Rust $rust_version: install it with rustup (https://rustup.rs) and run this again"
}

need_c_compiler
need_rust
