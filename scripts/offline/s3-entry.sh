#!/bin/sh
# Starts s3s-fs as MinIO would be started: `server DIR [--address HOST:PORT] [--console-address …]`, with the credentials in
# MINIO_ROOT_USER and MINIO_ROOT_PASSWORD (or files named by …_FILE). There is no console, and the flag for it is ignored.
set -eu

fail() { echo "s3 stand-in: $*" >&2; exit 2; }

[ "${1:-}" = server ] || fail "usage: server DIR [--address HOST:PORT] [--console-address …]"
shift
directory='' address=:9000
while [ $# -gt 0 ]; do
    case $1 in
        --address) address=$2; shift 2 ;;
        --address=*) address=${1#*=}; shift ;;
        --console-address) echo "s3 stand-in: there is no console; $1 $2 is ignored" >&2; shift 2 ;;
        --console-address=*) echo "s3 stand-in: there is no console; $1 is ignored" >&2; shift ;;
        -*) fail "unknown flag $1" ;;
        *) [ -z "$directory" ] || fail "one directory, not two: $directory, $1"; directory=$1; shift ;;
    esac
done
[ -n "$directory" ] || fail "a directory is missing"

user=${MINIO_ROOT_USER:-minioadmin} password=${MINIO_ROOT_PASSWORD:-minioadmin}
[ -z "${MINIO_ROOT_USER_FILE:-}" ] || user=$(cat "$MINIO_ROOT_USER_FILE")
[ -z "${MINIO_ROOT_PASSWORD_FILE:-}" ] || password=$(cat "$MINIO_ROOT_PASSWORD_FILE")
host=${address%:*}
# s3s-fs logs two lines of ERROR for every request without a signature, and the health check sends one every two seconds.
export RUST_LOG="${RUST_LOG:-error,s3s::ops=off}"
mkdir -p "$directory"
echo "s3 stand-in: s3s-fs on port ${address##*:}, data in $directory" >&2
exec s3s-fs --host "${host:-0.0.0.0}" --port "${address##*:}" --access-key "$user" --secret-key "$password" "$directory"
