#!/usr/bin/env bash
# Runs bootstrap.sh on simulated machines: a PATH in which apt-get, curl, sudo and the rest only record their calls and
# pretend to succeed. Nothing is installed, and no network is used.
set -euo pipefail
cd "$(dirname "$0")/.."

rust_version=$(sed -n 's/^channel *= *"\(.*\)"$/\1/p' rust-toolchain.toml)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0 cases=0

# fake NAME BODY: a program on the simulated machine. It records its call and runs BODY (sh).
fake() {
    printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n%s\n' "$1" "$box" "$2" >"$box/bin/$1"
    chmod +x "$box/bin/$1"
}

# quiet NAME BODY: the same, without the record.
quiet() {
    printf '#!/bin/sh\n%s\n' "$2" >"$box/bin/$1"
    chmod +x "$box/bin/$1"
}

# machine NAME [UID]: a new machine with basic programs; UID 0 (root) by default.
machine() {
    name=$1 box="$work/$cases" cases=$((cases + 1))
    mkdir -p "$box/bin" "$box/home"
    : >"$box/calls"
    for tool in sh bash env dirname sed awk mktemp rm cat chmod mkdir make; do
        ln -s "$(command -v $tool)" "$box/bin/$tool"
    done
    quiet id "echo ${2:-0}"
    quiet uname 'echo Linux'
}

with_cc() { quiet cc 'cat >/dev/null'; }
with_cargo() { quiet cargo "echo 'cargo $1 (abc 2026-01-01)'"; }
with_toolchain() { mkdir -p "$box/home/.rustup/toolchains/$1-x86_64-unknown-linux-gnu"; }

# An apt-get whose packages install programs.
with_apt() {
    fake apt-get "case \"\$*\" in
        *gcc*) printf '#!/bin/sh\ncat >/dev/null\n' >'$box/bin/cc'; chmod +x '$box/bin/cc' ;;
        *curl*) printf '#!/bin/sh\necho \"curl \$*\" >>\"$box/calls\"\n. \"$box/download\"\n' >'$box/bin/curl'; chmod +x '$box/bin/curl' ;;
    esac"
}

# The downloaded installer: a script that puts a cargo, which records its calls, into the home directory.
installer() {
    cat >"$box/download" <<DOWNLOAD
for last in "\$@"; do :; done
cat >"\$last" <<'INSTALLER'
echo "installer \$*" >>"$box/calls"
mkdir -p "$box/home/.cargo/bin"
printf '#!/bin/sh\necho "cargo \$*" >>"$box/calls"\necho "cargo $rust_version"\n' >"$box/home/.cargo/bin/cargo"
chmod +x "$box/home/.cargo/bin/cargo"
INSTALLER
DOWNLOAD
}
with_curl() { installer; fake curl ". '$box/download'"; }

boot() {
    code=0
    env -i PATH="$box/bin" HOME="$box/home" "$@" </dev/null >"$box/out" 2>"$box/err" || code=$?
}

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s: %s\n' "$name" "$1" >&2
    sed 's/^/    | /' "$box/calls" "$box/out" "$box/err" >&2
}

expect_code() { [ "$code" = "$1" ] || fail "exit code $code instead of $1"; }
expect_call() { grep -qF -- "$1" "$box/calls" || fail "not called: $1"; }
expect_no_calls() { [ ! -s "$box/calls" ] || fail "a program was called"; }
expect_silence() { [ -z "$(cat "$box/out" "$box/err")" ] || fail "it printed something"; }
expect_one_line() {
    [ "$(tail -n 1 "$box/err" | grep -cF -- "$1")" = 1 ] || fail "the last line does not contain: $1"
    [ ! -s "$box/out" ] || fail "something on stdout"
}
expect_only_line() { expect_one_line "$1"; [ "$(wc -l <"$box/err")" -eq 1 ] || fail "more than one line"; }

machine "everything is there"
with_cc; with_cargo "$rust_version"; with_apt; with_curl
boot scripts/bootstrap.sh
expect_code 0; expect_silence; expect_no_calls

machine "cargo is only in the home directory, the toolchain by rustup"
with_cc; with_apt; with_curl; fake rustup ''; with_toolchain "$rust_version"
mkdir -p "$box/home/.cargo/bin"; with_cargo "$rust_version"; mv "$box/bin/cargo" "$box/home/.cargo/bin/"
boot scripts/bootstrap.sh
expect_code 0; expect_silence; expect_no_calls

machine "a newer Rust without rustup"
with_cc; with_cargo 2.0.1; with_curl
boot scripts/bootstrap.sh
expect_code 0; expect_silence; expect_no_calls

machine "no compiler, root"
with_cargo "$rust_version"; with_apt
boot scripts/bootstrap.sh
expect_code 0; expect_call "apt-get update"; expect_call "install -y -qq --no-install-recommends gcc libc6-dev"

machine "a compiler without headers, root"
quiet cc 'cat >/dev/null; exit 1'; with_cargo "$rust_version"; with_apt
boot scripts/bootstrap.sh
expect_code 0; expect_call "gcc libc6-dev"

machine "no compiler, a user with sudo" 1000
with_cargo "$rust_version"; with_apt
# shellcheck disable=SC2016 # The fake sudo expands it.
fake sudo '[ "$1" = -n ] || exec "$@"'
boot scripts/bootstrap.sh
expect_code 0; expect_call "sudo apt-get update"; expect_call "sudo env DEBIAN_FRONTEND=noninteractive apt-get install"

machine "no compiler, a user whose sudo needs a password without a terminal" 1000
with_cargo "$rust_version"; with_apt; quiet sudo 'exit 1'
boot scripts/bootstrap.sh
expect_code 1; expect_no_calls; expect_only_line "apt-get install gcc libc6-dev"

machine "no compiler, no apt-get"
with_cargo "$rust_version"
boot scripts/bootstrap.sh
expect_code 1; expect_only_line "no C compiler: install one"

machine "no compiler, and apt-get fails"
with_cargo "$rust_version"; fake apt-get 'exit 100'
boot scripts/bootstrap.sh
expect_code 1; expect_call "apt-get install"; expect_one_line "no C compiler: install one"

machine "no Rust"
with_cc; with_curl
boot scripts/bootstrap.sh
expect_code 0; expect_call "-sSf https://sh.rustup.rs"
expect_call "installer -y --profile minimal --default-toolchain $rust_version --component clippy --component rustfmt"

machine "an old Rust of the distribution"
with_cc; with_cargo 1.63.0; with_curl
boot scripts/bootstrap.sh
expect_code 0; expect_call "installer -y"

machine "no Rust, nothing to fetch it with, root"
with_cc; with_apt; installer
boot scripts/bootstrap.sh
expect_code 0; expect_call "apt-get install -y -qq --no-install-recommends curl ca-certificates"; expect_call "installer -y"

machine "no Rust, no network"
with_cc; fake curl 'exit 6'
boot scripts/bootstrap.sh
expect_code 1; expect_call "sh.rustup.rs"; expect_one_line "no Rust $rust_version: install it with rustup"

machine "rustup has another toolchain"
with_cc; with_cargo "$rust_version"; fake rustup ''; with_toolchain 1.63.0; with_curl
boot scripts/bootstrap.sh
expect_code 0; expect_call "rustup toolchain install $rust_version --profile minimal --component clippy --component rustfmt"

for target in demo test; do
    machine "make $target with neither compiler nor Rust"
    with_apt; with_curl
    boot make --silent "$target"
    expect_code 0; expect_call "gcc libc6-dev"; expect_call "installer -y"
    case $target in
        demo) expect_call "cargo run --quiet --features failpoints" ;;
        test) expect_call "cargo test --workspace" ;;
    esac
done

printf 'bootstrap: %s machines, %s failures\n' "$cases" "$failures"
[ "$failures" = 0 ]
