# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-tarball.py TOP MESON...: does `meson dist` make the same bytes in two clones, at two times, with
another umask and time zone? And does the tarball make the same library as a clone?"""

import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

SKIP = 77
CLEARED = 'MESONINTROSPECT', 'CFLAGS', 'LDFLAGS'
OPTIONS = ['-Dtests=false', '-Dexamples=false', '-Dintrospection=disabled', '-Dvapi=disabled',
           '-Dcommand=disabled', '--buildtype=release']


def skip(why):
    print(why)
    sys.exit(SKIP)


def run(command, **keywords):
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **keywords)
    if result.returncode != 0:
        sys.exit(f'{command} failed:\n{result.stdout}')


def make(top, meson, place, umask, zone):
    """The tarball, made in a new clone."""
    tree, build = place / 'tree', place / 'build'
    place.mkdir()
    environment = dict(os.environ, TZ=zone)
    # A build that runs this test may have set these variables for itself.
    for name in CLEARED:
        environment.pop(name, None)
    cloned = subprocess.run(['git', 'clone', '--quiet', top, tree], stdin=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True, umask=umask)
    if cloned.returncode != 0:
        skip(f'git cannot clone this: {cloned.stderr.strip()}')
    run([*meson, 'setup', build, tree, *OPTIONS], env=environment, umask=umask)
    run([*meson, 'dist', '-C', build, '--no-tests'], env=environment, umask=umask)
    tarball, = (build / 'meson-dist').glob('*.tar.xz')
    return tarball


def library(meson, build):
    """The bytes of the library that a build directory makes."""
    run([*meson, 'compile', '-C', build])
    path, = (path for path in (build / 'libflufllock').glob('libflufllock-1.*')
             if path.is_file() and not path.is_symlink())
    return path.read_bytes()


def from_tarball(tarball, meson, place):
    """A build directory of what is in the tarball."""
    place.mkdir()
    with tarfile.open(tarball) as tar:
        tar.extractall(place)
    unpacked, = place.iterdir()
    unpacked.rename(place / 'tree')
    environment = {name: value for name, value in os.environ.items() if name not in CLEARED}
    run([*meson, 'setup', place / 'build', place / 'tree', *OPTIONS], env=environment)
    return place / 'build'


def members(tarball):
    with tarfile.open(tarball) as tar:
        for member in tar:
            content = tar.extractfile(member).read() if member.isfile() else b''
            yield (member.name, member.mtime, oct(member.mode), member.uid, member.gid,
                   member.uname, member.gname, content)


def main():
    top, meson = pathlib.Path(sys.argv[1]), sys.argv[2:]
    if not (top / '.git').exists():
        skip('this is no clone, and meson dist needs one')

    with tempfile.TemporaryDirectory(prefix='flufl-tarball-') as name:
        first = make(top, meson, pathlib.Path(name) / '1', 0o022, 'UTC')
        # Times in a tarball are whole seconds.
        made = int(first.stat().st_mtime)
        while int(time.time()) <= made + 1:
            time.sleep(0.05)
        second = make(top, meson, pathlib.Path(name) / '2', 0o027, 'Pacific/Auckland')
        if first.read_bytes() != second.read_bytes():
            for one, other in zip(members(first), members(second)):
                if one != other:
                    print(*one[:-1], '|', *other[:-1], '| other content' if one[-1] != other[-1] else '')
            sys.exit('the two tarballs differ')
        unpacked = from_tarball(first, meson, pathlib.Path(name) / '3')
        if library(meson, first.parents[1]) != library(meson, unpacked):
            sys.exit('the tarball and the clone make two different libraries')


if __name__ == '__main__':
    main()
