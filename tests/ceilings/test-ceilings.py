#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later
"""test-ceilings.py TABLE OPERATIONS: is no count above its ceiling?

TABLE is the README.md beside this file, and OPERATIONS the program that is built from operations.c.
Each row of the table is a case. What cannot be counted here is skipped with the reason.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HEADS = ['What', 'Unit', 'Ceiling', 'Measured', 'Why']
CALLS, ALLOCATIONS, INSTRUCTIONS, BYTES = 'system calls', 'allocations', 'instructions', 'bytes'
TIMES = 100
# GLib's own allocator, which later versions do not have, would hide allocations.
ENVIRONMENT = dict(os.environ, G_SLICE='always-malloc')


class Skip(Exception):
    """Something cannot be counted here."""


def read_table(path):
    """(what, unit): (ceiling, whether it has no margin), for each row."""
    ceilings = {}
    for line in path.read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if not line.startswith('|') or cells == HEADS or not cells[0].strip('-:'):
            continue
        if len(cells) != len(HEADS) or tuple(cells[:2]) in ceilings:
            sys.exit(f'{path.name}: this row has another form, or comes twice: {line}')
        ceiling, measured = (int(cell.replace(',', '')) for cell in cells[2:4])
        if measured > ceiling or not cells[4]:
            sys.exit(f'{path.name}: this row exceeds its own ceiling, or gives no reason: {line}')
        ceilings[cells[0], cells[1]] = ceiling, ceiling == measured
    return ceilings


class Counts:
    def __init__(self, arguments):
        self.arguments = arguments
        self.details = {}  # operation: its system calls by their names
        self.counted = {}  # (operation, unit): number, or None

    def count_operations(self, directory):
        run = subprocess.run([self.arguments.operations, directory], env=ENVIRONMENT, check=False,
                             stdout=subprocess.PIPE, encoding='utf-8')
        if run.returncode == 77:
            print(f'1..0 # SKIP {run.stdout.strip()}')
            sys.exit()
        if run.returncode != 0:
            sys.exit(f'operations ended with status {run.returncode}')
        for line in run.stdout.splitlines():
            name, calls, allocations, names = line.split('\t')
            self.details[name] = names.strip()
            self.counted[name, CALLS] = int(calls)
            self.counted[name, ALLOCATIONS] = int(allocations) if allocations else None

    def callgrind(self, directory, operation, times):
        run = subprocess.run(
            [self.arguments.valgrind, '--tool=callgrind',
             f'--callgrind-out-file={directory}/callgrind.out',
             self.arguments.operations, directory, operation, str(times)],
            env=ENVIRONMENT, check=False, stderr=subprocess.PIPE, encoding='utf-8')
        collected = re.search(r'Collected : (\d+)', run.stderr)
        if run.returncode != 0 or not collected:
            sys.exit(f'callgrind did not count {operation}: {run.stderr}')
        return int(collected[1])

    def instructions(self, operation):
        if self.arguments.other_code or self.arguments.other_versions:
            raise Skip(self.arguments.other_code or self.arguments.other_versions)
        if not self.arguments.valgrind:
            raise Skip('valgrind is not installed')
        with tempfile.TemporaryDirectory(prefix='flufl-ceilings-') as directory:
            # What a process does once is in both runs.
            some, more = (self.callgrind(directory, operation, n * TIMES) for n in (1, 2))
        return round((more - some) / TIMES)

    def library_size(self, what):
        if self.arguments.other_code:
            raise Skip(self.arguments.other_code)
        if not self.arguments.library:
            raise Skip('there is no shared library')
        if not self.arguments.size or not self.arguments.strip:
            raise Skip('size and strip (Debian: binutils) are not installed')
        if what == 'library, code and data':
            output = subprocess.run([self.arguments.size, self.arguments.library], check=True,
                                    stdout=subprocess.PIPE, encoding='utf-8').stdout
            text, data = output.splitlines()[1].split()[:2]
            return int(text) + int(data)
        if what == 'library, stripped':
            with tempfile.TemporaryDirectory(prefix='flufl-ceilings-') as directory:
                stripped = pathlib.Path(directory) / 'stripped'
                subprocess.run([self.arguments.strip, '-o', stripped, self.arguments.library], check=True)
                return stripped.stat().st_size
        raise KeyError(what)

    def get(self, what, unit):
        if unit == INSTRUCTIONS:
            return self.instructions(what)
        if unit == BYTES:
            return self.library_size(what)
        if unit == ALLOCATIONS and 'async' in what and self.arguments.other_glib:
            raise Skip(self.arguments.other_glib)
        count = self.counted[what, unit]
        if count is None:
            raise Skip('the allocations of this C library cannot be counted')
        return count


def number(count, unit):
    return f'{count:,} {unit.removesuffix("s") if count == 1 else unit}'


def judge(counts, what, unit, ceiling, is_exact):
    """Prints the result of one case. Returns its figure, if a ceiling without a margin is not reached."""
    try:
        count = counts.get(what, unit)
    except Skip as why:
        print(f'ok - {what}, {unit} # SKIP {why}')
        return None
    except KeyError:
        print(f'not ok - {what}, {unit}\n# Nothing counts this.')
        return None
    verdict = 'ok' if count <= ceiling else 'not ok'
    print(f'{verdict} - {what}: {number(count, unit)}, at most {ceiling:,}')
    if count <= ceiling:
        return f'{what} {count:,} instead of {ceiling:,}' if is_exact and count < ceiling else None
    if unit == CALLS:
        print(f'# The calls are {counts.details[what]}.')
    print(f'# {what}: {number(count, unit)}, which is {count - ceiling:,} above the ceiling. Mend what adds '
          'to the count, or raise the ceiling in tests/ceilings/README.md in the same commit, with the reason.')
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('table', type=pathlib.Path)
    parser.add_argument('operations')
    parser.add_argument('--library')
    parser.add_argument('--other-code', help='why instructions and sizes are not those of the table')
    parser.add_argument('--other-glib', help='why allocations that are mostly those of GLib differ')
    parser.add_argument('--other-versions', help='why instructions are not those of the table')
    for tool in ('valgrind', 'size', 'strip'):
        parser.add_argument(f'--{tool}')
    arguments = parser.parse_args()
    ceilings = read_table(arguments.table)
    counts = Counts(arguments)

    with tempfile.TemporaryDirectory(prefix='flufl-ceilings-') as directory:
        counts.count_operations(directory)
    # An operation that somebody adds to operations.c needs ceilings.
    cases = {**{case: (0, True) for case in counts.counted}, **ceilings}
    print(f'1..{len(cases)}')
    lower = {}
    for (what, unit), (ceiling, is_exact) in cases.items():
        figure = judge(counts, what, unit, ceiling, is_exact)
        if figure:
            lower.setdefault(unit, []).append(figure)
    for unit, figures in lower.items():
        print(f'# figures: {unit} below the ceiling: {"; ".join(figures)}')


if __name__ == '__main__':
    main()
