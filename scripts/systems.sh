# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
#
# Other versions of Debian in directories of their own. To be sourced after lib.sh.

# with_own_mounts [--pid] COMMAND...: runs the command in a namespace of mounts, so that no mount
# stays, even if the command is stopped half-way. With --pid, the processes that it started end with
# it. In a chroot whose root is no mount point, nothing can be made private, see mounts_stay_inside().
with_own_mounts() {
    local options=()

    if [ "$1" = --pid ]; then
        options=(--pid --fork --kill-child)
        shift
    fi
    unshare --mount --propagation unchanged "${options[@]}" -- sh -euc '
        ! mountpoint -q / || mount --make-rprivate /
        exec "$@"
    ' with_own_mounts "$@"
}

# Whether what with_own_mounts() mounts is out of sight for other processes.
mounts_stay_inside() {
    local place=$scratch/mount

    mkdir -p -- "$place"
    with_own_mounts sh -euc 'mount -t tmpfs none "$1" && touch "$1/inside"' sh "$place" || return 1
    [ -e "$place/inside" ] || return 0
    umount -- "$place"
    return 1
}

# install_system ROOT SUITE ARCHITECTURE PACKAGE...
install_system() {
    local root=$1 suite=$2 architecture=$3 mirror
    shift 3

    mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
        awk -v release="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$1 == release {print $2; exit}')
    with_own_mounts debootstrap --variant=minbase "--arch=$architecture" --include=ca-certificates \
        "$suite" "$root" "$mirror"
    # The new system reaches the network in the same way as this machine.
    cp -L -- /etc/resolv.conf /etc/hosts "$root/etc/"
    apt-config dump | sed -n -E '/^Acquire::(https?|ftp|Retries|ForceIPv[46]|Check-Valid-Until)(::| )/p' \
        >"$root/etc/apt/apt.conf.d/90network"
    # Recommended packages are left out, so that clang has no run-time library.
    enter "$root" 'apt-get -q update && apt-get -q -y --no-install-recommends install "$@"' "$@"
    printf '%s\n' "$*" >"$root/.made-of"
}

# need_system ROOT SUITE ARCHITECTURE PACKAGE...: installs the system unless it is there. If it
# cannot, fails with the reason in $why_not.
need_system() {
    local root=$1 suite=$2 architecture=$3
    shift 3

    [ "$(cat -- "$root/.made-of" 2>/dev/null)" != "$*" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        why_not='only root can install another system'
        return 1
    elif [ "$(uname -m)" != x86_64 ]; then
        why_not="it is for x86_64, this is $(uname -m)"
        return 1
    elif ! mounts_stay_inside; then
        why_not='its mounts would be seen by other processes (a chroot in a shared mount?)'
        return 1
    elif ! command -v apt-get >/dev/null || ! get_packages debootstrap; then
        why_not='there is no debootstrap'
        return 1
    fi
    say "Installing Debian's $suite for $architecture"
    rm -rf --one-file-system -- "$root" "$root.new"
    start_telling
    if run install_system "$root.new" "$suite" "$architecture" "$@" >>"$scratch/log" 2>&1; then
        stop_telling
        mv -- "$root.new" "$root"
    else
        stop_telling
        tail -n 20 -- "$scratch/log" >&2
        why_not='it could not be installed, see above'
        return 1
    fi
}

# copy_system FROM TO: a system in another directory, instead of one that may be there.
copy_system() {
    rm -rf --one-file-system -- "$2"
    cp -a --reflink=auto -- "$1" "$2"
}

# with_mounts ROOT COMMAND...: runs the command outside of ROOT. In it are /dev, /sys and /proc. The
# processes that it started end with it, and its mounts are in a namespace of their own.
with_mounts() {
    with_own_mounts --pid env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive bash -euc '
            root=$1
            shift
            mount --rbind /dev "$root/dev"
            mount --rbind /sys "$root/sys"
            mount -t proc proc "$root/proc"
            rm -rf -- "$root"/tmp/*
            exec "$@"
        ' with_mounts "$@"
}

# enter ROOT COMMAND ARGUMENT...: a shell in ROOT runs the command.
enter() {
    local root=$1 command=$2
    shift 2

    with_mounts "$root" chroot "$root" bash -euc "$command" bash "$@"
}

# note RESULT NAME TEXT: notes the result of a step in $notes, which is like a log of meson's.
note() {
    say "$1 $2: $3"
    printf '{"name": "%s", "result": "%s", "stdout": "%s"}\n' "$2" "$1" "${3//[\"\\]/}" >>"$notes"
}
