# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""The demo of scripts/demo, on the mounts of a client."""

import subprocess
import sys
import time

from world import HERE, VERSIONS, on

TOP = HERE.parents[2]
SHORT = ['--kinds', 'c,python,flufl', '--processes', '1', '--seconds', '5']
FULL = ['--processes', '2', '--seconds', '20']
PATIENCE_S = 300


def run(world):
    # The environment of `meson devenv`, which would take long to start here.
    environment = {
        'LD_LIBRARY_PATH': world.build / 'libflufllock',
        'GI_TYPELIB_PATH': world.build / 'introspection',
        'PYTHONPATH': TOP / 'introspection' / 'overrides' / 'python',
        'GJS_PATH': TOP / 'introspection' / 'overrides' / 'gjs',
    }
    for version in VERSIONS if world.full else ['4.2']:
        start = time.monotonic()
        demo = subprocess.run(
            [*on('a'), 'env', *(f'{key}={value}' for key, value in environment.items()),
             sys.executable, TOP / 'tools' / 'demo' / 'demo.py',
             '--workers', world.build / 'tools' / 'demo', '--dir', f'/nfs/{version}',
             *(FULL if world.full else SHORT)],
            capture_output=True, text=True, timeout=PATIENCE_S)
        world.check(f'the demo, NFS {version}', demo.returncode == 0,
                    f'{time.monotonic() - start:.0f} s')
        for line in (demo.stdout + demo.stderr).splitlines():
            world.say(line)
