#!/usr/bin/env bash
# Tests the whole service in the running containers: `s3-sync test`, and then, on the test doubles only, a scripted day. The
# bucket changes, mock-api's feed reports all five types of events, a cycle runs, and exactly the calls of the contract must
# arrive: 2 creates, 1 delete, 1 rename, 1 move, 2 permission changes, and one get or set of permissions for each create.
# Then the same feed again: no call may arrive. Everything is done below a separate directory in the bucket. Fit for bash 3.2.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n\n' "$*"; }
give_up() { printf 'test-workflow: %s\n' "$*" >&2; exit 1; }
service() { scripts/compose.sh --service "$@"; }

say "s3-sync test"
service test

id=$(scripts/compose.sh ps -q sync-service)
setting() { docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$id" | sed -n "s/^$1=//p"; }
if [ "$(setting CUSTOMER_S3_ENDPOINT)" != http://minio-customer:9000 ] || [ "$(setting FILE_MANAGER_API_URL)" != http://mock-api:8001 ] ||
    [ "$(setting EVENTS_API_URL)" != http://mock-api:8001 ]; then
    say "The scripted day is skipped: these settings do not name the test doubles, and it would write into a real bucket"
    exit 0
fi
command -v curl >/dev/null || give_up "the scripted day needs curl"

bucket=$(setting CUSTOMER_S3_BUCKET)
access_key=$(setting CUSTOMER_S3_ACCESS_KEY)
secret_key=$(setting CUSTOMER_S3_SECRET_KEY)
# published SERVICE PORT: its address on this machine.
published() { scripts/compose.sh port "$1" "$2" | tail -n 1; }
s3_url=http://$(published minio-customer 9000)
mock_url=http://$(published mock-api 8001)/_mock
day=staged-day/$(date -u +%Y%m%dT%H%M%SZ)-$$
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }

# s3 METHOD KEY [TEXT]: one signed request. The credentials go through a file: process arguments are public.
s3() {
    printf '%s' "${3:-}" >"$work/body"
    printf 'user = "%s:%s"\naws-sigv4 = "aws:amz:us-east-1:s3"\n' "$access_key" "$secret_key" |
        curl --config - --silent --show-error --fail --output /dev/null --request "$1" --data-binary "@$work/body" \
            --header "x-amz-content-sha256: $(sha256 <"$work/body")" --header 'content-type: text/plain' "$s3_url/$bucket/$2" ||
        give_up "$1 $2 failed at $s3_url"
}
mock() { curl --silent --show-error --fail "$@" || give_up "mock-api is unreachable at $mock_url"; }
feed() { mock --output /dev/null --request PUT --header 'content-type: application/json' --data "{\"events\":[$1]}" "$mock_url/feed"; }
# event TYPE PATH [NEW_PATH] [METADATA]
event() {
    printf '{"event_type":"%s","file_path":"/%s","new_path":%s,"metadata":%s,"timestamp":"%s"}' \
        "$1" "$2" "$([ -n "${3:-}" ] && printf '"/%s"' "$3" || echo null)" "${4:-null}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
# The calls since the last reset: `call operation path new_path`, sorted.
arrived() {
    mock --output "$work/calls" "$mock_url/calls"
    tr '{' '\n' <"$work/calls" |
        sed -n -E 's/.*"call":"([^"]*)".*"new_path":(null|"[^"]*").*"operation":(null|"[^"]*").*"path":(null|"[^"]*").*/\1 \3 \4 \2/p' |
        tr -d '"' | grep -E '^(saveToDisk|updatePermissions) ' | LC_ALL=C sort || true
}
forget() { mock --output /dev/null --request DELETE "$mock_url/calls"; }

say "A staged day, below $day/: first what is there in the morning"
for name in report.txt photo.png old.txt draft.txt box/item.txt; do
    s3 PUT "$day/$name" "this is $name of $day"
done
feed ''
service initial-sync

say "The bucket changes, and the feed reports it"
s3 PUT "$day/new-1.txt" "the first new one of $day"
s3 PUT "$day/new-2.txt" "the second new one of $day"
s3 DELETE "$day/old.txt"
s3 PUT "$day/final.txt" "this is draft.txt of $day"
s3 DELETE "$day/draft.txt"
s3 PUT "$day/shelf/item.txt" "this is box/item.txt of $day"
s3 DELETE "$day/box/item.txt"
forget
feed "$(event create "$day/new-1.txt" '' '{"permissions":"rw-------","owner":"ada","group":"staff"}'),$(
    event create "$day/new-2.txt"),$(
    event change_permission "$day/report.txt" '' '{"permissions":"r--r--r--"}'),$(
    event change_permission "$day/photo.png" '' '{"new_permissions":"rwx------"}'),$(
    event delete "$day/old.txt"),$(
    event rename "$day/draft.txt" "$day/final.txt"),$(
    event move "$day/box/item.txt" "$day/shelf/item.txt")"
service incremental-sync
arrived >"$work/arrived"
LC_ALL=C sort >"$work/expected" <<EXPECTED
saveToDisk create $day/new-1.txt null
saveToDisk create $day/new-2.txt null
saveToDisk delete $day/old.txt null
saveToDisk move $day/box/item.txt $day/shelf/item.txt
saveToDisk rename $day/draft.txt $day/final.txt
updatePermissions get $day/new-2.txt null
updatePermissions set $day/new-1.txt null
updatePermissions set $day/photo.png null
updatePermissions set $day/report.txt null
EXPECTED
if ! diff "$work/expected" "$work/arrived" >"$work/difference"; then
    sed -e 's/^</missing   /' -e 's/^>/unexpected/' "$work/difference" | grep -E '^(missing|unexpected)' >&2
    give_up "other calls arrived than the contract asks for"
fi
cat "$work/arrived"

say "The same feed again: nothing may happen"
forget
service incremental-sync
arrived >"$work/arrived"
[ ! -s "$work/arrived" ] || { cat "$work/arrived" >&2; give_up "a feed that was used up already caused calls"; }

say "The day is cleared away"
gone=
for name in report.txt photo.png new-1.txt new-2.txt final.txt shelf/item.txt; do
    s3 DELETE "$day/$name"
    gone=$gone${gone:+,}$(event delete "$day/$name")
done
feed "$gone"
service incremental-sync
feed ''
say "test-workflow: passed"
