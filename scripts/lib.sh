# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
#
# The functions that the scripts share: they install what is missing, configure and build.
# To be sourced by bash with `set -euo pipefail`.

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$top/.venv
scratch=$(mktemp -d)
chmod 755 "$scratch" # some tests go on as another user
child=
teller=

# Nothing here reads the standard input, and it may be closed.
exec </dev/null

# The packages that are needed to build everything and to run it from every language.
build_packages=(
    gcc libc6-dev meson ninja-build pkg-config
    libglib2.0-dev libgirepository1.0-dev gobject-introspection
    valac gjs python3-gi python3-venv python3-yaml gettext
)

# The editor of docs/gtk.md, and a screen for its windows.
gtk_packages=(
    libgtk-4-dev libadwaita-1-dev adwaita-icon-theme xvfb xdotool imagemagick
    at-spi2-core gir1.2-atspi-2.0 dbus-daemon fonts-dejavu-core python3-gi
)

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# duration SECONDS: prints them as minutes and seconds.
duration() {
    if [ "$1" -lt 60 ]; then
        printf '%d s\n' "$1"
    else
        printf '%d min %d s\n' $(($1 / 60)) $(($1 % 60))
    fi
}

part=
part_began=0

# begin_part NAME: prints a heading.
begin_part() {
    part=$*
    part_began=$SECONDS
    say
    say "== $part"
}

# Prints how long the part took.
end_part() { say "== $part: $(duration $((SECONDS - part_began)))"; }

# Every ten seconds, prints the last line of $scratch/log, which shows how far the command
# that writes there has come.
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

# Runs a command in a process group of its own, so that a signal that stops this script ends
# the processes that the command started, too.
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

# Runs a command and shows its progress. Shows its whole output only if it fails.
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

# get_packages PACKAGE...: installs the missing ones from Debian, or prints why it cannot.
get_packages() {
    local package missing=() as_root=() status=0

    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "This system is not Debian. If something is missing, install what these packages hold: $*"
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
    # The command stays in the foreground: sudo may ask on the terminal, and nothing here
    # should stop dpkg half-way.
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

# The original flufl.lock, for an interpreter that also sees Debian's PyGObject, and its sources,
# which have its tests. And mypy, and the sources of pygobject-stubs, which are its stubs: as a
# package they ask for a newer PyGObject.
need_venv() {
    local wanted=$top/tests/requirements.txt sources=$top/tests/sources.txt source

    if cat -- "$wanted" "$sources" | cmp -s - "$venv/requirements.txt" &&
        "$venv/bin/python3" -c 'import flufl.lock' 2>/dev/null; then
        return
    fi
    say "Installing from PyPI: $(grep -v '^#' "$wanted" | tr '\n' ' ')"
    quietly /usr/bin/python3 -m venv --clear --system-site-packages "$venv"
    quietly "$venv/bin/python3" -m pip install --quiet --no-input --disable-pip-version-check \
        --requirement "$wanted"
    say "Downloading sources from PyPI: $(grep -v '^#' "$sources" | tr '\n' ' ')"
    mkdir -- "$venv/sources"
    # One after another: pip does not take two versions of one package.
    for source in $(grep -v '^#' "$sources"); do
        quietly "$venv/bin/python3" -m pip download --quiet --no-input --disable-pip-version-check \
            --no-deps --no-binary "${source%%=*}" --dest "$venv/sources" "$source"
    done
    for source in "$venv"/sources/*.tar.gz; do
        tar -x -f "$source" -C "$venv/sources"
    done
    cat -- "$wanted" "$sources" >"$venv/requirements.txt"
}

# Whether configure() has configured DIR, and this tree has not moved since.
is_configured() {
    [[ $(cat -- "$1/.configured" 2>/dev/null) == "$top "* ]]
}

# copy_tree DIR: copies the tree with its uncommitted changes, without build directories.
# Times are kept, so that only what has changed is built anew.
copy_tree() {
    rm -rf -- "$1"
    mkdir -p -- "$1"
    tar -c -C "$top" --exclude='./_build*' --exclude=./.venv --exclude=./.git . | tar -x -C "$1"
}

# configure DIR OPTION...: makes a build directory of $tree, or of this tree, or changes the
# options of one that exists. Whether valgrind is installed counts as an option.
configure() {
    local dir=$1 tree=${tree:-$top} wanted
    shift

    wanted="$top $* $(command -v valgrind || true)"
    [ "$(cat -- "$dir/.configured" 2>/dev/null)" != "$wanted" ] || return 0

    say "Configuring ${dir#"$top/"}"
    if [ -e "$dir/meson-private/coredata.dat" ]; then
        # Meson 1.0 does not change some options, such as b_lto, of a directory that exists; and
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
