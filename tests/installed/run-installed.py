# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""run-installed.py BUILD PREFIX LIBDIR DATADIR TESTS NUMBER MESON...: do the installed tests pass?

The library and its tests are installed into an empty directory, as into a package. Each test runs
there as gnome-desktop-testing-runner would run it. NUMBER tests must be there.
"""

import configparser
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SKIPPED = 77
PATIENCE_S = 120


def environment(root, prefix, libdir, datadir):
    """What docs/installing.md says of a prefix that nobody searches, and nothing of the build directory."""
    lib, data = root / prefix / libdir, root / prefix / datadir
    overrides = [path.parents[2] for path in root.rglob('gi/overrides/Flufl.py')]
    result = dict(os.environ, LD_LIBRARY_PATH=str(lib), GI_TYPELIB_PATH=str(lib / 'girepository-1.0'),
                  XDG_DATA_DIRS=f'{data}:/usr/local/share:/usr/share',
                  PYTHONPATH=':'.join(map(str, overrides)))
    for name in 'GJS_PATH', 'G_TEST_SRCDIR', 'G_TEST_BUILDDIR', 'LD_PRELOAD':
        result.pop(name, None)
    return result


def complaint(tap, result):
    if result.returncode == SKIPPED:
        return None
    if result.returncode != 0:
        return f'ended with {result.returncode}'
    if tap and re.search(r'^not ok', result.stdout, re.MULTILINE):
        return 'a case failed'
    if tap and not re.search(r'^(ok|1\.\.0 # SKIP)', result.stdout, re.MULTILINE):
        return 'no case ran'
    return None


def main(build, prefix, libdir, datadir, tests, number, *meson):
    failed = 0
    with tempfile.TemporaryDirectory(prefix='flufl-installed-') as name:
        root = pathlib.Path(name)
        subprocess.run([*meson, 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', root],
                       check=True, stdin=subprocess.DEVNULL)
        prefix = prefix.lstrip('/')
        env = environment(root, prefix, libdir, datadir)
        found = sorted((root / prefix / datadir / tests).glob('*.test'))
        for path in found:
            file = configparser.ConfigParser(interpolation=None)
            file.optionxform = str
            file.read(path, encoding='utf-8')
            test = file['Test']
            # Only the paths of tests are those of the copy.
            command = [re.sub(rf'/{re.escape(prefix)}/(\S*{re.escape(tests)}/)', rf'{root}/{prefix}/\1', word)
                       for word in shlex.split(test['Exec'])]
            result = subprocess.run(command, cwd='/', env=env, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    errors='replace', timeout=PATIENCE_S)
            why = complaint(test.get('Output') == 'TAP', result)
            print('PASS' if why is None else 'FAIL', path.stem, test['Exec'], flush=True)
            if why is not None:
                print(result.stdout, why, sep='\n')
                failed += 1
    if len(found) != int(number):
        print(f'{len(found)} tests were installed, and not {number}')
        failed += 1
    return bool(failed)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
