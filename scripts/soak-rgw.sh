#!/usr/bin/env bash
# soak-rgw.sh COMMAND...: starts a small Ceph cluster on loopback (a monitor, an OSD in memory, a RADOS Gateway; 200 MB), runs COMMAND
# with RGW_ENDPOINT, RGW_ACCESS_KEY and RGW_SECRET_KEY, and ends the cluster. If anything fails, the cluster's logs stay.
# Needs Ceph 16 or later (radosgw, ceph-mon, ceph-osd, ceph-common) and Python 3. If Ceph is missing it installs the packages of Debian
# or Ubuntu, as root or with sudo.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: soak-rgw.sh COMMAND..." >&2; exit 2; }

say() { printf 'soak-rgw: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 1; }

packages=()
command -v radosgw >/dev/null || packages+=(radosgw)
command -v ceph-mon >/dev/null || packages+=(ceph-mon)
command -v ceph-osd >/dev/null || packages+=(ceph-osd)
command -v ceph >/dev/null || packages+=(ceph-common)
if [ "${#packages[@]}" -gt 0 ]; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    say "installing ${packages[*]} with apt-get"
    { command -v apt-get && "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >&2 ||
        give_up "no Ceph: install ${packages[*]} (Debian, Ubuntu: apt-get install ${packages[*]}) and run this again"
fi

cluster=$(mktemp -d "${TMPDIR:-/tmp}/soak-rgw.XXXXXX")
# Ceph programs read another configuration, and other arguments, from the environment.
export CEPH_CONF=$cluster/ceph.conf
unset CEPH_ARGS
daemons=()

# The newest daemon first: an OSD without its monitor does not end.
end() {
    local status=$?
    trap - EXIT
    for ((number = ${#daemons[@]} - 1; number >= 0; number--)); do
        kill "${daemons[number]}" 2>/dev/null || true
        # It gets ten seconds.
        timeout 10 tail --pid="${daemons[number]}" -f /dev/null || kill -KILL "${daemons[number]}" 2>/dev/null || true
        wait "${daemons[number]}" 2>/dev/null || true
    done
    if [ "$status" = 0 ]; then
        rm -rf "$cluster"
    else
        rm -rf "$cluster/mon" "$cluster/osd"
        say "failed ($status): the logs are in $cluster"
    fi
    exit "$status"
}
trap end EXIT
# A signal ends COMMAND first if it goes to both, as Ctrl-C does; else bash waits for COMMAND.
trap 'exit 130' INT
trap 'exit 143' TERM

# Starts a daemon.
start() {
    "$@" --foreground >"$cluster/$1.out" 2>&1 &
    daemons+=($!)
}

# Repeats a command until it succeeds, for at most a minute.
wait_until() {
    local what=$1
    shift
    for _ in {1..120}; do
        ! "$@" >"$cluster/wait.out" 2>&1 || return 0
        for daemon in "${daemons[@]}"; do
            kill -0 "$daemon" 2>/dev/null || give_up "a daemon ended before $what: $(tail -n 5 "$cluster"/*.out)"
        done
        sleep 0.5
    done
    give_up "not within a minute: $what: $(tail -n 5 "$cluster/wait.out")"
}

# Ports that are free now; between this and their use another program may take one, then a daemon ends at once.
read -r mon_port rgw_port < <(python3 -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(socket.getsockname()[1] for socket in sockets))')
fsid=$(cat /proc/sys/kernel/random/uuid)

# No authentication between the daemons: all of them listen on loopback only and end with this script. Clients of the gateway sign.
cat >"$CEPH_CONF" <<CONF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$mon_port]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = $cluster
admin socket = $cluster/\$name.asok
# A gateway asks for encryption, which needs authentication.
ms mon client mode = crc
log file = $cluster/\$name.log
crash dir = $cluster
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true

[mon.a]
mon data = $cluster/mon
mon cluster log file = $cluster/cluster.log

[osd.0]
osd data = $cluster/osd
osd objectstore = memstore
memstore device bytes = 4294967296

[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$rgw_port
rgw rados pool pg num min = 4
CONF

mkdir "$cluster/osd"
{
    monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon_port]" "$cluster/monmap"
    ceph-mon --id a --mkfs --monmap "$cluster/monmap"
} >"$cluster/mkfs.out" 2>&1 || give_up "no monitor: $(tail -n 5 "$cluster/mkfs.out")"
start ceph-mon --id a
wait_until "the monitor answers" ceph --connect-timeout 2 status

ceph osd create >>"$cluster/mkfs.out"
ceph-osd --id 0 --mkfs --osd-uuid "$(cat /proc/sys/kernel/random/uuid)" >>"$cluster/mkfs.out" 2>&1 || give_up "no OSD: $(tail -n 5 "$cluster/mkfs.out")"
start ceph-osd --id 0
wait_until "the OSD is up" bash -c 'ceph --connect-timeout 2 osd stat | grep "1 up"'

start radosgw --name client.rgw
export RGW_ENDPOINT=http://127.0.0.1:$rgw_port RGW_ACCESS_KEY=soak-access-key RGW_SECRET_KEY=soak-secret-key
wait_until "the gateway answers" bash -c "exec 3<>/dev/tcp/127.0.0.1/$rgw_port"
radosgw-admin --name client.rgw user create --uid soak --display-name soak --access-key "$RGW_ACCESS_KEY" --secret "$RGW_SECRET_KEY" \
    >"$cluster/user.out" 2>&1 || give_up "no user: $(tail -n 5 "$cluster/user.out")"
say "$(radosgw --version | cut -d ' ' -f 1-3) answers at $RGW_ENDPOINT, its logs are in $cluster"

"$@"
