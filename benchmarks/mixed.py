# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""mixed.py TURNS DIRECTORY SECONDS [FLUFLS OURS SECTION PAUSE]

Prints how long processes with flufl.lock, and processes with this library among them, wait for
turns of SECTION ms with pauses of PAUSE ms. TURNS is the program of turns.c. A wait that is not
over at the end counts with the time that it has lasted.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


class Side:
    """The waits of the processes of one kind."""

    def __init__(self, until):
        self.until = until
        self.waits, self.sections, self.turns = [], [], []

    def add(self, lines):
        self.turns.append(0)
        for line in lines:
            asked, *rest = map(float, line.split())
            if rest:
                self.sections.append(tuple(rest))
                self.turns[-1] += 1
            self.waits.append((rest[0] if rest else max(asked, self.until)) - asked)
        self.waits.sort()

    def merge(self, other):
        """Add the same side of another run."""
        self.sections += other.sections
        self.turns += other.turns
        self.waits = sorted(self.waits + other.waits)

    def quantile(self, part):
        return self.waits[min(int(len(self.waits) * part), len(self.waits) - 1)]

    def __str__(self):
        return (f'{sum(self.turns):5} turns, each {min(self.turns)}+;  p50 {self.quantile(.5):.2f} s'
                f'  p90 {self.quantile(.9):.2f}  p99 {self.quantile(.99):.2f}'
                f'  longest {self.waits[-1]:.2f}')


def overlaps(sections):
    sections.sort()
    return sum(b[0] < a[1] for a, b in zip(sections, sections[1:]))


class Run:
    """The given numbers of processes of each kind, which run from the construction on."""

    def __init__(self, turns, directory, seconds, flufls, ours, section, pause):
        self.place = tempfile.TemporaryDirectory(prefix='flufl-mixed-', dir=directory)
        self.numbers = flufls, ours
        self.until = time.monotonic() + 1 + seconds
        arguments = [f'{self.place.name}/lock', str(section), str(pause), str(self.until)]
        commands = [[sys.executable, HERE / 'turns.py']] * flufls + [[turns]] * ours
        self.processes = [subprocess.Popen([*command, *arguments], text=True, stdout=subprocess.PIPE)
                          for command in commands]

    def finish(self):
        """A Side of each kind, or None for a kind without processes; and the overlaps."""
        sides = [Side(self.until) if n else None for n in self.numbers]
        for i, process in enumerate(self.processes):
            out, _ = process.communicate(timeout=self.until - time.monotonic() + 60)
            if process.returncode != 0:
                sys.exit(f'{process.args[0]} failed')
            sides[i >= self.numbers[0]].add(out.splitlines())
        self.place.cleanup()
        return *sides, overlaps([s for side in sides if side for s in side.sections])


def main(turns, directory, seconds, flufls=8, ours=0, section=50, pause=50):
    run = Run(turns, directory, float(seconds), int(flufls), int(ours), section, pause)
    flufl, our, n = run.finish()
    for name, side in ('flufl', flufl), ('ours', our):
        if side:
            print(f'{name:5} {side}')
    print(f'{n} overlaps')
    return n > 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
