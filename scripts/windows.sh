# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
#
# The functions of the scripts for Windows: they build the library with MinGW, and prepare Wine.
# To be sourced after lib.sh. Everything is in _build-windows.

host=x86_64-w64-mingw32
windows=$top/_build-windows
prefix=$windows/prefix
build=$windows/build
windows_packages=(
    gcc-mingw-w64-x86-64-posix mingw-w64-tools wine wine64 ninja-build meson pkg-config
    libglib2.0-dev python3-venv unzip
)
wheel=$(grep -v '^#' "$top/scripts/windows-requirements.txt")

# The DLLs of GLib, and an import library for each.
fetch_glib() {
    local dlls=$prefix/bin name

    cmp -s -- "$top/scripts/windows-requirements.txt" "$prefix/requirements.txt" && return
    say "Downloading from PyPI: $wheel"
    rm -rf -- "$prefix"
    mkdir -p -- "$dlls" "$prefix/lib/pkgconfig" "$prefix/include" "$windows/wheel"
    quietly /usr/bin/python3 -m venv "$windows/venv"
    quietly "$windows/venv/bin/python3" -m pip download --quiet --no-input --disable-pip-version-check \
        --no-deps --only-binary :all: --platform win_amd64 --dest "$windows/wheel" "$wheel"
    for name in glib-2.0-0.dll gobject-2.0-0.dll gio-2.0-0.dll gmodule-2.0-0.dll intl-8.dll ffi-7.dll \
        pcre2-8-0.dll z-1.dll gspawn-win64-helper.exe gspawn-win64-helper-console.exe; do
        quietly unzip -qoj "$windows"/wheel/*.whl "*/bin/$name" -d "$dlls"
    done
    for name in glib gobject gio gmodule; do
        gendef - "$dlls/$name-2.0-0.dll" >"$scratch/$name.def" 2>"$scratch/gendef"
        "$host-dlltool" -d "$scratch/$name.def" -D "$name-2.0-0.dll" -l "$prefix/lib/lib$name-2.0.dll.a"
    done
    make_headers
    cp -- "$top/scripts/windows-requirements.txt" "$prefix/requirements.txt"
}

# What differs from this system's headers: a long has 32 bits, and a handle is a pointer.
make_headers() {
    local version name requires

    cp -r -- /usr/include/glib-2.0 "$prefix/include/"
    rm -f -- "$prefix/include/glib-2.0/glib-unix.h"
    sed -e '/^#define GLIB_HAVE_ALLOCA_H$/d; /^#define GLIB_USING_SYSTEM_PRINTF$/d' \
        -e '/^#define G_HAVE_GNUC_VISIBILITY 1$/d' \
        -e 's/signed long \(gu*int64\|gs*size\|gu*intptr\);/signed long long \1;/' \
        -e 's/(val##L)/(val##LL)/; s/(val##UL)/(val##ULL)/' \
        -e 's/^\(#define G_G[A-Z0-9]*\(INT64\|SIZE\|INTPTR\)_[A-Z]*[ \t]*\)"l\([iu]*\)"/\1"ll\3"/' \
        -e 's/GLIB_SIZEOF_LONG   8/GLIB_SIZEOF_LONG   4/; /GLONG_\|GULONG_/s/64/32/g' \
        -e 's/G_MAXULONG$/G_MAXUINT64/; s/G_MINLONG$/G_MININT64/; s/G_MAXLONG$/G_MAXINT64/' \
        -e 's/(glong) (p)/(gint64) (p)/; s/(gulong) (p)/(guint64) (p)/' \
        -e 's/(glong) (i)/(gint64) (i)/; s/(gulong) (u)/(guint64) (u)/' \
        -e 's/^#define G_POLLFD_FORMAT .*/#define G_POLLFD_FORMAT "%#llx"/' \
        -e 's/^#define G_OS_UNIX$/#define G_OS_WIN32\n#define G_PLATFORM_WIN32/' \
        -e 's/^#define G_THREADS_IMPL_POSIX$/#define G_THREADS_IMPL_WIN32/' \
        -e 's/^#define G_MODULE_SUFFIX .*/#define G_MODULE_SUFFIX "dll"/' \
        -e 's/^typedef int GPid;/typedef void *GPid;/; s/^#define G_PID_FORMAT .*/#define G_PID_FORMAT "p"/' \
        -e 's/^#define GLIB_SYSDEF_AF_INET6 .*/#define GLIB_SYSDEF_AF_INET6 23/' \
        -e "s/^#define G_DIR_SEPARATOR .*/#define G_DIR_SEPARATOR '\\\\\\\\'/" \
        -e 's/^#define G_DIR_SEPARATOR_S .*/#define G_DIR_SEPARATOR_S "\\\\"/' \
        -e "s/^#define G_SEARCHPATH_SEPARATOR .*/#define G_SEARCHPATH_SEPARATOR ';'/" \
        -e 's/^#define G_SEARCHPATH_SEPARATOR_S .*/#define G_SEARCHPATH_SEPARATOR_S ";"/' \
        /usr/lib/*/glib-2.0/include/glibconfig.h >"$prefix/include/glib-2.0/glibconfig.h"
    version=$(pkg-config --modversion glib-2.0)
    for name in glib gobject gmodule gio; do
        case $name in
            glib) requires= ;;
            gio) requires='gobject-2.0 gmodule-2.0' ;;
            *) requires=glib-2.0 ;;
        esac
        printf '%s\n' "prefix=$prefix" 'glib_mkenums=/usr/bin/glib-mkenums' "Name: $name-2.0" \
            'Description: made of DLLs' "Version: $version" "Requires: $requires" \
            "Libs: -L\${prefix}/lib -l$name-2.0" "Cflags: -I\${prefix}/include/glib-2.0" \
            >"$prefix/lib/pkgconfig/$name-2.0.pc"
    done
}

describe() {
    printf '%s\n' '[binaries]' "c = '$host-gcc-posix'" "ar = '$host-ar'" "strip = '$host-strip'" \
        "pkgconfig = 'pkg-config'" "exe_wrapper = '$windows/run-wine'" '[properties]' 'needs_exe_wrapper = true' \
        "pkg_config_libdir = '$prefix/lib/pkgconfig'" '[host_machine]' "system = 'windows'" \
        "cpu_family = 'x86_64'" "cpu = 'x86_64'" "endian = 'little'"
}

# Tests run under the Wine that $FLUFL_WINE names. Windows' own processes, which the first test
# that needs one starts, keep its output open. So the output of a test goes through files.
write_wrapper() {
    cat >"$windows/run-wine" <<'EOF'
#!/bin/sh
out=$(mktemp -d) && trap 'rm -rf -- "$out"' EXIT && trap 'exit 1' HUP INT TERM || exit 1
status=0
${FLUFL_WINE:-wine} "$@" >"$out/1" 2>"$out/2" </dev/null || status=$?
cat -- "$out/1"
cat -- "$out/2" >&2
exit "$status"
EOF
    chmod +x -- "$windows/run-wine"
}

# in_windows DIRECTORY...: the path by which Wine finds DLLs.
in_windows() {
    local path=

    for directory; do
        path+="Z:${directory//\//\\};"
    done
    printf '%s\n' "${path%;}"
}

# Wine finds the DLLs, and has its files in _build-windows. The processes of Windows' own go with the
# script, however it ends.
use_wine() {
    export WINEPREFIX=$windows/wine WINEDEBUG=-all
    # Wine's own programs for menus, .NET and HTML start in the background, and all programs share
    # one server with them. No test needs them.
    export WINEDLLOVERRIDES='winemenubuilder.exe=d;mscoree=d;mshtml=d'
    WINEPATH=$(in_windows "$prefix/bin" "$build/libflufllock" /usr/lib/gcc/$host/*-posix /usr/$host/lib)
    export WINEPATH
    trap 'wineserver -k >/dev/null 2>&1 || true; clean_up' EXIT
    # Two programs at once cannot make it.
    [ -e "$WINEPREFIX/system.reg" ] || quietly wine wineboot --init
}

# Builds the library, its tests and the demo, and installs what is missing.
build_for_windows() {
    need_packages "${windows_packages[@]}"
    fetch_glib
    use_wine
    write_wrapper
    describe >"$windows/cross.ini"
    configure "$build" --cross-file "$windows/cross.ini" -Dwerror=true -Dintrospection=disabled \
        -Dvapi=disabled -Dexamples=true
    build "$build"
}
