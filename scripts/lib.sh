# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
#
# What the scripts share: bring what is missing, configure, build. To be
# sourced by bash with `set -euo pipefail`.

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$top/.venv
scratch=$(mktemp -d)
chmod 755 "$scratch" # some tests go on as another user
child=
teller=

# Nothing here reads it, and it may be closed.
exec </dev/null

# What it takes to build everything and to run it from every language.
build_packages=(
    gcc libc6-dev meson ninja-build pkg-config
    libglib2.0-dev libgirepository1.0-dev gobject-introspection
    valac gjs python3-gi python3-venv
)

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# duration SECONDS: in words.
duration() {
    if [ "$1" -lt 60 ]; then
        printf '%d s\n' "$1"
    else
        printf '%d min %d s\n' $(($1 / 60)) $(($1 % 60))
    fi
}

part=
part_began=0

# begin_part NAME: a heading.
begin_part() {
    part=$*
    part_began=$SECONDS
    say
    say "== $part"
}

# Says how long the part took.
end_part() { say "== $part: $(duration $((SECONDS - part_began)))"; }

# Says every ten seconds how far a command has come that writes into $scratch/log
# alone: the last line of it.
start_telling() {
    local parent=$BASHPID began=$SECONDS

    : >"$scratch/log"
    set -m
    while sleep 10 && kill -0 "$parent" 2>/dev/null; do
        say "   $((SECONDS - began)) s: $(tail -n 1 -- "$scratch/log" | cut -c 1-90)"
    done &
    teller=$!
    set +m
    disown "$teller"
}

stop_telling() {
    [ -z "$teller" ] || kill -TERM -- "-$teller" 2>/dev/null || true
    teller=
}

clean_up() {
    stop_telling
    rm -rf -- "$scratch"
}

# Runs a command in a process group of its own, so that whatever it started
# goes with it when we are told to stop.
run() {
    local status=0

    set -m
    "$@" &
    child=$!
    set +m
    wait "$child" || status=$?
    child=
    return "$status"
}

stop() {
    trap '' INT TERM HUP
    if [ -n "$child" ]; then
        kill -TERM -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    exit "$1"
}

trap clean_up EXIT
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM

# Shows what a command prints only if it fails; until then how far it has come.
quietly() {
    local status=0

    start_telling
    run "$@" >>"$scratch/log" 2>&1 || status=$?
    stop_telling
    if [ "$status" -ne 0 ]; then
        cat -- "$scratch/log" >&2
        die "this failed: $*"
    fi
}

is_installed() {
    dpkg-query --show --showformat='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# get_packages PACKAGE...: installs from Debian what is missing, or says why not.
get_packages() {
    local package missing=() as_root=() status=0

    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "This is no Debian. If something is missing, install what these packages hold: $*"
        return
    fi

    for package; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "${0##*/}: install these packages first: ${missing[*]}"
            return 1
        fi
        as_root=(sudo)
    fi
    say "Installing from Debian: ${missing[*]}"
    # In the foreground: sudo may ask on the terminal, and dpkg is not to be
    # stopped half-way.
    start_telling
    "${as_root[@]}" sh -c '
            apt-get -q update &&
            DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
        ' sh "${missing[@]}" >>"$scratch/log" 2>&1 || status=$?
    stop_telling
    if [ "$status" -ne 0 ]; then
        cat -- "$scratch/log" >&2
        say "${0##*/}: could not install: ${missing[*]}"
        return 1
    fi
}

need_packages() { get_packages "$@" || exit 1; }

# The original flufl.lock, for an interpreter that also sees Debian's PyGObject.
need_venv() {
    local wanted=$top/tests/requirements.txt

    if cmp -s -- "$wanted" "$venv/requirements.txt" && "$venv/bin/python3" -c 'import flufl.lock' 2>/dev/null; then
        return
    fi
    say "Installing from PyPI: $(grep -v '^#' "$wanted" | tr '\n' ' ')"
    quietly /usr/bin/python3 -m venv --clear --system-site-packages "$venv"
    quietly "$venv/bin/python3" -m pip install --quiet --no-input --disable-pip-version-check \
        --requirement "$wanted"
    cp -- "$wanted" "$venv/requirements.txt"
}

# By configure(), and not moved here since.
is_configured() {
    [[ $(cat -- "$1/.configured" 2>/dev/null) == "$top "* ]]
}

# copy_tree DIR: what is in the tree, also what is not committed, and nothing that
# was made in it. Times are kept, so that only what has changed is built anew.
copy_tree() {
    rm -rf -- "$1"
    mkdir -p -- "$1"
    tar -c -C "$top" --exclude='./_build*' --exclude=./.venv --exclude=./.git . | tar -x -C "$1"
}

# configure DIR OPTION...: makes a build directory, or brings it to other
# options, of the tree $tree or of this one. What was found when it was
# configured counts as an option.
configure() {
    local dir=$1 tree=${tree:-$top} wanted
    shift

    wanted="$top $* $(command -v valgrind || true)"
    [ "$(cat -- "$dir/.configured" 2>/dev/null)" != "$wanted" ] || return 0

    say "Configuring ${dir#"$top/"}"
    if [ -e "$dir/meson-private/coredata.dat" ]; then
        # Meson 1.0 does not bring some options, such as b_lto, to a directory that is there; and
        # one that was moved here can only be wiped.
        quietly meson setup --wipe "$dir" "$tree" "$@"
    else
        quietly meson setup "$dir" "$tree" "$@"
    fi
    printf '%s\n' "$wanted" >"$dir/.configured"
}

build() {
    ninja -C "$1" -n 2>/dev/null | grep -q 'no work to do' || say "Building ${1#"$top/"}"
    quietly ninja -C "$1"
}
