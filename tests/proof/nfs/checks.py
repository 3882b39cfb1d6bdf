# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""checks.py [--full] BUILD [CHECK...]: runs the checks of the short form, all checks with
--full, or the given ones, in the guest. The last line shows how many passed, failed and were
skipped."""

import argparse
import importlib
import pathlib
import sys
import traceback

SHORT = 'calls', 'caches', 'storm', 'faults', 'clocks', 'deleted', 'steps', 'others', 'command'
FULL = *SHORT, 'demo', 'variants', 'editor'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--full', action='store_true')
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('checks', nargs='*', metavar='CHECK')
    arguments = parser.parse_args()

    # Imported here, so that --help works everywhere.
    from world import World
    world = World(arguments.build, arguments.full)
    for name in arguments.checks or (FULL if arguments.full else SHORT):
        world.begin(name)
        try:
            importlib.import_module(f'check_{name}').run(world)
        except Exception as error:
            traceback.print_exc(file=sys.stdout)
            world.check(name, False, repr(error))
        world.end_peers()
        world.end()
    print(f'{world.passed} passed, {world.failed} failed, {world.skipped} skipped')
    return 0 if world.passed and not world.failed else 1


if __name__ == '__main__':
    sys.exit(main())
